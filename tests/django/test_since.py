"""Since when a state holds: also what came and went between two syncs, and no time to come."""

from datetime import UTC, datetime, timedelta
from time import time

import pytest
from django.db.models import DateTimeField
from django.utils import timezone

from rttm import sync
from rttm.engine import store
from rttm.models import PoolEntry, Region, Service, SyncState
from rttm.services import mirror_sync
from rttm.sync.clock import PATHS
from tests.builders import pool_entry, region, service
from tests.django.absorbing import value
from tests.django.editing import update
from tests.engine_service import USER, Engine
from tests.pages import find, parse

ONE, TWO = "192.0.2.1", "192.0.2.2"
MONTH = timedelta(days=30)


@pytest.fixture
def begin() -> int:
    """UNIX seconds, a quarter of an hour ago."""
    return int(time()) - 900


@pytest.fixture
def wanted():
    pool = (pool_entry(ONE, serve_mode="remove"), pool_entry(TWO))
    return service(region=(region(pool=pool, ep=2, apmc=1),))


@pytest.fixture
def engine(backend, wanted) -> Engine:
    return Engine(wanted)


def moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def since() -> dict[str, datetime]:
    row, of = Service.objects.get(), Region.objects.get()
    return {"service": row.status_since, "region": of.status_since, "answer": of.answer_since}


def entry(address: str) -> PoolEntry:
    return PoolEntry.objects.get(address=address)


def test_flip_that_began_and_ended_between_two_syncs_dates_what_it_changed(engine, begin):
    engine.probe(begin, _1="up", _2="up")
    mirror_sync()
    assert since() == dict.fromkeys(("service", "region", "answer"), moment(begin))
    engine.probe(begin + 100, _2="down")
    engine.probe(begin + 200, _2="up")
    mirror_sync()
    assert Service.objects.get().status == "ok"
    assert since() == dict.fromkeys(("service", "region", "answer"), moment(begin + 200))


def test_change_of_status_alone_leaves_since_when_the_answer_is_served(engine, begin):
    engine.set_mode(TWO, "always")
    engine.probe(begin, _1="up", _2="up")
    mirror_sync()
    engine.probe(begin + 100, _2="down")
    mirror_sync()
    assert Service.objects.get().status == "trouble"
    assert since()["region"] == moment(begin + 100)
    assert since()["answer"] == moment(begin)


def test_address_that_was_up_between_two_syncs_is_down_since_it_went_down_again(engine, begin):
    engine.probe(begin, _1="up", _2="down")
    mirror_sync()
    engine.probe(begin + 100, _2="up")
    engine.probe(begin + 200, _2="down")
    mirror_sync()
    assert entry(TWO).status_since == moment(begin + 200)
    assert entry(ONE).status_since < moment(begin + 200)


def test_mode_that_a_person_changes_does_not_date_an_address_that_was_down_before(engine, begin):
    engine.set_mode(TWO, "no")
    engine.probe(begin, _1="up", _2="down")
    mirror_sync()
    engine.set_mode(TWO, "obey")
    mirror_sync()
    assert entry(TWO).status == "down"
    assert entry(TWO).status_since == moment(begin)


def made_again(engine: Engine, wanted, at: int) -> None:
    """Deleted and made again, and probed to the same states."""
    store.delete(engine.row, now=at, user_name=USER)
    zone, _ = store.create_zone(wanted.zone)
    store.create(zone, wanted, now=at + 10, user_name=USER)
    engine.probe(at + 20, _1="up", _2="up")


def test_service_that_was_made_again_between_two_syncs_is_as_old_as_it_is(engine, wanted, begin):
    engine.probe(begin, _1="up", _2="up")
    mirror_sync()
    made_again(engine, wanted, begin + 100)
    mirror_sync()
    assert Service.objects.get().status == "ok"
    assert since()["service"] == since()["region"] == moment(begin + 120)
    assert entry(ONE).status_since == entry(TWO).status_since == moment(begin + 120)


