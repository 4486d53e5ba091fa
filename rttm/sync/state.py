"""How the mirror stands to the backend: what every page's freshness shows."""

from datetime import datetime

from django.db import transaction

from rttm import live
from rttm.models import SyncState


@transaction.atomic
def absorb_success(*, asked_at: datetime) -> None:
    """A full sync went through."""
    news = {"succeeded_at": asked_at, "failing_since": None, "message": ""}
    SyncState.objects.update_or_create(pk=1, defaults=news)
    live.touch("freshness")


@transaction.atomic
def absorb_failure(message: str, *, asked_at: datetime) -> None:
    """A full sync failed: since the first such failure every page looks at old data."""
    state, _ = SyncState.objects.get_or_create(pk=1)
    state.failing_since = state.failing_since or state.succeeded_at or asked_at
    state.message = message
    state.save()
    live.touch("freshness")
