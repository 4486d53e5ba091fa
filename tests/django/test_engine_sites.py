"""Several monitoring sites on one database: who votes, who ranks, who looks after whom."""

import time
from dataclasses import replace

import pytest

from rttm.core.terms import EntryStatus
from rttm.engine import store
from tests.engine_service import INTERVAL, NOW, ONE, TWO, Engine, two_addresses


@pytest.fixture
def engine() -> Engine:
    return two_addresses()


def test_the_majority_decides(engine):
    engine.probe(_1="up", site="LHR")
    engine.probe(_1="down", site="EWR")
    assert engine.entry(ONE).status == EntryStatus.UP  # a tie keeps it
    engine.probe(_1="down", site="SJC")
    assert engine.entry(ONE).status == EntryStatus.DOWN
    assert [log.site_code for log in engine.entry(ONE).log] == ["EWR", "LHR", "SJC"]


def test_a_site_that_went_silent_does_not_vote(engine):
    engine.probe(_1="up", site="LHR")
    engine.probe(NOW + 2 * INTERVAL + 1, _1="down", site="EWR")
    assert engine.entry(ONE).status == EntryStatus.DOWN


def test_silence_of_one_leaves_the_word_to_the_other(engine):
    engine.probe(_1="down", site="LHR")
    engine.probe(NOW + 3 * INTERVAL, _1="up", site="EWR")
    store.expire(NOW + 3 * INTERVAL + 1, "XXX")
    assert engine.entry(ONE).status == EntryStatus.UP
    statuses = {log.site_code: log.status for log in engine.entry(ONE).log}
    assert statuses == {"EWR": EntryStatus.UP, "LHR": EntryStatus.UNK}
    messages = [log.message for log in engine.entry(ONE).log]
    assert messages == ["said up", "said down; nothing known since"]


@pytest.mark.parametrize("present", ["up", "down"])
def test_a_tie_of_two_sites_keeps_the_present_status(engine, present):
    other = {"up": "down", "down": "up"}[present]
    for turn in range(5):
        engine.probe(NOW + turn * INTERVAL, _1=present, _2="up", site="LHR")
        engine.probe(NOW + turn * INTERVAL, _1=other, _2="up", site="EWR")
        assert engine.entry(ONE).status == present
    assert (ONE in engine.serves()) == (present == "up")


def test_a_third_site_decides_between_two_and_changes_what_is_served(engine):
    engine.probe(_1="up", _2="up", site="LHR")
    engine.probe(_1="down", _2="up", site="EWR")
    assert engine.serves() == (ONE, TWO)
    engine.probe(NOW + 1, _1="down", _2="up", site="SJC")
    assert engine.serves() == (TWO,)
    assert engine.told[-1] == ("health", "global", "trouble", (TWO,))
    engine.probe(NOW + 2, _1="up", site="EWR")
    assert engine.serves() == (ONE, TWO)


def test_the_last_site_that_speaks_decides_alone(engine):
    for site in ("LHR", "EWR"):
        engine.probe(_1="up", _2="up", site=site)
    for turn in (1, 2, 3):
        engine.probe(NOW + turn * INTERVAL, _1="down", _2="up", site="SJC")
        expected = EntryStatus.UP if turn <= 2 else EntryStatus.DOWN
        assert engine.entry(ONE).status == expected


def test_recovery_delay_is_counted_by_each_site_for_itself(engine):
    engine.change(replace(engine.row.value, recovery_delay=1))
    for site in ("LHR", "EWR"):
        engine.probe(_1="down", _2="up", site=site)
    for site in ("LHR", "EWR"):
        engine.probe(NOW + 1, _1="up", site=site)
    assert engine.entry(ONE).status == EntryStatus.DOWN
    engine.probe(NOW + 2, _1="up", site="LHR")
    assert engine.entry(ONE).status == EntryStatus.DOWN  # one of two
    engine.probe(NOW + 2, _1="up", site="EWR")
    assert engine.entry(ONE).status == EntryStatus.UP


