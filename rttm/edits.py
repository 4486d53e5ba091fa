"""Every edit a person makes is kept: opened before the backend is asked, closed by its outcome."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic, sleep
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from . import live
from .client import Busy, DynectError, Rejected
from .core import schema
from .core.diff import configured
from .models import Edit, PoolEntry, Region, Service

Value = schema.PoolEntry | schema.Region

TURN = 8.0  # seconds a person waits for who saves something in the same region
PAUSE = 0.05
LONGEST = timedelta(seconds=40)  # longer than an edit takes: who is still at it was killed


class Conflict(Exception):
    """Someone else changed the object since this page was drawn."""


class Gone(Conflict):
    """Someone else deleted it."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Who asks, and from where."""

    user: AbstractBaseUser | None
    remote_address: str | None = None

    @property
    def columns(self) -> dict[str, Any]:
        name = self.user.get_username() if self.user else "manage.py"
        return {
            "actor": self.user,
            "actor_name": name,
            "remote_address": self.remote_address,
            "created_at": timezone.now(),
        }


@contextmanager
def kept(
    origin: Origin,
    service: Service,
    region_code: str,
    address: str = "",
    *,
    before: Value | None = None,
    after: Value | None = None,
) -> Iterator[None]:
    """Keep an edit from before the backend is asked until its outcome is known.

    Without a `before` something is created, without an `after` it is deleted. In one region they
    take turns: two that read it at once would both find it unchanged, and one undo the other.
    """
    edit = _open(
        service=service,
        fqdn=service.fqdn,
        region_code=region_code,
        address=address,
        verb=_verb(before, after),
        before=_only_in(before, after),
        after=_only_in(after, before),
        **origin.columns,
    )
    try:
        _await_turn(edit)
        yield
    except Conflict:
        _close(edit, Edit.Outcome.CONFLICT, "")
        raise
    except DynectError as error:
        _close(edit, _outcome(error), str(error))
        raise
    unchanged = edit.verb == Edit.Verb.UPDATE and not edit.after
    _close(edit, Edit.Outcome.UNCHANGED if unchanged else Edit.Outcome.SAVED, "")


@transaction.atomic
def _open(*, service: Service, **columns: Any) -> Edit:
    """The service's edits are opened one by one: their keys say who came first."""
    Service.objects.locked(service.pk)
    return Edit.objects.create(service=service, **columns)


def _await_turn(edit: Edit) -> None:
    under_way = Q(outcome=Edit.Outcome.PENDING, created_at__gt=timezone.now() - LONGEST)
    there = Q(service=edit.service_id, region_code=edit.region_code)
    until = monotonic() + TURN
    while Edit.objects.filter(under_way & there, pk__lt=edit.pk).exists():
        if monotonic() > until:
            raise Busy(edit.subject, "somebody else is saving something there")
        sleep(PAUSE)


def _verb(before: Value | None, after: Value | None) -> Edit.Verb:
    if before is None:
        return Edit.Verb.CREATE
    return Edit.Verb.DELETE if after is None else Edit.Verb.UPDATE


def _only_in(value: Value | None, other: Value | None) -> dict[str, Any]:
    """The settings of `value` that `other` does not have, or has otherwise."""
    others = _settings(other)
    return {name: said for name, said in _settings(value).items() if others.get(name) != said}


def _settings(value: Value | None) -> dict[str, Any]:
    if value is None:
        return {}
    return {name: getattr(value, name) for name in configured(type(value))}


def _outcome(error: DynectError) -> Edit.Outcome:
    if isinstance(error, Rejected):
        return Edit.Outcome.REJECTED
    return Edit.Outcome.UNKNOWN if error.may_have_changed else Edit.Outcome.UNAVAILABLE


def _close(edit: Edit, outcome: str, message: str, *, of: Iterable[str] = Edit.Outcome) -> None:
    """Unless somebody else has given it an outcome that is none `of` these."""
    told = {"outcome": outcome, "message": message, "finished_at": timezone.now()}
    if not Edit.objects.filter(pk=edit.pk, outcome__in=of).update(**told):
        return
    live.touch(f"service-history-{edit.service_id}", scope=edit.service_id)
    live.touch("actions")  # the activity page lists edits and actions together


def settle(*, asked_at: datetime) -> None:
    """After a full sync: an edit whose outcome was open has, or has not, been carried out.

    It can tell only of those that nobody was at any more when it asked.
    """
    lost = Q(outcome=Edit.Outcome.UNKNOWN, finished_at__lt=asked_at)
    left = Q(outcome=Edit.Outcome.PENDING, created_at__lt=asked_at - LONGEST)
    for edit in Edit.objects.filter(lost | left):
        applied = _is_applied(edit)
        outcome = Edit.Outcome.SAVED if applied else Edit.Outcome.NOT_APPLIED
        words = "Found by the sync after the backend was back."
        _close(edit, outcome, words, of=Edit.OPEN)


def _is_applied(edit: Edit) -> bool:
    row = _subject(edit)
    if edit.verb == Edit.Verb.DELETE:
        return row is None
    return row is not None and all(
        getattr(row, name) == value for name, value in edit.after.items()
    )


def _subject(edit: Edit) -> Region | PoolEntry | None:
    """The mirror's row of what was edited, under its old or its new address."""
    region = Region.objects.filter(service__edits=edit, region_code=edit.region_code).first()
    if region is None or not edit.address:
        return region
    addresses = {edit.address, edit.after.get("address", edit.address)}
    return region.pool.filter(address__in=addresses).first()
