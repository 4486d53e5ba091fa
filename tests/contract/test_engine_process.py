"""The engine as a process: its manners on the wire, real probes, and what a restart keeps."""

import http.client
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.engine_server import ROOT, EngineServer, RawClient, logged_in
from tests.servers import PATIENCE, wait_until

SERVICE = "RTTM/example.com/www.example.com/"
MIB = 2**20
# Seconds. `make bench` holds the start to three; a machine that runs tests may be busier.
SOON = 20


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineServer]:
    server = EngineServer(tmp_path_factory.mktemp("engine"), loop=False)
    yield server
    server.stop()


@pytest.fixture
def client(engine: EngineServer) -> Iterator[RawClient]:
    with logged_in(engine.url) as client:
        yield client


def wanted(address: str = "127.0.0.1", port: int = 80, **entry: Any) -> dict[str, Any]:
    return {
        "contact_nickname": "owner",
        "monitor": {"protocol": "HTTP", "interval": 1, "retries": 0, "port": port},
        "performance_monitor": {"protocol": "NONE", "interval": 10},
        "region": [
            {
                "region_code": "global",
                "pool": [{"address": address, **entry}],
                "failover_mode": "ip",
                "failover_data": "192.0.2.99",
            }
        ],
    }


class TestWire:
    def test_one_connection_serves_many_calls(self, engine):
        connection = http.client.HTTPConnection("127.0.0.1", engine.port, timeout=PATIENCE)
        sockets = set()
        for method in ("GET", "DELETE", "PUT", "POST"):
            connection.request(method, "/REST/Session/", body=b"{}")  # the SDK's GET has one too
            assert connection.getresponse().read().startswith(b'{"status"')
            sockets.add(connection.sock)
        assert len(sockets) == 1
        connection.close()

    @pytest.mark.parametrize(
        ("request_line", "header", "said"),
        [
            ("GET /REST/Session/ HTTP/1.1", "Accept: */*", "keep-alive"),
            ("GET /nowhere HTTP/1.1", "Connection: Keep-Alive", "keep-alive"),
            ("GET /REST/Session/ HTTP/1.1", "Connection: Close", "close"),
            ("GET /REST/Session/ HTTP/1.0", "Accept: */*", "close"),
        ],
    )
    def test_an_answer_says_whether_its_connection_stays_open(
        self, engine, request_line, header, said
    ):
        with socket.create_connection(("127.0.0.1", engine.port), timeout=PATIENCE) as link:
            link.sendall(f"{request_line}\r\nHost: x\r\n{header}\r\n\r\n".encode())
            reply = http.client.HTTPResponse(link)
            reply.begin()
            assert reply.headers.get_all("Connection") == [said]
            reply.close()

    @pytest.mark.parametrize("path", ["/", "/rest/Session/", "/RESTAURANT/", "/healthz"])
    def test_outside_of_rest_nothing_is_here(self, client, path):
        reply = client.send("GET", path)
        assert (reply.status_code, reply.headers["Content-Type"]) == (404, "application/json")
        assert "error" in reply.json()

    @pytest.mark.parametrize(
        ("path", "body"),
        [
            ("/REST/Session/", b"x" * (MIB + 1)),
            ("/REST/Session/", b"[" * MIB),
            ("/REST/Session/", b'{"a": "' + b"\\ud800" * 1000 + b'"}'),
            ("/REST/RTTM/%ff%fe/%00/", b"{}"),
            ("/REST/RTTM/" + "a" * 3000 + "/b/", b"{}"),
            ("/REST/RTTM/\u00fc.example.com/\u2603.example.com", b"{}"),
            ("/REST/%2e%2e/%2e%2e/etc/passwd", b""),
            ("/REST/Zone/?" + "&".join(f"f{n}=1" for n in range(200)), b""),
            ("/REST/Zone/?detail=%ff&=&&", b""),
        ],
    )
    @pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH"])
    def test_odd_input_is_answered_in_the_envelope(self, client, method, path, body):
        reply = client.send(method, path, data=body)
        assert reply.status_code in (200, 400, 404)
        assert set(reply.json()) == {"status", "data", "job_id", "msgs"}

    def test_a_body_that_is_far_too_long_is_still_answered(self, client):
        reply = client.send("PUT", f"/REST/{SERVICE}", data=b" " * (10 * MIB))
        assert reply.status_code == 400
        assert "longer than" in reply.json()["msgs"][0]["INFO"]

    def test_a_call_whose_sender_left_half_way_is_not_carried_out(self, engine, client):
        head = (
            f"POST /REST/Zone/half.example.org/ HTTP/1.1\r\nHost: x\r\nAuth-Token: {client.token}"
        )
        with socket.create_connection(("127.0.0.1", engine.port)) as sender:
            sender.sendall(f"{head}\r\nContent-Length: 2\r\n\r\n{{".encode())
        assert client.call("GET", "Zone/half.example.org/")["status"] == "failure"

    def test_blanks_and_unicode_in_texts_come_back_as_they_went(self, client):
        label = 'a <b> "c" \u2603 \U0001f600 %20'
        client.call("POST", "RTTM/example.com/text.example.com/", wanted(label=label))
        [region] = client.call("GET", "RTTM/example.com/text.example.com/")["data"]["region"]
        assert region["pool"][0]["label"] == label


