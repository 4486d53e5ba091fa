"""The answers resource, from a description of its query: refused in words, and always read only."""

import json
from typing import Any
from urllib.parse import quote

import pytest

from rttm.engine import answers
from rttm.engine.api import ApiCall, ApiReply
from tests import fields
from tests.django.fuzzing import Stage, staged
from tests.engine_client import IP, NOW
from tests.fields import Field

KNOWN = "/answers/example.com/www.example.com/Asia/"
NO_NUMBERS = [
    *("", " ", "1e3", "1.0", "0x1", "\u0661", "1 2", "--1", "+", "NaN", "true", "[1]", "1\0"),
    *("9" * 400, 10**30, -(10**30), 10**18, *fields.NO_WORDS),
]
NOW_TS = int(NOW)
QUERY = [
    Field("n", fields.number(range(answers.MOST + 1))),
    Field("seed", [*fields.taken(0, 1, -5, 2**31, 10**17), *fields.refused(NO_NUMBERS)]),
    Field("at", [*fields.taken(NOW_TS), *fields.refused([NOW_TS + 1, -1, 2**31, *NO_NUMBERS])]),
]
ODD_PATHS = [
    *("/answers", "/answers/", "/answers/example.com/", f"{KNOWN}x/", "/answers/%00/%00/%00/"),
    *("/answers/x/y/z", KNOWN.replace("Asia", "Mars"), KNOWN.replace("Asia", "asia")),
    *(
        KNOWN.replace("Asia", odd)
        for odd in ("..", "%2F", "%E2%98%83", "%ff", "a" * 5000, "Asia%00")
    ),
    *(
        KNOWN.replace("www.example.com", odd)
        for odd in ("..", "%2e%2e", "%20", "www.example.com..")
    ),
]
METHODS = ["POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "get", ""]


@pytest.fixture
def stage(settings, db) -> Stage:
    return staged(settings)


def ask(stage: Stage, path: str = KNOWN, method: str = "GET", **query: str) -> tuple[int, Any]:
    """Status and data; whatever was asked, nothing has changed."""
    headers = {"auth-token": stage.client.token} if stage.client.token else {}
    reply: ApiReply = answers.handle(ApiCall(method, path, headers, query, b"", IP), NOW)
    data = json.loads(reply.body)
    assert (list(data) == ["error"]) == (reply.status != 200)
    stage.is_untouched()
    return reply.status, data


@pytest.mark.parametrize("field", QUERY, ids=lambda field: field.name)
def test_what_a_field_takes_is_told_and_what_it_refuses_is_named(stage, field):
    for example in field.examples:
        if not isinstance(example.sent, str | int) or isinstance(example.sent, bool):
            continue  # a query has texts only
        status, data = ask(stage, **{field.name: str(example.sent)})
        if example.code:
            assert (status, data["error"].split()[0]) == (400, field.name), example
        else:
            assert (status, _told(data)[field.name]) == (200, example.told), example


def _told(data: dict[str, Any]) -> dict[str, Any]:
    return {"n": len(data["answers"]), "seed": data["seed"], "at": data["at"]}


def test_any_other_field_is_refused(stage):
    for odd in ("x", "", "N", "\u2603", "\0", "detail", "a" * 5000):
        status, data = ask(stage, **{odd: "1"})
        assert (status, data["error"]) == (400, f"{odd} is not known here; at, n and seed are")


@pytest.mark.parametrize("path", ODD_PATHS, ids=lambda path: quote(path[:60]))
def test_an_odd_path_is_not_found(stage, path):
    assert ask(stage, path)[0] == 404


@pytest.mark.parametrize("method", METHODS)
def test_answers_can_only_be_read(stage, method):
    assert ask(stage, method=method)[0] == 405


@pytest.mark.parametrize("token", ["", "x", "\u2603", "\0", "a" * 100_000])
def test_without_a_session_nothing_is_told(stage, token):
    stage.client.token = token
    assert ask(stage)[0] == 401
