"""Create an Action row and wake a task once it is committed."""

from datetime import datetime

from django.contrib.auth import get_user_model
from django.db import transaction

from . import tasks
from .core.rules import REPORTS_AT_ONCE
from .edits import Origin
from .models import Action, LogReport, PoolEntry, Service, SyncState
from .services.actions import touch_action


def service_activate(*, service: Service, origin: Origin) -> Action:
    return _dispatch(Action.Verb.ACTIVATE, origin, service)


def service_deactivate(*, service: Service, origin: Origin) -> Action:
    return _dispatch(Action.Verb.DEACTIVATE, origin, service)


def service_recover(*, service: Service, origin: Origin) -> Action:
    return _dispatch(Action.Verb.RECOVER, origin, service)


def pool_entry_recover(*, entry: PoolEntry, origin: Origin) -> Action:
    """Recover one address: in every region of its service, as the backend does."""
    return _dispatch(Action.Verb.RECOVERIP, origin, entry.region.service, address=entry.address)


def mirror_sync(*, origin: Origin) -> Action:
    return _dispatch(Action.Verb.SYNC, origin, None)


class TooManyReports(Exception):
    """The person has as many unfinished log reports as one may have."""

    def __init__(self) -> None:
        text = "of your log reports are not finished yet, so this one was not begun."
        super().__init__(f"{REPORTS_AT_ONCE} {text} Ask again when one of them is finished.")


@transaction.atomic
def log_report_create(
    *, service: Service, start: datetime, end: datetime, origin: Origin
) -> LogReport:
    """The report; asked for twice before it is finished, by whomever, it is the same one."""
    _take_turns_of(origin)
    _take_turns(service)
    unfinished = LogReport.objects.filter(action__state__in=Action.UNFINISHED)
    if same := unfinished.filter(action__service=service, start=start, end=end).first():
        return same
    if (
        origin.user
        and unfinished.filter(action__actor_id=origin.user.pk).count() >= REPORTS_AT_ONCE
    ):
        raise TooManyReports
    action = _create(Action.Verb.LOG_REPORT, origin, service)
    report = LogReport.objects.create(action=action, start=start, end=end)
    _wake(action)
    return report


@transaction.atomic
def _dispatch(
    verb: Action.Verb, origin: Origin, service: Service | None, address: str = ""
) -> Action:
    """The action; asked for twice before it is done, it is the same one."""
    _take_turns(service)
    same = Action.objects.filter(
        verb=verb, service=service, address=address, state__in=Action.UNFINISHED
    ).first()
    if same:
        return same
    action = _create(verb, origin, service, address)
    _wake(action)
    return action


def _take_turns(service: Service | None) -> None:
    """Until this transaction ends, who dispatches for the same service, or a sync, waits."""
    if service:
        Service.objects.locked(service.pk)
    else:
        list(SyncState.objects.select_for_update(no_key=True))


def _take_turns_of(origin: Origin) -> None:
    """Let the same person's other requests for reports wait until this transaction ends."""
    if origin.user:
        people = get_user_model().objects.filter(pk=origin.user.pk)
        list(people.select_for_update(no_key=True))


def _create(
    verb: Action.Verb, origin: Origin, service: Service | None, address: str = ""
) -> Action:
    fqdn = service.fqdn if service else ""
    return Action.objects.create(
        verb=verb, service=service, fqdn=fqdn, address=address, **origin.columns
    )


def _wake(action: Action) -> None:
    """Robust: with no broker the row stays queued, and the beat wakes it when there is one."""
    touch_action(action)
    transaction.on_commit(lambda: tasks.wake(action), robust=True)
