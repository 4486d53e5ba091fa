"""Long calls over HTTP: what a client hears meanwhile, what it finds after, and our own client."""

from collections.abc import Iterator
from typing import Any

import pytest

from rttm.client import Credentials, Dynect, HttpTransport, Rejected, calls
from rttm.core.schema import PoolEntry, ServiceKey
from tests import builders
from tests.contract.engine_database import locked
from tests.contract.engine_server import (
    CUSTOMER,
    PASSWORD,
    USERNAME,
    EngineServer,
    RawClient,
    logged_in,
)
from tests.servers import wait_until

ZONE = "Zone/example.org/"
KEY = ServiceKey("example.com", "www.example.com")


@pytest.fixture
def engine(tmp_path) -> Iterator[EngineServer]:
    """Twice as patient as it has to be: a call that nothing holds up must not become a job."""
    server = EngineServer(tmp_path, loop=False, JOB_AFTER="2")
    yield server
    server.stop()


def polled(client: RawClient, path: str) -> dict[str, Any]:
    """The end of a job."""

    def is_done() -> bool:
        return client.send("GET", path).status_code != 307

    wait_until(is_done, "the job has ended")
    envelope: dict[str, Any] = client.send("GET", path).json()
    return envelope


def test_a_long_call_goes_on_as_a_job(engine):
    with logged_in(engine.url) as client, logged_in(engine.url) as other:
        with locked(engine.directory):
            reply = client.send("POST", f"/REST/{ZONE}")
            path = reply.headers["Location"]
            assert (reply.status_code, reply.text) == (307, path)
            assert reply.headers["Content-Type"] == "text/html"
            assert client.send("GET", f"{path}/").headers["Location"] == path
            busy = client.send("GET", "/REST/Zone/")
            assert (busy.status_code, busy.json()["status"]) == (400, "running")
            waiting = other.send("GET", "/REST/Zone/").headers["Location"]
        done = polled(client, path)
        assert (done["status"], done["data"]["zone"]) == ("success", "example.org")
        assert path == f"/REST/Job/{done['job_id']}"
        assert polled(other, waiting)["data"] == ["/REST/Zone/example.org/"]
        assert client.call("GET", ZONE)["status"] == "success"  # and the next call is free again
        assert other.send("GET", path).status_code == 404  # not a job of this session


def test_an_answer_outlives_a_kill_and_work_that_does_not_is_said_to_be_lost(engine):
    with logged_in(engine.url) as client:
        with locked(engine.directory):
            done = client.send("POST", f"/REST/{ZONE}").headers["Location"]
        answer = polled(client, done)
        with locked(engine.directory):
            lost = client.send("POST", "/REST/Zone/example.net/").headers["Location"]
            engine.kill()
        engine.start()
        assert client.send("GET", done).json() == answer
        failure = client.send("GET", lost)
        assert (failure.status_code, failure.json()["msgs"][0]["ERR_CD"]) == (
            400, "OPERATION_FAILED",
        )  # fmt: skip
        assert "started anew" in failure.json()["msgs"][0]["INFO"]
        assert client.call("GET", "Zone/")["data"] == ["/REST/Zone/example.org/"]


@pytest.mark.parametrize("style", ["redirect", "incomplete"])
def test_our_client_follows_both_forms_of_every_call(tmp_path, style):
    engine = EngineServer(tmp_path, loop=False, JOB_AFTER="0", JOB_STYLE=style)
    pauses: list[float] = []
    transport = HttpTransport(engine.url)
    client = Dynect(transport, Credentials(CUSTOMER, USERNAME, PASSWORD), sleep=pauses.append)
    made = client.run(calls.service_create(builders.service()))
    assert client.run(calls.service(KEY)) == made
    entry = PoolEntry("192.0.2.77", "new", 3)
    assert client.run(calls.pool_entry_create(KEY, "global", entry)).weight == 3
    with pytest.raises(Rejected, match="weight"):
        client.run(calls.pool_entry_update(KEY, "global", "192.0.2.77", {"weight": 99}))
    assert client.run(calls.recover(KEY)).task_id
    assert client.run(calls.rrset_report(KEY, 0)) == []
    client.run(calls.service_delete(KEY))
    assert len(pauses) >= 7  # a job each
    client.close()
    engine.stop()
