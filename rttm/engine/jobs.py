"""Jobs: the numbers of calls, and the answers of those that took too long, kept for an hour.

Called by `calls` and by the API's Job resource, in the engine's database thread.
"""

import logging
from collections import deque

from django.db import DatabaseError, transaction
from django.db.models import F

from .models import Counter, Job, Session
from .router import ALIAS

IDS_AT_ONCE = 1000
KEPT = 3600  # seconds

log = logging.getLogger("rttm.engine")


class JobIds:
    """Numbers that were never given before, also after a restart; fetched many at a time.

    Any thread may take one; only the database thread may fetch more.
    """

    def __init__(self) -> None:
        self._ready: deque[int] = deque()
        self.first = 0  # smaller ones were given before this process began

    def take(self) -> int:
        """The next one; 0 when some have to be fetched first."""
        try:
            return self._ready.popleft()
        except IndexError:
            return 0

    def fetch(self) -> None:
        with transaction.atomic(using=ALIAS):
            counter, _ = Counter.objects.select_for_update().get_or_create(name="job")
            Counter.objects.filter(pk=counter.pk).update(last=F("last") + IDS_AT_ONCE)
        self.first = self.first or counter.last + 1
        self._ready.extend(range(counter.last + 1, counter.last + IDS_AT_ONCE + 1))

    def taken(self) -> int:
        """The next one, fetched if need be."""
        if not self._ready:
            self.fetch()
        return self.take()


job_ids = JobIds()


def keep(number: int, token_hash: str, *, status: int, body: str, now: float) -> None:
    """An answer for whoever comes back for it; a session that has ended asks no more."""
    try:
        if session := Session.objects.filter(token_hash=token_hash).first():
            Job.objects.create(
                number=number, session=session, status=status, body=body, finished_at=now
            )
    except DatabaseError:
        log.exception("the answer of job %d was not kept", number)


def find(number: int, session: Session) -> Job | None:
    """Numbers are good within their session only."""
    return Job.objects.filter(number=number, session=session).first()


def prune(now: float) -> None:
    Job.objects.filter(finished_at__lt=now - KEPT).delete()
