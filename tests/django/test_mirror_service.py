"""Full syncs: what changed is planned and printed, what looks wrong is refused."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from rttm.client import Unavailable, calls
from rttm.models import Region, Service, SyncState
from rttm.services import mirror_sync
from tests.builders import service


def names(number: int) -> list[str]:
    return [f"s{n}.example.com" for n in range(number)]


def test_first_sync_brings_everything_with_its_answers(backend):
    backend.has(service())
    plan = mirror_sync()
    assert plan.lines() == ["www.example.com: + service"]
    row = Service.objects.get()
    assert row.answers_seen_at
    assert [record.value for record in Region.objects.get().records] == ["192.0.2.1"]
    assert row.log.count() == 1
    assert SyncState.now().succeeded_at


def test_second_sync_finds_nothing_to_do(backend):
    backend.has(service())
    mirror_sync()
    before = Service.objects.get().seen_at
    assert mirror_sync().lines() == []
    assert Service.objects.get().seen_at > before


def test_sync_prints_each_change(backend):
    backend.has(service())
    call_command("sync_rttm", stdout=StringIO())
    key = Service.objects.get().key
    backend.run(calls.pool_entry_update(key, "global", "192.0.2.1", {"weight": 9}))
    backend.run(calls.service_update(key, {"notify_events": ("ip", "svc")}))
    printed = StringIO()
    call_command("sync_rttm", stdout=printed)
    assert printed.getvalue().splitlines() == [
        "www.example.com: ~ notify_events: none → ip, svc",
        "www.example.com: ~ global 192.0.2.1 weight: 1 → 9",
        "1 services read, 2 changes.",
    ]


def test_deleted_service_is_marked_gone(backend):
    for name in names(3):
        backend.has(service(name))
    mirror_sync()
    key = Service.objects.get(fqdn="s0.example.com").key
    backend.run(calls.service_delete(key))
    assert mirror_sync().lines() == ["s0.example.com: - gone from the backend"]
    assert Service.objects.exclude(gone_at=None).get().fqdn == "s0.example.com"


def test_failed_sync_is_remembered_and_changes_nothing(backend):
    backend.has(service())
    mirror_sync()
    succeeded_at = SyncState.now().succeeded_at
    backend.refuses_connections()
    with pytest.raises(Unavailable):
        mirror_sync()
    assert SyncState.now().failing_since == succeeded_at
    assert SyncState.now().message.endswith("refused. The next sync asks again.")
    with pytest.raises(CommandError):
        call_command("sync_rttm")
    assert Service.objects.get().gone_at is None


def test_each_sync_asks_a_bounded_number_of_services_what_they_serve(backend, settings):
    settings.REPORTS_PER_SYNC = 2
    for name in names(5):
        backend.has(service(name))
    for asked in (2, 4, 5):
        mirror_sync()
        assert Service.objects.exclude(answers_seen_at=None).count() == asked


def test_changed_service_is_asked_before_the_one_waiting_longest(backend, settings):
    settings.REPORTS_PER_SYNC = 1
    for name in names(3):
        backend.has(service(name))
    for _ in range(3):
        mirror_sync()
    newest = Service.objects.order_by("-answers_seen_at").first()
    backend.run(calls.service_update(newest.key, {"recovery_delay": 2}))
    before = newest.answers_seen_at
    mirror_sync()
    newest.refresh_from_db()
    assert newest.answers_seen_at > before


def test_one_sync_costs_few_calls(backend):
    for name in names(5):
        backend.has(service(name))
    mirror_sync()
    backend.transport.sent.clear()
    mirror_sync()
    assert len(backend.transport.sent) == 1 + 1 + 5  # zones, one zone's services, five reports


def test_sync_stands_when_the_answers_could_not_be_asked_for(backend):
    backend.has(service())
    mirror_sync()
    asked_before = Service.objects.get().answers_seen_at
    backend.loses_answers(after=2)  # the zones and their services are told
    mirror_sync()
    assert SyncState.now().failing_since is None
    assert Service.objects.get().answers_seen_at == asked_before
