"""The one door: routes a call to its handler, inside one transaction when it writes."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any, NamedTuple

from django.db import transaction

from rttm.engine import store
from rttm.engine.router import ALIAS

from . import pool_entries, regions, reports, services, sessions, zones
from .envelope import Answer, ApiCall, ApiReply, Failure, bad_request, failed, success
from .request import Request, arguments, check_version, names

Handler = Callable[..., Answer]  # (request, *the names in the path)


class Route(NamedTuple):
    method: str
    resource: str  # in lower case: clients spell it in several ways
    names: int  # how many follow the resource in the path


READS: dict[Route, Handler] = {
    Route("GET", "session", 0): sessions.is_alive,
    Route("PUT", "session", 0): sessions.keep_alive,
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
LOG_IN = Route("POST", "session", 0)
VERBS = {
    "GET": "get: Nothing was found",
    "POST": "add: Nothing was added",
    "PUT": "update: Nothing was changed",
    "DELETE": "delete: Nothing was deleted",
}

_job_ids = store.JobIds()


def handle(call: ApiCall, now: float) -> ApiReply:
    """Never raises for what a client sent; one call at a time in a process."""
    job_id = _job_ids.take()
    try:
        return success(_answer(call, now), job_id)
    except Failure as failure:
        return failed(failure, VERBS.get(call.method, "call: Nothing was done"), job_id)


def _answer(call: ApiCall, now: float) -> Answer:
    check_version(call)
    route, parts = _route(call)
    request = Request(
        method=call.method,
        args=arguments(call),
        now=now,
        token=call.headers.get("auth-token", ""),
        client_ip=call.client_ip,
    )
    if route == LOG_IN:
        return sessions.log_in(request)
    session = sessions.authenticate(request)
    if route not in HANDLERS:
        raise bad_request(f"{call.method}: There is no such call")
    with _transaction(route):
        return HANDLERS[route](replace(request, user_name=session.user_name), *parts)


def _route(call: ApiCall) -> tuple[Route, list[str]]:
    parts = names(call.path)
    if not parts:
        raise bad_request("path: There is no such resource")
    return Route(call.method, parts[0].lower(), len(parts) - 1), parts[1:]


def _transaction(route: Route) -> AbstractContextManager[Any]:
    return transaction.atomic(using=ALIAS) if route in WRITES else nullcontext()
