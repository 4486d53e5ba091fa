"""Carry out what a person asked for: claim the row, ask the backend, say what came of it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from django.db.models import F, Q
from django.utils import timezone

from rttm import live, sync
from rttm.backend import WORK_BUDGET, Answer, ask, ask_after
from rttm.client import Call, DynectError, JobPending, Unavailable, calls
from rttm.core.notify import word
from rttm.models import Action, PoolEntry, Service

from .jobs import MOST_FOLLOWED
from .log_reports import log_report_build
from .mirror import mirror_sync
from .reading import read_anew
from .recovering import describe_still_out

T = TypeVar("T")

LEASE = timedelta(seconds=120)  # longer than a task may take
MOST_ATTEMPTS = 5
FORGOTTEN = timedelta(seconds=20)  # a queued action whose wake-up got lost
RECOVERS = (Action.Verb.RECOVER, Action.Verb.RECOVERIP)
FOLLOWED = (*RECOVERS, Action.Verb.ACTIVATE)  # the backend probes at once after these


def action_run(*, action_id: int) -> int | None:
    """Carry an action out once, however often it is delivered; raises Unavailable to be retried.

    The key of the service whose first results are worth a reading before the next sync, if any.
    """
    action = _claim(action_id)
    if action is None:
        return None
    if action.attempts > MOST_ATTEMPTS:  # each of them took its worker with it
        _finish(action, Action.State.FAILED, f"None of {MOST_ATTEMPTS} attempts came to an end.")
        return None
    try:
        message = RUN[Action.Verb(action.verb)](action)
    except JobPending as pending:
        _wait_for_job(action, pending)
        return None
    except Unavailable as error:
        if action.attempts < MOST_ATTEMPTS:
            _queue_again(action, error)
            raise
        _finish(action, Action.State.FAILED, f"{error} Given up after {MOST_ATTEMPTS} attempts.")
    except (DynectError, Service.DoesNotExist) as error:
        _finish(action, Action.State.FAILED, str(error))
    else:
        still_out = _describe_still_out(action)
        state = Action.State.STILL_OUT if still_out else Action.State.SUCCEEDED
        _finish(action, state, still_out or message)
    return action.service_id if action.verb in FOLLOWED else None


def _claim(action_id: int) -> Action | None:
    """Take the action's lease; None when another worker holds it or it is finished."""
    now = timezone.now()
    free = Q(state=Action.State.QUEUED) | Q(state=Action.State.RUNNING) & _is_over(now)
    claimed = Action.objects.filter(free, pk=action_id).update(
        state=Action.State.RUNNING,
        claimed_until=now + LEASE,
        attempts=F("attempts") + 1,
        started_at=now,
    )
    if not claimed:
        return None
    action = Action.objects.select_related("service").get(pk=action_id)
    touch_action(action)
    return action


def touch_action(action: Action) -> None:
    """Announce an action's state where it is shown."""
    live.touch(f"action-{action.pk}", "actions")
    if action.service_id:
        live.touch(f"service-history-{action.service_id}", scope=action.service_id)


def _queue_again(action: Action, error: Unavailable) -> None:
    _queue(action, f"{error} Attempt {action.attempts} of {MOST_ATTEMPTS}; trying again.")


def _queue(action: Action, message: str) -> None:
    action.state, action.message = Action.State.QUEUED, message
    action.claimed_until = timezone.now() + LEASE
    columns = ["state", "claimed_until", "message", "attempts", "job_id", "job_token"]
    action.save(update_fields=columns)
    touch_action(action)


def _wait_for_job(action: Action, pending: JobPending) -> None:
    """Leave the action open: the backend has taken it, and a worker asks after its job."""
    if timezone.now() - action.created_at > MOST_FOLLOWED:
        message = f"Job {pending.job_id} of the backend had not ended after an hour."
        _finish(action, Action.State.FAILED, message)
        return
    action.job_id, action.job_token, action.attempts = pending.job_id, pending.token, 0
    _queue(action, f"The backend goes on with it as job {pending.job_id}.")


