"""The demo: nodes that really behave as they say, and services that are made through the API."""

import asyncio
import io
import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from ipaddress import ip_address, ip_network
from pathlib import Path
from random import Random
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from rttm.backend import connect
from rttm.client import calls
from rttm.core import rules
from rttm.core.eligibility import effective
from rttm.core.health import ProbeResult
from rttm.core.schema import Monitor, PoolEntry, Region, Service
from rttm.core.terms import EntryStatus, FailoverMode, RegionCode, ServeMode
from rttm.demo import nodes
from rttm.demo.nodes import Conduct, Node
from rttm.demo.scenario import NODES, services
from rttm.engine import probes
from tests.contract.engine_server import CUSTOMER, PASSWORD, ROOT, USERNAME, EngineServer
from tests.probing import assert_times_out
from tests.servers import PATIENCE, wait_until
from tests.up import free_ports

LOOPBACK = probes.Limits(allow=(ip_network("127.0.0.0/8"),))
UP, DOWN = EntryStatus.UP, EntryStatus.DOWN


def finish(scenario: Any) -> Any:
    return asyncio.run(asyncio.wait_for(scenario, PATIENCE))


def free_port() -> int:
    """So far from those that others use that it is free at the demo's addresses too."""
    return free_ports(1)[0]


# --- the world


@pytest.mark.parametrize("value", services(), ids=lambda value: value.fqdn)
def test_service_keeps_every_rule_without_a_warning(value: Service):
    assert rules.check_service(value) == []
    assert [warning for region in value.region for warning in rules.warn_region(region)] == []


def test_world_shows_everything_there_is_to_show():
    regions = [region for value in services() for region in value.region]
    entries = [entry for region in regions for entry in region.pool]
    assert len(services()) == 12
    assert 3 <= len({value.zone for value in services()}) <= 4
    assert {region.region_code for region in regions} == set(RegionCode)
    assert {entry.serve_mode for entry in entries} == set(ServeMode)
    assert {r.failover_mode for r in regions if not r.autopopulate} == set(FailoverMode)
    assert {value.active for value in services()} == {True, False}
    assert {value.auto_recover for value in services()} == {True, False}
    assert {node.conduct for node in NODES} == set(Conduct)
    assert any(region.autopopulate for region in regions)


def test_each_node_has_its_own_loopback_address_and_is_used():
    addresses = Counter(node.address for node in NODES)
    used = {e.address for value in services() for region in value.region for e in region.pool}
    assert set(addresses.values()) == {1}
    assert used == set(addresses)
    assert 25 <= len(used) <= 45
    assert all(ip_address(address) in ip_network("127.0.10.0/24") for address in used)


def test_asia_is_answered_with_asian_nodes():
    labels = {
        entry.label
        for value in services()
        if (asia := value.at(RegionCode.ASIA)) and not asia.autopopulate
        for entry in effective(asia, value).pool
    }
    assert {label[:3] for label in labels} == {"nrt", "sin"}


# --- nodes


@asynccontextmanager
async def running(node: Node, pause: nodes.Pause = asyncio.sleep) -> Any:
    """The node alone, and a function that probes it once."""
    port, stop, said = free_port(), asyncio.Event(), asyncio.Event()
    task = asyncio.create_task(
        nodes.run(
            [node], port=port, stop=stop, rng=Random(1), say=lambda text: said.set(), pause=pause
        )
    )
    await said.wait()

    async def probe(monitor: Monitor) -> ProbeResult:
        return await probes.probe(monitor, node.address, limits=LOOPBACK)

    yield probe, port
    stop.set()
    await task


@pytest.mark.parametrize(
    ("node", "protocol", "status", "said"),
    [
        (Node("a", "127.0.0.1"), "HTTP", UP, "HTTP 200"),
        (Node("a", "127.0.0.1", status="503 Busy", body="soon"), "HTTP", DOWN, "HTTP 503, body"),
        (Node("a", "127.0.0.1", body="hello"), "HTTP", DOWN, "the text “ok” is missing"),
        (Node("a", "127.0.0.1", Conduct.REFUSES), "HTTP", DOWN, "refused"),
        (Node("a", "127.0.0.1", Conduct.GREETS), "TCP", UP, "connected"),
        (Node("a", "127.0.0.1", Conduct.GREETS), "HTTP", DOWN, "did not answer in HTTP"),
    ],
)
def test_node_behaves_as_it_says(node, protocol, status, said):
    async def scenario() -> ProbeResult:
        async with running(node) as (probe, port):
            return await probe(Monitor(protocol, port=port, path="/healthz", expected="ok"))

    result = finish(scenario())
    assert result.status == status
    assert said in result.message


def test_node_that_hangs_answers_nobody():
    def ask(seconds: float) -> tuple[ProbeResult, str]:
        async def scenario() -> tuple[ProbeResult, str]:
            async with running(Node("a", "127.0.0.1", Conduct.HANGS)) as (probe, port):
                found = await probe(Monitor("HTTP", port=port, timeout=seconds))
                return found, f"127.0.0.1:{port}"

        return finish(scenario())

    assert_times_out(ask, "answer of {place}")


def test_slow_node_is_slow():
    async def scenario() -> ProbeResult:
        node = Node("a", "127.0.0.1", delay=(0.08, 0.08))
        async with running(node) as (probe, port):
            return await probe(Monitor("HTTP", port=port))

    assert finish(scenario()).response_ms >= 75


