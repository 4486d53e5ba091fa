"""Edits of pool entries and regions: kept, compared with the backend's present state."""

from dataclasses import replace

import pytest

from rttm import services
from rttm.client import Rejected, Unavailable, calls
from rttm.edits import Conflict, Gone
from rttm.models import Edit, PoolEntry, Region, Service
from rttm.services import mirror_sync
from tests.builders import pool_entry, region, service
from tests.django.editing import the_edit, update

ONE, TWO, NEW = "192.0.2.1", "192.0.2.2", "192.0.2.3"


@pytest.fixture
def row(mirrored) -> Service:
    return mirrored(service(region=(region(), region("Asia", ONE, TWO))))


@pytest.fixture
def entry(row) -> PoolEntry:
    return PoolEntry.objects.get(region__service=row, region__region_code="global", address=ONE)


@pytest.fixture
def asia(row) -> Region:
    return row.regions.get(region_code="Asia")


def test_saved_edit_reaches_the_backend_and_the_mirror_and_is_kept(backend, row, entry, by):
    update(entry, by, weight=9)
    assert backend.run(calls.pool_entry(row.key, "global", ONE)).weight == 9
    entry.refresh_from_db()
    assert (entry.weight, entry.version) == (9, 2)
    edit = the_edit()
    assert (edit.outcome, edit.before, edit.after) == ("saved", {"weight": 1}, {"weight": 9})
    assert (edit.actor_name, edit.remote_address) == ("olga", "198.51.100.7")
    assert (edit.subject, edit.verb) == ("www.example.com global 192.0.2.1", "update")


def test_only_what_differs_is_sent(backend, entry, by):
    backend.transport.sent.clear()
    update(entry, by, label="one")
    puts = [path for method, path in backend.transport.sent if method == "PUT"]
    assert puts == ["/REST/RTTMRegionPoolEntry/example.com/www.example.com/global/192.0.2.1/"]


def test_saving_what_is_there_already_sends_nothing(backend, entry, by):
    update(entry, by)
    assert not [method for method, _ in backend.transport.sent if method == "PUT"]
    assert the_edit().outcome == "unchanged"


def test_edit_shows_at_once_what_is_served_now(row, entry, by):
    update(entry, by, serve_mode="no")
    served = row.regions.get(region_code="global").records
    assert [record.value for record in served] == [TWO]


def test_change_made_elsewhere_since_the_last_sync_is_a_conflict(backend, row, entry, by):
    backend.run(calls.pool_entry_update(row.key, "global", ONE, {"label": "theirs"}))
    with pytest.raises(Conflict):
        update(entry, by, weight=9)
    entry.refresh_from_db()
    assert (entry.label, entry.weight) == ("theirs", 1)
    assert the_edit().outcome == "conflict"


def test_entry_deleted_elsewhere_is_gone(backend, row, entry, by):
    backend.run(calls.pool_entry_delete(row.key, "global", ONE))
    with pytest.raises(Gone):
        update(entry, by, weight=9)
    assert not PoolEntry.objects.filter(pk=entry.pk).exists()


def test_status_found_meanwhile_is_no_conflict(entry, by):
    PoolEntry.objects.filter(pk=entry.pk).update(status="down")
    update(entry, by, weight=9)
    assert the_edit().outcome == "saved"


def test_backend_refusal_is_rejected_with_its_problems(entry, by):
    with pytest.raises(Rejected) as caught:
        update(entry, by, weight=16)
    assert [problem.field for problem in caught.value.problems] == ["weight"]
    assert the_edit().outcome == "rejected"
    entry.refresh_from_db()
    assert entry.weight == 1


def test_unreachable_backend_changes_nothing_and_the_edit_says_so(backend, entry, by):
    backend.refuses_connections()
    with pytest.raises(Unavailable) as caught:
        update(entry, by, weight=9)
    assert not caught.value.sent
    assert the_edit().outcome == "unavailable"


def test_lost_answer_is_looked_up(backend, entry, by):
    """The change got through, its answer did not: reading again finds that it was saved."""
    original = backend.transport.send

    def lose_the_put(request):
        backend.transport.fault = "lost" if request.method == "PUT" else ""
        return original(request)

    backend.transport.send = lose_the_put
    update(entry, by, weight=9)
    assert the_edit().outcome == "saved"


