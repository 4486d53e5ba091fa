"""Ask the backend about the one object that a verb is about to change, or has asked to change."""

from contextlib import suppress
from typing import TypeVar

from django.utils import timezone

from rttm.backend import Answer, ask
from rttm.client import Busy, Call, DynectError, Rejected, Unavailable
from rttm.core import diff, schema
from rttm.edits import Conflict, Gone, Turn
from rttm.models import Mirrored

T = TypeVar("T", schema.PoolEntry, schema.Region)
U = TypeVar("U")


def ask_afresh(lookup: Call[T]) -> Answer[T | None]:
    """The object as the backend has it now; None where it no longer has it."""
    asked_at = timezone.now()
    try:
        return ask(lookup)
    except Rejected as error:
        if not error.not_found:
            raise
        return Answer(None, str(error), asked_at, asked_at)


def refuse_other_version(row: Mirrored, seen: int) -> None:
    """A Conflict when the mirror's row is not, or no longer, what the editor was opened on."""
    now = type(row)._default_manager.filter(pk=row.pk).values_list("version", flat=True).first()
    if now is None:
        raise Gone
    if now != seen:
        raise Conflict


def ask_in_turn(turn: Turn, change: Call[U]) -> Answer[U]:
    """The answer to the change that this turn is for."""
    turn.renew(sends=True)
    answer = ask(change)
    _keep_turn(turn)
    return answer


def ask_surely(turn: Turn, change: Call[T], lookup: Call[T], desired: T) -> Answer[T]:
    """The answer; when it got lost after sending, whether the object is as desired all the same."""
    try:
        return ask_in_turn(turn, change)
    except Unavailable as lost:
        if not lost.sent:
            raise
        turn.renew()
        found = _look_up(lookup, lost)
        if diff.changed(found.value, desired):
            raise
        _keep_turn(turn)
        return found


def _keep_turn(turn: Turn) -> None:
    """For the reading of the whole service; a turn that is over undoes nothing that was saved."""
    with suppress(Busy):
        turn.renew()


def _look_up(lookup: Call[T], lost: Unavailable) -> Answer[T]:
    try:
        return ask(lookup)
    except DynectError:
        raise lost from None
