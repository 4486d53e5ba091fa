"""Edits whose answer got lost: their outcome is found later, by evidence, or said to be open."""

from datetime import timedelta

import pytest
from django.utils import timezone

from rttm import services
from rttm.client import JobPending, Unavailable, calls
from rttm.edits import Conflict, Gone, Origin
from rttm.edits.settling import PROOF
from rttm.models import Edit, PoolEntry, Service
from rttm.services import jobs_follow, mirror_sync
from tests.builders import pool_entry, region, service
from tests.django.editing import lost, the_edit, under_way, update

ONE, TWO, NEW = "192.0.2.1", "192.0.2.2", "192.0.2.3"


@pytest.fixture
def row(mirrored) -> Service:
    return mirrored(service(region=(region("global", ONE, TWO), region("Asia", ONE, TWO))))


@pytest.fixture
def entry(row) -> PoolEntry:
    return PoolEntry.objects.get(region__service=row, region__region_code="global", address=ONE)


@pytest.fixture
def bob(django_user_model) -> Origin:
    return Origin(user=django_user_model.objects.create_user("bob", role="operator"))


def first_edit() -> Edit:
    return Edit.objects.order_by("pk")[0]


def set_back(edit: Edit, by: timedelta) -> None:
    """As if the edit had been lost that long ago."""
    Edit.objects.filter(pk=edit.pk).update(finished_at=timezone.now() - by)


class TestJob:
    """The backend answers that it will finish the change later."""

    @pytest.fixture(autouse=True)
    def later(self, backend, entry, by) -> None:
        backend.transport.makes_jobs = True
        with pytest.raises(JobPending):
            update(entry, by, weight=9)
        backend.transport.makes_jobs = False

    def test_its_outcome_stays_open_while_the_job_runs(self, backend):
        jobs_follow()
        mirror_sync()
        assert (the_edit().outcome, the_edit().job_id) == ("unknown", "1")
        set_back(the_edit(), 10 * PROOF)
        mirror_sync()
        assert the_edit().outcome == "unknown"

    def test_it_is_saved_when_the_job_has_ended_well_and_the_page_shows_it(self, backend, entry):
        backend.transport.carry_out()
        jobs_follow()
        assert (the_edit().outcome, the_edit().message) == ("saved", "The backend finished job 1.")
        assert (the_edit().job_id, the_edit().job_token) == ("", "")

    def test_it_is_rejected_when_the_backend_refuses_it_in_the_end(self, backend, row):
        backend.run(calls.pool_entry_delete(row.key, "global", ONE))
        backend.transport.carry_out()
        jobs_follow()
        assert the_edit().outcome == "rejected"
        assert "The backend refused" in the_edit().message

    def test_a_backend_that_does_not_answer_leaves_it_open(self, backend):
        backend.refuses_connections()
        jobs_follow()
        assert (the_edit().outcome, the_edit().job_id) == ("unknown", "1")

    def test_when_the_job_cannot_be_asked_after_only_a_late_reading_decides(self, backend):
        Edit.objects.update(job_token="of another log-in")
        jobs_follow()
        assert (the_edit().outcome, the_edit().job_id) == ("unknown", "")
        assert "cannot be followed any more" in the_edit().message
        mirror_sync()
        assert the_edit().outcome == "unknown"
        set_back(the_edit(), PROOF)
        mirror_sync()
        assert the_edit().outcome == "not_applied"

    def test_a_job_that_never_ends_is_not_followed_for_ever(self):
        Edit.objects.update(created_at=timezone.now() - timedelta(hours=2))
        jobs_follow()
        assert (the_edit().outcome, the_edit().job_id) == ("unknown", "")

    def test_it_is_saved_as_soon_as_a_reading_finds_it_carried_out(self, backend):
        backend.transport.carry_out()
        mirror_sync()
        assert the_edit().outcome == "saved"


class TestSyncAfterALostAnswer:
    """A later reading is evidence only of what it can tell."""

    def test_what_is_there_was_saved(self, backend, row, by):
        edit = lost(row, by)
        backend.run(calls.pool_entry_update(row.key, "global", ONE, {"weight": 5}))
        mirror_sync()
        edit.refresh_from_db()
        assert edit.outcome == "saved"

    def test_what_is_not_there_yet_may_still_come(self, backend, row, by):
        """A backend that was frozen carries the change out when it wakes up."""
        edit = lost(row, by)
        mirror_sync()
        edit.refresh_from_db()
        assert edit.outcome == "unknown"
        backend.run(calls.pool_entry_update(row.key, "global", ONE, {"weight": 5}))
        mirror_sync()
        edit.refresh_from_db()
        assert edit.outcome == "saved"

    def test_what_is_not_there_two_minutes_later_was_not_applied(self, row, by):
        edit = lost(row, by, finished_at=timezone.now() - PROOF)
        mirror_sync()
        edit.refresh_from_db()
        assert edit.outcome == "not_applied"

    def test_of_what_was_changed_again_elsewhere_nothing_can_be_told(self, backend, row, by):
        edit = lost(row, by)
        backend.run(calls.pool_entry_update(row.key, "global", ONE, {"weight": 7}))
        mirror_sync()
        edit.refresh_from_db()
        assert (edit.outcome, edit.message) == ("unclear", "It was changed again since.")

    def test_of_a_service_that_is_gone_nothing_can_be_told(self, backend, row, by):
        edit = lost(row, by)
        backend.run(calls.service_delete(row.key))
        mirror_sync()
        edit.refresh_from_db()
        assert (edit.outcome, edit.message) == ("unclear", "The service is gone.")

    def test_it_says_nothing_of_an_edit_lost_after_it_asked(self, backend, row, by):
        backend.run(calls.pool_entry_update(row.key, "global", ONE, {"weight": 5}))
        edit = lost(row, by, finished_at=timezone.now() + timedelta(seconds=30))
        mirror_sync()
        edit.refresh_from_db()
        assert edit.outcome == "unknown"


