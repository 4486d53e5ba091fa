"""What the engine's store makes of configurations, probe results and silence."""

import time
from collections.abc import Sequence
from dataclasses import replace

import pytest

from rttm.core.eligibility import Place
from rttm.core.health import ProbeResult
from rttm.core.schedule import Kind
from rttm.core.schema import HealthMonitor, PoolEntry, Region, ResponseSet, Service
from rttm.core.terms import EntryStatus, Status
from rttm.engine import models, reports, store
from rttm.engine.jobs import JobIds
from tests import builders

NOW = 1_700_000_000.0
USER = "olga"
ONE, TWO = "192.0.2.1", "192.0.2.2"
INTERVAL = 300.0  # seconds, of the builders' health monitor


class Engine:
    """One service, and a site that probes it."""

    def __init__(self, value: Service) -> None:
        self.key = value.key
        zone, _ = store.create_zone(value.zone)
        store.create(zone, value, now=NOW, user_name=USER)

    @property
    def row(self) -> models.Service:
        row = store.hold(*self.key)
        assert row
        return row

    @property
    def seen(self) -> Service:
        return store.observe([self.row])[0]

    def entry(self, address: str, region: str = "global") -> PoolEntry:
        found = self.seen.at(region)
        assert found
        entry = found.entry(address)
        assert entry
        return entry

    def change(self, wanted: Service, at: float = NOW) -> None:
        store.change(self.row, wanted, now=at, user_name=USER)

    def set_mode(self, address: str, mode: str) -> None:
        service = self.row.value
        pool = tuple(
            replace(entry, serve_mode=mode) if entry.address == address else entry
            for entry in service.region[0].pool
        )
        self.change(replace(service, region=(replace(service.region[0], pool=pool),)))

    def probe(self, at: float = NOW, *, site: str = "XXX", version: int = 0, **runs: str) -> None:
        """Results by the last number of the address: probe(_1="down")."""
        results = [
            self.result(f"192.0.2.{name[1:]}", EntryStatus(status), at, version=version)
            for name, status in runs.items()
        ]
        store.record_results(results, site_code=site, now=at)

    def result(
        self, address: str, status: EntryStatus, at: float, *, version: int = 0
    ) -> store.RunResult:
        row = self.row
        result = ProbeResult(status, f"said {status}")
        return store.RunResult(row.pk, version or row.version, address, Kind.HEALTH, result, at)

    def measure(self, at: float = NOW, *, site: str = "XXX", **times: float | None) -> None:
        """Runs by the last number of the address; those without a time failed."""
        row = self.row
        results = [
            store.RunResult(
                row.pk, row.version, f"192.0.2.{name[1:]}", Kind.PERF,
                ProbeResult(EntryStatus.UP if ms else EntryStatus.DOWN, "said", ms), at,
            )
            for name, ms in times.items()
        ]  # fmt: skip
        store.record_results(results, site_code=site, now=at)

    @property
    def log(self) -> list[ResponseSet]:
        return reports.log_report(self.key, 0, 2 * int(NOW))[0]

    @property
    def told(self) -> list[tuple[str, str, str, tuple[str, ...]]]:
        """The log in short."""
        return [(r.change_type, r.region_code, r.region_status, r.values) for r in self.log]

    def serves(self, region: str = "global", at: float = 2 * NOW) -> Sequence[str]:
        found = reports.rrset_report(self.key, int(at))
        return next(record.values for record in found if record.region_code == region)


@pytest.fixture
def engine() -> Engine:
    """Two addresses, both eligible; below one, failover to 192.0.2.99."""
    return Engine(builders.service(region=(builders.region(ep=2),)))


def test_a_new_service_answers_before_its_first_probe(engine):
    assert engine.seen.status == Status.UNK
    assert engine.told == [("user", "global", "unk", (ONE, TWO))]
    assert engine.log[0].user_name == USER


def test_a_probe_that_finds_both_up_is_recorded_as_up(engine):
    engine.probe(_1="up", _2="up")
    assert engine.seen.status == Status.OK
    assert engine.told[1:] == [("health", "global", "up", (ONE, TWO))]
    assert engine.log[1].user_name == ""


def test_a_down_address_is_not_served(engine):
    engine.probe(_1="up", _2="down")
    assert engine.entry(TWO).status == EntryStatus.DOWN
    assert engine.seen.status == Status.TROUBLE
    assert engine.told[-1] == ("health", "global", "trouble", (ONE,))


