"""Speaks DynECT to any backend; the names below are for everybody."""

from . import calls
from .calls import Call, Credentials
from .envelope import Message, Reply
from .errors import (
    Busy,
    DynectError,
    JobPending,
    RateLimited,
    Rejected,
    TransportError,
    Unauthorised,
    Unavailable,
)
from .session import Dynect
from .transports import HttpTransport, Request, Response, ScriptedTransport, answer, refusal

__all__ = [
    "Busy",
    "Call",
    "Credentials",
    "Dynect",
    "DynectError",
    "HttpTransport",
    "JobPending",
    "Message",
    "RateLimited",
    "Rejected",
    "Reply",
    "Request",
    "Response",
    "ScriptedTransport",
    "TransportError",
    "Unauthorised",
    "Unavailable",
    "answer",
    "calls",
    "refusal",
]
