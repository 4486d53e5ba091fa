"""Performance runs: what is served follows the response times."""

from dataclasses import replace

import pytest

from rttm.core.health import ProbeResult
from rttm.core.schedule import Kind
from rttm.core.terms import EntryStatus
from rttm.engine import store
from tests import builders
from tests.engine_service import NOW, ONE, TWO, Engine


@pytest.fixture
def engine() -> Engine:
    return Engine(builders.service(region=(builders.region(ep=1),)))


def test_another_fastest_address_is_a_perf_change(engine):
    engine.measure(_1=30, _2=20)
    assert engine.told[-1] == ("perf", "global", "unk", (TWO,))


def test_times_that_keep_the_order_record_nothing(engine):
    engine.measure(_1=20, _2=30)
    assert len(engine.log) == 1


def test_the_median_decides_not_the_last_run(engine):
    for ms in (10, 11, 12):
        engine.measure(_1=ms, _2=20)
    engine.measure(_1=90, _2=20)
    assert engine.serves() == (ONE,)


def test_an_address_whose_runs_fail_loses_its_rank(engine):
    engine.measure(_1=10, _2=20)
    assert engine.serves() == (ONE,)
    engine.measure(_1=None, _2=20)
    assert engine.serves() == (TWO,)
    engine.measure(_1=10, _2=20)
    assert engine.serves() == (ONE,)


def test_times_taken_in_another_way_start_anew(engine):
    engine.measure(_1=30, _2=20)
    service = engine.row.value
    other = replace(service.performance_monitor, path="/slow")
    engine.change(replace(service, performance_monitor=other))
    assert engine.serves() == (ONE,)


def test_times_outlast_another_rhythm_of_taking_them(engine):
    engine.measure(_1=30, _2=20)
    service = engine.row.value
    other = replace(service.performance_monitor, interval=20, retries=3, timeout=30)
    engine.change(replace(service, performance_monitor=other))
    assert engine.serves() == (TWO,)


def test_a_status_in_the_same_batch_is_a_health_change(engine):
    row, down = engine.row, engine.result(ONE, EntryStatus.DOWN, NOW)
    fast = ProbeResult(EntryStatus.UP, "fast", 20.0)
    measured = store.RunResult(row.pk, row.version, TWO, Kind.PERF, fast, NOW)
    store.record_results([down, measured], site_code="XXX", now=NOW)
    assert engine.told[-1] == ("health", "global", "trouble", (TWO,))


def test_a_time_taken_hides_no_evidence(engine):
    engine.probe(NOW + 5, _1="up")
    engine.measure(NOW + 10, _1=20)
    [log] = engine.entry(ONE).log
    assert (log.message, log.time) == ("said up", int(NOW) + 5)
