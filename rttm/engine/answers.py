"""GET /answers/<zone>/<fqdn>/<region code>/: what DNS answers, now or at a time, and why.

Ours, not DynECT's: plain JSON outside /REST/, so that no client mistakes it for Dyn's.
"""

import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any
from urllib.parse import unquote

from django.db import DatabaseError

from rttm.core.draw import draw
from rttm.core.schema import Record, ServiceKey
from rttm.core.wire import JSON, name
from rttm.core.wire.fields import number

from . import reports, sessions, settle, store
from .api import ApiCall, ApiReply
from .models import RegionState, Service

ROOT = "/answers/"
MOST = 1000  # sample answers in one reply
FAULTS = {
    sessions.Fault.UNKNOWN: "The token is not known; log in at /REST/Session/",
    sessions.Fault.IDLE: "The session was idle for too long; log in again",
    sessions.Fault.OTHER_ADDRESS: "The session belongs to another IP address",
}

log = logging.getLogger("rttm.engine")


class Refused(Exception):
    """Why there is no answer, for a person; and the HTTP status that says so."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


@dataclass(frozen=True, slots=True)
class Question:
    """Read from the query; without a time it is about now."""

    at: int | None
    n: int
    seed: int


def handle(call: ApiCall, now: float) -> ApiReply:
    """Never raises for what a client sent."""
    try:
        return _reply(200, _answer(call, now))
    except Refused as refused:
        return refusal(refused.status, str(refused))
    except DatabaseError:
        log.exception("%s %s failed", call.method, call.path)
        return refusal(503, "The service cannot reach its database")


def refusal(status: int, text: str) -> ApiReply:
    return _reply(status, {"error": text})


def _reply(status: int, data: JSON) -> ApiReply:
    return ApiReply(status, json.dumps(data).encode())


def _answer(call: ApiCall, now: float) -> JSON:
    if call.method != "GET":
        raise Refused(405, f"{call.method} is not possible here: answers can only be read")
    _authenticate(call, now)
    key, code = _named(call.path)
    question = _question(call.query, now)
    if question.at is None:
        return _present(key, code, question, now)
    return _past(key, code, question, question.at)


def _authenticate(call: ApiCall, now: float) -> None:
    token = call.headers.get("auth-token", "")
    if not token:
        raise Refused(401, "The Auth-Token header must hold a session's token")
    found = sessions.find(token, ip=call.client_ip, now=now)
    if isinstance(found, sessions.Fault):
        raise Refused(401, FAULTS[found])


def _named(path: str) -> tuple[ServiceKey, str]:
    parts = [unquote(part) for part in path.removeprefix(ROOT).split("/") if part]
    if len(parts) != 3 or any("\0" in part for part in parts):
        raise Refused(404, f"Ask for {ROOT}<zone>/<fqdn>/<region code>/")
    return ServiceKey(name(parts[0]), name(parts[1])), parts[2]


def _question(query: Mapping[str, str], now: float) -> Question:
    if unknown := query.keys() - {"at", "n", "seed"}:
        raise Refused(400, f"{min(unknown)} is not known here; at, n and seed are")
    at = _number(query, "at") if "at" in query else None
    if at is not None and not 0 <= at <= now:
        raise Refused(400, "at must be a time in the past, in UNIX seconds")
    n = _number(query, "n", 10)
    if not 0 <= n <= MOST:
        raise Refused(400, f"n must be from 0 to {MOST}")
    return Question(at, n, _number(query, "seed", 1))


def _number(query: Mapping[str, str], field: str, default: int = 0) -> int:
    try:
        return number(query.get(field, default))
    except ValueError:
        raise Refused(400, f"{field} must be a whole number") from None


def _present(key: ServiceKey, code: str, question: Question, now: float) -> JSON:
    """Decided from what is known at this moment, as the engine itself does."""
    row = store.find(*key)
    if row is None:
        raise _no_service(key)
    if row.value.at(code) is None:
        raise Refused(404, f"{key.fqdn} has no region {code}; its clients get that of global")
    state = RegionState.objects.filter(service=row, region_code=code).first()
    if state is None:  # deleted since it was found
        raise _no_service(key)
    about = {**_about(key, code, int(now)), "since": int(state.since)}
    if not row.active:
        return {**about, "status": "unk", "reason": "the service is inactive", **_nothing(question)}
    return {**about, **_decided(row, code, question)}


def _no_service(key: ServiceKey) -> Refused:
    return Refused(404, f"There is no service {key.fqdn} in zone {key.zone}")


def _decided(row: Service, code: str, question: Question) -> JSON:
    decision = settle.decided(row).decisions[code]
    return {
        "status": decision.status,
        "reason": decision.reason,
        **_served(decision.records, decision.serve_count, question),
        "entries": _entries((v.address, v.place, v.reason) for v in decision.verdicts),
    }


def _past(key: ServiceKey, code: str, question: Question, at: int) -> JSON:
    """As recorded, with the reasons of the moment since when it was so."""
    found = {record.region_code: record for record in reports.valid_at(key, at)}
    if code not in found:
        raise Refused(404, f"There is no record of region {code} of {key.fqdn} at {at}")
    record = found[code]
    return {
        **_about(key, code, at),
        "status": record.region_status,
        "reason": record.reason,
        "since": record.change_ts,
        "change_type": record.change_type,
        "serial": record.serial,
        **_served(record.value.records, record.serve_count, question),
        "entries": _entries(record.entries),
    }


def _entries(verdicts: Iterable[Sequence[str]]) -> list[JSON]:
    return [
        {"address": address, "place": place, "reason": reason}
        for address, place, reason in verdicts
    ]


def _about(key: ServiceKey, code: str, at: int) -> JSON:
    return {"zone": key.zone, "fqdn": key.fqdn, "region_code": code, "at": at}


def _nothing(question: Question) -> JSON:
    return {**_served((), 0, question), "entries": []}


def _served(records: tuple[Record, ...], serve_count: int, question: Question) -> JSON:
    samples = _samples(records, serve_count, question)
    return {
        "serve_count": serve_count,
        "response_set": [_told(record) for record in records],
        "seed": question.seed,
        "answers": list(samples),
    }


def _told(record: Record) -> dict[str, Any]:
    weight = {} if record.weight is None else {"weight": record.weight}
    return {"type": record.rdata_type, "value": record.value, **weight}


def _samples(
    records: tuple[Record, ...], serve_count: int, question: Question
) -> Iterator[list[str]]:
    rng = Random(question.seed)
    for _ in range(question.n):
        yield [record.value for record in draw(records, serve_count, rng)]
