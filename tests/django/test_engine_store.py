"""What the engine's store makes of configurations, probe results and silence."""

from dataclasses import replace

import pytest

from rttm.core.eligibility import Place
from rttm.core.schema import HealthMonitor, Region
from rttm.core.terms import EntryStatus, Status
from rttm.engine import models, reports, store
from tests import builders
from tests.engine_service import INTERVAL, NOW, ONE, TWO, USER, Engine, two_addresses


@pytest.fixture
def engine() -> Engine:
    return two_addresses()


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
