"""The loop beside a database that is slow, busy or away, as one on another machine may be."""

import asyncio
from collections.abc import Collection

import pytest
from django.db import OperationalError

from rttm.engine.neighbours import Neighbourhood
from rttm.engine.store import RunResult
from tests.loop_stage import Stage, Store, health_only, staged
from tests.probing import finish

AWAY, FULL = "connection refused", "the disk is full"


class BusyStore(Store):
    """Three services, and `failures` of the first tries to record what was found of them."""

    def __init__(self, failures: int) -> None:
        super().__init__(*(health_only("192.0.2.1", fqdn=f"s{n}.example.com") for n in range(3)))
        self.failures = failures
        self.tries: list[int] = []

    def record_results(self, results: list[RunResult], *, site_code: str, now: float) -> None:
        self.tries.append(len(results))
        if len(self.tries) <= self.failures:
            raise OperationalError(AWAY)
        super().record_results(results, site_code=site_code, now=now)


@pytest.mark.parametrize(("failures", "recorded"), [(1, 3), (2, 0)])
def test_results_are_tried_twice_and_not_one_by_one_where_the_database_is_away(failures, recorded):
    """Each try may wait long, and every call to the API behind it."""
    store = BusyStore(failures)

    async def scenario(stage):
        await stage.tick()
        await stage.tick(after=1)
        return store.tries, len(store.results)

    assert staged(scenario, store) == ([3, 3], recorded)


class SlowStore(Store):
    """Looking for silence takes long, as where there was much of it."""

    stage: Stage
    reported_at: float

    def expire(
        self, now: float, site_code: str, under_way: Collection[tuple[int, str]], after: int
    ) -> int:
        self.stage.now += 8
        return 0

    def report_in(self, now: float, site_code: str, loop_id: str) -> Neighbourhood:
        self.reported_at = now
        return Neighbourhood({}, clock_ahead=now - self.stage.now)


def test_what_the_database_takes_is_not_a_clock_that_is_behind(caplog):
    store = SlowStore()

    async def scenario(stage):
        store.stage = stage
        await stage.tick()
        return stage.now - store.reported_at

    assert staged(scenario, store) == 0
    assert not caplog.records


def test_a_failure_that_goes_on_is_logged_once_and_its_end_too(caplog, monkeypatch):
    """Or a database that is away for a night would fill the disk."""
    caplog.set_level("INFO", "rttm.engine")
    monkeypatch.setattr("rttm.engine.loop.TICK", 0)
    failures = [AWAY, AWAY, AWAY, FULL, FULL, "", AWAY]

    async def scenario():
        store, stop = Store(), asyncio.Event()

        def watched_versions() -> dict[int, int]:
            failure = failures.pop(0)
            if not failures:
                stop.set()
            if failure:
                raise OperationalError(failure)
            stage.now += 1  # so that the next round asks again
            return {}

        store.watched_versions = watched_versions
        stage = Stage(store)
        await stage.loop.run(stop)

    finish(scenario())
    failed = "a round of the loop failed; the next one follows"
    again = "the loop goes on: a round worked again"
    assert [record.getMessage() for record in caplog.records] == [failed, failed, again, failed]
    told = [record.exc_info and str(record.exc_info[1]) for record in caplog.records]
    assert told == [AWAY, FULL, None, AWAY]