def test_unknown_outcome_is_settled_by_the_next_sync(backend, entry, by):
    backend.loses_answers(after=2)  # the log-in and the reading go well
    with pytest.raises(Unavailable) as caught:
        update(entry, by, weight=9)
    assert caught.value.sent
    assert the_edit().outcome == "unknown"
    backend.is_back()
    mirror_sync()
    assert the_edit().outcome == "saved"
    entry.refresh_from_db()
    assert entry.weight == 9


def test_renaming_an_entry_keeps_its_row(entry, by):
    update(entry, by, address=NEW)
    entry.refresh_from_db()
    assert entry.address == NEW


def test_added_entry_is_in_the_mirror_and_kept_as_an_edit(asia, by):
    services.pool_entry_create(region=asia, desired=pool_entry(NEW, weight=3), origin=by)
    assert asia.pool.get(address=NEW).weight == 3
    assert the_edit().after["address"] == NEW


def test_duplicate_address_is_rejected_beside_the_address(asia, by):
    with pytest.raises(Rejected) as caught:
        services.pool_entry_create(region=asia, desired=pool_entry(ONE), origin=by)
    assert caught.value.problems[0].field == "address"


def test_deleted_entry_leaves_the_mirror_and_is_kept_as_an_edit(asia, by):
    entry = asia.pool.get(address=ONE)
    services.pool_entry_delete(entry=entry, seen=entry.version, origin=by)
    assert list(asia.pool.values_list("address", flat=True)) == [TWO]
    assert the_edit().before["address"] == ONE


def test_last_entry_stays(asia, by):
    first, last = asia.pool.all()
    services.pool_entry_delete(entry=first, seen=first.version, origin=by)
    with pytest.raises(Rejected):
        services.pool_entry_delete(entry=last, seen=last.version, origin=by)
    assert asia.pool.count() == 1


def test_entry_someone_changed_is_not_deleted(backend, row, asia, by):
    entry = asia.pool.get(address=ONE)
    backend.run(calls.pool_entry_update(row.key, "Asia", ONE, {"weight": 5}))
    with pytest.raises(Conflict):
        services.pool_entry_delete(entry=entry, seen=entry.version, origin=by)
    assert asia.pool.filter(address=ONE).exists()


def test_saved_settings_of_a_region_are_in_the_mirror_and_kept_as_an_edit(asia, by):
    desired = replace(asia.value, ep=2, serve_count=2, failover_mode="region")
    desired = replace(desired, failover_data="global")
    services.region_update(region=asia, desired=desired, seen=asia.version, origin=by)
    asia.refresh_from_db()
    assert (asia.ep, asia.serve_count, asia.failover_data) == (2, 2, "global")
    edit = the_edit()
    assert (edit.outcome, edit.region_code, edit.address) == ("saved", "Asia", "")


def test_region_changed_elsewhere_is_a_conflict(backend, row, asia, by):
    backend.run(calls.region_update(row.key, "Asia", {"apmc": 2}))
    desired = replace(asia.value, ep=2)
    with pytest.raises(Conflict):
        services.region_update(region=asia, desired=desired, seen=asia.version, origin=by)
    asia.refresh_from_db()
    assert asia.apmc == 2


def test_region_that_comes_and_goes_is_kept_as_two_edits(row, by):
    desired = region("EU West", NEW)
    services.region_create(service=row, desired=desired, origin=by)
    added = row.regions.get(region_code="EU West")
    assert [entry.address for entry in added.pool.all()] == [NEW]
    services.region_delete(region=added, seen=added.version, origin=by)
    assert not row.regions.filter(region_code="EU West").exists()
    assert [edit.verb for edit in Edit.objects.order_by("pk")] == ["create", "delete"]


def test_global_region_is_not_deleted(row, by):
    found = row.regions.get(region_code="global")
    with pytest.raises(Rejected):
        services.region_delete(region=found, seen=found.version, origin=by)


def test_deleted_entry_with_a_lost_answer_is_found_deleted(backend, asia, by):
    entry = asia.pool.get(address=ONE)
    backend.loses_answers(after=2)
    with pytest.raises(Unavailable):
        services.pool_entry_delete(entry=entry, seen=entry.version, origin=by)
    assert the_edit().outcome == "unknown"
    backend.is_back()
    mirror_sync()
    assert the_edit().outcome == "saved"
