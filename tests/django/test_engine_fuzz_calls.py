"""Calls that are odd as a whole: names, methods, tokens and bodies of every endpoint."""

import json
from itertools import product
from typing import Any
from urllib.parse import quote

import pytest

from tests.django.fuzzing import Stage, checked, rows, staged
from tests.endpoints import ENDPOINTS, SEVERAL, Endpoint
from tests.fields import INVALID, MISSING, UNKNOWN

EVERY = [pytest.param(e, id=f"{e.method} {e.resource} {len(e.names)}") for e in ENDPOINTS]
NO_REQUEST = "INVALID_REQUEST"
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "get", "FOO")
NAMES = ("zone", "fqdn", "region_code", "address")
CALLED = {"Task": ("task_id",), "Job": ("job",), "Contact": ("nickname",)}
ODD_NAMES = [
    *("\u2603", "%00", "..", ".", "/", "a/b", " ", "a" * 5000, "\u202e", "null", "-1", "1.5", "[]"),
    *("x", "example.com..", ".example.com", "192.0.2.\u0663", "\ufffd", "+1", "0x1", "9" * 400),
    *("GLOBAL", "asia", "owner\u0301", "http://a.net/", "?detail=Y", "#", "' OR 1=1 --", "1\n"),
]
TOKENS = ["x", "\u2603", "\xff" * 5000, "a" * 100_000, "' OR 1=1 --", "\0", " "]
VERSIONS = [
    "",
    "x",
    "3.",
    "1.2.3.4.5",
    "99999",
    "3\n",
    "\u0663",
    "currents",
    "-1",
    "9" * 5000,
    "9.9.9",
]
BROKEN = [
    *(b"{", b"}", b"[]", b"[{}]", b'"text"', b"7", b"null", b"true", b"{}{}", b"{} x", b"\0"),
    *(b"{'a': 1}", b'{"a": 1,}', b"{a: 1}", b'{"a" 1}', b"// {}\n{}", b'{"a": 01}', b'{"a": +1}'),
    *(b'{"a": NaN}', b'{"a": Infinity}', b'{"a": 1, "a": 1}', b'{"a": {"b": 1, "b": 2}}'),
    *(b"\xff\xfe{}", b'{"a": "\xff"}', b'{"a": "\xed\xa0\x80"}', b'{"a": "\xc0\x80"}'),
    *(b'{"a": "\\ud800"}', b'{"\\udfff": 1}', '{"a": "\\ud800"}'.encode("utf-16")),
    *('{"a": 1}'.encode("utf-16"), '{"a": 1}'.encode("utf-32"), b'{"a": "\n"}', b'{"a": "\\x"}'),
    *(b"[" * 100_000, b'{"a":' * 100_000, b'{"a": ' + b"9" * 5000 + b"}", b"detail=Y&name=a"),
    *(b"<?xml version='1.0'?><a/>", b"--- {}", b"\x1f\x8b\x08\x00", b"%7B%7D"),
]
ORDERS = (["activate"], ["recoverip"])
DEPTHS = [10, 500, *range(840, 1000, 8)]  # around what the interpreter can nest
IGNORED: dict[str, Any] = {
    "status": {}, "task_id": [], "log": 5, "zone": "x", "fqdn": None, "active": "N",
    "\u2603": 10**30, "": {}, "__class__": "x", "a" * 5000: [1.5], "Weight": 99, "weight ": 99,
}  # fmt: skip


@pytest.fixture
def stage(settings, db) -> Stage:
    return staged(settings)


def refused(
    stage: Stage, call: tuple[str, str], codes: list[tuple[str, str]], **fields: Any
) -> str | None:
    """A complaint, unless these fields are blamed with these codes and nothing has changed."""
    with stage.undone():
        reply = checked(stage.client.reply(*call, **fields))
        is_changed = rows() != stage.rows
    if reply.errors == codes and not is_changed:
        return None
    return f"{codes} was to come of {call} {str(fields)[:300]}: {reply} {is_changed=}"


def path(resource: str, names: tuple[str, ...]) -> str:
    return "/".join([resource, *(quote(name, safe="") for name in names)])


def of(stage: Stage, endpoint: Endpoint) -> tuple[str, str]:
    return endpoint.method, path(endpoint.resource, stage.names(endpoint))


@pytest.mark.parametrize("endpoint", [p for p in EVERY if p.values[0].names])
def test_an_odd_name_in_the_path_is_not_found(stage, endpoint):
    called = CALLED.get(endpoint.resource, NAMES)
    tried = []
    for at, odd in [(at, odd) for at in range(len(endpoint.names)) for odd in ODD_NAMES]:
        names = (*endpoint.names[:at], odd, *endpoint.names[at + 1 :])
        code = INVALID if endpoint.is_new else UNKNOWN
        call = endpoint.method, path(endpoint.resource, names)
        tried.append(refused(stage, call, [(called[at], code)], args=endpoint.args))
    stage.all_hold(tried)


