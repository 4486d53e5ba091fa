"""Calls, replies and DynECT's envelope {status, data, job_id, msgs}; failures as exceptions."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rttm.core.rules import Problem
from rttm.core.wire import JSON

BAD_REQUEST, NOT_FOUND, UNAVAILABLE = 400, 404, 503


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
    is_taken = problem.code == "duplicate" and problem.field == "address"
    return "TARGET_EXISTS" if is_taken else "INVALID_DATA"


def success(answer: Answer, job_id: int) -> ApiReply:
    return ApiReply(200, _envelope("success", answer.data, job_id, answer.messages))


def failed(failure: Failure, verb: str, job_id: int) -> ApiReply:
    """Two kinds of messages, as at Dyn: what is wrong, then what became of the call."""
    closing = Message(failure.closing or verb)
    messages = (*failure.errors, closing)
    return ApiReply(failure.status, _envelope("failure", {}, job_id, messages))


def refusal(info: str, code: str, *, status: int) -> ApiReply:
    """A failure that never became a call, so it has no job."""
    failure = Failure(error(info, code, source="API-B"), status=status)
    return failed(failure, "call: Nothing was done", 0)


def _envelope(status: str, data: Any, job_id: int, messages: Iterable[Message]) -> bytes:
    told = [message.render() for message in messages]
    whole = {"status": status, "data": data, "job_id": job_id, "msgs": told}
    return json.dumps(whole).encode()