def test_a_pool_entry_shows_its_evidence_by_site(engine):
    engine.probe(NOW + 5, _2="down")
    [log] = engine.entry(TWO).log
    assert (log.site_code, log.status, log.message, log.time) == (
        "XXX", "down", "said down", int(NOW) + 5,
    )  # fmt: skip


def test_results_that_change_nothing_are_not_recorded(engine):
    engine.probe(_1="up", _2="up")
    serial = models.Zone.objects.get().serial
    engine.probe(NOW + 60, _1="up", _2="up")
    assert len(engine.log) == 2
    assert models.Zone.objects.get().serial == serial
    assert engine.entry(ONE).log[0].time == int(NOW) + 60


def test_results_that_change_nothing_ask_for_no_decision(engine, django_assert_num_queries):
    """As nearly all results: deciding anew would cost as much as all the rest."""
    engine.probe(_1="up", _2="up")
    results = [engine.result(address, EntryStatus.UP, NOW + 60) for address in (ONE, TWO)]
    # Savepoint and its end; the services, what is known, the new results, the votes, the tasks.
    with django_assert_num_queries(7, using="engine"):
        store.record_results(results, site_code="XXX", now=NOW + 60)


def test_each_recorded_change_has_a_serial_of_its_own(engine):
    engine.probe(_1="up", _2="down")
    engine.probe(_2="up")
    serials = [record.serial for record in engine.log]
    assert serials == [serials[0], serials[0] + 1, serials[0] + 2]


def test_too_few_addresses_fail_over_and_come_back(engine):
    engine.probe(_1="down", _2="down")
    assert engine.seen.status == Status.FAILOVER
    assert engine.told[-1] == ("health", "global", "failover", ("192.0.2.99",))
    engine.probe(_1="up")
    assert engine.told[-1] == ("health", "global", "trouble", (ONE,))


def test_recovery_delay_counts_up_runs_and_says_how_many(engine):
    engine.change(replace(engine.row.value, recovery_delay=1))
    engine.probe(_1="down", _2="up")
    engine.probe(_1="up")
    entry = engine.entry(ONE)
    assert entry.status == EntryStatus.DOWN
    assert entry.log[0].message == "said up; up 1 of 2 times in a row"
    engine.probe(_1="up")
    assert engine.entry(ONE).status == EntryStatus.UP


class TestLatch:
    """Serve mode `remove`."""

    @pytest.fixture
    def engine(self) -> Engine:
        pool = (builders.pool_entry(ONE, serve_mode="remove"), builders.pool_entry(TWO))
        engine = Engine(builders.service(region=(builders.region(pool=pool, ep=2),)))
        engine.probe(_1="down", _2="up")
        return engine

    def test_entry_with_mode_remove_stays_out_after_it_comes_back_up(self, engine):
        engine.probe(_1="up")
        entry = engine.entry(ONE)
        assert entry.status == EntryStatus.UP
        assert entry.log[0].message == "said up; waits for recover"
        assert engine.serves() == (TWO,)

    def test_recover_of_the_address_brings_it_back(self, engine):
        engine.probe(_1="up")
        done = store.recover_address(engine.row, ONE, now=NOW, user_name=USER)
        assert (done.latched, done.after.latched) == ((ONE,), frozenset())
        assert engine.serves() == (ONE, TWO)
        assert engine.log[-1].user_name == USER
        assert "waits" not in engine.entry(ONE).log[0].message

    def test_recover_of_another_address_leaves_it_out(self, engine):
        engine.probe(_1="up")
        store.recover_address(engine.row, TWO, now=NOW, user_name=USER)
        assert engine.serves() == (TWO,)

    def test_recover_of_the_service_brings_it_back(self, engine):
        engine.probe(_1="up")
        store.recover(engine.row, now=NOW, user_name=USER)
        assert engine.serves() == (ONE, TWO)

    def test_an_address_that_is_still_down_latches_again_at_once(self, engine):
        done = store.recover_address(engine.row, ONE, now=NOW, user_name=USER)
        assert done.after.latched == {ONE}
        engine.probe(_1="up")
        assert engine.serves() == (TWO,)

    def test_another_mode_drops_the_latch_for_good(self, engine):
        engine.probe(_1="up")
        engine.set_mode(ONE, "obey")
        assert engine.serves() == (ONE, TWO)
        engine.set_mode(ONE, "remove")
        assert engine.serves() == (ONE, TWO)

    def test_deleting_the_entry_drops_the_latch(self, engine):
        service = engine.row.value
        [region] = service.region
        engine.change(replace(service, region=(replace(region, pool=region.pool[1:]),)))
        engine.change(service)
        assert engine.serves() == (ONE, TWO)
        assert engine.entry(ONE).log == ()

    def test_silence_does_not_lift_the_latch(self, engine):
        store.expire(NOW + 10 * INTERVAL, "XXX")
        assert engine.entry(ONE).status == EntryStatus.UNK
        assert engine.serves() == (TWO,)

    def test_deactivating_does_not_lift_the_latch(self, engine):
        store.deactivate(engine.row, now=NOW, user_name=USER)
        store.activate(engine.row, now=NOW, user_name=USER)
        assert engine.serves() == (TWO,)