class TestOwnerThatWasKilled:
    """The process that saved something has ended without a word."""

    def test_before_it_sent_the_change_nothing_was_applied(self, row, by):
        under_way(row, by, turn_until=timezone.now() - timedelta(seconds=1))
        mirror_sync()
        assert the_edit().outcome == "not_applied"
        assert "before it asked the backend" in the_edit().message

    def test_after_it_sent_the_change_its_outcome_is_open(self, row, by):
        now = timezone.now()
        under_way(row, by, turn_until=now - timedelta(seconds=1), sent_at=now)
        mirror_sync()
        assert the_edit().outcome == "unknown"
        assert "No outcome was noted in time" in the_edit().message

    def test_while_its_turn_lasts_it_counts_as_alive(self, row, by):
        under_way(row, by)
        mirror_sync()
        assert the_edit().outcome == "pending"

    def test_the_next_edit_in_the_region_notes_it_at_once(self, row, entry, by):
        under_way(row, by, turn_until=timezone.now() - timedelta(seconds=1))
        update(entry, by, weight=9)
        assert first_edit().outcome == "not_applied"


class TestOverwrittenBeforeTheNextSync:
    """The change of one person was carried out, its answer lost, and another one saves."""

    def lose(self, backend, change) -> None:
        backend.loses_answers(after=2)  # the log-in and the reading go well
        with pytest.raises(Unavailable):
            change()
        backend.is_back()
        assert first_edit().outcome == "unknown"

    def test_the_fresh_reading_of_the_second_edit_finds_the_first_saved(
        self, backend, entry, by, bob
    ):
        self.lose(backend, lambda: update(entry, by, weight=5))
        with pytest.raises(Conflict):
            update(entry, bob, weight=7)
        assert first_edit().outcome == "saved"
        entry.refresh_from_db()
        update(entry, bob, weight=7)
        mirror_sync()
        assert first_edit().outcome == "saved"
        assert "bob" in first_edit().message

    def test_a_deletion_is_found_by_who_wants_to_change_the_same(self, backend, entry, by, bob):
        self.lose(
            backend,
            lambda: services.pool_entry_delete(entry=entry, seen=entry.version, origin=by),
        )
        with pytest.raises(Gone):
            update(entry, bob, weight=7)
        assert first_edit().outcome == "saved"

    def test_a_deletion_is_proved_by_who_adds_the_same_again(self, backend, entry, by, bob):
        self.lose(
            backend,
            lambda: services.pool_entry_delete(entry=entry, seen=entry.version, origin=by),
        )
        services.pool_entry_create(region=entry.region, desired=pool_entry(ONE), origin=bob)
        assert first_edit().outcome == "saved"

    def test_what_was_not_there_and_then_written_over_cannot_be_told(self, row, entry, by, bob):
        """It may have been carried out between the reading and the second change."""
        lost(row, by)
        update(entry, bob, weight=7)
        assert (first_edit().outcome, first_edit().message) == ("unclear", "bob changed it since.")
        mirror_sync()
        assert first_edit().outcome == "unclear"

    def test_what_was_written_beside_it_can_still_be_told(self, row, entry, by, bob):
        lost(row, by)
        update(entry, bob, label="one")
        assert first_edit().outcome == "unknown"

    def test_another_entry_of_the_region_tells_nothing(self, row, entry, by, bob):
        lost(row, by, address=TWO)
        update(entry, bob, weight=7)
        assert first_edit().outcome == "unknown"

    def test_a_region_that_was_deleted_with_it_leaves_it_untold(self, row, by, bob):
        asia = row.regions.get(region_code="Asia")
        lost(row, by, region_code="Asia")
        services.region_delete(region=asia, seen=asia.version, origin=bob)
        assert (first_edit().outcome, first_edit().message) == ("unclear", "bob deleted it since.")

    def test_the_end_of_a_job_decides_also_when_it_was_written_over(self, row, entry, by, bob):
        lost(row, by, job_id="17", created_at=timezone.now() - timedelta(minutes=5))
        update(entry, bob, weight=7)
        assert first_edit().outcome == "unknown"
