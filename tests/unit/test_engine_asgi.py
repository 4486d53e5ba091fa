"""The engine's HTTP skin, without a server: what it reads, and what it answers by itself."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest
from django.db import OperationalError

from rttm.engine import asgi, calls
from rttm.engine.api import ApiCall, ApiReply

Events = list[dict[str, Any]]


def ask(*events: Mapping[str, Any], path: str = "/REST/Zone/", query: bytes = b"") -> Events:
    """What the application sends, when these are the events of the request."""
    scope = {
        "type": "http", "method": "POST", "path": path, "raw_path": path.encode(),
        "query_string": query, "http_version": "1.1", "headers": [(b"auth-token", b"t")],
        "client": ("192.0.2.10", 5),
    }  # fmt: skip
    waiting, sent = list(events), []

    async def receive() -> Mapping[str, Any]:
        return waiting.pop(0)

    async def send(event: dict[str, Any]) -> None:
        sent.append(event)

    asyncio.run(asgi.application(scope, receive, send))
    return sent


def chunk(body: bytes, *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[ApiCall]:
    """The calls that reach the API."""
    found: list[ApiCall] = []

    def handle(call: ApiCall, now: float, job_id: int) -> ApiReply:
        found.append(call)
        return ApiReply(200, b'{"status": "success"}')

    monkeypatch.setattr(calls.api, "handle", handle)
    monkeypatch.setattr(calls.job_ids, "take", lambda: 7)
    return found


def test_a_call_arrives_as_it_was_sent(made):
    start, body = ask(
        chunk(b'{"a"', more=True), chunk(b": 1}"), path="/REST/a%2Fb/US%20East/", query=b"x=%20&y"
    )
    assert made == [
        ApiCall(
            "POST", "/REST/a%2Fb/US%20East/", {"auth-token": "t"}, {"x": " ", "y": ""},
            b'{"a": 1}', "192.0.2.10",
        )
    ]  # fmt: skip
    assert start["status"] == 200
    assert (b"content-length", b"21") in start["headers"]
    assert body == {"type": "http.response.body", "body": b'{"status": "success"}'}


def test_the_longest_body_is_let_in_and_a_longer_one_is_not(made):
    half = b"x" * (asgi.BODY_LIMIT // 2)
    assert ask(chunk(half, more=True), chunk(half))[0]["status"] == 200
    start, body = ask(chunk(half, more=True), chunk(half, more=True), chunk(b"x"))
    assert start["status"] == 400
    assert json.loads(body["body"])["msgs"][0]["ERR_CD"] == "INVALID_REQUEST"
    assert len(made) == 1


def test_of_an_endless_body_no_more_is_kept_than_shows_that_it_is_too_long():
    parts = [chunk(b"x" * asgi.BODY_LIMIT, more=number < 4) for number in range(5)]

    async def receive() -> dict[str, Any]:
        return parts.pop(0)

    assert len(asyncio.run(asgi._read(receive))) == asgi.BODY_LIMIT + 1
    assert parts == []


def test_half_a_call_is_not_made(made):
    assert ask(chunk(b'{"a"', more=True), {"type": "http.disconnect"}) == []
    assert made == []


@pytest.mark.parametrize("path", ["/", "/REST-/", "/rest/Zone/", "//REST/Zone/"])
def test_other_paths_are_not_here(made, path):
    assert ask(chunk(b""), path=path)[0]["status"] == 404
    assert made == []


def test_too_many_fields_in_a_query_are_refused(made):
    fields = [b"f%d=1" % number for number in range(asgi.QUERY_FIELDS + 1)]
    start, body = ask(chunk(b""), query=b"&".join(fields))
    assert start["status"] == 400
    assert b"more than 100 fields" in body["body"]
    assert made == []
    assert ask(chunk(b""), query=b"&".join(fields[1:]))[0]["status"] == 200


def test_a_database_that_is_away_is_said_in_the_envelope(monkeypatch, caplog):
    def handle(call: ApiCall, now: float, job_id: int) -> ApiReply:
        raise OperationalError("disk I/O error")

    monkeypatch.setattr(calls.api, "handle", handle)
    monkeypatch.setattr(calls.job_ids, "take", lambda: 7)
    start, body = ask(chunk(b""))
    assert start["status"] == 503
    answer = json.loads(body["body"])
    assert (answer["status"], answer["msgs"][0]["ERR_CD"]) == ("failure", "SERVICE_UNAVAILABLE")
    assert "disk I/O error" in caplog.text
