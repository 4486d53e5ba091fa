"""What waits for a person: latched addresses, and regions held in failover."""

from dataclasses import replace

import pytest

from rttm.core.terms import EntryStatus, Status
from rttm.engine import store
from tests import builders
from tests.engine_service import INTERVAL, NOW, ONE, TWO, USER, Engine


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
