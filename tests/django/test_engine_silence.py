"""Statuses that nobody confirms any more, and the gaps in probing that reports show."""

from dataclasses import replace

import pytest

from rttm.core.schema import HealthMonitor
from rttm.core.terms import EntryStatus, Status
from rttm.engine import store
from tests import builders
from tests.engine_service import INTERVAL, NOW, ONE, TWO, USER, Engine, two_addresses


@pytest.fixture
def engine() -> Engine:
    return two_addresses()


def test_statuses_are_unknown_after_three_intervals(engine):
    engine.probe(_1="up", _2="down")
    store.expire(NOW + 3 * INTERVAL, "XXX")
    assert engine.entry(ONE).status == EntryStatus.UP
    store.expire(NOW + 3 * INTERVAL + 1, "XXX")
    assert engine.entry(ONE).status == EntryStatus.UNK
    assert engine.entry(TWO).log[0].status == EntryStatus.UNK
    assert engine.seen.status == Status.UNK


def test_no_report_shows_a_gap_in_probing_as_up(engine):
    engine.probe(NOW, _1="up", _2="up")
    store.expire(NOW + 100 * INTERVAL, "XXX")
    gap = engine.log[-1]
    assert (gap.change_type, gap.region_status) == ("health", "unk")
    assert gap.change_ts == int(NOW)


def test_a_gap_is_recorded_also_where_failover_goes_on_through_it(engine):
    held = replace(engine.row.value, auto_recover=False)
    engine.change(held)
    engine.probe(_1="down", _2="down")
    store.expire(NOW + 100 * INTERVAL, "XXX")
    assert engine.seen.status == Status.FAILOVER
    engine.probe(NOW + 100 * INTERVAL, _1="up")
    assert engine.seen.status == Status.FAILOVER  # until recover
    target = ("192.0.2.99",)
    assert engine.told[-3:] == [
        ("health", "global", "failover", target),
        ("health", "global", "unk", target),
        ("health", "global", "failover", target),
    ]
    assert [record.change_ts - int(NOW) for record in engine.log[-2:]] == [0, 100 * INTERVAL]


def test_an_edit_in_a_gap_does_not_end_it(engine):
    engine.change(replace(engine.row.value, auto_recover=False))
    engine.probe(_1="down", _2="down")
    store.expire(NOW + 100 * INTERVAL, "XXX")
    region = replace(engine.row.value.region[0], failover_data="192.0.2.98")
    engine.change(replace(engine.row.value, region=(region,)), NOW + 100 * INTERVAL)
    assert engine.told[-1][:3] == ("user", "global", "unk")


def test_a_failover_before_the_first_probe_is_no_gap():
    engine = Engine(builders.service(region=(builders.region(apmc=3),)))
    assert engine.told[-1][2] == "failover"
    store.expire(NOW + 100 * INTERVAL, "XXX")
    assert engine.told[-1][2] == "failover"


def test_an_address_whose_run_is_under_way_stays_as_it_was(engine):
    engine.probe(_1="down", _2="down")
    late = NOW + 4 * INTERVAL
    store.expire(late, "XXX", {(engine.row.pk, ONE)})
    assert [engine.entry(a).status for a in (ONE, TWO)] == ["down", "unk"]
    store.expire(late, "XXX")
    assert engine.entry(ONE).status == EntryStatus.UNK


def test_a_site_that_is_at_work_looks_after_its_own(engine):
    engine.probe(_1="down", site="LHR")
    late = NOW + 4 * INTERVAL
    store.report_in(late, "LHR", "a")
    store.expire(late + 3 * 60, "XXX")
    assert engine.entry(ONE).status == EntryStatus.DOWN
    store.expire(late + 3 * 60 + 1, "XXX")  # it fell silent meanwhile
    assert engine.entry(ONE).status == EntryStatus.UNK


def test_an_activated_service_has_never_been_seen(engine):
    """So its addresses are probed at once, whatever the loop remembers or forgot."""
    engine.probe(_1="up")
    store.deactivate(engine.row, now=NOW, user_name=USER)
    store.activate(engine.row, now=NOW, user_name=USER)
    [watched] = store.watched([engine.row.pk], "XXX")
    assert watched.healths[ONE].seen_at == 0
    assert engine.entry(ONE).log[0].time == int(NOW)


