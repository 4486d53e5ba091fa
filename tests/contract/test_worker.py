"""Real Celery workers and a real Valkey: an action that is queued is carried out, once, to its end.

Nothing but a worker runs here: no web process, and no beat that would wake what was left behind.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

from rttm.client import Credentials, Dynect, HttpTransport, calls
from tests.builders import pool_entry, service
from tests.contract.engine_server import CUSTOMER, PASSWORD, ROOT, USERNAME, EngineServer
from tests.proxy import Proxy
from tests.servers import PATIENCE, ValkeyServer, wait_until
from tests.stack import Installation
from tests.up import free_ports

SERVICE = service("worked-on.example.com")
DEACTIVATION = "PUT /REST/RTTM/example.com/worked-on.example.com/"

DISPATCH = """
from rttm import dispatch, edits, models, services
services.mirror_sync()
service = models.Service.objects.get()
print(dispatch.service_{verb}(service=service, origin=edits.Origin(user=None)).pk)
"""

ASK_FOR_REPORTS = """
from datetime import timedelta
from django.utils import timezone
from rttm import dispatch, edits, models, services
services.mirror_sync()
service, now = models.Service.objects.get(), timezone.now()
for hours in range(1, 5):
    span = {"start": now - timedelta(hours=hours), "end": now}
    origin = edits.Origin(user=None)
    print(dispatch.log_report_create(service=service, origin=origin, **span).action_id)
"""


@pytest.fixture
def engine(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[EngineServer]:
    """It probes only where a test says so."""
    server = EngineServer(tmp_path, loop=getattr(request, "param", False))
    yield server
    server.stop()


@pytest.fixture
def proxy(engine: EngineServer) -> Iterator[Proxy]:
    with closing(Proxy(engine.port)) as one:
        yield one


@pytest.fixture
def valkey(tmp_path: Path, start_valkey: Callable[[Path], ValkeyServer]) -> ValkeyServer:
    return start_valkey(tmp_path / "valkey")


@pytest.fixture
def installation(tmp_path: Path, proxy: Proxy, valkey: ValkeyServer) -> Installation:
    """Its backend has one service, which is active."""
    with closing(client(proxy)) as dynect:
        dynect.run(calls.service_create(SERVICE))
    one = Installation(tmp_path, DYNECT_URL=proxy.url, REDIS_URL=valkey.url)
    one.manage("migrate", "-v", "0")
    return one


class Worker:
    """One `celery worker`, started; it and its children can be killed at once."""

    def __init__(self, installation: Installation) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "celery", "--quiet", "--app", "dashboard", "worker",
             "--concurrency", "1", "--without-gossip", "--without-mingle", "--loglevel", "WARNING"],
            cwd=ROOT,
            env=installation.environment,
            start_new_session=True,
        )  # fmt: skip

    def kill(self) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def stop(self) -> int:
        self._process.terminate()
        return self._process.wait(PATIENCE)


@pytest.fixture
def start_worker(installation: Installation) -> Iterator[Callable[[], Worker]]:
    started: list[Worker] = []

    def start() -> Worker:
        started.append(Worker(installation))
        return started[-1]

    yield start
    for worker in started:
        worker.kill()


def client(proxy: Proxy) -> Dynect:
    return Dynect(HttpTransport(proxy.url), Credentials(CUSTOMER, USERNAME, PASSWORD))


def is_active_there(proxy: Proxy) -> bool:
    with closing(client(proxy)) as dynect:
        return dynect.run(calls.service(SERVICE.key)).active


def dispatched(installation: Installation, verb: str = "deactivate") -> int:
    """The action on the only service, asked for as a view does."""
    return int(installation.manage("shell", "-v", "0", "-c", DISPATCH.format(verb=verb)))


def action(installation: Installation, pk: int) -> dict[str, Any]:
    columns = ("state", "attempts", "claimed_until", "message")
    query = f"SELECT {', '.join(columns)} FROM rttm_action WHERE id = ?"
    [row] = installation.sql(query, pk)
    return dict(zip(columns, row, strict=True))


def wait_until_succeeded(installation: Installation, pk: int) -> None:
    wait_until(
        lambda: action(installation, pk)["state"] == "succeeded",
        "the action succeeded",
    )


def is_active_here(installation: Installation) -> bool:
    [(is_active,)] = installation.sql("SELECT active FROM rttm_service")
    return bool(is_active)


def test_queued_action_is_run_to_its_end(installation, start_worker, proxy):
    pk = dispatched(installation)
    assert action(installation, pk)["state"] == "queued"
    worker = start_worker()
    wait_until_succeeded(installation, pk)
    done = action(installation, pk)
    assert (done["attempts"], done["claimed_until"]) == (1, None)
    assert (is_active_there(proxy), is_active_here(installation)) == (False, False)
    assert worker.stop() == 0


def test_action_of_a_killed_worker_is_taken_up_by_another(
    installation, start_worker, proxy, valkey
):
    pk = dispatched(installation)
    first = start_worker()
    strike = proxy.before(DEACTIVATION, first.kill)
    wait_until(strike.happened.is_set, "the first worker asked the backend")
    left = action(installation, pk)
    assert (left["state"], left["attempts"]) == ("running", 1)
    assert is_active_here(installation)

    start_worker()
    # The dead worker's lease would run on for two minutes.
    installation.sql("UPDATE rttm_action SET claimed_until = '2000-01-01 00:00:00'")
    wake_expired(valkey)
    wait_until_succeeded(installation, pk)
    assert action(installation, pk)["attempts"] == 2
    assert (is_active_there(proxy), is_active_here(installation)) == (False, False)


@pytest.mark.parametrize("engine", [True], indirect=True)
def test_first_results_after_an_activation_are_read_without_a_sync(
    installation, start_worker, proxy
):
    """A closed port refuses at once, so the first probe has told something within a second."""
    [closed] = free_ports(1)
    with closing(client(proxy)) as dynect:
        dynect.run(calls.deactivate(SERVICE.key))
        dynect.run(calls.service_update(SERVICE.key, {}, monitor={"port": closed}))
        dynect.run(calls.pool_entry_create(SERVICE.key, "global", pool_entry("127.0.0.1")))
    pk = dispatched(installation, "activate")
    query = "SELECT status FROM rttm_poolentry WHERE address = '127.0.0.1'"
    assert installation.sql(query) == [("unk",)]
    start_worker()
    wait_until_succeeded(installation, pk)
    wait_until(lambda: installation.sql(query) == [("down",)], "a worker read the first result")


def wake_expired(valkey: ValkeyServer) -> None:
    """What the beat does by the clock."""
    with Celery(broker=valkey.url) as app:
        app.send_task("rttm.tasks.run_expired_actions", queue="actions")


def test_sync_is_done_before_log_reports_that_wait_since_earlier(
    installation, start_worker, valkey
):
    reports = installation.manage("shell", "-v", "0", "-c", ASK_FOR_REPORTS).split()
    with Celery(broker=valkey.url) as app:
        app.send_task("rttm.tasks.run_sync", queue="reading")
    asked_at = installation.sql("SELECT max(created_at) FROM rttm_action")
    start_worker()
    for pk in reports:
        wait_until_succeeded(installation, int(pk))
    [(synced_at,)] = installation.sql("SELECT succeeded_at FROM rttm_syncstate")
    [(began,)] = installation.sql("SELECT min(started_at) FROM rttm_action")
    assert asked_at[0][0] < synced_at < began
