"""Actions: a row first, carried out once, retried when the backend is away, never left open."""

from datetime import timedelta

import pytest
from django.utils import timezone

from dashboard.celery import app
from rttm import dispatch, services, sync, tasks
from rttm.client import Unavailable, calls
from rttm.models import Action, LogReport, PoolEntry, Service
from rttm.services.actions import FORGOTTEN, LEASE, MOST_ATTEMPTS
from tests.at_once import at_once
from tests.builders import pool_entry, region, service


@pytest.fixture
def row(mirrored) -> Service:
    entries = (pool_entry("192.0.2.1", serve_mode="remove"), pool_entry("192.0.2.2"))
    return mirrored(service(region=(region(pool=entries),)))


@pytest.fixture
def woken(monkeypatch) -> list[int]:
    """The actions for which a task was queued."""
    found: list[int] = []
    monkeypatch.setattr(tasks, "wake", lambda action: found.append(action.pk))
    monkeypatch.setattr(tasks, "follow", lambda service_id: None)
    return found


def test_action_is_a_row_before_a_task_is_queued(
    row, by, woken, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        action = dispatch.service_deactivate(service=row, origin=by)
        assert woken == []
    assert woken == [action.pk]
    assert (action.state, action.actor_name) == ("queued", "olga")


def test_second_click_is_the_same_action(row, by, woken):
    first = dispatch.service_recover(service=row, origin=by)
    assert dispatch.service_recover(service=row, origin=by) == first
    assert dispatch.service_deactivate(service=row, origin=by) != first


@pytest.mark.django_db(databases=["default", "engine"], transaction=True)
@pytest.mark.parametrize("verb", ["recover", "sync"])
def test_two_clicks_at_once_are_one_action(row, by, woken, verb):
    sync.absorb_success(asked_at=timezone.now())

    def click(_: int) -> Action:
        if verb == "sync":
            return dispatch.mirror_sync(origin=by)
        return dispatch.service_recover(service=row, origin=by)

    for _ in range(5):
        Action.objects.all().delete()
        at_once(click)
        assert Action.objects.count() == 1


@pytest.mark.parametrize("is_absorbed_first", [True, False])
def test_sync_that_asked_meanwhile_does_not_undo_an_action(
    backend, row, by, woken, is_absorbed_first
):
    original, late = backend.transport.send, []

    def send(request):
        if request.method == "PUT":
            backend.transport.send = original
            told, asked_at = backend.run(calls.service(row.key)), timezone.now()
            late.append(lambda: sync.absorb_service(told, asked_at=asked_at))
            if is_absorbed_first:
                late[0]()
        return original(request)

    backend.transport.send = send
    assert run(dispatch.service_deactivate(service=row, origin=by)).after["active"] == "no"
    late[0]()
    row.refresh_from_db()
    assert not row.active


def test_action_without_a_broker_stays_queued(
    row, by, monkeypatch, django_capture_on_commit_callbacks
):
    def refuse(*args, **options):
        raise ConnectionError("no broker")

    monkeypatch.setattr(tasks.run_action, "apply_async", refuse)
    with django_capture_on_commit_callbacks(execute=True):
        action = dispatch.service_recover(service=row, origin=by)
    action.refresh_from_db()
    assert action.state == "queued"


def test_sync_and_report_never_take_the_worker_of_an_action(row, by, monkeypatch):
    queues = []
    monkeypatch.setattr(
        tasks.run_action, "apply_async", lambda args, *, queue, priority: queues.append(queue)
    )
    for action in (
        dispatch.service_recover(service=row, origin=by),
        dispatch.mirror_sync(origin=by),
        dispatch.log_report_create(
            service=row, start=row.seen_at, end=row.seen_at, origin=by
        ).action,
    ):
        tasks.wake(action)
    assert queues == ["actions", "reading", "reading"]
    assert app.amqp.router.route({}, "rttm.tasks.run_sync")["queue"].name == "reading"
    assert set(app.amqp.queues) == set(queues)


def run(action: Action) -> Action:
    tasks.run_action(action.pk)
    action.refresh_from_db()
    return action


def test_deactivate_and_activate(backend, row, by, woken):
    action = run(dispatch.service_deactivate(service=row, origin=by))
    assert (action.state, action.before["active"], action.after["active"]) == (
        "succeeded",
        "yes",
        "no",
    )
    row.refresh_from_db()
    assert (row.active, row.sign) == (False, "inactive")
    assert not backend.run(calls.service(row.key)).active
    run(dispatch.service_activate(service=row, origin=by))
    row.refresh_from_db()
    assert row.active


class TestJob:
    """The backend answers that it will finish the action later."""

    @pytest.fixture
    def action(self, backend, row, by, woken) -> Action:
        backend.transport.makes_jobs = True
        action = run(dispatch.service_deactivate(service=row, origin=by))
        backend.transport.makes_jobs = False
        return action

    def test_it_stays_open_while_the_job_runs(self, row, action, woken):
        assert (action.state, action.job_id) == ("queued", "1")
        assert action.message == "The backend goes on with it as job 1."
        woken.clear()
        tasks.run_followed_jobs()
        assert woken == [action.pk]
        assert run(action).state == "queued"
        assert row.active

    def test_it_is_done_when_the_job_has_ended_and_is_asked_for_once(self, backend, row, action):
        backend.transport.carry_out()
        action = run(action)
        assert (action.state, action.before["active"], action.after["active"]) == (
            "succeeded",
            "yes",
            "no",
        )
        assert (action.job_id, action.job_token) == ("", "")
        row.refresh_from_db()
        assert not row.active
        puts = [path for method, path in backend.transport.sent if method == "PUT"]
        assert len(puts) == 1

    def test_it_is_asked_for_again_when_the_job_is_lost(self, backend, action):
        Action.objects.update(job_token="of another log-in")
        with pytest.raises(Unavailable):
            tasks.run_action(action.pk)
        assert run(action).state == "succeeded"

    def test_it_fails_when_the_job_never_ends(self, action):
        Action.objects.update(created_at=timezone.now() - timedelta(hours=2))
        action = run(action)
        assert (action.state, action.message) == (
            "failed",
            "Job 1 of the backend had not ended after an hour.",
        )


def test_recover_address_says_what_the_backend_said(row, by, woken):
    entry = row.regions.get().pool.get(address="192.0.2.1")
    PoolEntry.objects.filter(pk=entry.pk).update(was_down=True)
    action = run(dispatch.pool_entry_recover(entry=entry, origin=by))
    assert action.state == "succeeded"
    assert "192.0.2.1" in action.message
    entry.refresh_from_db()
    assert not entry.was_down


def test_recover_of_an_address_the_backend_does_not_know_fails_in_its_words(row, by, woken):
    entry = row.regions.get().pool.first()
    action = dispatch.pool_entry_recover(entry=entry, origin=by)
    Action.objects.filter(pk=action.pk).update(address="192.0.2.77")
    assert run(action).state == "failed"
    assert "192.0.2.77" in action.message


def test_task_delivered_twice_does_its_work_once(backend, row, by, woken):
    action = run(dispatch.service_recover(service=row, origin=by))
    backend.transport.sent.clear()
    run(action)
    assert backend.transport.sent == []
    assert action.attempts == 1


def test_action_another_worker_holds_is_left_alone(backend, row, by, woken):
    action = dispatch.service_recover(service=row, origin=by)
    Action.objects.filter(pk=action.pk).update(
        state="running", claimed_until=timezone.now() + LEASE
    )
    backend.transport.sent.clear()
    assert run(action).state == "running"
    assert backend.transport.sent == []


def test_killed_workers_action_is_taken_up_again(row, by, woken):
    action = dispatch.service_recover(service=row, origin=by)
    Action.objects.filter(pk=action.pk).update(
        state="running", claimed_until=timezone.now() - timedelta(seconds=1), attempts=1
    )
    tasks.run_expired_actions()
    assert woken == [action.pk]
    assert run(action).state == "succeeded"


def test_queued_action_whose_wake_up_got_lost_is_woken(row, by, woken):
    action = dispatch.service_recover(service=row, origin=by)
    tasks.run_expired_actions()
    assert woken == []
    Action.objects.filter(pk=action.pk).update(created_at=timezone.now() - FORGOTTEN * 2)
    tasks.run_expired_actions()
    assert woken == [action.pk]


def test_unreachable_backend_is_tried_again_and_said_so(backend, row, by, woken):
    backend.refuses_connections()
    action = dispatch.service_recover(service=row, origin=by)
    with pytest.raises(Unavailable):
        services.action_run(action_id=action.pk)
    action.refresh_from_db()
    assert (action.state, action.attempts) == ("queued", 1)
    assert f"Attempt 1 of {MOST_ATTEMPTS}" in action.message
    backend.is_back()
    assert run(action).state == "succeeded"


def test_action_ends_as_failed_when_the_backend_stays_away(backend, row, by, woken):
    backend.refuses_connections()
    action = dispatch.service_recover(service=row, origin=by)
    for _ in range(MOST_ATTEMPTS - 1):
        with pytest.raises(Unavailable):
            services.action_run(action_id=action.pk)
    services.action_run(action_id=action.pk)
    action.refresh_from_db()
    assert action.state == "failed"
    assert action.finished_at
    assert "Given up" in action.message


def test_sync_action_says_what_it_read(backend, by, woken, db):
    backend.has(service())
    action = run(dispatch.mirror_sync(origin=by))
    assert (action.state, action.message) == ("succeeded", "1 services read, 1 changes.")


def test_log_report_holds_what_the_backend_recorded(row, by, woken):
    now = timezone.now()
    report = dispatch.log_report_create(
        service=row, start=now - timedelta(hours=1), end=now, origin=by
    )
    action = run(report.action)
    report = LogReport.objects.get()
    assert action.state == "succeeded"
    assert report.built_at
    assert [line["region_code"] for line in report.rows] == ["global"]
    assert report.rows[0]["change_type"] == "user"


def test_each_state_is_announced(topics, row, by, woken):
    action = dispatch.service_recover(service=row, origin=by)
    topics.clear()
    run(action)
    assert {f"action-{action.pk}", "actions", f"service-history-{row.pk}"} <= topics


@pytest.mark.parametrize("dispatched", [dispatch.service_recover, dispatch.log_report_create])
def test_action_whose_service_is_no_longer_in_the_mirror_fails_in_words(row, by, woken, dispatched):
    now = timezone.now()
    span = {"start": now, "end": now} if dispatched is dispatch.log_report_create else {}
    dispatched(service=row, origin=by, **span)
    row.delete()
    services.action_run(action_id=Action.objects.get().pk)
    action = Action.objects.get()
    assert (action.state, action.claimed_until) == ("failed", None)
    assert action.message == f"{row.fqdn} is no longer in the mirror."


def test_action_that_none_of_its_workers_survived_is_not_tried_for_ever(row, by, woken):
    action = dispatch.service_deactivate(service=row, origin=by)
    lost = {"state": "running", "claimed_until": timezone.now() - LEASE}
    Action.objects.filter(pk=action.pk).update(attempts=MOST_ATTEMPTS, **lost)
    services.action_run(action_id=action.pk)
    action.refresh_from_db()
    row.refresh_from_db()
    assert (action.state, row.active) == ("failed", True)
    assert "5 attempts" in action.message