class TestHeldInFailover:
    """auto_recover N."""

    @pytest.fixture
    def engine(self) -> Engine:
        value = builders.service(region=(builders.region(ep=2),), auto_recover=False)
        engine = Engine(value)
        engine.probe(_1="down", _2="down")
        engine.probe(_1="up", _2="up")
        return engine

    def test_the_region_stays_in_failover_although_its_counts_are_met(self, engine):
        assert engine.seen.status == Status.FAILOVER
        assert engine.serves() == ("192.0.2.99",)

    def test_recover_ends_it(self, engine):
        done = store.recover(engine.row, now=NOW, user_name=USER)
        assert done.failed_over == ("global",)
        assert engine.seen.status == Status.OK
        assert engine.serves() == (ONE, TWO)

    def test_recover_with_too_few_addresses_goes_straight_back(self, engine):
        engine.probe(_1="down", _2="down")
        done = store.recover(engine.row, now=NOW, user_name=USER)
        assert done.after.decisions["global"].in_failover
        engine.probe(_1="up", _2="up")
        assert engine.seen.status == Status.FAILOVER

    def test_recover_of_an_address_does_not_end_it(self, engine):
        store.recover_address(engine.row, ONE, now=NOW, user_name=USER)
        assert engine.seen.status == Status.FAILOVER

    def test_switching_auto_recover_on_ends_it(self, engine):
        engine.change(replace(engine.row.value, auto_recover=True))
        assert engine.seen.status == Status.OK

    def test_a_change_that_mends_the_counts_while_it_is_switched_on_holds_nothing(self):
        engine = Engine(builders.service(region=(builders.region(ep=2, apmc=3),)))
        assert engine.told[-1][2] == "failover"
        region = replace(engine.row.value.region[0], apmc=1)
        engine.change(replace(engine.row.value, region=(region,), auto_recover=False))
        assert engine.serves() == (ONE, TWO)

    def test_switching_auto_recover_on_and_off_while_inactive_ends_it(self, engine):
        store.deactivate(engine.row, now=NOW, user_name=USER)
        engine.change(replace(engine.row.value, auto_recover=True))
        engine.change(replace(engine.row.value, auto_recover=False))
        store.activate(engine.row, now=NOW, user_name=USER)
        assert engine.serves() == (ONE, TWO)

    def test_it_outlasts_deactivation(self, engine):
        store.deactivate(engine.row, now=NOW, user_name=USER)
        assert engine.seen.status == Status.UNK
        store.activate(engine.row, now=NOW, user_name=USER)
        assert engine.seen.status == Status.FAILOVER


