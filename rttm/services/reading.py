"""Read one service anew: its state, what it serves, and the log of that."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic

from django.db import transaction
from django.utils import timezone

from rttm import sync
from rttm.backend import FOLLOW_BUDGET, Answer, ask
from rttm.client import DynectError, Rejected, calls
from rttm.core import schema
from rttm.core.terms import EntryStatus, Protocol
from rttm.edits import Conflict
from rttm.models import Service

LOG_LOOKBACK = timedelta(days=1)  # how much log a service new to us brings along


class Awaited(Exception):
    """The backend has not told the results yet that its probes are about to bring."""


@dataclass(slots=True)
class Reading:
    """What the backend said of a service; None where it was not asked or did not answer."""

    whole: Answer[schema.Service] | None = None
    answers: Answer[list[schema.ResponseSet]] | None = None
    log: Answer[list[schema.ResponseSet]] | None = None

    @property
    def is_complete(self) -> bool:
        """The log may follow with a sync; it contradicts nothing."""
        return self.whole is not None and self.answers is not None

    def absorb(self, service: Service) -> None:
        if self.whole:
            sync.absorb_service(self.whole.value, asked_at=self.whole.asked_at)
        if self.answers:
            sync.absorb_answers(service, self.answers.value, asked_at=self.answers.asked_at)
        if self.log:
            sync.absorb_log(service, self.log.value)
        if self.answers:
            has_news = bool(self.log and self.log.value)
            sync.absorb_since(service, asked_at=self.answers.asked_at, has_news=has_news)


@contextmanager
def read_anew(service: Service) -> Iterator[None]:
    """Absorb a change, made in the block, together with what the whole service is after it.

    The backend is asked before the block, and all is absorbed in one transaction, so that no page
    shows a change beside a state from before it. Where the backend does not answer in time, the
    change is absorbed alone, and pages say that the state is older.
    """
    changed_at = timezone.now()
    reading = _read_whole(service)
    with transaction.atomic():
        yield
        reading.absorb(service)
        if not reading.is_complete:
            sync.absorb_unread_change(service, at=changed_at)


@contextmanager
def followed_if_refused(service: Service) -> Iterator[None]:
    """After a conflict: what somebody else changed, and what the service is since, are read."""
    try:
        yield
    except Conflict:
        service_refresh_soon(service=service)
        raise


def service_refresh_soon(*, service: Service) -> None:
    """Read a service of which a part has just changed; a sync does it too."""
    with read_anew(service):
        pass


def service_follow(*, service_id: int) -> None:
    """Read a service whose addresses are being probed; raises Awaited while results are missing."""
    service = Service.objects.filter(pk=service_id).first()
    if service is None:
        return
    reading = _read_whole(service)
    with transaction.atomic():
        reading.absorb(service)
    if _is_awaited(Service.objects.whole().get(pk=service_id)):
        raise Awaited(f"first results of {service}")


def _is_awaited(service: Service) -> bool:
    """The backend still waits for a probe after a recover, or nothing told of an address yet."""
    if not service.active or service.monitor.protocol == Protocol.NONE:
        return False
    entries = (entry for region in service.regions.all() for entry in region.pool.all())
    return bool(service.task_id) or any(entry.status == EntryStatus.UNK for entry in entries)


def _read_whole(service: Service) -> Reading:
    reading, until = Reading(), monotonic() + FOLLOW_BUDGET
    with suppress(DynectError):
        reading.whole = ask(calls.service(service.key), budget=FOLLOW_BUDGET)
        _read_answers(service, reading, until)
    return reading


def answers_refresh(*, service: Service, budget: float) -> None:
    """Absorb what each region serves, and the log since the newest record we have."""
    reading = Reading()
    try:
        _read_answers(service, reading, monotonic() + budget)
    except Rejected:
        return  # deleted a moment ago: the next sync says so
    finally:
        reading.absorb(service)


def _read_answers(service: Service, reading: Reading, until: float) -> None:
    call = calls.rrset_report(service.key, int(timezone.now().timestamp()))
    reading.answers = ask(call, budget=until - monotonic())
    past = service.log.filter(change_at__lte=timezone.now())  # the clock may have been set back
    newest = past.values_list("change_at", flat=True).first()
    latest = max((found.change_ts for found in reading.answers.value), default=0)
    if newest is None or latest > newest.timestamp():
        asked_at = reading.answers.asked_at
        since = newest or asked_at - LOG_LOOKBACK
        reading.log = ask(_log_call(service, since, asked_at), budget=until - monotonic())


def _log_call(
    service: Service, since: datetime, until: datetime
) -> calls.Call[list[schema.ResponseSet]]:
    return calls.log_report(service.key, int(since.timestamp()), int(until.timestamp()) + 1)
