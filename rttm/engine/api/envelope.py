"""Calls, replies and DynECT's envelope {status, data, job_id, msgs}; failures as exceptions."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from rttm.core.rules import Problem
from rttm.core.wire import JSON

BAD_REQUEST, NOT_FOUND, TOO_MANY = 400, 404, 429

CODES = frozenset(
    {
        *("ILLEGAL_OPERATION", "INTERNAL_ERROR", "INVALID_DATA", "INVALID_REQUEST"),
        *("INVALID_VERSION", "MISSING_DATA", "NOT_FOUND", "OPERATION_FAILED"),
        *("RATE_LIMIT_EXCEEDED", "SERVICE_UNAVAILABLE", "TARGET_EXISTS"),
    }
)
"""The codes we answer with, of those that Dyn documents."""
JOB_PATH = "/REST/Job"


@dataclass(frozen=True, slots=True)
class ApiCall:
    """One HTTP request: the path still percent-encoded, header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes
    client_ip: str


@dataclass(frozen=True, slots=True)
class ApiReply:
    status: int
    body: bytes
    content_type: str = "application/json"
    location: str = ""

    @property
    def json(self) -> JSON:
        data: JSON = json.loads(self.body)
        return data


@dataclass(frozen=True, slots=True)
class Message:
    """One of an answer's messages; without a code it only informs."""

    info: str  # "<field or verb>: <text>"
    code: str | None = None
    level: str = "INFO"
    source: str = "BLL"

    def render(self) -> JSON:
        return {
            "INFO": self.info, "SOURCE": self.source, "ERR_CD": self.code, "LVL": self.level,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Text:
    """Data that is JSON text already."""

    json: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What a handler has to say."""

    data: Any
    messages: tuple[Message, ...] = ()


class Failure(Exception):
    """A call that is refused; nothing of it has happened."""

    def __init__(self, *errors: Message, closing: str = "", status: int = BAD_REQUEST) -> None:
        super().__init__("; ".join(error.info for error in errors))
        self.errors = errors
        self.closing = closing  # the last message, if it is not the usual one of the verb
        self.status = status


def error(info: str, code: str, *, source: str = "BLL") -> Message:
    return Message(info, code, "ERROR", source)


def invalid(info: str) -> Failure:
    return Failure(error(info, "INVALID_DATA"))


def missing(field: str) -> Failure:
    return Failure(error(f"{field}: {field} is required", "MISSING_DATA"))


def not_found(info: str, *, source: str = "BLL") -> Failure:
    return Failure(error(info, "NOT_FOUND", source=source), status=NOT_FOUND)


def exists(info: str, closing: str = "") -> Failure:
    return Failure(error(info, "TARGET_EXISTS"), closing=closing)


def bad_request(info: str) -> Failure:
    return Failure(error(info, "INVALID_REQUEST", source="API-B"))


def illegal(info: str) -> Failure:
    return Failure(error(info, "ILLEGAL_OPERATION"))


def too_many(seconds: int) -> Failure:
    text = f"rate: The account's calls for this minute are used up; go on in {seconds} s"
    return Failure(error(text, "RATE_LIMIT_EXCEEDED", source="API-B"), status=TOO_MANY)


def refuse(problems: Sequence[Problem]) -> None:
    """Raise when rules are broken: one message for each problem."""
    if problems:
        raise Failure(*(error(_info(problem), _code(problem)) for problem in problems))


def forbid(problems: Iterable[Problem]) -> None:
    """Raise when the present state does not allow what was asked."""
    if errors := [error(_info(problem), "ILLEGAL_OPERATION") for problem in problems]:
        raise Failure(*errors)


def _info(problem: Problem) -> str:
    return f"{problem.field or 'pool'}: {problem.message}"


def _code(problem: Problem) -> str:
    """`duplicate` within a request is a mistake in it; next to what there is, the target exists."""
    if problem.code == "missing":
        return "MISSING_DATA"
    is_taken = problem.code == "duplicate" and problem.field in ("address", "new_address")
    return "TARGET_EXISTS" if is_taken else "INVALID_DATA"


def success(answer: Answer, job_id: int) -> ApiReply:
    return ApiReply(200, _envelope("success", answer.data, job_id, answer.messages))


def failed(failure: Failure, usual_closing: str, job_id: int) -> ApiReply:
    """Two kinds of messages, as at Dyn: what is wrong, then what became of the call."""
    messages = (*failure.errors, Message(failure.closing or usual_closing))
    return ApiReply(failure.status, _envelope("failure", {}, job_id, messages))


def refusal(info: str, code: str, *, status: int, job_id: int = 0) -> ApiReply:
    """A failure outside of any resource; what never became a call has no job."""
    failure = Failure(error(info, code, source="API-B"), status=status)
    return failed(failure, "call: Nothing was done", job_id)


def pending(job_id: int) -> ApiReply:
    """The answer is not there yet; the setting has the form in which Dyn said so to the caller."""
    if settings.JOB_STYLE == "incomplete":
        whole = {"status": "incomplete", "data": None, "job_id": job_id}
        return ApiReply(200, json.dumps(whole).encode())
    path = f"{JOB_PATH}/{job_id}"
    return ApiReply(307, path.encode(), content_type="text/html", location=path)


def has_job(job_id: int) -> ApiReply:
    """Refused, because the session's job has not ended; a status of its own, as at Dyn."""
    text = "token: This session already has a job running"
    busy = error(text, "OPERATION_FAILED", source="API-B")
    return ApiReply(BAD_REQUEST, _envelope("running", {}, job_id, [busy]))


def _envelope(status: str, data: Any, job_id: int, messages: Iterable[Message]) -> bytes:
    told = [message.render() for message in messages]
    text = data.json if isinstance(data, Text) else json.dumps(data)
    begin, end = json.dumps({"status": status}), json.dumps({"job_id": job_id, "msgs": told})
    return f'{begin[:-1]}, "data": {text}, {end[1:]}'.encode()