class TestSilence:
    def test_statuses_are_unknown_after_three_intervals(self, engine):
        engine.probe(_1="up", _2="down")
        store.expire(NOW + 3 * INTERVAL, "XXX")
        assert engine.entry(ONE).status == EntryStatus.UP
        store.expire(NOW + 3 * INTERVAL + 1, "XXX")
        assert engine.entry(ONE).status == EntryStatus.UNK
        assert engine.entry(TWO).log[0].status == EntryStatus.UNK
        assert engine.seen.status == Status.UNK

    def test_no_report_shows_a_gap_in_probing_as_up(self, engine):
        engine.probe(NOW, _1="up", _2="up")
        store.expire(NOW + 100 * INTERVAL, "XXX")
        gap = engine.log[-1]
        assert (gap.change_type, gap.region_status) == ("health", "unk")
        assert gap.change_ts == int(NOW)

    def test_a_gap_is_recorded_also_where_failover_goes_on_through_it(self, engine):
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

    def test_an_edit_in_a_gap_does_not_end_it(self, engine):
        engine.change(replace(engine.row.value, auto_recover=False))
        engine.probe(_1="down", _2="down")
        store.expire(NOW + 100 * INTERVAL, "XXX")
        region = replace(engine.row.value.region[0], failover_data="192.0.2.98")
        engine.change(replace(engine.row.value, region=(region,)), NOW + 100 * INTERVAL)
        assert engine.told[-1][:3] == ("user", "global", "unk")

    def test_a_failover_before_the_first_probe_is_no_gap(self):
        engine = Engine(builders.service(region=(builders.region(apmc=3),)))
        assert engine.told[-1][2] == "failover"
        store.expire(NOW + 100 * INTERVAL, "XXX")
        assert engine.told[-1][2] == "failover"

    def test_an_address_whose_run_is_under_way_stays_as_it_was(self, engine):
        engine.probe(_1="down", _2="down")
        late = NOW + 4 * INTERVAL
        store.expire(late, "XXX", {(engine.row.pk, ONE)})
        assert [engine.entry(a).status for a in (ONE, TWO)] == ["down", "unk"]
        store.expire(late, "XXX")
        assert engine.entry(ONE).status == EntryStatus.UNK

    def test_a_site_that_is_at_work_looks_after_its_own(self, engine):
        engine.probe(_1="down", site="LHR")
        late = NOW + 4 * INTERVAL
        store.report_in(late, "LHR", "a")
        store.expire(late + 3 * 60, "XXX")
        assert engine.entry(ONE).status == EntryStatus.DOWN
        store.expire(late + 3 * 60 + 1, "XXX")  # it fell silent meanwhile
        assert engine.entry(ONE).status == EntryStatus.UNK

    def test_an_activated_service_has_never_been_seen(self, engine):
        """So its addresses are probed at once, whatever the loop remembers or forgot."""
        engine.probe(_1="up")
        store.deactivate(engine.row, now=NOW, user_name=USER)
        store.activate(engine.row, now=NOW, user_name=USER)
        [watched] = store.watched([engine.row.pk], "XXX")
        assert watched.healths[ONE].seen_at == 0
        assert engine.entry(ONE).log[0].time == int(NOW)

    def test_a_recover_names_the_addresses_that_it_waits_for(self, engine):
        engine.probe(_1="up", _2="up")
        store.recover_address(engine.row, TWO, now=NOW, user_name=USER)
        [watched] = store.watched([engine.row.pk], "XXX")
        assert [watched.is_awaited(address) for address in (ONE, TWO)] == [False, True]

    def test_a_site_that_reports_in_looks_after_its_own_all_the_same(self, engine):
        engine.probe(_1="down")
        late = NOW + 4 * INTERVAL
        store.report_in(late, "XXX", "a")
        store.expire(late + 1, "XXX")
        assert engine.entry(ONE).status == EntryStatus.UNK

    def test_a_gap_begins_with_the_last_result_of_any_address(self, engine):
        engine.probe(_1="up", _2="up")
        engine.probe(NOW + 60, _1="up")
        store.expire(NOW + 100 * INTERVAL, "XXX")
        assert engine.log[-1].change_ts == int(NOW) + 60

    def test_an_edit_in_a_gap_may_begin_a_failover(self, engine):
        engine.probe(_1="up", _2="up")
        store.expire(NOW + 100 * INTERVAL, "XXX")
        region = replace(engine.row.value.region[0], apmc=3)
        engine.change(replace(engine.row.value, region=(region,)), NOW + 100 * INTERVAL)
        assert engine.told[-1] == ("user", "global", "failover", ("192.0.2.99",))

    def test_slices_go_on_past_what_is_spared(self, monkeypatch):
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

    def test_a_long_silence_of_many_services_is_taken_in_slices(self, monkeypatch):
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

    def test_a_result_after_the_silence_counts_at_once(self, engine):
        engine.probe(_1="up", _2="up")
        store.expire(NOW + 10 * INTERVAL, "XXX")
        engine.probe(NOW + 11 * INTERVAL, _1="up", _2="up")
        assert [status for _, _, status, _ in engine.told] == ["unk", "up", "unk", "up"]

    def test_a_run_that_tells_nothing_keeps_the_status_and_says_why(self, engine):
        engine.probe(_1="up")
        engine.probe(NOW + 1, _1="unk")
        entry = engine.entry(ONE)
        assert (entry.status, entry.log[0].message) == (EntryStatus.UP, "said unk")

    def test_a_run_that_tells_nothing_does_not_let_silence_count(self, engine):
        """Or the gap would be recorded as beginning with it, and not with the last result."""
        engine.probe(_1="up", _2="up")
        before = engine.told
        engine.probe(NOW + 4 * INTERVAL, _1="unk", _2="unk")
        assert engine.told == before
        store.expire(NOW + 4 * INTERVAL, "XXX")
        assert engine.log[-1].change_ts == int(NOW)

    def test_an_unprobed_service_does_not_keep_its_last_statuses(self, engine):
        engine.probe(_1="down", _2="up")
        engine.change(replace(engine.row.value, monitor=HealthMonitor("NONE", 5)))
        assert engine.entry(ONE).status == EntryStatus.UNK