def test_no_path_holds_a_nul(stage):
    for method, known in (of(stage, endpoint) for endpoint in ENDPOINTS):
        odd = [f"{known}/%00", f"%00/{known}", f"{known}%00"]
        wanted = [("path", NO_REQUEST)]
        stage.all_hold(refused(stage, (method, path), wanted) for path in odd)


def test_a_path_may_be_spelled_in_several_ways(stage):
    for endpoint in ENDPOINTS:
        for spelled in _spellings(of(stage, endpoint)[1]):
            with stage.undone():
                reply = checked(stage.client.reply(endpoint.method, spelled, endpoint.args))
                assert reply.is_success, (spelled, reply)


def _spellings(known: str) -> list[str]:
    resource, *rest = known.split("/")
    dotted = [part.upper() + "." if "." in part else part for part in rest]
    whole = [[resource.lower(), *rest], [resource.upper(), *rest], [resource, *dotted]]
    return [f"{known}/", f"{known}//", "//".join([resource, *rest]), *map("/".join, whole)]


def test_what_is_no_endpoint_is_no_call(stage):
    known = {(e.method, e.resource, len(e.names)) for e in ENDPOINTS}
    resources = sorted({e.resource for e in ENDPOINTS}) + ["Nothing", "\u2603", "..", "a" * 5000]
    names = (*SEVERAL, "x", "y")
    tried = [
        refused(stage, (method, path(resource, names[:count])), [(method, NO_REQUEST)])
        for resource in resources
        for count in range(7)
        for method in METHODS
        if (method, resource, count) not in known
    ]
    stage.all_hold(tried)
    stage.all_hold(refused(stage, (method, ""), [("path", NO_REQUEST)]) for method in METHODS)


def test_without_a_session_nothing_is_told_or_done(stage):
    faults = [("", ("token", MISSING)), *((token, ("login", INVALID)) for token in TOKENS)]
    for stage.client.token, fault in faults:
        stage.all_hold(
            refused(stage, of(stage, endpoint), [fault], args=endpoint.args)
            for endpoint in ENDPOINTS
            if endpoint.path != "Session" or endpoint.method != "POST"
        )


def test_an_api_version_that_cannot_be_is_refused(stage):
    wanted = [("version", "INVALID_VERSION")]
    for version in VERSIONS:
        headers = {"auth-token": stage.client.token, "api-version": version}
        stage.all_hold(
            refused(stage, of(stage, endpoint), wanted, args=endpoint.args, headers=headers)
            for endpoint in ENDPOINTS
        )


@pytest.mark.parametrize("endpoint", EVERY)
def test_a_body_that_is_no_json_object_is_refused(stage, endpoint):
    whole = json.dumps(endpoint.args | {"x": "\u2603"}).encode()
    cut = [whole[:-1], whole[1:], whole[: len(whole) // 2], whole + whole, whole + b"\0"]
    stage.all_hold(
        refused(stage, of(stage, endpoint), [("body", INVALID)], body=body)
        for body in [*BROKEN, *cut]
    )


@pytest.mark.parametrize("endpoint", [p for p in EVERY if p.values[0].places])
def test_however_deep_a_value_is_it_is_refused_in_words(stage, endpoint):
    names = [field.name for field in endpoint.places[0].fields]
    is_change = (endpoint.method, endpoint.resource) == ("PUT", "RTTM")
    for depth, some in product(DEPTHS, (names, *ORDERS) if is_change else (names,)):
        opened, closed = (("[", "]"), ('{"a":', "}"))[depth // 8 % 2]
        deep = opened * depth + "1" + closed * depth
        body = ", ".join(f'"{name}": {deep}' for name in some)
        reply = checked(stage.client.reply(*of(stage, endpoint), body=f"{{{body}}}".encode()))
        assert reply.is_failure, (depth, some, reply)
    stage.is_untouched()


@pytest.mark.parametrize("endpoint", [p for p in EVERY if p.values[0].sets_an_object])
def test_fields_that_cannot_be_set_are_passed_over(stage, endpoint):
    plain, odd = endpoint.args, IGNORED | endpoint.args
    answers = []
    for args in (plain, odd):
        with stage.undone():
            reply = stage.reply(endpoint, args)
            assert reply.is_success, (args, reply)
            answers.append((reply.data, reply.envelope["msgs"]))
    assert answers[0] == answers[1]
