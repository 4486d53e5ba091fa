"""Every edit a person makes is kept: opened before the backend is asked, closed by its outcome."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import DatabaseError
from django.utils import timezone

from rttm.client import DynectError, JobPending, Rejected
from rttm.core import schema
from rttm.core.diff import configured
from rttm.models import Edit, Service
from rttm.storage import describe_refusal_to_write

from .rows import Outcome, close_edit, open_edit
from .settling import settle_overwritten
from .turns import LEASE, Turn

Value = schema.PoolEntry | schema.Region

log = logging.getLogger(__name__)


class Conflict(Exception):
    """Someone else changed the object since this page was drawn."""


class Gone(Conflict):
    """Someone else deleted it."""


class NotWritten(DynectError):
    """The dashboard could not write down an edit, or what came of it.

    Unless `sent`, the backend has not been asked for the change, so that nothing was changed.
    """

    def __init__(self, subject: str = "", reason: str = "", *, sent: bool = True) -> None:
        super().__init__(subject, reason)
        self.sent = sent

    @property
    def may_have_changed(self) -> bool:
        return self.sent

    def __str__(self) -> str:
        what = f"The dashboard cannot write, because {self.reason}."
        if self.sent:
            return f"{what} What the backend answered about {self.subject} is not kept."
        return f"{what} Nothing was changed at {self.subject}; try again in a while."


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
def keep_edit(
    origin: Origin,
    service: Service,
    region_code: str,
    address: str = "",
    *,
    before: Value | None = None,
    after: Value | None = None,
) -> Iterator[Turn]:
    """Keep an edit from before the backend is asked until its outcome is known.

    Without a `before` something is created, without an `after` it is deleted. The edit's turn has
    come when the block begins; the block renews the turn before it sends the change.
    """
    with _refusing(Edit(fqdn=service.fqdn, region_code=region_code, address=address)):
        edit = open_edit(
            service=service,
            region_code=region_code,
            address=address,
            verb=_choose_verb(before, after),
            before=_keep_difference(before, after),
            after=_keep_difference(after, before),
            turn_until=timezone.now() + LEASE,
            **origin.columns,
        )
    try:
        turn = Turn(edit)
        with _refusing(edit, turn):
            turn.wait()
            yield turn
    except Conflict:
        with _where_it_can_be_written(edit):
            close_edit(edit, Outcome.CONFLICT)
        raise
    except JobPending as error:
        job = {"job_id": error.job_id, "job_token": error.token}
        with _where_it_can_be_written(edit):
            close_edit(edit, Outcome.UNKNOWN, str(error), **job)
        raise
    except DynectError as error:
        with _where_it_can_be_written(edit):
            close_edit(edit, _choose_outcome(error), str(error))
        raise
    with _where_it_can_be_written(edit):
        if edit.verb == Edit.Verb.UPDATE and not edit.after:
            close_edit(edit, Outcome.UNCHANGED)
        else:
            close_edit(edit, Outcome.SAVED)
            settle_overwritten(edit)


@contextmanager
def _refusing(edit: Edit, turn: Turn | None = None) -> Iterator[None]:
    """Raise NotWritten where the dashboard's database does not write."""
    try:
        yield
    except DatabaseError as error:
        if reason := describe_refusal_to_write(error):
            raise NotWritten(edit.subject, reason, sent=bool(turn and turn.has_sent)) from error
        raise


@contextmanager
def _where_it_can_be_written(edit: Edit) -> Iterator[None]:
    """Let the outcome be told to the person also where it cannot be written down.

    An edit that stays open is closed when its turn has ended, as that of a killed process.
    """
    try:
        yield
    except DatabaseError as error:
        if not (reason := describe_refusal_to_write(error)):
            raise
        log.warning("the outcome of edit %s is not written: %s", edit.pk, reason)


def _choose_verb(before: Value | None, after: Value | None) -> Edit.Verb:
    if before is None:
        return Edit.Verb.CREATE
    return Edit.Verb.DELETE if after is None else Edit.Verb.UPDATE


def _keep_difference(value: Value | None, other: Value | None) -> dict[str, Any]:
    """The settings of `value` that `other` does not have, or has otherwise."""
    others = _read_settings(other)
    return {name: said for name, said in _read_settings(value).items() if others.get(name) != said}


def _read_settings(value: Value | None) -> dict[str, Any]:
    if value is None:
        return {}
    return {name: getattr(value, name) for name in configured(type(value))}


def _choose_outcome(error: DynectError) -> Edit.Outcome:
    if isinstance(error, Rejected):
        return Outcome.REJECTED
    return Outcome.UNKNOWN if error.may_have_changed else Outcome.UNAVAILABLE
