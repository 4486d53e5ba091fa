"""What a response means: an answer, a job to wait for, or one of the errors. No I/O.

The status in the body decides, and only without one the HTTP status: old answers had failures
with 200, and proxies answer for the backend in HTML.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, NoReturn, TypeVar
from urllib.parse import unquote

from rttm.core import wire
from rttm.core.rules import Problem
from rttm.core.wire import fields

from .calls import Call
from .errors import Busy, RateLimited, Rejected, Unauthorised, Unavailable
from .transports import Response

T = TypeVar("T")


class Message(NamedTuple):
    """One of the backend's own messages."""

    level: str  # FATAL, ERROR, WARN or INFO
    code: str  # INVALID_DATA and so on; "" for information
    text: str


Messages = tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class Reply(Generic[T]):
    """The answer to a call, with what the backend said about it."""

    value: T
    messages: Messages = ()
    job_id: str = ""

    @property
    def words(self) -> str:
        """The backend's own words, for a person."""
        return "; ".join(message.text for message in self.messages)


class Job(NamedTuple):
    """Work that the backend has not finished."""

    job_id: str


@dataclass(frozen=True, slots=True)
class Envelope:
    """A response's body; `status` is "" when there is no envelope."""

    status: str = ""
    data: Any = None
    messages: Messages = ()
    job_id: str = ""


def open_envelope(body: bytes) -> Envelope:
    """Read a body; lenient towards lists around it, null data and missing or odd messages."""
    try:
        raw = json.loads(body)
    except (ValueError, RecursionError):
        return Envelope()
    raw = raw[0] if isinstance(raw, list) and raw else raw
    if not isinstance(raw, dict):
        return Envelope()
    return Envelope(
        status=wire.text(raw.get("status")).lower(),
        data=raw.get("data"),
        messages=tuple(_messages(raw.get("msgs"))),
        job_id=wire.text(raw.get("job_id")),
    )


def _messages(raw: object) -> Iterator[Message]:
    for item in raw if isinstance(raw, list) else ():
        if isinstance(item, dict):
            level = wire.text(item.get("LVL") or item.get("LEVEL")).upper()
            yield Message(level, wire.text(item.get("ERR_CD")), wire.text(item.get("INFO")))


def outcome(call: Call[T], response: Response) -> Reply[T] | Job:
    """The reply or the job a response stands for; raises what it says went wrong."""
    envelope = open_envelope(response.body)
    match envelope.status:
        case "success":
            return Reply(_read(call, envelope.data), envelope.messages, envelope.job_id)
        case "failure":
            _refuse(call, response, envelope)
        case "":
            return _bare(call, response)
        case _ if any(message.code for message in envelope.messages):
            # "running": our session has another job. The job_id is not this call's.
            raise Busy(call.subject, _said(envelope.messages))
        case _ if envelope.job_id:
            return Job(envelope.job_id)
    raise Unavailable(call.subject, f"it was “{envelope.status}”, which we do not know")


def _read(call: Call[T], data: object) -> T:
    try:
        return call.read(data)
    except ValueError as error:
        raise Unavailable(call.subject, f"it could not be read, {error}") from error


_JOB = re.compile(r"/REST/Job/([^/?#]+)/?$", re.IGNORECASE)


def _bare(call: Call[T], response: Response) -> Job:
    """A response without an envelope: a redirect to a job, or somebody else's answer."""
    if response.status == 307:
        # Only the id is taken: another host in a Location never sees our token.
        if found := _JOB.search(response.headers.get("location", "")):
            return Job(unquote(found[1]))
        raise Unavailable(call.subject, "it points to nowhere we know")
    if response.status == 429:
        raise RateLimited(call.subject)
    if response.status == 401:
        raise Unauthorised(call.subject, "HTTP 401")
    raise Unavailable(call.subject, f"it was HTTP {response.status} without an envelope")


UNSURE = frozenset({"INTERNAL_ERROR", "UNKNOWN_ERROR", "SERVICE_UNAVAILABLE"})
"""Failures that are not about the request, and leave open what has happened."""


def _refuse(call: Call[T], response: Response, envelope: Envelope) -> NoReturn:
    messages = envelope.messages
    codes = {message.code for message in messages if message.code}
    words = _said(messages) or f"HTTP {response.status} without a reason"
    if response.status == 429 or "RATE_LIMIT_EXCEEDED" in codes:
        raise RateLimited(call.subject)
    if response.status == 401 or any(_LOGIN.match(message.text) for message in messages):
        raise Unauthorised(call.subject, words)
    if any(_BLOCKED.search(message.text) for message in messages):
        raise Busy(call.subject, words)
    if codes & UNSURE:
        raise Unavailable(call.subject, words)
    raise Rejected(call.subject, problems(messages) or [Problem("", "unknown", words)], codes)


_LOGIN = re.compile(r"login:|.*Auth-Token", re.IGNORECASE)
_BLOCKED = re.compile(r"blocked by current task|already has a job running", re.IGNORECASE)


def _said(messages: Messages) -> str:
    return "; ".join(message.text for message in _telling(messages))


def _telling(messages: Messages) -> list[Message]:
    """Without the lines that only name the operation, unless there is nothing else."""
    telling = [message for message in messages if message.level != "INFO" or message.code]
    return telling or [message for message in messages if message.text]


FIELDS = frozenset(
    {*fields.SERVICE, *fields.MONITOR, *fields.REGION, *fields.ENTRY}
    | {
        "zone",
        "fqdn",
        "region",
        "pool",
        "monitor",
        "performance_monitor",
        "start_ts",
        "end_ts",
        "ts",
    }
)
_FIELD = re.compile(
    r"(?P<path>(?:\w+(?:\[[^\]]*\])?\.)*(?P<last>\w+)(?:\[[^\]]*\])?): +(?P<text>.+)", re.DOTALL
)


def problems(messages: Messages) -> list[Problem]:
    """A failure's messages by field: “weight: must be …”; “update: …” is about the whole."""
    return [_problem(message) for message in _telling(messages)]


def _problem(message: Message) -> Problem:
    code = message.code.lower() or "unknown"
    text = message.text.replace("new_address:", "address:", 1)
    found = _FIELD.fullmatch(text)
    if found and found["last"] in FIELDS:
        return Problem(found["path"], code, found["text"])
    return Problem("", code, message.text)