def actions_with_jobs() -> list[Action]:
    """The actions that wait for a job of the backend."""
    return list(Action.objects.filter(state=Action.State.QUEUED).exclude(job_id=""))


def _finish(action: Action, state: str, message: str) -> None:
    action.state, action.message = state, message
    action.claimed_until, action.finished_at = None, timezone.now()
    action.job_id = action.job_token = ""
    columns = ["state", "message", "claimed_until", "finished_at", "before", "after"]
    action.save(update_fields=[*columns, "job_id", "job_token"])
    touch_action(action)


def actions_expired() -> list[Action]:
    """Unfinished actions nobody holds: a worker was killed, or a wake-up got lost."""
    now = timezone.now()
    lost = _is_over(now) | Q(claimed_until=None, created_at__lt=now - FORGOTTEN)
    return list(Action.objects.filter(lost, state__in=Action.UNFINISHED))


def _is_over(now: datetime) -> Q:
    """Leases that have ended. A lease far ahead is from before the clock was set back."""
    return Q(claimed_until__lt=now) | Q(claimed_until__gt=now + 2 * LEASE)


def _activate(action: Action) -> str:
    return _on_service(action, calls.activate)


def _deactivate(action: Action) -> str:
    return _on_service(action, calls.deactivate)


def _recover(action: Action) -> str:
    return _on_service(action, calls.recover)


def _recoverip(action: Action) -> str:
    return _on_service(action, lambda key: calls.recoverip(key, action.address))


def _on_service(action: Action, call: Callable) -> str:
    """One action on a service: its reply is the whole service, which the mirror absorbs."""
    service = _service(action)
    action.before = action.before or _state(action, service)
    answer = _ask(action, call(service.key))
    with read_anew(service):
        sync.absorb_service(answer.value, asked_at=answer.asked_at, as_of=answer.as_of)
        if action.verb in RECOVERS:
            sync.absorb_recovered(service, action.address)
    service.refresh_from_db()
    action.after = _state(action, service)
    return answer.words


def _ask(action: Action, call: Call[T]) -> Answer[T]:
    """The answer to the action's call, or to the job that the call became.

    A job that is lost is forgotten, so that the next attempt repeats the call.
    """
    if not action.job_id:
        return ask(call, budget=WORK_BUDGET)
    pending = JobPending(call.subject, action.job_id, action.job_token)
    action.job_id = action.job_token = ""
    return ask_after(call, pending)


def _describe_still_out(action: Action) -> str:
    """Why the action did not help; "" for one that helped, or that brings nothing back."""
    if action.verb not in RECOVERS or not action.service or not action.service.active:
        return ""
    return describe_still_out(action.service, action.address)


def _service(action: Action) -> Service:
    if action.service is None:
        raise Service.DoesNotExist(f"{action.fqdn} is no longer in the mirror.")
    return action.service


def _state(action: Action, service: Service) -> dict[str, str]:
    """What the action is about, in words, for before and after."""
    state = {"active": "yes" if service.active else "no", "status": word(service.status)}
    if action.address:
        entries = PoolEntry.objects.filter(region__service=service, address=action.address)
        state["address"] = ", ".join(sorted({_words(entry) for entry in entries}))
    return state


def _words(entry: PoolEntry) -> str:
    status = word(entry.status)
    return f"{status}, waits for recover" if entry.is_waiting else status


def _sync(action: Action) -> str:
    return str(mirror_sync())


def _log_report(action: Action) -> str:
    return log_report_build(report=action.log_report, service=_service(action))


RUN: dict[Action.Verb, Callable[[Action], str]] = {
    Action.Verb.ACTIVATE: _activate,
    Action.Verb.DEACTIVATE: _deactivate,
    Action.Verb.RECOVER: _recover,
    Action.Verb.RECOVERIP: _recoverip,
    Action.Verb.SYNC: _sync,
    Action.Verb.LOG_REPORT: _log_report,
}
