"""The HTTP skin over the API at /REST/ and the answers: not Django's request cycle."""

import json
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import parse_qsl

from . import answers, api
from .calls import Calls
from .thread import call

BODY_LIMIT = 2**20  # bytes
QUERY_FIELDS = 100
SHOWN = 40  # characters of something odd
ROOT = "/REST/"
NOT_HERE = json.dumps({"error": f"Nothing is here; the API is under {ROOT}"}).encode()

Scope = MutableMapping[str, Any]
Event = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]

_calls = Calls()


class OddQuery(ValueError):
    """Why a query string is refused, for a person."""


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] != "http":
        raise NotImplementedError(f"The engine speaks HTTP only, not {scope['type']}.")
    body = await _read(receive)
    if body is not None:
        await _write(send, await _reply(scope, body), stays_open=_stays_open(scope))


async def _read(receive: Receive) -> bytes | None:
    """The body, cut just above the limit; None when the client left in the middle of it."""
    body, more = bytearray(), True
    while more:
        event = await receive()
        if event["type"] == "http.disconnect":
            return None
        more = event.get("more_body", False)
        body += event.get("body", b"")
        del body[BODY_LIMIT + 1 :]  # the rest is read, so that the client hears the answer
    return bytes(body)


async def _reply(scope: Scope, body: bytes) -> api.ApiReply:
    path = _path(scope)
    if f"{path}/".startswith(answers.ROOT):
        return await _answered(scope, path)
    if not f"{path}/".startswith(ROOT):
        return api.ApiReply(404, NOT_HERE)
    if len(body) > BODY_LIMIT:
        text = f"body: The body is longer than {BODY_LIMIT} bytes"
        return api.refusal(text, "INVALID_REQUEST", status=400)
    try:
        query = _query(scope)
    except OddQuery as odd:
        return api.refusal(f"query: {odd}", "INVALID_REQUEST", status=400)
    return await _calls.reply(_call(scope, path, query, body))


async def _answered(scope: Scope, path: str) -> api.ApiReply:
    try:
        query = _query(scope)
    except OddQuery as odd:
        return answers.refusal(400, str(odd))
    return await call(answers.handle, _call(scope, path, query, b""), time.time())


def _path(scope: Scope) -> str:
    """Still encoded: a name may hold an encoded slash or blank."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    return raw.decode("latin-1")


def _query(scope: Scope) -> dict[str, str]:
    """Of two values for one field nobody knows which is meant."""
    raw = scope["query_string"].decode("latin-1")
    try:
        pairs = parse_qsl(raw, keep_blank_values=True, max_num_fields=QUERY_FIELDS)
    except ValueError:
        raise OddQuery(f"The query string has more than {QUERY_FIELDS} fields") from None
    query: dict[str, str] = {}
    for name, value in pairs:
        if name in query:
            raise OddQuery(f"The query string says {name[:SHOWN]} twice")
        query[name] = value
    return query


def _call(scope: Scope, path: str, query: Mapping[str, str], body: bytes) -> api.ApiCall:
    return api.ApiCall(
        method=scope["method"],
        path=path,
        headers={key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]},
        query=query,
        body=body,
        client_ip=scope["client"][0] if scope.get("client") else "",
    )


def _stays_open(scope: Scope) -> bool:
    """Whether the connection serves another call, by what the client wants."""
    wishes = [value.lower() for name, value in scope["headers"] if name == b"connection"]
    return scope["http_version"] == "1.1" and not any(b"close" in wish for wish in wishes)


async def _write(send: Send, reply: api.ApiReply, *, stays_open: bool) -> None:
    """HTTP/1.1 need not say that a connection stays open, but Dyn says it."""
    headers = [
        (b"content-type", reply.content_type.encode()),
        (b"content-length", str(len(reply.body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    if reply.location:
        headers.append((b"location", reply.location.encode()))
    if stays_open:
        headers.append((b"connection", b"keep-alive"))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})
