"""What was told later stands, and workers that hear the same news at once take turns."""

from datetime import timedelta

import pytest

from rttm import sync
from rttm.core import schema
from rttm.models import LogRecord, PoolEntry, Region, Service, SyncState
from rttm.sync.answers import LOG_KEPT
from tests.at_once import at_once
from tests.builders import pool_entry, region, service
from tests.django.absorbing import ONE, T0, T1, T2, T3, TWO, answer, entry_of, value


def test_older_answer_does_not_undo_a_fresh_edit():
    row = sync.absorb_service(value(), asked_at=T0)
    sync.absorb_pool_entry(entry_of(row).region, pool_entry(ONE, weight=9), asked_at=T2)
    sync.absorb_service(value(), asked_at=T1)
    assert entry_of(row).weight == 9


@pytest.mark.django_db(databases=["default"], transaction=True)
def test_workers_that_hear_the_same_news_at_once_take_turns():
    row = sync.absorb_service(value(), asked_at=T0)

    def hear(entry: schema.PoolEntry) -> None:
        sync.absorb_service(value(entry), asked_at=T1)
        sync.absorb_region(row, region("Asia", pool=(entry,)), asked_at=T1)

    for weight in range(2, 12):
        Region.objects.filter(region_code="Asia").delete()
        news = pool_entry(ONE, weight=weight)
        at_once(lambda _, news=news: hear(news))
        assert PoolEntry.objects.get(region__region_code="global").version == weight
        assert PoolEntry.objects.get(region__region_code="Asia").weight == weight


@pytest.mark.django_db(databases=["default"], transaction=True)
def test_workers_that_log_the_same_records_at_once_take_turns():
    row = sync.absorb_service(value(), asked_at=T0)
    records = [answer(ONE, serial=n, at=T0 + timedelta(seconds=n)) for n in range(300)]

    for _ in range(5):
        LogRecord.objects.all().delete()
        at_once(lambda worker: sync.absorb_log(row, records[:: 1 if worker % 2 else -1]))
        assert row.log.count() == LOG_KEPT


def test_syncs_that_end_at_once_take_the_services_in_one_order(django_assert_num_queries):
    named = [value(fqdn=f"s{number}.example.com") for number in range(3)]
    keys = [sync.absorb_service(one, asked_at=T0).pk for one in named]
    with django_assert_num_queries(4) as done:  # two are the transaction's own
        sync.absorb_unchanged(keys[::-1], asked_at=T1)
    assert "ORDER BY" in done.captured_queries[1]["sql"]
    assert set(Service.objects.values_list("seen_at", flat=True)) == {T1}


def test_older_answer_does_not_bring_a_deleted_entry_back():
    row = sync.absorb_service(value(), asked_at=T0)
    sync.absorb_pool_entry_gone(entry_of(row).region, ONE, asked_at=T2)
    sync.absorb_service(value(), asked_at=T1)
    assert list(PoolEntry.objects.values_list("address", flat=True)) == [TWO]


def test_older_answer_does_not_take_a_new_entry_away():
    row = sync.absorb_service(value(), asked_at=T0)
    sync.absorb_pool_entry(row.regions.get(), pool_entry("192.0.2.3"), asked_at=T2)
    sync.absorb_service(value(), asked_at=T1)
    assert PoolEntry.objects.filter(address="192.0.2.3").exists()


def test_older_answer_does_not_bring_a_deleted_region_back():
    two = service(region=(region(), region("Asia")))
    row = sync.absorb_service(two, asked_at=T0)
    sync.absorb_region_gone(row, "Asia", asked_at=T2)
    sync.absorb_service(two, asked_at=T1)
    assert list(row.regions.values_list("region_code", flat=True)) == ["global"]


def test_rename_that_a_sync_told_of_first_is_no_second_entry():
    row = sync.absorb_service(value(), asked_at=T0)
    region = entry_of(row).region
    sync.absorb_service(value(pool_entry("192.0.2.9"), pool_entry(TWO)), asked_at=T1)
    sync.absorb_pool_entry(region, pool_entry("192.0.2.9", weight=3), asked_at=T2, was=ONE)
    assert set(region.pool.values_list("address", "weight")) == {("192.0.2.9", 3), (TWO, 1)}