def test_service_made_again_waits_for_no_recover_of_its_former_life(engine, wanted, begin):
    engine.probe(begin, _1="down", _2="up")
    mirror_sync()
    engine.probe(begin + 50, _1="up")
    mirror_sync()
    assert entry(ONE).is_waiting
    made_again(engine, wanted, begin + 100)
    mirror_sync()
    assert not entry(ONE).is_waiting


def test_service_that_was_gone_and_is_back_is_as_old_as_its_return(engine, wanted, begin):
    engine.probe(begin, _1="up", _2="up")
    mirror_sync()
    store.delete(engine.row, now=begin + 100, user_name=USER)
    mirror_sync()
    assert Service.objects.get().sign == "gone"
    zone, _ = store.create_zone(wanted.zone)
    store.create(zone, wanted, now=begin + 110, user_name=USER)
    engine.probe(begin + 120, _1="up", _2="up")
    mirror_sync()
    assert Service.objects.get().sign == "ok"
    assert since()["service"] == since()["region"] == moment(begin + 120)
    assert entry(ONE).status_since >= moment(begin + 120)


def test_service_that_is_back_without_a_log_is_as_old_as_we_know(db):
    then = timezone.now() - timedelta(days=1)
    row = sync.absorb_service(value(), asked_at=then)
    sync.absorb_gone(row.key, asked_at=then + timedelta(hours=1))
    back_at = then + timedelta(hours=2)
    sync.absorb_service(value(), asked_at=back_at)
    assert since()["service"] == since()["region"] == back_at
    assert entry(ONE).status_since == back_at


@pytest.fixture
def written_ahead(engine, begin, by, monkeypatch):
    """The mirror as it was written while this machine's clock was a month ahead."""
    engine.probe(begin, _1="up", _2="up")
    with monkeypatch.context() as ahead:
        now = timezone.now
        ahead.setattr(timezone, "now", lambda: now() + MONTH)
        mirror_sync()
        update(entry(ONE), by, label="ahead")


def ahead_of(now: datetime) -> list[str]:
    found = []
    for model in (*PATHS, SyncState):
        for field in model._meta.fields:
            if isinstance(field, DateTimeField):
                rows = model.objects.filter(**{f"{field.name}__gt": now})
                found += [f"{model.__name__}.{field.name}"] * rows.count()
    return found


def test_nothing_lies_in_the_future_once_the_clock_is_set_back(written_ahead, begin):
    assert "Service.seen_at" in ahead_of(timezone.now())
    mirror_sync()
    assert ahead_of(timezone.now()) == []


def test_rows_that_were_seen_in_the_future_are_not_frozen(written_ahead, engine, by):
    engine.probe(time(), _1="up", _2="down")
    mirror_sync()
    assert Service.objects.get().status == "trouble"
    assert entry(TWO).status == "down"
    update(entry(TWO), by, weight=9)
    assert entry(TWO).weight == 9
    engine.set_mode(TWO, "no")
    mirror_sync()
    assert entry(TWO).serve_mode == "no"


def test_clock_of_the_backend_that_is_ahead_dates_nothing_in_the_future(engine, begin):
    engine.probe(begin, _1="up", _2="up")
    mirror_sync()
    engine.probe(time() + MONTH.total_seconds(), _2="down")
    mirror_sync()
    assert Service.objects.get().status == "trouble"
    assert [record.value for record in Region.objects.get().records] == [ONE]
    assert ahead_of(timezone.now()) == []


def test_page_shows_no_age_of_a_time_to_come(client_as, viewer, engine, begin):
    engine.probe(time() + MONTH.total_seconds(), _1="up", _2="up")
    mirror_sync()
    page = parse(client_as(viewer).get(f"/services/{Service.objects.get().pk}/"))
    ages = find(page, tag="time", data_age="")
    assert ages
    now = timezone.now().isoformat()
    assert all(age.get("datetime") <= now for age in ages)


def test_clocks_that_differ_by_seconds_are_left_alone(db):
    soon = timezone.now() + timedelta(seconds=5)
    sync.absorb_service(value(), asked_at=soon)
    sync.absorb_present(now=timezone.now())
    assert Service.objects.get().seen_at == soon