class TestInactive:
    def test_it_answers_nothing_and_knows_nothing(self, engine):
        engine.probe(_1="up", _2="down")
        store.deactivate(engine.row, now=NOW, user_name=USER)
        assert engine.serves() == ()
        assert engine.seen.status == Status.UNK
        assert engine.entry(TWO).status == EntryStatus.UNK
        assert engine.told[-1] == ("user", "global", "unk", ())

    def test_up_runs_of_before_are_not_counted_on(self, engine):
        engine.change(replace(engine.row.value, recovery_delay=2))
        engine.probe(_1="down")
        engine.probe(_1="up")
        assert engine.entry(ONE).log[0].message == "said up; up 1 of 3 times in a row"
        store.deactivate(engine.row, now=NOW, user_name=USER)
        assert engine.entry(ONE).log[0].message == "said up"

    def test_it_is_not_watched(self, engine):
        assert store.watched_versions() == {engine.row.pk: 1}
        store.deactivate(engine.row, now=NOW, user_name=USER)
        assert store.watched_versions() == {}
        assert store.watched([engine.row.pk], "XXX") == []

    def test_results_that_come_late_are_dropped(self, engine):
        store.deactivate(engine.row, now=NOW, user_name=USER)
        engine.probe(_1="down")
        assert engine.entry(ONE).log == ()

    def test_results_of_before_are_dropped_after_activation_too(self, engine):
        old = engine.row.version
        store.deactivate(engine.row, now=NOW, user_name=USER)
        store.activate(engine.row, now=NOW, user_name=USER)
        engine.probe(_1="down", version=old)
        assert engine.entry(ONE).status == EntryStatus.UNK
        assert engine.serves() == (ONE, TWO)


class TestChange:
    def test_the_same_configuration_is_no_change(self, engine):
        engine.change(engine.row.value)
        assert engine.row.version == 1
        assert len(engine.log) == 1

    def test_a_label_changes_no_response_set(self, engine):
        service = engine.row.value
        [region] = service.region
        pool = (replace(region.pool[0], label="new"), region.pool[1])
        engine.change(replace(service, region=(replace(region, pool=pool),)))
        assert engine.entry(ONE).label == "new"
        assert engine.row.version == 2
        assert len(engine.log) == 1

    def test_a_new_address_starts_unknown(self, engine):
        engine.probe(_1="down", _2="up")
        service = engine.row.value
        [region] = service.region
        pool = (replace(region.pool[0], address="192.0.2.3"), region.pool[1])
        engine.change(replace(service, region=(replace(region, pool=pool),)))
        assert engine.entry("192.0.2.3").status == EntryStatus.UNK
        assert engine.serves() == ("192.0.2.3", TWO)

    def test_results_of_an_address_that_is_gone_are_dropped(self, engine):
        engine.probe(_3="down")
        assert not models.Health.objects.exists()

    def test_results_of_a_service_that_is_gone_are_dropped(self, engine):
        late = engine.result(ONE, EntryStatus.DOWN, NOW)
        store.delete(engine.row, now=NOW, user_name=USER)
        store.record_results([late], site_code="XXX", now=NOW)
        assert not models.Health.objects.exists()

    def test_results_of_the_monitor_of_before_are_dropped(self, engine):
        engine.change(replace(engine.row.value, monitor=HealthMonitor("HTTP", 5, port=81)))
        engine.probe(_1="down", version=1)
        assert engine.entry(ONE).status == EntryStatus.UNK
        engine.probe(_1="down", version=2)
        assert engine.entry(ONE).status == EntryStatus.DOWN

    def test_results_outlive_a_change_of_something_else(self, engine):
        engine.change(replace(engine.row.value, ttl=60))
        engine.probe(_1="down", version=1)
        assert engine.entry(ONE).status == EntryStatus.DOWN

    def test_removing_a_region_is_recorded(self, engine):
        service = engine.row.value
        asia = builders.region("Asia", "192.0.2.7", failover_mode="global", failover_data="")
        engine.change(replace(service, region=(*service.region, asia)))
        engine.change(service, at=NOW + 10)
        assert engine.told[-1] == ("user", "Asia", "reg_remove", ())
        assert [r.region_code for r in reports.rrset_report(engine.key, int(NOW) + 10)] == [
            "global"
        ]
        assert len(reports.rrset_report(engine.key, int(NOW) + 9)) == 2

    def test_a_change_that_cannot_be_settled_is_not_kept(self, engine, monkeypatch):
        def fail(*args: object) -> None:
            raise RuntimeError("no decision")

        monkeypatch.setattr(store.results, "settle_all", fail)
        with pytest.raises(RuntimeError):
            engine.probe(_1="down")
        assert engine.entry(ONE).status == EntryStatus.UNK
        assert engine.entry(ONE).log == ()


