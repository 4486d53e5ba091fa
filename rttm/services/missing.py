"""What people say of services that the backend does not list: they are gone, or it is seen to."""

from collections.abc import Callable, Collection

from django.db import transaction
from django.utils import timezone

from rttm import live, sync
from rttm.edits import Origin
from rttm.models import Action

NAMED = 10  # services in a message


def missing_confirm(*, pks: Collection[int], origin: Origin) -> Action:
    """Mark as gone those of these services that are missing still."""
    verb, done = Action.Verb.CONFIRM_GONE, "marked as gone"
    return _carry_out(verb, sync.absorb_confirmed_gone, pks, origin, done)


def missing_dismiss(*, pks: Collection[int], origin: Origin) -> Action:
    """Tell no more of those of these services that are missing still; others are told of anew."""
    verb, done = Action.Verb.DISMISS_MISSING, "no longer told of, and still shown as missing"
    return _carry_out(verb, sync.absorb_missing_dismissed, pks, origin, done)


@transaction.atomic
def _carry_out(
    verb: Action.Verb,
    absorb: Callable[[Collection[int]], list[str]],
    pks: Collection[int],
    origin: Origin,
    done: str,
) -> Action:
    """Kept as an action that is finished at once: no worker and no backend is needed for it."""
    names = absorb(pks)
    left = len(set(pks)) - len(names)
    state = Action.State.SUCCEEDED if names else Action.State.FAILED
    columns = origin.columns | {"finished_at": timezone.now()}
    message = _describe(names, left, done)
    action = Action.objects.create(
        verb=verb, state=state, fqdn=_count(len(names)), message=message, **columns
    )
    live.touch("actions")
    return action


def _describe(names: list[str], left: int, done: str) -> str:
    if not names:
        return "Nothing was changed, because none of these services is missing any more."
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    is_plural = "are" if len(names) > 1 else "is"
    told = f"{_count(len(names))} {is_plural} {done}: {', '.join(names[:NAMED])}{more}."
    return f"{told} {left} of those you saw came back or changed meanwhile." if left else told


def _count(number: int) -> str:
    return f"{number} service{'' if number == 1 else 's'}"
