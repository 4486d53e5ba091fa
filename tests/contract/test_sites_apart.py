"""Sites on machines of their own: one freezes in a write, or writes what another is writing.

On PostgreSQL only.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from rttm.engine.thread import FROZEN_AFTER
from tests.contract.engine_database import PostgresDatabase
from tests.contract.engine_server import EngineServer, logged_in
from tests.contract.site_process import Site
from tests.probing import closed_port
from tests.servers import PATIENCE, wait_until

WAITING = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
)
SERVICE = "RTTM/example.com/www.example.com/"
SEEN = "SELECT max(seen_at) FROM engine_health WHERE site_code = %s"


@pytest.fixture
def loop() -> bool:
    """Whether the engine probes, too."""
    return True


@pytest.fixture
def engine(tmp_path: Path, loop: bool) -> Iterator[EngineServer]:
    """The site XXX. A minute takes a second."""
    server = EngineServer(tmp_path, loop=loop, SECONDS_PER_MINUTE="1")
    yield server
    server.stop()


@pytest.fixture
def service(engine: EngineServer) -> None:
    """Probed by both sites each second."""
    pool = [{"address": "127.0.0.1"}]
    failover = {"failover_mode": "ip", "failover_data": "192.0.2.99"}
    wanted = {
        "contact_nickname": "owner",
        "monitor": {"protocol": "TCP", "interval": 1, "retries": 0, "port": closed_port()},
        "performance_monitor": {"protocol": "NONE", "interval": 10},
        "region": [{"region_code": "global", "pool": pool, **failover}],
    }
    with logged_in(engine.url) as client:
        made = client.call("POST", SERVICE, wanted)
    assert made["status"] == "success"


@contextmanager
def probing(engine: EngineServer, code: str) -> Iterator[Site]:
    site = Site(engine, code)
    try:
        yield site
    finally:
        site.end(signal.SIGKILL)


@contextmanager
def linked(engine: EngineServer) -> Iterator[psycopg.Connection]:
    assert isinstance(engine.database, PostgresDatabase)
    with engine.database.link() as link:
        yield link


@pytest.fixture
def link(engine: EngineServer) -> Iterator[psycopg.Connection]:
    """To look at the database, so outside of transactions: they would see the same all the time."""
    with linked(engine) as link:
        yield link


@pytest.fixture
def rival(engine: EngineServer) -> Iterator[psycopg.Connection]:
    """To stand in the way."""
    with linked(engine) as rival:
        yield rival


def one(link: psycopg.Connection, query: str, *values: Any) -> Any:
    row = link.execute(query, values).fetchone()
    return row and row[0]


def freeze_in_a_write(site: Site, link: psycopg.Connection, rival: psycopg.Connection) -> None:
    """While it waits for a row: it gets it, and does nothing with it."""
    with rival.transaction():
        rival.execute("SELECT 1 FROM engine_service FOR UPDATE")
        wait_until(lambda: one(link, WAITING) == 2, "both sites wait for the row")
        site.send(signal.SIGSTOP)


def hears_of(link: psycopg.Connection, code: str) -> None:
    before = one(link, SEEN, code) or 0
    wait_until(
        lambda: (one(link, SEEN, code) or 0) > before,
        f"{code} records what it found",
        patience=FROZEN_AFTER + PATIENCE,
    )


@pytest.mark.usefixtures("service")
def test_a_site_that_freezes_in_a_write_does_not_keep_the_others(
    engine: EngineServer, link: psycopg.Connection, rival: psycopg.Connection
):
    with probing(engine, "LHR") as site:
        hears_of(link, "LHR")
        freeze_in_a_write(site, link, rival)
        hears_of(link, "XXX")  # which may have had the row first
        hears_of(link, "XXX")
        assert "Traceback" not in "\n".join(engine.lines)
        site.send(signal.SIGCONT)
        wait_until(lambda: "were not recorded" in site.said, "the site hears that it was too late")
        hears_of(link, "LHR")
        assert site.end() == 0


@pytest.mark.usefixtures("service")
@pytest.mark.parametrize("loop", [False])
def test_a_task_that_is_canceled_while_a_site_goes_on_with_it_stays_canceled(
    engine: EngineServer, link: psycopg.Connection, rival: psycopg.Connection
):
    with logged_in(engine.url) as client:
        number = client.call("PUT", SERVICE, {"recover": True})["data"]["task_id"]
    rival.execute("BEGIN")
    rival.execute("UPDATE engine_task SET status = 'canceled' WHERE id = %s", [number])
    with probing(engine, "LHR") as site:
        wait_until(lambda: one(link, WAITING) == 1, "the site waits for the task")
        rival.execute("COMMIT")
        hears_of(link, "LHR")
        assert one(link, "SELECT status FROM engine_task WHERE id = %s", number) == "canceled"
        assert site.end() == 0
