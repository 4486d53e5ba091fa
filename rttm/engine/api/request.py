"""A call, taken apart: the names in its path, its arguments. Bad input ends here as 400."""

import json
import re
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import unquote

from rttm.core.wire import JSON
from rttm.core.wire.fields import flag, number, plain_text
from rttm.engine.models import Session

from .envelope import ApiCall, Failure, bad_request, error, invalid, missing

ROOT = "REST"
VERSION = re.compile(r"([0-9]{1,4})\.([0-9]{1,4})\.([0-9]{1,4})")
# Dyn's list of versions is not known: 3.7.13 is the newest that clients name, and 3.7.9 answers
# those that name none. Every version up to the newest counts as one that exists.
OLDEST, NEWEST, USUAL = "1.0.0", "3.7.13", "3.7.9"
SHOWN = 40  # characters of something odd
NUMBER = re.compile(r"[0-9]{1,18}")
SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


@dataclass(frozen=True, slots=True)
class Request:
    """What a handler needs to know beside the names in the path."""

    method: str
    args: JSON
    now: float
    token: str
    client_ip: str
    version: str = NEWEST  # of the protocol
    user_name: str = ""
    customer_name: str = ""
    session: Session | None = None  # once it is known whose call it is


def names(path: str) -> list[str]:
    """The parts of a path below /REST/, decoded; a last slash makes no difference."""
    parts = [unquote(part) for part in path.split("/") if part]
    if not parts or parts[0] != ROOT or any("\0" in part for part in parts):
        raise bad_request("path: There is no such resource")
    return parts[1:]


def resource(path: str) -> str:
    """What a call is about, in lower case: clients spell it in several ways. "" is nothing."""
    try:
        return names(path)[0].lower()
    except (Failure, IndexError):
        return ""


def job_number(path: str) -> int:
    """The job that a path names; 0 when it names none."""
    last = names(path)[-1]
    return int(last) if NUMBER.fullmatch(last) else 0


def arguments(call: ApiCall) -> JSON:
    """Arguments come in the body or in the query; the body wins."""
    return {**call.query, **_body(call.body)}


def _body(raw: bytes) -> JSON:
    if not raw.strip():
        return {}
    try:
        text = raw.decode("utf-8-sig")  # json itself would let half characters and UTF-16 pass
        data = json.loads(text, object_pairs_hook=_object, parse_constant=_no_number)
        if SURROGATE.search(text):
            json.dumps(data, ensure_ascii=False).encode()  # half a character fits nowhere
    except (ValueError, RecursionError):
        raise invalid("body: The body is not valid JSON") from None
    if not isinstance(data, dict):
        raise invalid("body: The body must be a JSON object")
    return data


def _object(pairs: list[tuple[str, Any]]) -> JSON:
    """Of two values for one field nobody knows which is meant."""
    data = dict(pairs)
    if len(data) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise invalid(f"body: The body says {twice[:SHOWN]} twice")
    return data


def _no_number(constant: str) -> NoReturn:
    """NaN and Infinity are Python's, not JSON's."""
    raise ValueError(constant)


def protocol_version(call: ApiCall) -> str:
    """The version of the protocol that a call asks for."""
    asked = call.headers.get("api-version", USUAL)
    if asked == "current":
        return NEWEST
    if not _numbers(OLDEST) <= _numbers(asked) <= _numbers(NEWEST):
        raise Failure(error("version: There is no such API version", "INVALID_VERSION"))
    return asked


def _numbers(version: str) -> tuple[int, ...]:
    """The parts of a version, to be compared; none when it is no version."""
    found = VERSION.fullmatch(version)
    return tuple(map(int, found.groups())) if found else ()


def required_text(args: JSON, field: str) -> str:
    value = _required(args, field)
    if not isinstance(value, str) or "\0" in value:
        raise invalid(f"{field}: {field} must be a text")
    return value


def optional_text(args: JSON, field: str) -> str:
    try:
        return plain_text(args.get(field))
    except ValueError:
        raise invalid(f"{field}: {field} must be a text") from None


def optional_flag(args: JSON, field: str) -> bool:
    """No, when it is empty."""
    if args.get(field) in (None, ""):
        return False
    try:
        return flag(args[field])
    except ValueError:
        raise invalid(f"{field}: {field} must be Y or N") from None


def required_time(args: JSON, field: str, *, latest: float) -> int:
    """UNIX seconds, not after `latest`."""
    try:
        value = number(_required(args, field))
    except ValueError:
        raise invalid(f"{field}: {field} must be a whole number of UNIX seconds") from None
    if not 0 <= value <= latest:
        raise invalid(f"{field}: {field} must be a time in the past")
    return value


def _required(args: JSON, field: str) -> Any:
    if args.get(field) in (None, ""):
        raise missing(field)
    return args[field]
