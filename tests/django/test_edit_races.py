"""Edits while other processes save, delete and sync: nobody's change is lost or misreported."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from rttm import edits, services, sync
from rttm.client import Unavailable, calls
from rttm.edits import LONGEST, Conflict, Origin, settle
from rttm.models import Edit, PoolEntry, Service
from rttm.services import mirror_sync
from tests.builders import region, service
from tests.django.editing import the_edit, update
from tests.meanwhile import changed_before_each_query

ONE, TWO, NEW = "192.0.2.1", "192.0.2.2", "192.0.2.3"


@pytest.fixture
def row(mirrored) -> Service:
    return mirrored(service(region=(region("global", ONE, TWO), region("Asia", ONE, TWO))))


@pytest.fixture
def entry(row) -> PoolEntry:
    return PoolEntry.objects.get(region__service=row, region__region_code="global", address=ONE)


def under_way(row: Service, by: Origin, code: str = "global", **columns) -> Edit:
    """An edit by somebody in another process, who has yet to hear of its outcome."""
    named = {"verb": "update", "region_code": code, "address": ONE, "after": {"weight": 5}}
    return Edit.objects.create(service=row, **named, **by.columns | columns)


def when_asked(backend, method: str, do: Callable[[], None], *, after: bool = False) -> None:
    """Do something once, just before the backend gets such a request, or just after."""
    original = backend.transport.send

    def send(request):
        if request.method != method:
            return original(request)
        backend.transport.send = original
        if not after:
            do()
        response = original(request)
        if after:
            do()
        return response

    backend.transport.send = send


class TestTwoInOneRegion:
    """Each reads before it changes: they must not both read first."""

    def test_second_waits_for_the_first_and_finds_their_change(
        self, backend, row, entry, by, monkeypatch
    ):
        first = under_way(row, by)

        def they_finish(seconds: float) -> None:
            backend.run(calls.pool_entry_update(row.key, "global", ONE, {"weight": 5}))
            Edit.objects.filter(pk=first.pk).update(outcome="saved")

        monkeypatch.setattr(edits, "sleep", they_finish)
        with pytest.raises(Conflict):
            update(entry, by, weight=9)
        assert backend.run(calls.pool_entry(row.key, "global", ONE)).weight == 5

    def test_who_would_wait_too_long_is_told_so_and_changes_nothing(
        self, backend, row, entry, by, monkeypatch
    ):
        under_way(row, by)
        monkeypatch.setattr(edits, "TURN", 0)
        with pytest.raises(Unavailable, match="somebody else is saving") as caught:
            update(entry, by, weight=9)
        assert not caught.value.may_have_changed
        assert backend.run(calls.pool_entry(row.key, "global", ONE)).weight == 1

    @pytest.mark.parametrize(
        "columns",
        [{"code": "Asia"}, {"created_at": timezone.now() - LONGEST}, {"outcome": "saved"}],
    )
    def test_who_is_elsewhere_or_was_killed_or_is_done_is_not_waited_for(
        self, row, entry, by, columns, monkeypatch
    ):
        under_way(row, by, **columns)
        monkeypatch.setattr(edits, "TURN", 0)
        update(entry, by, weight=9)

    def test_who_came_later_is_not_waited_for(self, backend, row, entry, by, monkeypatch):
        when_asked(backend, "GET", lambda: under_way(row, by))
        monkeypatch.setattr(edits, "TURN", 0)
        update(entry, by, weight=9)


class TestSyncMeanwhile:
    """A full sync asks before the edit is carried out, and has its answer only afterwards."""

    def asks(self, backend, row: Service) -> Callable[[], object]:
        told, asked_at = backend.run(calls.service(row.key)), timezone.now()
        return lambda: sync.absorb_service(told, asked_at=asked_at)

    def test_it_does_not_undo_the_edit(self, backend, row, entry, by):
        absorb = []
        when_asked(backend, "PUT", lambda: absorb.append(self.asks(backend, row)))
        update(entry, by, weight=9)
        absorb[0]()
        entry.refresh_from_db()
        assert (entry.weight, entry.version) == (9, 2)

    def test_it_does_not_bring_a_deleted_entry_back(self, backend, row, entry, by):
        absorb = []
        when_asked(backend, "DELETE", lambda: absorb.append(self.asks(backend, row)))
        services.pool_entry_delete(entry=entry, seen=entry.version, origin=by)
        absorb[0]()
        assert [found.address for found in entry.region.pool.all()] == [TWO]

    def test_it_does_not_take_a_new_region_away(self, backend, row, by):
        absorb = []
        when_asked(backend, "POST", lambda: absorb.append(self.asks(backend, row)))
        services.region_create(service=row, desired=region("EU West", NEW), origin=by)
        absorb[0]()
        assert row.regions.filter(region_code="EU West").exists()

    def test_it_may_tell_of_a_rename_before_the_answer_does(self, backend, row, entry, by):
        when_asked(backend, "PUT", mirror_sync, after=True)
        update(entry, by, address=NEW)
        assert the_edit().outcome == "saved"
        pool = PoolEntry.objects.filter(region=entry.region_id)
        assert set(pool.values_list("address", flat=True)) == {NEW, TWO}

    @pytest.mark.parametrize("after", [False, True])
    def test_it_says_nothing_of_an_edit_under_way(self, backend, entry, by, after):
        found = []

        def sync_meanwhile() -> None:
            mirror_sync()
            found.append(the_edit().outcome)

        when_asked(backend, "PUT", sync_meanwhile, after=after)
        update(entry, by, weight=9)
        assert (found, the_edit().outcome) == (["pending"], "saved")

    def test_it_says_nothing_of_an_edit_lost_after_it_asked(self, row, by):
        asked_at = timezone.now()
        lost = {"created_at": asked_at - timedelta(1), "finished_at": asked_at}
        under_way(row, by, outcome="unknown", **lost)
        settle(asked_at=asked_at)
        assert the_edit().outcome == "unknown"
        settle(asked_at=asked_at + timedelta(seconds=1))
        assert the_edit().outcome == "not_applied"

    def test_it_settles_what_a_killed_process_left_behind(self, row, by):
        under_way(row, by, created_at=timezone.now() - LONGEST)
        mirror_sync()
        assert the_edit().outcome == "not_applied"

    def test_outcome_that_comes_while_it_judges_stands(self, row, by):
        under_way(row, by, created_at=timezone.now() - LONGEST)
        outcomes = [
            the_edit().outcome
            for _ in changed_before_each_query(
                "default",
                lambda: settle(asked_at=timezone.now()),
                lambda: Edit.objects.update(outcome="saved"),
            )
        ]
        assert set(outcomes[:-1]) == {"saved"}
        assert outcomes[-1] == "not_applied"