class TestAutopopulated:
    @pytest.fixture
    def engine(self) -> Engine:
        asleep = Region("Asia", autopopulate=True, pool=(builders.pool_entry("192.0.2.7"),))
        return Engine(builders.service(region=(builders.region(ep=2), asleep)))

    def test_it_serves_and_shows_the_global_pool(self, engine):
        engine.probe(_1="up", _2="down")
        assert engine.serves("Asia") == (ONE,)
        shown = engine.seen.at("Asia")
        assert [(entry.address, entry.status) for entry in shown.pool] == [
            (ONE, EntryStatus.UP), (TWO, EntryStatus.DOWN),
        ]  # fmt: skip
        assert shown.status == Status.TROUBLE

    def test_its_gap_ends_with_a_probe_of_the_global_pool(self, engine):
        engine.change(replace(engine.row.value, auto_recover=False))
        engine.probe(_1="down", _2="down")
        store.expire(NOW + 100 * INTERVAL, "XXX")
        assert engine.told[-1][1:3] == ("Asia", "unk")
        engine.probe(NOW + 100 * INTERVAL, _1="up")
        assert engine.told[-1][1:3] == ("Asia", "failover")

    def test_its_own_pool_sleeps(self, engine):
        [watched] = store.watched([engine.row.pk], "XXX")
        pools = [[entry.address for entry in region.pool] for region in watched.service.region]
        assert pools == [[ONE, TWO], [ONE, TWO]]
        assert engine.row.value.at("Asia").entry("192.0.2.7")


class TestPerformance:
    @pytest.fixture
    def engine(self) -> Engine:
        return Engine(builders.service(region=(builders.region(ep=1),)))

    def test_another_fastest_address_is_a_perf_change(self, engine):
        engine.measure(_1=30, _2=20)
        assert engine.told[-1] == ("perf", "global", "unk", (TWO,))

    def test_times_that_keep_the_order_record_nothing(self, engine):
        engine.measure(_1=20, _2=30)
        assert len(engine.log) == 1

    def test_the_median_decides_not_the_last_run(self, engine):
        for ms in (10, 11, 12):
            engine.measure(_1=ms, _2=20)
        engine.measure(_1=90, _2=20)
        assert engine.serves() == (ONE,)

    def test_an_address_whose_runs_fail_loses_its_rank(self, engine):
        engine.measure(_1=10, _2=20)
        assert engine.serves() == (ONE,)
        engine.measure(_1=None, _2=20)
        assert engine.serves() == (TWO,)
        engine.measure(_1=10, _2=20)
        assert engine.serves() == (ONE,)

    def test_times_taken_in_another_way_start_anew(self, engine):
        engine.measure(_1=30, _2=20)
        service = engine.row.value
        other = replace(service.performance_monitor, path="/slow")
        engine.change(replace(service, performance_monitor=other))
        assert engine.serves() == (ONE,)

    def test_times_outlast_another_rhythm_of_taking_them(self, engine):
        engine.measure(_1=30, _2=20)
        service = engine.row.value
        other = replace(service.performance_monitor, interval=20, retries=3, timeout=30)
        engine.change(replace(service, performance_monitor=other))
        assert engine.serves() == (TWO,)

    def test_a_status_in_the_same_batch_is_a_health_change(self, engine):
        row, down = engine.row, engine.result(ONE, EntryStatus.DOWN, NOW)
        fast = ProbeResult(EntryStatus.UP, "fast", 20.0)
        measured = store.RunResult(row.pk, row.version, TWO, Kind.PERF, fast, NOW)
        store.record_results([down, measured], site_code="XXX", now=NOW)
        assert engine.told[-1] == ("health", "global", "trouble", (TWO,))

    def test_a_time_taken_hides_no_evidence(self, engine):
        engine.probe(NOW + 5, _1="up")
        engine.measure(NOW + 10, _1=20)
        [log] = engine.entry(ONE).log
        assert (log.message, log.time) == ("said up", int(NOW) + 5)


