"""What only HTTP can carry: bodies far too long, odd paths and headers, in every form.

Refused in the envelope by every endpoint, or, where it is no HTTP, by a 4xx; with nothing done.
"""

import json
import socket
import sqlite3
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from tests.contract.engine_database import DATABASE
from tests.contract.engine_server import EngineServer, RawClient, logged_in
from tests.endpoints import ENDPOINTS, Endpoint
from tests.objects import SERVICE
from tests.servers import PATIENCE

MIB = 2**20
TEN_MB = b'{"weight": 3, "x": "' + b"x" * 10 * MIB
READ = b"GET /REST/RTTM/example.com/www.example.com"
CHUNKED = [b"Transfer-Encoding: chunked"]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineServer]:
    """It notes the use of a session now and then; not while we look for what changed."""
    directory = tmp_path_factory.mktemp("engine")
    server = EngineServer(directory, loop=False, ENGINE_SESSION_IDLE="360000")
    yield server
    server.stop()


@pytest.fixture(scope="module")
def client(engine: EngineServer) -> Iterator[RawClient]:
    with logged_in(engine.url) as client:
        client.call("POST", "RTTM/example.com/www.example.com", SERVICE)
        client.call("PUT", "RTTM/example.com/www.example.com", {"recover": True})
        yield client


def store(engine: EngineServer) -> list[str]:
    """All that the engine has."""
    link = sqlite3.connect(engine.directory / DATABASE)
    lines = list(link.iterdump())
    link.close()
    return lines


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda e: f"{e.method} {e.path}")
def test_ten_megabytes_are_refused_by(engine: EngineServer, client: RawClient, endpoint: Endpoint):
    before = store(engine)
    path = "/".join(quote(part) for part in (endpoint.resource, *endpoint.names))
    reply = client.send(endpoint.method, f"/REST/{path}", data=TEN_MB)
    envelope = reply.json()
    assert (reply.status_code, envelope["status"], envelope["data"]) == (400, "failure", {})
    assert envelope["msgs"][0]["ERR_CD"] == "INVALID_REQUEST"
    assert "longer than" in envelope["msgs"][0]["INFO"]
    assert store(engine) == before


@pytest.mark.parametrize(
    "kind",
    ["text/xml", "text/html", "application/x-www-form-urlencoded", "\xff", "", "a" * 5000, "x/y"],
)
def test_a_body_counts_whatever_type_it_is_said_to_be(client: RawClient, kind: str):
    headers = {"Content-Type": kind.encode("latin-1")}
    path = "/REST/RTTMRegionPoolEntry/example.com/www.example.com/Asia/192.0.2.3/"
    odd = client.send("PUT", path, data=b'{"weight": {}}', headers=headers)
    assert (odd.status_code, odd.json()["msgs"][0]["INFO"]) == (
        400,
        "weight: weight must be a whole number.",
    )
    good = client.send("PUT", path, data=b'{"weight": 1}', headers=headers)
    assert (good.status_code, good.json()["data"]["weight"]) == (200, 1)


def test_a_field_given_twice_in_the_query_is_refused(client: RawClient):
    reply = client.send("GET", "/REST/Zone/?detail=Y&detail=N")
    assert (reply.status_code, reply.json()["msgs"][0]["ERR_CD"]) == (400, "INVALID_REQUEST")
    assert "detail" in reply.json()["msgs"][0]["INFO"]
    assert client.send("GET", "/answers/a/b/c/?n=1&n=2").status_code == 400


def exchange(engine: EngineServer, *lines: bytes, body: bytes = b"") -> tuple[int, bytes]:
    """Status and body of the answer to bytes that no client would send."""
    with socket.create_connection(("127.0.0.1", engine.port), PATIENCE) as link:
        link.sendall(b"\r\n".join([*lines, b"Connection: close", b"", body]))
        answer = b""
        while piece := link.recv(65536):
            answer += piece
    head, _, told = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), told


@pytest.mark.parametrize(
    "path",
    [
        *(
            b"/..",
            b"/%00",
            b"%2F",
            b"/%2e%2e/%2e%2e",
            b"/%ff%fe",
            b"/" + b"a" * 60_000,
            b"%ED%A0%80",
        ),
        *(b"/%E2%98%83", b"/;a=b", b"/%", b"/%zz", b"/%25%30%30", b"\\x", b"/'OR'1'='1"),
    ],
)
def test_an_odd_path_is_refused_in_the_envelope(
    engine: EngineServer, client: RawClient, path: bytes
):
    before = store(engine)
    token = b"Auth-Token: " + client.token.encode()
    status, told = exchange(engine, READ + path + b" HTTP/1.1", b"Host: a", token)
    envelope = json.loads(told)
    assert status in (400, 404)
    assert (envelope["status"], envelope["data"]) == ("failure", {})
    assert envelope["msgs"][0]["ERR_CD"] in ("NOT_FOUND", "INVALID_REQUEST")
    assert store(engine) == before


@pytest.mark.parametrize(
    "token", [b"a" * 60_000, b"\xff\xfe", b"\xe2\x98\x83", b"a, b", b'"', b"", b" "]
)
def test_an_odd_token_is_refused_in_the_envelope(engine: EngineServer, token: bytes):
    status, told = exchange(engine, READ + b"/ HTTP/1.1", b"Host: a", b"Auth-Token: " + token)
    assert (status, json.loads(told)["status"]) == (400, "failure")
    assert json.loads(told)["msgs"][0]["ERR_CD"] in ("INVALID_DATA", "MISSING_DATA")


@pytest.mark.parametrize(
    "lines",
    [
        [READ + b"/\xe2\x98\x83 HTTP/1.1", b"Host: a"],
        [READ + b"/a b HTTP/1.1", b"Host: a"],
        [READ + b"/ HTTP/9.9", b"Host: a"],
        [b"get /REST/Zone/ HTTP/1.1", b"Host: a"],
        [b"\xff\xff /REST/Zone/ HTTP/1.1", b"Host: a"],
        [b"GET http://[::1/REST/ HTTP/1.1", b"Host: a"],
        [b"POST /REST/Zone/a.net/ HTTP/1.1", b"Host: a", b"Content-Length: -1"],
        [b"POST /REST/Zone/a.net/ HTTP/1.1", b"Host: a", b"Content-Length: x"],
        [b"POST /REST/Zone/a.net/ HTTP/1.1", b"Host: a", b"Content-Length: " + b"9" * 400],
        [b"POST /REST/Zone/a.net/ HTTP/1.1", b"Host: a", *CHUNKED, b"Content-Length: 3"],
        [b"GET /REST/Zone/ HTTP/1.1", b"Host: a", b"no colon"],
        [b"GET /REST/Zone/ HTTP/1.1", b"Host: a", b"X: \0"],
        [b"\0\1\2\3"],
    ],
)
def test_what_is_no_http_is_refused_and_changes_nothing(engine: EngineServer, lines: list[bytes]):
    before = store(engine)
    status, _ = exchange(engine, *lines)
    assert 400 <= status < 500
    assert store(engine) == before


def test_many_and_huge_headers_do_no_harm(engine: EngineServer, client: RawClient):
    many = [b"X-%d: %s" % (n, b"a" * 50) for n in range(1000)]
    token = b"Auth-Token: " + client.token.encode()
    for odd in (many, [b"X: " + b"a" * 60_000]):
        status, told = exchange(engine, READ + b"/ HTTP/1.1", b"Host: a", token, *odd)
        assert status == 200 or 400 <= status < 500
        assert status != 200 or json.loads(told)["data"]["fqdn"] == "www.example.com"