def test_no_status_outlives_the_sites_that_found_it(engine):
    """A site whose code was changed, or that was taken away, cannot say so itself."""
    engine.probe(_1="up", _2="down", site="OLD")
    engine.probe(NOW + 3 * INTERVAL, _1="unk", _2="unk", site="NEW")
    assert engine.entry(TWO).status == EntryStatus.DOWN
    store.expire(NOW + 3 * INTERVAL + 1, "XXX")
    assert [engine.entry(a).status for a in (ONE, TWO)] == [EntryStatus.UNK] * 2
    assert engine.log[-1].change_ts == int(NOW)


def test_an_address_stays_known_while_one_site_was_heard_of_within_three_intervals(engine):
    engine.probe(_1="up", _2="up", site="LHR")
    engine.probe(NOW + INTERVAL, _1="up", _2="up", site="EWR")
    store.expire(NOW + 3.5 * INTERVAL, "XXX")
    assert engine.entry(ONE).status == EntryStatus.UP
    store.expire(NOW + 4 * INTERVAL + 1, "XXX")
    assert engine.entry(ONE).status == EntryStatus.UNK
    assert engine.log[-1].change_ts == int(NOW + INTERVAL)  # the last that anybody heard


def test_sites_see_each_other_and_forget_one_that_is_gone_for_a_day(engine):
    assert store.report_in(NOW, "LHR", "a").others == {}
    engine.probe(_1="up", site="LHR")
    assert store.report_in(NOW + 60, "EWR", "b").others == {"LHR": NOW}
    engine.probe(NOW + 60, _1="up", site="EWR")
    assert store.report_in(NOW + 120, "LHR", "a").others == {"EWR": NOW + 60}
    assert store.report_in(NOW + 60 + 86_400, "LHR", "a").others == {"EWR": NOW + 60}
    assert store.report_in(NOW + 61 + 86_400, "LHR", "a").others == {}
    assert [log.site_code for log in engine.entry(ONE).log] == ["LHR"]


def test_a_loop_hears_who_reported_in_last_under_its_code(db):
    assert [store.report_in(NOW, "LHR", loop).last_loop for loop in "aab"] == ["", "a", "a"]
    assert store.report_in(NOW, "LHR", "a").last_loop == "b"


def test_a_site_hears_how_far_its_clock_is_off(db):
    now = time.time()
    assert abs(store.report_in(now, "LHR", "a").clock_ahead) < 5
    assert store.report_in(now + 100, "LHR", "a").clock_ahead == pytest.approx(100, abs=5)


def test_an_address_ranks_by_the_median_over_the_sites(engine):
    [region] = engine.row.value.region
    engine.change(replace(engine.row.value, region=(replace(region, ep=1),)))
    for _ in range(5):
        engine.measure(_1=10, _2=30, site="LHR")
    engine.measure(_1=200, _2=30, site="EWR")
    assert engine.serves() == (TWO,)
    engine.measure(_1=10, _2=30, site="SJC")
    assert engine.serves() == (ONE,)


def test_a_site_that_stopped_measuring_does_not_rank(engine):
    [region] = engine.row.value.region
    engine.change(replace(engine.row.value, region=(replace(region, ep=1),)))
    engine.measure(_1=500, _2=30, site="GONE")
    for turn in range(4):
        engine.measure(NOW + turn * 600, _1=10, _2=30, site="LHR")
        assert engine.serves() == ((TWO,) if turn < 3 else (ONE,))


def test_each_site_watches_its_own_health(engine):
    engine.probe(_1="down", site="LHR")
    [watched] = store.watched([engine.row.pk], "EWR")
    assert watched.healths == {}
    [watched] = store.watched([engine.row.pk], "LHR")
    assert watched.healths[ONE].status == EntryStatus.DOWN
