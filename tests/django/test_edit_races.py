"""Edits while other processes save, delete and sync: nobody's change is lost or misreported."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from rttm import services, sync
from rttm.client import Unavailable, calls
from rttm.edits import Conflict, turns
from rttm.edits.settling import PROOF
from rttm.models import Edit, PoolEntry, Service
from rttm.services import mirror_sync
from tests.builders import region, service
from tests.django.editing import lost, the_edit, under_way, update
from tests.meanwhile import changed_before_each_query

ONE, TWO, NEW = "192.0.2.1", "192.0.2.2", "192.0.2.3"


@pytest.fixture
def row(mirrored) -> Service:
    return mirrored(service(region=(region("global", ONE, TWO), region("Asia", ONE, TWO))))


@pytest.fixture
def entry(row) -> PoolEntry:
    return PoolEntry.objects.get(region__service=row, region__region_code="global", address=ONE)


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

        monkeypatch.setattr(turns, "sleep", they_finish)
        with pytest.raises(Conflict):
            update(entry, by, weight=9)
        assert backend.run(calls.pool_entry(row.key, "global", ONE)).weight == 5

    def test_who_would_wait_too_long_is_told_so_and_changes_nothing(
        self, backend, row, entry, by, monkeypatch
    ):
        under_way(row, by)
        monkeypatch.setattr(turns, "MOST_WAIT", 0)
        with pytest.raises(Unavailable, match="olga made . s ago is still being saved") as caught:
            update(entry, by, weight=9)
        assert not caught.value.may_have_changed
        assert backend.run(calls.pool_entry(row.key, "global", ONE)).weight == 1

    @pytest.mark.parametrize(
        "columns",
        [
            {"region_code": "Asia"},
            {"turn_until": timezone.now()},
            {"turn_until": timezone.now() + timedelta(days=30)},  # the clock was set back
            {"outcome": "saved"},
        ],
    )
    def test_who_is_elsewhere_or_was_killed_or_is_done_is_not_waited_for(
        self, row, entry, by, columns, monkeypatch
    ):
        under_way(row, by, **columns)
        monkeypatch.setattr(turns, "MOST_WAIT", 0)
        update(entry, by, weight=9)

    def test_a_dead_owner_holds_nobody_up_for_longer_than_ten_seconds(self):
        assert turns.LEASE.total_seconds() < turns.MOST_WAIT <= 10

    def test_the_turn_is_renewed_before_the_change_is_sent(self, backend, entry, by):
        ends = []
        for method in ("PUT", "GET"):
            when_asked(backend, method, lambda: ends.append(the_edit().turn_until))
        update(entry, by, weight=9)
        assert ends[0] < ends[1]

    def test_a_process_that_was_frozen_sends_nothing_once_its_turn_is_over(
        self, backend, entry, by
    ):
        def wake_up_late() -> None:
            Edit.objects.update(turn_until=timezone.now() - timedelta(seconds=1))
            mirror_sync()

        when_asked(backend, "GET", wake_up_late)
        with pytest.raises(Unavailable, match="its turn went to somebody else") as caught:
            update(entry, by, weight=9)
        assert not caught.value.may_have_changed
        assert not [method for method, _ in backend.transport.sent if method == "PUT"]
        assert the_edit().outcome == "unavailable"

    def test_a_job_of_the_backend_holds_others_up_and_they_are_told_so(
        self, row, entry, by, monkeypatch
    ):
        lost(row, by, job_id="17")
        monkeypatch.setattr(turns, "MOST_WAIT", 0)
        with pytest.raises(Unavailable, match=r"still carrying out .* \(job 17\)"):
            update(entry, by, weight=9)
        Edit.objects.filter(job_id="17").update(created_at=timezone.now() - turns.JOB_HOLDS)
        update(entry, by, weight=9)

    def test_who_came_later_is_not_waited_for(self, backend, row, entry, by, monkeypatch):
        when_asked(backend, "GET", lambda: under_way(row, by))
        monkeypatch.setattr(turns, "MOST_WAIT", 0)
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

    def test_outcome_that_comes_while_it_judges_stands(self, row, by):
        lost(row, by, finished_at=timezone.now() - 2 * PROOF)
        outcomes = [
            the_edit().outcome
            for _ in changed_before_each_query(
                "default", mirror_sync, lambda: Edit.objects.update(outcome="saved")
            )
        ]
        assert set(outcomes[:-1]) == {"saved"}
        assert outcomes[-1] == "not_applied"
