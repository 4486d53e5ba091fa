"""kill -9 in the middle of writes, several times: what was answered for is there afterwards."""

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Timer
from typing import Any

import pytest
import requests

from tests.contract.engine_server import ROOT, EngineServer, RawClient, logged_in
from tests.servers import Node, wait_until

ROUNDS = 4
WRITTEN, LATCHED = "RTTM/example.com/written.example.com/", "RTTM/example.com/latched.example.com/"
REGION = "RTTMRegion/example.com/written.example.com/global/"
ENTRY = "RTTMRegionPoolEntry/example.com/written.example.com/global/192.0.2.1/"
CUT_OFF = (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)
LOG = {"zone": "example.com", "fqdn": "written.example.com", "start_ts": 0}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[EngineServer]:
    """A minute takes a second, so that probes write beside the calls."""
    server = EngineServer(tmp_path, SECONDS_PER_MINUTE="1", RATE_LIMIT="0")
    yield server
    server.stop()


@pytest.fixture
def client(engine: EngineServer) -> Iterator[RawClient]:
    with logged_in(engine.url) as client:
        yield client


def wanted(address: str, **fields: Any) -> dict[str, Any]:
    region = {
        "region_code": "global", "failover_mode": "ip", "failover_data": "192.0.2.99",
        "pool": [{"address": address, "weight": 1}],
    }  # fmt: skip
    return {
        "contact_nickname": "owner",
        "monitor": {"protocol": "NONE", "interval": 1},
        "performance_monitor": {"protocol": "NONE", "interval": 10},
        "region": [region],
        **fields,
    }


@dataclass
class Writer:
    """Makes one change after the other until the engine is gone; remembers what was answered."""

    client: RawClient
    number: int = 0
    weight: set[int] = field(default_factory=lambda: {1})  # what it may be: answered, or on its way
    serve_counts: list[int] = field(default_factory=lambda: [1])  # answered
    created: set[str] = field(default_factory=set)  # answered
    deleted: set[str] = field(default_factory=set)  # answered, or on its way

    def write_until_it_is_gone(self) -> None:
        with suppress(*CUT_OFF):
            while True:
                self.write()

    def write(self) -> None:
        self.number += 1
        change = (self._weigh, self._serve, self._create, self._delete)[self.number % 4]
        change()

    def _done(self, method: str, path: str, args: dict[str, Any]) -> None:
        done = self.client.call(method, path, args)
        assert done["status"] == "success", done

    def _weigh(self) -> None:
        weight = self.number // 4 % 15 + 1
        self.weight.add(weight)
        self._done("PUT", ENTRY, {"weight": weight})
        self.weight = {weight}

    def _serve(self) -> None:
        count = self.serve_counts[-1] % 13 + 1
        self._done("PUT", REGION, {"serve_count": count})
        self.serve_counts.append(count)

    def _create(self) -> None:
        fqdn = f"s{self.number}.example.com"
        self._done("POST", f"RTTM/example.com/{fqdn}/", wanted("192.0.2.1"))
        self.created.add(fqdn)

    def _delete(self) -> None:
        if fqdn := min(self.created - self.deleted, default=""):
            self.deleted.add(fqdn)
            self._done("DELETE", f"RTTM/example.com/{fqdn}/", {})


def make_latched(client: RawClient, node: Node) -> None:
    """A service whose only address is up again, and waits for recover."""
    node.is_well = False
    monitor = {"protocol": "HTTP", "interval": 1, "retries": 0, "path": "/"}
    service = wanted("127.0.0.1", monitor={**monitor, "port": node.server_address[1]})
    service["region"][0]["pool"][0]["serve_mode"] = "remove"
    client.call("POST", LATCHED, service)
    wait_until(lambda: latched(client)["status"] == "down", "the node is found down")
    node.is_well = True
    wait_until(lambda: latched(client)["status"] == "up", "the node is found up")


def latched(client: RawClient) -> dict[str, Any]:
    entry: dict[str, Any] = client.call("GET", LATCHED)["data"]["region"][0]["pool"][0]
    return entry


def check(client: RawClient, writer: Writer) -> None:
    assert client.call("GET", ENTRY)["data"]["weight"] in writer.weight
    names = client.call("GET", "RTTM/example.com/")["data"]
    fqdns = {path.split("/")[-2] for path in names}
    assert writer.created - writer.deleted <= fqdns
    log = client.call("POST", "RTTMLogReport/", {**LOG, "end_ts": int(time.time())})["data"]
    told = [int(record["serve_count"]) for record in log if record["change_type"] == "user"]
    of_serve_count = [count for count, was in zip(told, [0, *told], strict=False) if count != was]
    assert of_serve_count[: len(writer.serve_counts)] == writer.serve_counts
    assert len(of_serve_count) <= len(writer.serve_counts) + 1  # one may have been on its way
    writer.serve_counts = of_serve_count
    serials = [int(record["serial"]) for record in log]
    assert serials == sorted(set(serials))
    assert client.call("GET", REGION)["data"]["serve_count"] == of_serve_count[-1]


def test_nothing_that_was_answered_for_is_lost_by_kills_at_random_moments(engine, client, node):
    seed = random.randrange(2**32)
    print(f"random seed {seed}")  # shown when this fails
    moments = random.Random(seed)
    make_latched(client, node)
    client.call("POST", WRITTEN, wanted("192.0.2.1"))
    writer = Writer(client)
    for _ in range(ROUNDS):
        writer.write()  # one is answered, however slow the machine is
        killer = Timer(moments.uniform(0.05, 0.6), engine.kill)
        killer.start()
        writer.write_until_it_is_gone()
        killer.join()
        engine.start()
        check(client, writer)  # with its old token: sessions survive too
        assert client.call("GET", LATCHED)["data"]["status"] == "failover"
        wait_until(lambda: latched(client)["status"] == "up", "the node is found up again")
        assert latched(client)["log"][0]["message"].endswith("waits for recover")
    engine.stop()
    wait_until(engine.database.is_sound, "the database took no harm")
    engine.start()


def test_with_a_thousand_services_it_answers_soon_after_its_start(tmp_path):
    """`make bench` holds it to three seconds; a machine that runs tests may be busier."""
    engine = EngineServer(tmp_path, SECONDS_PER_MINUTE="3600")
    engine.kill()
    seed = [sys.executable, "-m", "tests.bench.seed", "1000", "5", "80", "PROBED"]
    subprocess.run(seed, cwd=ROOT, env=engine.env, check=True)
    began = time.monotonic()
    engine.start()
    with logged_in(engine.url) as client:
        assert len(client.call("GET", "RTTM/example.com/")["data"]) == 1000
    assert time.monotonic() - began < 20
    engine.stop()
