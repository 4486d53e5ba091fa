"""Two and three engine processes on one database, each probing for its own monitoring site."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract.engine_server import ROOT, EngineServer, RawClient, logged_in
from tests.contract.site_process import Site
from tests.servers import PATIENCE, Node, wait_until

SERVICE = "RTTM/example.com/www.example.com/"
NODE = "node.example.com"  # each site has its own view of where it is
HERE, NOWHERE = "127.0.0.1", "127.0.0.2"  # the node, and where nothing listens at its port
DOUBLE = "another loop reports in as site XXX too"

StartSite = Callable[[str], Site]


class Views:
    """Where each site finds the node: names are not answered alike everywhere."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def of(self, code: str) -> dict[str, str]:
        """The environment of the site's process."""
        self.show(code, HERE)
        elsewhere = Path(__file__).parent / "elsewhere"
        return {"PYTHONPATH": str(elsewhere), "VIEW": str(self._file(code))}

    def show(self, code: str, address: str) -> None:
        draft = self._directory / "draft"
        draft.write_text(address)
        draft.replace(self._file(code))

    def _file(self, code: str) -> Path:
        return self._directory / f"{code}.view"


@pytest.fixture
def views(tmp_path: Path) -> Views:
    return Views(tmp_path)


@pytest.fixture
def minute() -> str:
    """How many seconds it takes; a test that waits for no silence takes a longer one."""
    return "1"


@pytest.fixture
def engine(tmp_path: Path, views: Views, minute: str) -> Iterator[EngineServer]:
    """The site XXX, with the API."""
    server = EngineServer(tmp_path, SECONDS_PER_MINUTE=minute, **views.of("XXX"))
    yield server
    server.stop()


@pytest.fixture
def start_site(engine: EngineServer, views: Views) -> Iterator[StartSite]:
    started: list[Site] = []

    def start(code: str) -> Site:
        started.append(Site(engine, code, **views.of(code)))
        return started[-1]

    yield start
    for site in started:
        site.end(signal.SIGKILL)


def monitor(node: Node, path: str = "/") -> dict[str, Any]:
    port = node.server_address[1]
    return {"protocol": "HTTP", "interval": 1, "retries": 0, "port": port, "path": path}


@pytest.fixture
def client(engine: EngineServer, node: Node) -> Iterator[RawClient]:
    """Logged in, with a service whose only address is the node."""
    failover = {"failover_mode": "ip", "failover_data": "192.0.2.99"}
    wanted = {
        "contact_nickname": "owner",
        "monitor": monitor(node),
        "performance_monitor": {"protocol": "NONE", "interval": 10},
        "region": [{"region_code": "global", "pool": [{"address": NODE}], **failover}],
    }
    with logged_in(engine.url) as client:
        assert client.call("POST", SERVICE, wanted)["status"] == "success"
        yield client


def entry(client: RawClient) -> dict[str, Any]:
    found: dict[str, Any] = client.call("GET", SERVICE)["data"]["region"][0]["pool"][0]
    return found


def by_site(client: RawClient) -> dict[str, str]:
    return {log["site_code"]: log["status"] for log in entry(client)["log"]}


def test_each_site_reports_and_one_that_falls_silent_does_not_vote(
    engine: EngineServer, node: Node, start_site: StartSite, client: RawClient
):
    site = start_site("LHR")
    wait_until(lambda: by_site(client) == {"LHR": "up", "XXX": "up"}, "both find it up")
    node.is_well = False
    wait_until(lambda: by_site(client) == {"LHR": "down", "XXX": "down"}, "both find it down")
    wait_until(lambda: entry(client)["status"] == "down", "so it is down")

    site.end(signal.SIGKILL)
    node.is_well = True
    wait_until(lambda: entry(client)["status"] == "up", "the site that is left decides alone")
    wait_until(lambda: by_site(client) == {"LHR": "unk", "XXX": "up"}, "LHR knows nothing now")

    def logged(words: str) -> int:
        return "\n".join(engine.lines).count(words)

    wait_until(lambda: logged("site LHR has not reported since"), "the log names it")
    returned = start_site("LHR")
    wait_until(lambda: logged("site LHR reports again"), "the log says so")
    wait_until(lambda: by_site(client) == {"LHR": "up", "XXX": "up"}, "both find it up again")
    # A busy machine may make a silence of its own.
    wait_until(
        lambda: logged("site LHR has not reported since") == logged("site LHR reports again"),
        "each silence has one beginning and one end",
    )
    assert returned.end() == 0
    assert "Traceback" not in returned.said + site.said + "\n".join(engine.lines)


@pytest.mark.parametrize("minute", ["20"])
def test_of_three_sites_that_disagree_two_decide(
    views: Views, node: Node, start_site: StartSite, client: RawClient
):
    sites = [start_site(code) for code in ("EWR", "LHR")]
    steps = [
        ({}, "up"),
        ({"EWR": "down"}, "up"),
        ({"EWR": "down", "LHR": "down"}, "down"),
        ({"LHR": "down"}, "up"),
    ]
    for number, (others, status) in enumerate(steps):
        found = {"EWR": "up", "LHR": "up", "XXX": "up", **others}
        for code in found:
            views.show(code, NOWHERE if found[code] == "down" else HERE)
        # All of them probe at once by another monitor.
        changed = {"monitor": monitor(node, f"/{number}")}
        assert client.call("PUT", SERVICE, changed)["status"] == "success"
        wait_until(lambda found=found: by_site(client) == found, f"they find {found}")
        wait_until(lambda status=status: entry(client)["status"] == status, f"so it is {status}")
    assert [site.end() for site in sites] == [0, 0]
    assert "Traceback" not in "".join(site.said for site in sites)


def test_two_loops_under_one_code_are_named_by_both(engine: EngineServer, start_site: StartSite):
    double = start_site("XXX")
    wait_until(lambda: DOUBLE in "\n".join(engine.lines), "the engine names it")
    wait_until(lambda: DOUBLE in double.said, "the other one does, too")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--site", "L H R"), "Site code “L H R” must be 1 to 16 letters and digits"),
        (("--site", "x" * 17), "must be 1 to 16 letters and digits"),
        (("--no-api", "--no-loop"), "not allowed with argument"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_reason(tmp_path, options, said):
    failed = subprocess.run(
        [sys.executable, "manage.py", "engine", *options],
        cwd=ROOT, env={**os.environ, "DATA_DIR": str(tmp_path)}, capture_output=True, text=True,
        timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert failed.returncode != 0
    assert said in failed.stderr
    assert "Traceback" not in failed.stderr