def test_rename_that_a_sync_took_for_a_new_entry_keeps_its_row():
    row = sync.absorb_service(value(), asked_at=T0)
    before = entry_of(row)
    sync.absorb_pool_entry(before.region, pool_entry(ONE), asked_at=T2)  # read before it was saved
    sync.absorb_service(value(pool_entry("192.0.2.9"), pool_entry(TWO)), asked_at=T1)
    sync.absorb_pool_entry(before.region, pool_entry("192.0.2.9"), asked_at=T3, was=ONE)
    assert set(before.region.pool.values_list("address", flat=True)) == {"192.0.2.9", TWO}
    assert entry_of(row, "192.0.2.9").pk == before.pk


def test_older_reading_of_one_object_does_not_bring_it_back():
    row = sync.absorb_service(service(region=(region(), region("Asia"))), asked_at=T0)
    pool = row.regions.get(region_code="global")
    sync.absorb_pool_entry_gone(pool, ONE, asked_at=T2)
    sync.absorb_pool_entry(pool, pool_entry(ONE), asked_at=T1)
    assert not pool.pool.filter(address=ONE).exists()
    sync.absorb_region_gone(row, "Asia", asked_at=T2)
    sync.absorb_region(row, region("Asia"), asked_at=T1)
    assert not row.regions.filter(region_code="Asia").exists()


def test_late_news_of_a_deletion_does_not_delete_what_was_told_later():
    row = sync.absorb_service(service(region=(region(), region("Asia"))), asked_at=T0)
    pool = row.regions.get(region_code="global")
    sync.absorb_pool_entry(pool, pool_entry(ONE, weight=9), asked_at=T2)
    sync.absorb_pool_entry_gone(pool, ONE, asked_at=T1)
    assert pool.pool.filter(address=ONE).exists()
    sync.absorb_region(row, region("Asia", ep=2), asked_at=T2)
    sync.absorb_region_gone(row, "Asia", asked_at=T1)
    assert row.regions.filter(region_code="Asia").exists()


def test_deletion_of_a_region_does_not_make_its_service_older():
    row = sync.absorb_service(service(region=(region(), region("Asia"))), asked_at=T0)
    sync.absorb_unchanged([row.pk], asked_at=T2)
    sync.absorb_region_gone(row, "Asia", asked_at=T1)
    row.refresh_from_db()
    assert row.seen_at == T2


def test_change_answered_after_a_sync_asked_is_newer_though_it_was_asked_before():
    row = sync.absorb_service(value(active=True), asked_at=T0)
    sync.absorb_service(value(active=True), asked_at=T2)
    sync.absorb_service(value(active=False), asked_at=T1, as_of=T3)
    row.refresh_from_db()
    assert (row.active, row.seen_at) == (False, T3)


def test_change_of_a_service_tells_nothing_of_edits_made_while_it_was_asked_for():
    row = sync.absorb_service(value(), asked_at=T0)
    sync.absorb_pool_entry(entry_of(row).region, pool_entry(ONE, weight=9), asked_at=T2)
    sync.absorb_service(value(active=False), asked_at=T1, as_of=T3)
    assert entry_of(row).weight == 9


def test_gone_needs_an_answer_newer_than_the_row():
    row = sync.absorb_service(value(), asked_at=T1)
    sync.absorb_gone(row.key, asked_at=T0)
    row.refresh_from_db()
    assert row.gone_at is None


def test_older_report_in_a_slow_worker_does_not_undo_a_newer_one():
    row = sync.absorb_service(value(), asked_at=T0)
    slow = Service.objects.get(pk=row.pk)
    sync.absorb_answers(row, [answer(TWO)], asked_at=T2)
    sync.absorb_answers(slow, [answer(ONE)], asked_at=T1)
    assert Region.objects.get().answer == [["A", TWO, 1]]


def test_entry_told_of_a_region_that_was_deleted_meanwhile_is_no_orphan():
    region = entry_of(sync.absorb_service(value(), asked_at=T0)).region
    Region.objects.all().delete()
    sync.absorb_pool_entry(region, pool_entry("192.0.2.8"), asked_at=T1)
    assert not PoolEntry.objects.exists()


def test_outcome_of_an_older_sync_does_not_cover_a_newer_success():
    sync.absorb_success(asked_at=T2)
    sync.absorb_failure("it took too long", asked_at=T1)
    assert SyncState.now().failing_since is None
    sync.absorb_success(asked_at=T1)
    assert SyncState.now().succeeded_at == T2