class TestSites:
    def test_the_majority_decides(self, engine):
        engine.probe(_1="up", site="LHR")
        engine.probe(_1="down", site="EWR")
        assert engine.entry(ONE).status == EntryStatus.UP  # a tie keeps it
        engine.probe(_1="down", site="SJC")
        assert engine.entry(ONE).status == EntryStatus.DOWN
        assert [log.site_code for log in engine.entry(ONE).log] == ["EWR", "LHR", "SJC"]

    def test_a_site_that_went_silent_does_not_vote(self, engine):
        engine.probe(_1="up", site="LHR")
        engine.probe(NOW + 2 * INTERVAL + 1, _1="down", site="EWR")
        assert engine.entry(ONE).status == EntryStatus.DOWN

    def test_silence_of_one_leaves_the_word_to_the_other(self, engine):
        engine.probe(_1="down", site="LHR")
        engine.probe(NOW + 3 * INTERVAL, _1="up", site="EWR")
        store.expire(NOW + 3 * INTERVAL + 1, "XXX")
        assert engine.entry(ONE).status == EntryStatus.UP
        statuses = {log.site_code: log.status for log in engine.entry(ONE).log}
        assert statuses == {"EWR": EntryStatus.UP, "LHR": EntryStatus.UNK}
        messages = [log.message for log in engine.entry(ONE).log]
        assert messages == ["said up", "said down; nothing known since"]

    @pytest.mark.parametrize("present", ["up", "down"])
    def test_a_tie_of_two_sites_keeps_the_present_status(self, engine, present):
        other = {"up": "down", "down": "up"}[present]
        for turn in range(5):
            engine.probe(NOW + turn * INTERVAL, _1=present, _2="up", site="LHR")
            engine.probe(NOW + turn * INTERVAL, _1=other, _2="up", site="EWR")
            assert engine.entry(ONE).status == present
        assert (ONE in engine.serves()) == (present == "up")

    def test_a_third_site_decides_between_two_and_changes_what_is_served(self, engine):
        engine.probe(_1="up", _2="up", site="LHR")
        engine.probe(_1="down", _2="up", site="EWR")
        assert engine.serves() == (ONE, TWO)
        engine.probe(NOW + 1, _1="down", _2="up", site="SJC")
        assert engine.serves() == (TWO,)
        assert engine.told[-1] == ("health", "global", "trouble", (TWO,))
        engine.probe(NOW + 2, _1="up", site="EWR")
        assert engine.serves() == (ONE, TWO)

    def test_the_last_site_that_speaks_decides_alone(self, engine):
        for site in ("LHR", "EWR"):
            engine.probe(_1="up", _2="up", site=site)
        for turn in (1, 2, 3):
            engine.probe(NOW + turn * INTERVAL, _1="down", _2="up", site="SJC")
            expected = EntryStatus.UP if turn <= 2 else EntryStatus.DOWN
            assert engine.entry(ONE).status == expected

    def test_recovery_delay_is_counted_by_each_site_for_itself(self, engine):
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

    def test_no_status_outlives_the_sites_that_found_it(self, engine):
        """A site whose code was changed, or that was taken away, cannot say so itself."""
        engine.probe(_1="up", _2="down", site="OLD")
        engine.probe(NOW + 3 * INTERVAL, _1="unk", _2="unk", site="NEW")
        assert engine.entry(TWO).status == EntryStatus.DOWN
        store.expire(NOW + 3 * INTERVAL + 1, "XXX")
        assert [engine.entry(a).status for a in (ONE, TWO)] == [EntryStatus.UNK] * 2
        assert engine.log[-1].change_ts == int(NOW)

    def test_an_address_stays_known_while_one_site_was_heard_of_within_three_intervals(
        self, engine
    ):
        engine.probe(_1="up", _2="up", site="LHR")
        engine.probe(NOW + INTERVAL, _1="up", _2="up", site="EWR")
        store.expire(NOW + 3.5 * INTERVAL, "XXX")
        assert engine.entry(ONE).status == EntryStatus.UP
        store.expire(NOW + 4 * INTERVAL + 1, "XXX")
        assert engine.entry(ONE).status == EntryStatus.UNK
        assert engine.log[-1].change_ts == int(NOW + INTERVAL)  # the last that anybody heard

    def test_sites_see_each_other_and_forget_one_that_is_gone_for_a_day(self, engine):
        assert store.report_in(NOW, "LHR", "a").others == {}
        engine.probe(_1="up", site="LHR")
        assert store.report_in(NOW + 60, "EWR", "b").others == {"LHR": NOW}
        engine.probe(NOW + 60, _1="up", site="EWR")
        assert store.report_in(NOW + 120, "LHR", "a").others == {"EWR": NOW + 60}
        assert store.report_in(NOW + 60 + 86_400, "LHR", "a").others == {"EWR": NOW + 60}
        assert store.report_in(NOW + 61 + 86_400, "LHR", "a").others == {}
        assert [log.site_code for log in engine.entry(ONE).log] == ["LHR"]

    def test_a_loop_hears_who_reported_in_last_under_its_code(self, db):
        assert [store.report_in(NOW, "LHR", loop).last_loop for loop in "aab"] == ["", "a", "a"]
        assert store.report_in(NOW, "LHR", "a").last_loop == "b"

    def test_a_site_hears_how_far_its_clock_is_off(self, db):
        now = time.time()
        assert abs(store.report_in(now, "LHR", "a").clock_ahead) < 5
        assert store.report_in(now + 100, "LHR", "a").clock_ahead == pytest.approx(100, abs=5)

    def test_an_address_ranks_by_the_median_over_the_sites(self, engine):
        [region] = engine.row.value.region
        engine.change(replace(engine.row.value, region=(replace(region, ep=1),)))
        for _ in range(5):
            engine.measure(_1=10, _2=30, site="LHR")
        engine.measure(_1=200, _2=30, site="EWR")
        assert engine.serves() == (TWO,)
        engine.measure(_1=10, _2=30, site="SJC")
        assert engine.serves() == (ONE,)

    def test_a_site_that_stopped_measuring_does_not_rank(self, engine):
        [region] = engine.row.value.region
        engine.change(replace(engine.row.value, region=(replace(region, ep=1),)))
        engine.measure(_1=500, _2=30, site="GONE")
        for turn in range(4):
            engine.measure(NOW + turn * 600, _1=10, _2=30, site="LHR")
            assert engine.serves() == ((TWO,) if turn < 3 else (ONE,))

    def test_each_site_watches_its_own_health(self, engine):
        engine.probe(_1="down", site="LHR")
        [watched] = store.watched([engine.row.pk], "EWR")
        assert watched.healths == {}
        [watched] = store.watched([engine.row.pk], "LHR")
        assert watched.healths[ONE].status == EntryStatus.DOWN


