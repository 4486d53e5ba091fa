"""The mirror says what the backend said, and announces what changed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from rttm import sync
from rttm.core.schema import LogEntry, ServiceKey
from rttm.core.terms import EntryStatus
from rttm.models import PoolEntry, Region, Service, SyncState
from rttm.sync.answers import LOG_KEPT
from tests.builders import pool_entry
from tests.django.absorbing import ONE, T0, T1, T2, TWO, answer, entry_of, value


def test_mirror_reads_back_as_the_value_it_absorbed():
    told = value(pool_entry(ONE, log=(LogEntry("XXX", "up", "HTTP 200", 1767268800),)))
    sync.absorb_service(told, asked_at=T0)
    assert Service.objects.whole().get().value == told


def test_change_of_configuration_counts_the_version_up_a_status_does_not():
    row = sync.absorb_service(value(), asked_at=T0)
    sync.absorb_service(value(pool_entry(ONE, status="down"), pool_entry(TWO)), asked_at=T1)
    assert (entry_of(row).version, entry_of(row).status) == (1, "down")
    sync.absorb_service(value(pool_entry(ONE, weight=9), pool_entry(TWO)), asked_at=T2)
    assert (entry_of(row).version, entry_of(row).weight) == (2, 9)
    assert entry_of(row, TWO).version == 1


def test_rename_keeps_the_row_and_its_topic():
    row = sync.absorb_service(value(), asked_at=T0)
    before = entry_of(row)
    sync.absorb_pool_entry(before.region, pool_entry("192.0.2.9"), asked_at=T1, was=ONE)
    assert entry_of(row, "192.0.2.9").pk == before.pk


def test_service_the_backend_lost_is_marked_gone_and_comes_back():
    row = sync.absorb_service(value(), asked_at=T0)
    sync.absorb_gone(row.key, asked_at=T1)
    row.refresh_from_db()
    assert (row.gone_at, row.sign) == (T1, "gone")
    assert row.regions.get().pool.count() == 2
    sync.absorb_service(value(), asked_at=T2)
    row.refresh_from_db()
    assert row.gone_at is None


def test_unknown_service_cannot_go():
    sync.absorb_gone(ServiceKey("example.com", "nowhere.example.com"), asked_at=T0)
    assert not Service.objects.exists()


def test_status_is_dated_by_the_probe_that_found_it():
    row = sync.absorb_service(value(), asked_at=T0)
    found = int(T1.timestamp()) - 4
    log = (LogEntry("XXX", "down", "refused", found),)
    down = value(pool_entry(ONE, status="down", log=log), pool_entry(TWO))
    sync.absorb_service(down, asked_at=T1)
    assert entry_of(row).status_since == datetime.fromtimestamp(found, UTC)


def test_words_the_rules_do_not_know_are_shown_all_the_same():
    odd = value(pool_entry(ONE, weight=99, serve_mode="sometimes"))
    row = sync.absorb_service(odd, asked_at=T0)
    assert (entry_of(row).weight, entry_of(row).serve_mode) == (99, "sometimes")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"status": "down"}, {"pool-entry", "region", "service", "service-row", "counts"}),
        ({"weight": 9}, {"pool-entry", "region", "service", "service-row", "counts"}),
        ({"log": (LogEntry("XXX", "up", "HTTP 200", 5),)}, {"pool-entry"}),
        ({}, set()),
    ],
)
def test_change_announces_what_shows_it_and_nothing_else(topics, change, expected):
    sync.absorb_service(value(), asked_at=T0)
    topics.clear()
    sync.absorb_service(value(pool_entry(ONE, **change), pool_entry(TWO)), asked_at=T1)
    assert {topic.rstrip("0123456789").rstrip("-") for topic in topics} == expected


def test_new_service_announces_the_list(topics):
    sync.absorb_service(value(), asked_at=T0)
    assert topics == {"services", "counts"}


@pytest.mark.parametrize("status", EntryStatus)
@pytest.mark.parametrize("was_down", [True, False])
def test_query_for_waiting_entries_finds_those_that_say_they_are(status, was_down):
    row = entry_of(sync.absorb_service(value(pool_entry(ONE, status=status)), asked_at=T0))
    PoolEntry.objects.update(was_down=was_down)
    row.refresh_from_db()
    assert PoolEntry.objects.filter(PoolEntry.waiting()).exists() is row.is_waiting
    assert Region.objects.filter(PoolEntry.waiting("pool__")).exists() is row.is_waiting
    assert row.is_waiting is (was_down and status != "down")


@pytest.mark.parametrize("gone_at", [None, T1])
@pytest.mark.parametrize("active", [True, False])
@pytest.mark.parametrize("status", ["ok", "failover"])
def test_query_for_a_sign_finds_the_services_that_have_it(gone_at, active, status):
    sync.absorb_service(value(), asked_at=T0)
    Service.objects.update(gone_at=gone_at, active=active, status=status)
    own = Service.objects.get().sign
    signs = {"ok", "failover", "inactive", "gone"}
    assert {sign for sign in signs if Service.objects.filter(Service.has_sign(sign))} == {own}


class TestWaitingForRecover:
    """What the API does not tell is kept as we saw it."""

    def entry(self, **fields):
        return pool_entry(ONE, serve_mode="remove", **fields)

    def absorb(self, at, **fields) -> PoolEntry:
        row = sync.absorb_service(value(self.entry(**fields), pool_entry(TWO)), asked_at=at)
        return entry_of(row)

    def test_remove_entry_that_was_down_waits(self):
        self.absorb(T0, status="down")
        assert self.absorb(T1, status="up").was_down

    def test_entry_that_was_never_down_does_not(self):
        assert not self.absorb(T0, status="up").was_down

    def test_leaving_mode_remove_ends_it(self):
        row = self.absorb(T0, status="down").region.service
        sync.absorb_service(value(pool_entry(ONE, status="up"), pool_entry(TWO)), asked_at=T1)
        assert not entry_of(row).was_down

    def test_recover_ends_it_unless_still_down(self):
        self.absorb(T0, status="down")
        row = self.absorb(T1, status="up").region.service
        sync.absorb_recovered(row, ONE)
        assert not entry_of(row).was_down
        self.absorb(T2, status="down")
        sync.absorb_recovered(row, ONE)
        assert entry_of(row).was_down

    def test_recover_of_another_address_leaves_it(self):
        self.absorb(T0, status="down")
        row = self.absorb(T1, status="up").region.service
        sync.absorb_recovered(row, TWO)
        assert entry_of(row).was_down

    def test_being_served_ends_it(self):
        self.absorb(T0, status="down")
        row = self.absorb(T1, status="up").region.service
        sync.absorb_answers(row, [answer(ONE)], asked_at=T2)
        assert not entry_of(row).was_down


def test_region_shows_what_it_serves_and_since_when(topics):
    row = sync.absorb_service(value(), asked_at=T0)
    topics.clear()
    sync.absorb_answers(row, [answer(ONE, TWO, at=T1)], asked_at=T2)
    found = Region.objects.get()
    assert [record.value for record in found.records] == [ONE, TWO]
    assert found.answer_since == T1
    assert f"region-{found.pk}" in topics


def test_log_keeps_each_record_once_and_the_newest_only():
    row = sync.absorb_service(value(), asked_at=T0)
    records = [answer(ONE, serial=n, at=T0 + timedelta(seconds=n)) for n in range(210)]
    sync.absorb_log(row, records)
    sync.absorb_log(row, records[-3:])
    serials = list(row.log.values_list("serial", flat=True))
    assert len(serials) == LOG_KEPT
    assert (serials[0], serials[-1]) == (209, 10)


def test_failing_since_is_the_last_success_and_stays_until_the_next():
    sync.absorb_success(asked_at=T0)
    sync.absorb_failure("no answer", asked_at=T1)
    sync.absorb_failure("still none", asked_at=T2)
    state = SyncState.now()
    assert (state.failing_since, state.message) == (T0, "still none")
    sync.absorb_success(asked_at=T2)
    assert SyncState.now().failing_since is None


def test_renamed_status_word_of_a_region_is_kept_with_its_age():
    row = sync.absorb_service(value(), asked_at=T0)
    told = value()
    sync.absorb_service(
        replace(told, region=(replace(told.region[0], status="failover"),)), asked_at=T1
    )
    assert (row.regions.get().status, row.regions.get().status_since) == ("failover", T1)
