"""What base.html shows around every page: counts and freshness, each read only if it is drawn."""

from datetime import datetime, timedelta
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from redis import RedisError

from dashboard.celery import Signs, read_signs
from dashboard.counts import read_counts
from rttm.edits.turns import LEASE, MOST_WAIT
from rttm.models import SyncState

# Seconds after which a browser gives up waiting for an answer. An edit waits for its turn, and then
# asks the backend at most four times, each within its lease.
READ_WITHIN = 10
ANSWER_WITHIN = int(MOST_WAIT + 4 * LEASE.total_seconds())


def frame(request: HttpRequest) -> dict[str, Any]:
    """For templates: lazily, so that a fragment pays only for what it shows."""
    state = SimpleLazyObject(SyncState.now)
    return {
        "counts": SimpleLazyObject(lambda: read_counts(_chosen_status(request))),
        "sync_state": state,
        "sync_is_late": SimpleLazyObject(lambda: _is_late(cast(SyncState, state))),
        "sync_signs": SimpleLazyObject(_signs),  # read only when it is late
        "sync_stale_after": stale_after(),
        "asked_lately": SimpleLazyObject(lambda: _asked_lately(cast(SyncState, state))),
        "drawn_at": int(timezone.now().timestamp() * 1000),
        "sync_interval": settings.SYNC_INTERVAL,
        "answer_within": ANSWER_WITHIN,
        "read_within": READ_WITHIN,
    }


def stale_after() -> int:
    """Seconds from which a service's state is old: twice its interval, and time to do it."""
    return 2 * settings.SYNC_INTERVAL + 15


def _asked_lately(state: SyncState) -> datetime | None:
    """What was asked since then was asked with a sync before the last: the last may be about to."""
    if state.succeeded_at is None:
        return None
    return state.succeeded_at - timedelta(seconds=stale_after())


def _signs() -> Signs:
    try:
        return read_signs()
    except RedisError:
        return Signs()


def _is_late(state: SyncState) -> bool:
    """No sync came, not even one that failed."""
    if state.succeeded_at is None or state.failing_since:
        return False
    return (timezone.now() - state.succeeded_at).total_seconds() > stale_after()


def _chosen_status(request: HttpRequest) -> str:
    """The status the page is filtered by, also when only the counts are read again."""
    htmx = getattr(request, "htmx", None)  # None on an error page drawn before its middleware
    page = htmx.current_url if htmx else None
    if page:
        return parse_qs(urlsplit(page).query).get("status", [""])[0]
    return request.GET.get("status", "")
