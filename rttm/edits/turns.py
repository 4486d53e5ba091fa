"""Edits of one region take turns.

Two edits that read an object at the same moment would both find it unchanged, and the second one
would undo the first. A turn is a lease that its owner renews before each call to the backend. So
the turn of a process that was killed ends by itself, and a process that was frozen finds on waking
up that its turn has ended, before it sends anything.
"""

from datetime import datetime, timedelta
from time import monotonic, sleep

from django.db.models import Q, QuerySet
from django.utils import timezone

from rttm.client import Busy
from rttm.models import Edit

from .rows import Outcome, close_edit

LEASE = timedelta(seconds=9)  # one call to the backend takes at most 8 s
MOST_WAIT = 10.0  # seconds a person waits for a turn: longer than the lease of a dead owner
PAUSE = 0.05
# How long a job of the backend holds up other edits of its region. The backend may carry the job
# out at any moment, over what was changed since.
JOB_HOLDS = timedelta(minutes=2)


class Turn:
    """The turn of one open edit in its region."""

    def __init__(self, edit: Edit) -> None:
        self.edit = edit
        self.has_sent = False  # the change itself

    def wait(self) -> None:
        """Wait until no other edit is ahead; raises Busy that names the edit ahead."""
        until = monotonic() + MOST_WAIT
        renew_at = monotonic() + LEASE.total_seconds() / 3
        while ahead := _find_ahead(self.edit):
            if monotonic() > until:
                raise Busy(self.edit.subject, _describe_wait(ahead))
            if monotonic() > renew_at:
                self.renew()
                renew_at = monotonic() + LEASE.total_seconds() / 3
            sleep(PAUSE)
        self.renew()
        close_abandoned(Edit.objects.filter(_others_in_region(self.edit)))

    def renew(self, *, sends: bool = False) -> None:
        """Keep the turn for one more call; raises Busy when the turn was taken meanwhile.

        `sends` notes that this call is the change itself: from then on only the backend knows
        whether the change was carried out.
        """
        now = timezone.now()
        columns = {"turn_until": now + LEASE} | ({"sent_at": now} if sends else {})
        mine = Edit.objects.filter(pk=self.edit.pk, outcome=Outcome.PENDING)
        if not mine.update(**columns):
            reason = "it was held up for so long that its turn went to somebody else"
            raise Busy(self.edit.subject, reason)
        self.has_sent = self.has_sent or sends


def close_abandoned(edits: QuerySet[Edit]) -> None:
    """Close the edits among these whose owner has ended without a word."""
    for edit in edits.filter(outcome=Outcome.PENDING).exclude(_lasts(timezone.now())):
        if edit.sent_at:
            words, outcome = "No outcome was noted in time.", Outcome.UNKNOWN
        else:
            words = "The process that was to save this stopped before it asked the backend."
            outcome = Outcome.NOT_APPLIED
        close_edit(edit, outcome, words, of=[Outcome.PENDING])


def _lasts(now: datetime) -> Q:
    """Turns that are not over. A turn far ahead is from before the clock was set back."""
    return Q(turn_until__gte=now, turn_until__lte=now + 2 * LEASE)


def _others_in_region(edit: Edit) -> Q:
    """The other edits of the same region."""
    return Q(service=edit.service_id, region_code=edit.region_code) & ~Q(pk=edit.pk)


def _find_ahead(edit: Edit) -> Edit | None:
    """The first edit of the region that this one has to wait for."""
    now = timezone.now()
    saving = Q(outcome=Outcome.PENDING, pk__lt=edit.pk) & _lasts(now)
    lately = Q(created_at__gt=now - JOB_HOLDS, created_at__lte=now + LEASE)
    running = Q(outcome=Outcome.UNKNOWN) & lately & ~Q(job_id="")
    ahead = Edit.objects.filter(_others_in_region(edit), saving | running)
    return ahead.order_by("pk").first()


def _describe_wait(ahead: Edit) -> str:
    """Who is ahead, with what, since when."""
    seconds = round((timezone.now() - ahead.created_at).total_seconds())
    change = f"the change of {ahead.subject} that {ahead.actor_name} made {seconds} s ago"
    if ahead.job_id:
        return f"the backend is still carrying out {change} (job {ahead.job_id})"
    return f"{change} is still being saved, and changes of one region take turns"