def test_a_batch_over_two_services_reaches_both(engine):
    other = Engine(builders.service("api.example.com"))
    results = [
        engine.result(ONE, EntryStatus.DOWN, NOW),
        other.result(TWO, EntryStatus.DOWN, NOW),
    ]
    store.record_results(results, site_code="XXX", now=NOW)
    assert [engine.entry(ONE).status, engine.entry(TWO).status] == ["down", "unk"]
    assert [other.entry(ONE).status, other.entry(TWO).status] == ["unk", "down"]


def test_the_reasons_of_a_decision_are_at_hand(engine):
    engine.probe(_1="down", _2="up")
    done = store.recover(engine.row, now=NOW, user_name=USER)
    places = {v.address: v.place for v in done.after.decisions["global"].verdicts}
    assert places == {ONE: Place.OUT, TWO: Place.SERVED}


def test_job_ids_are_never_given_twice(db, monkeypatch):
    monkeypatch.setattr("rttm.engine.jobs.IDS_AT_ONCE", 2)
    first, second = JobIds(), JobIds()
    taken = [ids.taken() for ids in (first, first, second, first, second, second, first, first)]
    assert len(set(taken)) == len(taken)
    assert 0 not in taken  # says that there is none ready
    assert taken[1] == taken[0] + 1
    assert (first.first, second.first) == (taken[0], taken[2])  # however many were fetched since
