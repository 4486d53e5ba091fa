"""Two engine processes on one database, each probing for its own monitoring site."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.contract.engine_server import ROOT, EngineServer, RawClient, logged_in
from tests.servers import PATIENCE, Node, wait_until

SERVICE = "RTTM/example.com/www.example.com/"


@pytest.fixture
def node() -> Iterator[Node]:
    with Node() as node:
        Thread(target=node.serve_forever, args=(0.05,), daemon=True).start()
        yield node
        node.shutdown()


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[EngineServer]:
    """The site XXX, with the API. A minute takes a second."""
    server = EngineServer(tmp_path, SECONDS_PER_MINUTE="1")
    yield server
    server.stop()


class Site:
    """One more loop on the database of an engine."""

    def __init__(self, engine: EngineServer, code: str) -> None:
        self._said = engine.directory / f"{code}.log"
        command = [sys.executable, "manage.py", "engine", "--no-api", "--site", code]
        with self._said.open("w") as stderr:
            self._process = subprocess.Popen(command, cwd=ROOT, env=engine.env, stderr=stderr)
        wait_until(lambda: f"probing for site {code}" in self.said, f"site {code} is ready")

    @property
    def said(self) -> str:
        return self._said.read_text()

    def end(self, number: int = signal.SIGTERM) -> int:
        self._process.send_signal(number)
        return self._process.wait(PATIENCE)


@pytest.fixture
def site(engine: EngineServer) -> Iterator[Site]:
    site = Site(engine, "LHR")
    yield site
    site.end(signal.SIGKILL)


@pytest.fixture
def client(engine: EngineServer, node: Node) -> Iterator[RawClient]:
    """Logged in, with a service whose only address is the node."""
    port = node.server_address[1]
    probed = {"protocol": "HTTP", "interval": 1, "retries": 0, "port": port, "path": "/"}
    pool = [{"address": "127.0.0.1"}]
    failover = {"failover_mode": "ip", "failover_data": "192.0.2.99"}
    wanted = {
        "contact_nickname": "owner",
        "monitor": probed,
        "performance_monitor": {**probed, "interval": 10},
        "region": [{"region_code": "global", "pool": pool, **failover}],
    }
    with logged_in(engine.url) as client:
        assert client.call("POST", SERVICE, wanted)["status"] == "success"
        yield client


def entry(client: RawClient) -> dict[str, Any]:
    found: dict[str, Any] = client.call("GET", SERVICE)["data"]["region"][0]["pool"][0]
    return found


def by_site(client: RawClient) -> dict[str, str]:
    return {log["site_code"]: log["status"] for log in entry(client)["log"]}


def test_each_site_reports_and_one_that_falls_silent_does_not_vote(engine, node, site, client):
    wait_until(lambda: by_site(client) == {"LHR": "up", "XXX": "up"}, "both find it up")
    node.is_well = False
    wait_until(lambda: by_site(client) == {"LHR": "down", "XXX": "down"}, "both find it down")
    wait_until(lambda: entry(client)["status"] == "down", "so it is down")

    site.end(signal.SIGKILL)
    node.is_well = True
    wait_until(lambda: entry(client)["status"] == "up", "the site that is left decides alone")
    wait_until(lambda: by_site(client) == {"LHR": "unk", "XXX": "up"}, "LHR knows nothing now")

    def named() -> list[str]:
        return [line for line in engine.lines if "site LHR has not reported since" in line]

    wait_until(named, "the log names it")
    returned = Site(engine, "LHR")
    wait_until(lambda: "site LHR reports again" in "\n".join(engine.lines), "the log says so")
    wait_until(lambda: by_site(client) == {"LHR": "up", "XXX": "up"}, "both find it up again")
    assert len(named()) == 1
    assert returned.end() == 0
    assert "Traceback" not in returned.said + site.said + "\n".join(engine.lines)


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
