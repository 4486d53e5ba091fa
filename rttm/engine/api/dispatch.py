"""The one door: routes a call to its handler, inside one transaction when it writes."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any, NamedTuple

from django.conf import settings
from django.db import transaction

from rttm.engine.jobs import job_ids
from rttm.engine.rate import Rate
from rttm.engine.router import ALIAS

from . import contacts, jobs, pool_entries, regions, reports, services, sessions, tasks, zones
from .envelope import Answer, ApiCall, ApiReply, Failure, bad_request, failed, success, too_many
from .request import Request, arguments, names, protocol_version, resource

Handler = Callable[..., Answer | ApiReply]  # (request, *the names in the path)


class Route(NamedTuple):
    method: str
    resource: str  # in lower case: clients spell it in several ways
    names: int  # how many follow the resource in the path


READS: dict[Route, Handler] = {
    Route("GET", "session", 0): sessions.is_alive,
    Route("PUT", "session", 0): sessions.keep_alive,
    Route("GET", "task", 0): tasks.list_all,
    Route("GET", "task", 1): tasks.read,
    Route("GET", "contact", 0): contacts.list_all,
    Route("GET", "contact", 1): contacts.read,
    Route("GET", "zone", 0): zones.list_all,
    Route("GET", "zone", 1): zones.read,
    Route("GET", "rttm", 1): services.list_all,
    Route("GET", "rttm", 2): services.read,
    Route("GET", "rttmregion", 2): regions.list_all,
    Route("GET", "rttmregion", 3): regions.read,
    Route("GET", "rttmregionpoolentry", 3): pool_entries.list_all,
    Route("GET", "rttmregionpoolentry", 4): pool_entries.read,
    Route("POST", "rttmlogreport", 0): reports.log_report,
    Route("POST", "rttmrrsetreport", 0): reports.rrset_report,
}
WRITES: dict[Route, Handler] = {
    Route("DELETE", "session", 0): sessions.log_out,
    Route("DELETE", "task", 1): tasks.cancel,
    Route("POST", "zone", 1): zones.create,
    Route("POST", "rttm", 2): services.create,
    Route("PUT", "rttm", 2): services.change,
    Route("DELETE", "rttm", 2): services.delete,
    Route("POST", "rttmregion", 2): regions.create,
    Route("PUT", "rttmregion", 3): regions.change,
    Route("DELETE", "rttmregion", 3): regions.delete,
    Route("POST", "rttmregionpoolentry", 3): pool_entries.create,
    Route("PUT", "rttmregionpoolentry", 4): pool_entries.change,
    Route("DELETE", "rttmregionpoolentry", 4): pool_entries.delete,
}
HANDLERS = READS | WRITES
LOG_IN, JOB = Route("POST", "session", 0), Route("GET", "job", 1)
CLOSINGS = {
    "GET": "get: Nothing was found",
    "POST": "add: Nothing was added",
    "PUT": "update: Nothing was changed",
    "DELETE": "delete: Nothing was deleted",
}

_rate = Rate()


def handle(call: ApiCall, now: float, job_id: int = 0) -> ApiReply:
    """Never raises for what a client sent; one call at a time in a process."""
    job_id = job_id or job_ids.taken()
    try:
        answer = _answer(call, now)
        return answer if isinstance(answer, ApiReply) else success(answer, job_id)
    except Failure as failure:
        return failed(failure, _closing(call), job_id)


def _closing(call: ApiCall) -> str:
    """The last message of a failure; a report is read, although by POST."""
    is_report = resource(call.path).endswith("report")
    return CLOSINGS.get("GET" if is_report else call.method, "call: Nothing was done")


def _answer(call: ApiCall, now: float) -> Answer | ApiReply:
    version = protocol_version(call)
    route, parts = _route(call)
    request = Request(
        method=call.method,
        args=arguments(call),
        now=now,
        token=call.headers.get("auth-token", ""),
        client_ip=call.client_ip,
        version=version,
    )
    if route == LOG_IN:
        return _log_in(request)
    session = sessions.authenticate(request)
    request = replace(
        request,
        session=session,
        user_name=session.user_name,
        customer_name=session.customer_name,
    )
    if route == JOB:
        # Not counted: the SDK, told to wait there, would repeat the call that became the job.
        return jobs.read(request, *parts)
    _spend(session.customer_name, now)
    if route not in HANDLERS:
        raise bad_request(f"{call.method}: There is no such call")
    with _transaction(route):
        return HANDLERS[route](request, *parts)


def _log_in(request: Request) -> Answer:
    """Counts when it succeeds: a stranger must not use up the account's calls."""
    account = settings.DYNECT_CUSTOMER
    _refuse_over_limit(account, request.now)
    answer = sessions.log_in(request)
    _rate.count(account, request.now)
    return answer


def _spend(account: str, now: float) -> None:
    """One of the account's calls of this minute."""
    _refuse_over_limit(account, now)
    _rate.count(account, now)


def _refuse_over_limit(account: str, now: float) -> None:
    if seconds := _rate.wait(account, now, limit=settings.RATE_LIMIT):
        raise too_many(seconds)


def _route(call: ApiCall) -> tuple[Route, list[str]]:
    parts = names(call.path)
    if not parts:
        raise bad_request("path: There is no such resource")
    return Route(call.method, parts[0].lower(), len(parts) - 1), parts[1:]


def _transaction(route: Route) -> AbstractContextManager[Any]:
    return transaction.atomic(using=ALIAS) if route in WRITES else nullcontext()