class TestAnswers:
    """Beside the API: what DNS answers, in plain JSON."""

    ROOT = "/answers/example.com/asked.example.com"

    @pytest.fixture
    def asked(self, client: RawClient) -> RawClient:
        service = wanted()
        service["region"].append({**service["region"][0], "region_code": "US West"})
        client.call("POST", "RTTM/example.com/asked.example.com/", service)
        return client

    def test_a_region_with_a_blank_is_asked_for_now_and_at_a_time(self, asked):
        now = asked.send("GET", f"{self.ROOT}/US%20West/?n=2&seed=3").json()
        assert now["answers"] == [["127.0.0.1"], ["127.0.0.1"]]
        assert now["entries"][0]["reason"] == "served while unknown"
        then = asked.send("GET", f"{self.ROOT}/US%20West/", params={"at": int(time.time())})
        assert then.json()["response_set"] == now["response_set"]

    def test_it_needs_the_token_of_the_api(self, asked, engine):
        stranger = RawClient(engine.url)
        reply = stranger.send("GET", f"{self.ROOT}/global/")
        assert (reply.status_code, list(reply.json())) == (401, ["error"])
        stranger.close()

    @pytest.mark.parametrize(
        "query", ["&".join(f"f{n}=1" for n in range(200)), "n=%ff", "n=1&&=&x"]
    )
    def test_an_odd_query_is_refused(self, asked, query):
        reply = asked.send("GET", f"{self.ROOT}/global/?{query}")
        assert (reply.status_code, list(reply.json())) == (400, ["error"])


class TestStart:
    def test_it_is_ready_soon_and_an_idle_client_does_not_hold_up_its_end(self, engine):
        assert engine.stop() == 0
        began = time.monotonic()
        engine.start()
        assert time.monotonic() - began < SOON
        connection = http.client.HTTPConnection("127.0.0.1", engine.port, timeout=PATIENCE)
        connection.request("GET", "/REST/Session/")
        connection.getresponse().read()
        began = time.monotonic()
        assert engine.stop() == 0
        assert time.monotonic() - began < SOON
        connection.close()
        engine.start()

    def test_a_taken_port_is_a_clear_error(self, engine):
        second = run_engine(engine, "--port", str(engine.port))
        assert second.returncode != 0
        assert f"Cannot listen on 127.0.0.1 port {engine.port}" in second.stderr
        assert "Traceback" not in second.stderr

    def test_a_database_without_tables_is_a_clear_error(self, engine, tmp_path):
        url = f"sqlite:///{tmp_path}/empty.sqlite3"
        failed = run_engine(engine, "--port", "0", ENGINE_DATABASE_URL=url)
        assert failed.returncode != 0
        assert "migrate --database engine" in failed.stderr
        assert "Traceback" not in failed.stderr


def run_engine(engine: EngineServer, *options: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "engine", *options],
        cwd=ROOT, env={**engine.env, **env}, capture_output=True, text=True,
        timeout=PATIENCE, check=False,
    )  # fmt: skip


@pytest.fixture
def probing(tmp_path) -> Iterator[EngineServer]:
    """A minute takes a second."""
    server = EngineServer(tmp_path, SECONDS_PER_MINUTE="1")
    yield server
    server.stop()


def test_a_latch_found_by_real_probes_survives_kill_and_ends_with_recover(probing, node):
    """From a node that fails to a person who recovers it, over a crash of the engine."""
    client = RawClient(probing.url)
    client.log_in()
    port = node.server_address[1]
    monitored = wanted(port=port, serve_mode="remove")
    monitored["monitor"]["path"] = "/"
    client.call("POST", SERVICE, monitored)

    def entry() -> dict[str, Any]:
        found: dict[str, Any] = client.call("GET", SERVICE)["data"]["region"][0]["pool"][0]
        return found

    wait_until(lambda: entry()["status"] == "up", "the node is found up")
    node.is_well = False
    wait_until(lambda: entry()["status"] == "down", "the node is found down")
    assert "503" in entry()["log"][0]["message"]
    assert client.call("GET", SERVICE)["data"]["status"] == "failover"

    probing.kill()
    node.is_well = True
    probing.start()
    wait_until(lambda: entry()["status"] == "up", "the node is found up again")
    assert entry()["log"][0]["message"].endswith("waits for recover")
    assert client.call("GET", SERVICE)["data"]["status"] == "failover"

    done = client.call("PUT", SERVICE, {"recoverip": True, "address": "127.0.0.1"})
    assert done["msgs"][0]["INFO"] == "recoverip: 127.0.0.1 is available again"
    assert done["data"]["status"] == "ok"
    now = int(time.time())
    report = {"zone": "example.com", "fqdn": "www.example.com", "start_ts": 0, "end_ts": now}
    log = client.call("POST", "RTTMLogReport/", report)["data"]
    told = [(record["change_type"], record["region_status"]) for record in log]
    assert told[:3] == [("user", "unk"), ("health", "up"), ("health", "failover")]
    assert told[-1] == ("user", "up")
    client.close()


def test_no_answered_change_is_lost_when_it_is_killed(probing):
    client = RawClient(probing.url)
    client.log_in()
    client.call("POST", SERVICE, wanted(serve_mode="no"))
    for weight in range(1, 16):
        path = "RTTMRegionPoolEntry/example.com/www.example.com/global/127.0.0.1/"
        assert client.call("PUT", path, {"weight": weight})["status"] == "success"
        if weight % 5 == 0:
            probing.kill()
            probing.start()
            assert client.call("GET", path)["data"]["weight"] == weight
    client.close()


def test_it_ends_politely_while_it_probes(probing, node):
    client = RawClient(probing.url)
    client.log_in()
    client.call("POST", SERVICE, wanted(port=node.server_address[1]))
    client.close()
    began = time.monotonic()
    assert probing.end(signal.SIGINT) == 0  # as Ctrl-C does; the fixture's stop sends SIGTERM
    assert time.monotonic() - began < SOON
    assert not [line for line in probing.lines if "Traceback" in line]
    probing.start()
