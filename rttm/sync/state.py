"""How the mirror stands to the backend: what every page's freshness shows."""

from datetime import datetime

from django.db import transaction

from rttm import live
from rttm.models import SyncState


@transaction.atomic
def absorb_success(*, asked_at: datetime) -> None:
    """A full sync went through."""
    state = _locked()
    if _has_succeeded_since(state, asked_at):
        return
    state.succeeded_at, state.failing_since, state.message = asked_at, None, ""
    state.save()
    live.touch("freshness")


@transaction.atomic
def absorb_failure(message: str, *, asked_at: datetime) -> None:
    """A full sync failed: since the first such failure every page looks at old data."""
    state = _locked()
    if _has_succeeded_since(state, asked_at):
        return
    state.failing_since = state.failing_since or state.succeeded_at or asked_at
    state.message = message
    state.save()
    live.touch("freshness")


def _locked() -> SyncState:
    """The one row; two syncs may end at the same time."""
    SyncState.objects.get_or_create(pk=1)
    return SyncState.objects.select_for_update(no_key=True).get(pk=1)


def _has_succeeded_since(state: SyncState, asked_at: datetime) -> bool:
    """A sync that asked later went through already."""
    return state.succeeded_at is not None and state.succeeded_at > asked_at