def test_a_recover_names_the_addresses_that_it_waits_for(engine):
    engine.probe(_1="up", _2="up")
    store.recover_address(engine.row, TWO, now=NOW, user_name=USER)
    [watched] = store.watched([engine.row.pk], "XXX")
    assert [watched.is_awaited(address) for address in (ONE, TWO)] == [False, True]


def test_a_site_that_reports_in_looks_after_its_own_all_the_same(engine):
    engine.probe(_1="down")
    late = NOW + 4 * INTERVAL
    store.report_in(late, "XXX", "a")
    store.expire(late + 1, "XXX")
    assert engine.entry(ONE).status == EntryStatus.UNK


@pytest.mark.parametrize("later", ["_1", "_2"])
def test_a_gap_begins_with_the_last_result_of_any_address(engine, later):
    engine.probe(_1="up", _2="up")
    engine.probe(NOW + 60, **{later: "up"})
    store.expire(NOW + 100 * INTERVAL, "XXX")
    assert engine.log[-1].change_ts == int(NOW) + 60


def test_an_edit_in_a_gap_may_begin_a_failover(engine):
    engine.probe(_1="up", _2="up")
    store.expire(NOW + 100 * INTERVAL, "XXX")
    region = replace(engine.row.value.region[0], apmc=3)
    engine.change(replace(engine.row.value, region=(region,)), NOW + 100 * INTERVAL)
    assert engine.told[-1] == ("user", "global", "failover", ("192.0.2.99",))


def test_slices_go_on_past_what_is_spared(monkeypatch):
    monkeypatch.setattr(store.silence, "AT_ONCE", 1)
    engines = [Engine(builders.service(f"s{n}.example.com")) for n in range(2)]
    for engine in engines:
        engine.probe(_1="up", _2="up")
    first, second = (engine.row.pk for engine in engines)
    spared = {(first, ONE), (first, TWO)}
    late = NOW + 100 * INTERVAL
    assert store.expire(late, "XXX", spared) == first
    assert store.expire(late, "XXX", spared, first) == second
    assert store.expire(late, "XXX", spared, second) == 0
    assert [engine.entry(ONE).status for engine in engines] == ["up", "unk"]


def test_a_long_silence_of_many_services_is_taken_in_slices(monkeypatch):
    monkeypatch.setattr(store.silence, "AT_ONCE", 2)
    engines = [Engine(builders.service(f"s{n}.example.com")) for n in range(5)]
    for engine in engines:
        engine.probe(NOW + engine.row.pk, _1="up", _2="up")
    ids, after = [engine.row.pk for engine in engines], [0]
    while len(after) == 1 or after[-1]:
        after.append(store.expire(NOW + 100 * INTERVAL, "XXX", after=after[-1]))
    assert after == [0, ids[1], ids[3], 0]
    assert [engine.told[-1][2] for engine in engines] == ["unk"] * 5
    gaps = [engine.log[-1] for engine in engines]
    assert [gap.change_ts for gap in gaps] == [int(NOW) + e.row.pk for e in engines]
    serials = [gap.serial for gap in gaps]
    assert serials == list(range(serials[0], serials[0] + 5))


def test_a_result_after_the_silence_counts_at_once(engine):
    engine.probe(_1="up", _2="up")
    store.expire(NOW + 10 * INTERVAL, "XXX")
    engine.probe(NOW + 11 * INTERVAL, _1="up", _2="up")
    assert [status for _, _, status, _ in engine.told] == ["unk", "up", "unk", "up"]


def test_a_run_that_tells_nothing_keeps_the_status_and_says_why(engine):
    engine.probe(_1="up")
    engine.probe(NOW + 1, _1="unk")
    entry = engine.entry(ONE)
    assert (entry.status, entry.log[0].message) == (EntryStatus.UP, "said unk")


def test_a_run_that_tells_nothing_does_not_let_silence_count(engine):
    """Or the gap would be recorded as beginning with it, and not with the last result."""
    engine.probe(_1="up", _2="up")
    before = engine.told
    engine.probe(NOW + 4 * INTERVAL, _1="unk", _2="unk")
    assert engine.told == before
    store.expire(NOW + 4 * INTERVAL, "XXX")
    assert engine.log[-1].change_ts == int(NOW)


def test_an_unprobed_service_does_not_keep_its_last_statuses(engine):
    engine.probe(_1="down", _2="up")
    engine.change(replace(engine.row.value, monitor=HealthMonitor("NONE", 5)))
    assert engine.entry(ONE).status == EntryStatus.UNK