def test_flapping_node_really_closes_its_socket_and_opens_it_again():
    pauses: asyncio.Queue[float] = asyncio.Queue()
    go_on: list[asyncio.Event] = [asyncio.Event() for _ in range(4)]

    async def pause(seconds: float) -> None:
        await pauses.put(seconds)
        await go_on[0].wait()
        go_on.pop(0)

    async def scenario() -> list[str]:
        seen = []
        node = Node("a", "127.0.0.1", Conduct.FLAPS)
        async with running(node, pause) as (probe, port):
            for _ in range(3):
                assert 20 <= await pauses.get() <= 40
                seen.append((await probe(Monitor("HTTP", port=port))).status)
                go_on[0].set()
        return seen

    assert finish(scenario()) == [UP, DOWN, UP]


def test_node_without_an_address_is_told_of_and_stops_nothing():
    async def scenario() -> list[str]:
        said, stop = [], asyncio.Event()
        stop.set()
        both = [Node("a", "127.0.0.1"), Node("b", "192.0.2.1")]
        await nodes.run(both, port=free_port(), stop=stop, rng=Random(1), say=said.append)
        return said

    assert (
        "1 cannot, because this machine has no address such as 192.0.2.1" in finish(scenario())[0]
    )


def test_taken_port_is_a_clear_error():
    with socket.create_server(("127.0.10.12", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CommandError, match=f"127.0.10.12 port {port}: another program does"):
            call_command("demo_nodes", port=port)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_demo_nodes_ends_cleanly(tmp_path, number):
    command = [sys.executable, "manage.py", "demo_nodes", "--port", str(free_port())]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "DATA_DIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout
    with process.stdout:
        assert "35 nodes listen" in process.stdout.readline()
        process.send_signal(number)
        assert process.wait(PATIENCE) == 0
        assert process.stdout.read() == ""


# --- services


@pytest.fixture
def engine(tmp_path: Path, settings) -> Iterator[EngineServer]:
    """An engine that probes, and settings by which we are its client."""
    server = EngineServer(tmp_path, SECONDS_PER_MINUTE="5")
    settings.BUNDLED_ENGINE, settings.DYNECT_URL = True, server.url
    settings.DYNECT_CUSTOMER, settings.DYNECT_USERNAME = CUSTOMER, USERNAME
    settings.DYNECT_PASSWORD = PASSWORD
    yield server
    server.stop()


@pytest.fixture
def ask(engine) -> Iterator[Callable[[calls.Call], Any]]:
    client = connect()
    yield client.run
    client.close()


def seed(**options: Any) -> str:
    output = io.StringIO()
    call_command("seed_demo", stdout=output, **options)
    return output.getvalue()


def test_seed_creates_what_is_missing_and_leaves_the_rest(ask):
    www, api, beta = (services()[index].key for index in (0, 1, 4))
    assert "12 services created" in seed()
    ask(calls.service_update(www, {"ttl": 30, "contact_nickname": "somebody"}))
    ask(calls.service_delete(api))
    assert "1 services created" in seed()
    assert ask(calls.service(www)).contact_nickname == "somebody"
    assert ask(calls.service(api)).active is True
    assert ask(calls.service(beta)).active is False


def test_seeded_service_is_as_the_world_says(ask):
    seed(port=8123)
    for value in services(8123):
        made = ask(calls.service(value.key))
        assert made.monitor == value.monitor
        assert [r.region_code for r in made.region] == [r.region_code for r in value.region]
        for region, wanted in zip(made.region, value.region, strict=True):
            if not wanted.autopopulate:
                assert [_configured(e) for e in region.pool] == [
                    _configured(e) for e in wanted.pool
                ]


def test_services_follow_the_nodes_to_another_port_and_others_stay(ask):
    seed(port=8123)
    www, mx = services()[0].key, services()[10].key
    elsewhere = replace(services(8123)[0], fqdn="else.example.com", region=(ELSEWHERE,))
    ask(calls.service_create(elsewhere))
    ask(calls.service_update(mx, {}, monitor={"port": 25}))
    seed(port=8125, moved_from=[8124, 8123])
    assert probed_ports(ask(calls.service(www))) == (8125, 8125)
    assert probed_ports(ask(calls.service(mx))) == (25, 8125)
    assert probed_ports(ask(calls.service(elsewhere.key))) == (8123, 8123)


ELSEWHERE = Region(RegionCode.GLOBAL, (PoolEntry("127.0.0.9"),), ep=1)


def probed_ports(value: Service) -> tuple[int | None, int | None]:
    return value.monitor.port, value.performance_monitor.port


def _configured(entry: Any) -> tuple[Any, ...]:
    return entry.address, entry.label, entry.weight, entry.serve_mode


def test_statuses_are_what_the_probes_find(ask, tmp_path):
    """Nodes, engine and seed together, until the broken region is in failover."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "manage.py", "demo_nodes", "--port", str(port)],
        cwd=ROOT,
        env={**os.environ, "DATA_DIR": str(tmp_path)},
        stdout=subprocess.PIPE,
    )
    try:
        assert process.stdout
        process.stdout.readline()
        seed(port=port)
        www, shop = services()[0].key, services()[5].key
        wait_until(lambda: ask(calls.service(www)).status == "ok", "www is ok")
        wait_until(lambda: ask(calls.service(shop)).status == "failover", "shop is in failover")
        central = ask(calls.service(shop)).at("EU Central")
        assert [entry.status for entry in central.pool] == ["down", "down"]
        assert "refused" in central.pool[0].log[0].message
        assert "503" in central.pool[1].log[0].message
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE)


def test_another_backend_gets_no_demo(settings):
    settings.BUNDLED_ENGINE = False
    assert "nothing is created" in seed()


def test_seed_without_an_engine_says_what_is_wrong(settings):
    settings.BUNDLED_ENGINE = True
    settings.DYNECT_URL = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(CommandError, match="The backend could not be asked"):
        seed()
