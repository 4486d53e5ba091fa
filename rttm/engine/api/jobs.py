"""Job: the answer of a call that took too long, as it would have been given then."""

from rttm.engine import jobs
from rttm.engine.jobs import job_ids

from .envelope import ApiReply, Failure, error, not_found
from .request import NUMBER, Request

CLOSING = "get: Nothing was found"
LOST = (
    "job: Its answer is lost: the service was started anew since, so the call may or may not "
    "have been carried out"
)


def read(request: Request, number: str) -> ApiReply:
    """One that is still running never comes here."""
    wanted = int(number) if NUMBER.fullmatch(number) else 0
    assert request.session
    job = jobs.find(wanted, request.session)
    if job:
        return ApiReply(job.status, job.body.encode())
    if 0 < wanted < job_ids.first:
        raise Failure(error(LOST, "OPERATION_FAILED", source="API-B"), closing=CLOSING)
    raise not_found("job: There is no such job in this session", source="API-B")
