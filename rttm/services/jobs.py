"""Follow the edits that became jobs of the backend to their end."""

from datetime import timedelta

from django.utils import timezone

from rttm import edits
from rttm.backend import ask_after
from rttm.client import DynectError, JobPending, Rejected, calls
from rttm.models import Edit

from .reading import service_refresh_soon

# Our decision: the bundled service keeps a job's answer for an hour, and Dyn tells no time.
MOST_FOLLOWED = timedelta(hours=1)


def jobs_follow() -> None:
    """Ask once after each job that is not known to have ended."""
    for edit in Edit.objects.filter(outcome=Edit.Outcome.UNKNOWN).exclude(job_id=""):
        _follow_job(edit)


def _follow_job(edit: Edit) -> None:
    try:
        ask_after(calls.change(edit.subject), JobPending(edit.subject, edit.job_id, edit.job_token))
    except JobPending:
        if timezone.now() - edit.created_at > MOST_FOLLOWED:
            edits.lose_job(edit, f"Job {edit.job_id} had not ended after an hour.")
    except Rejected as error:
        edits.settle_job(edit, Edit.Outcome.REJECTED, str(error))
    except DynectError as error:
        edits.lose_job(edit, str(error))
    else:
        if edit.service:
            service_refresh_soon(service=edit.service)
        edits.settle_job(edit, Edit.Outcome.SAVED, f"The backend finished job {edit.job_id}.")
