"""Bodies far too long, over HTTP: refused in the envelope by every endpoint, with nothing done."""

import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.engine_server import DATABASE, EngineServer, RawClient
from tests.engine_client import ENTRY, REGION, SERVICE, WANTED

MIB = 2**20


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineServer]:
    server = EngineServer(tmp_path_factory.mktemp("engine"), loop=False)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def client(engine: EngineServer) -> Iterator[RawClient]:
    client = RawClient(engine.url)
    client.log_in()
    client.call("POST", SERVICE, WANTED)
    client.call("PUT", SERVICE, {"recover": True})
    yield client
    client.close()


def store(engine: EngineServer) -> list[str]:
    """All that the engine has."""
    link = sqlite3.connect(engine.directory / DATABASE)
    lines = list(link.iterdump())
    link.close()
    return lines


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("POST", "Session/"), ("DELETE", "Session/"), ("POST", "Zone/example.org/")),
        *(("POST", "RTTM/example.com/new.example.com/"), ("PUT", SERVICE), ("DELETE", SERVICE)),
        *(("POST", REGION), ("PUT", f"{REGION}/global"), ("DELETE", f"{REGION}/global")),
        *(("POST", f"{ENTRY}/global"), ("PUT", f"{ENTRY}/global/192.0.2.1")),
        *(("DELETE", f"{ENTRY}/global/192.0.2.1"), ("DELETE", "Task/1"), ("GET", "Job/1")),
        *(("POST", "RTTMLogReport/"), ("POST", "RTTMRRSetReport/"), ("GET", "RTTM/example.com/")),
    ],
)
def test_ten_megabytes_are_refused_by(engine: EngineServer, client: Any, method: str, path: str):
    before = store(engine)
    reply = client.send(method, f"/REST/{path}", data=b'{"weight": 3, "x": "' + b"x" * 10 * MIB)
    envelope = reply.json()
    assert (reply.status_code, envelope["status"], envelope["data"]) == (400, "failure", {})
    assert envelope["msgs"][0]["ERR_CD"] == "INVALID_REQUEST"
    assert "longer than" in envelope["msgs"][0]["INFO"]
    assert store(engine) == before
