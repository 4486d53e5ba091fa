"""Bad input to every endpoint, made from a description of its fields.

Whatever is sent, the answer is an envelope with a documented code, and a refused call changed
nothing. A failure prints the call, and the line that makes Hypothesis try it again.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest
from django.apps import apps
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rttm.core.wire import fields
from rttm.engine.api import CODES, ApiReply
from rttm.engine.api.dispatch import HANDLERS, LOG_IN
from rttm.engine.router import ALIAS
from tests.engine_client import SERVICE, WANTED, Client, logged_in

TRIES = 40  # of each endpoint; all of them take some ten seconds
STATUSES = {200, 400, 404}
VERBS = ("GET", "POST", "PUT", "DELETE")

odd = st.sampled_from(["\0", "\u2603", "a" * 5000, "%00", "../..", " ", "\u202e"])
words = st.text(max_size=20) | odd
numbers = st.integers() | st.floats() | st.sampled_from([2**31, 2**63, 10**30, -1, 0, 1e308])
wild = st.recursive(
    st.none() | st.booleans() | numbers | words | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)
likely = st.sampled_from(
    [
        *("global", "Asia", "US East", "Y", "N", "192.0.2.1", "192.0.2.2", "a.example.net", ""),
        *("HTTP", "PING", "NONE", "obey", "remove", "ip", "region", "done", "owner", "example.com"),
        *(0, 1, 5, 10, 30, "1", "30", True, False, None),
    ]
)


def filled(names: Any, **inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """An object with some of these fields, each with something likely or wild in it."""
    every = dict.fromkeys(names, likely | wild) | inner
    return st.fixed_dictionaries({}, optional=every)


entry = filled([*fields.ENTRY, "new_address", "status", "log", "task_id"])
region = filled([*fields.REGION, "status"], pool=st.lists(entry, max_size=3) | wild)
monitor = filled(fields.MONITOR) | wild
service = filled(
    [*fields.SERVICE, "activate", "deactivate", "recover", "recoverip", "address", "active"],
    region=st.lists(region, max_size=3) | wild,
    monitor=monitor,
    performance_monitor=monitor,
)
report = filled(["zone", "fqdn", "start_ts", "end_ts", "ts"])
session = filled(["customer_name", "user_name", "password"])
other = filled(["detail", "name", "zone_name", "status", "rname"])
ARGUMENTS = {
    "session": session, "rttm": service, "rttmregion": region, "rttmregionpoolentry": entry,
    "rttmlogreport": report, "rttmrrsetreport": report,
}  # fmt: skip
NAMES = ["example.com", "www.example.com", "global", "192.0.2.1"]  # of what is there


class Sent(NamedTuple):
    """One call."""

    method: str
    path: str
    body: bytes
    query: dict[str, str]
    headers: dict[str, str]


def path(resource: str, count: int) -> st.SearchStrategy[str]:
    """Mostly of what is there, with a wild name in some place."""
    known = [st.just(NAMES[min(at, len(NAMES) - 1)]) for at in range(count)]
    pieces = [st.one_of(name, name, name, name, words) for name in known]
    joined = st.tuples(*pieces).map(lambda found: "/".join(_quoted(piece) for piece in found))
    return st.tuples(joined, st.sampled_from(["", "/", "//"])).map(
        lambda found: f"{resource}/{found[0]}{found[1]}"
    )


def _quoted(piece: str) -> str:
    return quote(piece, safe="")


def bodies(resource: str) -> st.SearchStrategy[bytes]:
    sensible = ARGUMENTS.get(resource, other).map(lambda args: json.dumps(args).encode())
    return st.one_of(sensible, sensible, st.binary(max_size=30), wild.map(_encoded))


def _encoded(value: Any) -> bytes:
    return json.dumps(value).encode()


def calls(method: str, resource: str, count: int) -> st.SearchStrategy[Sent]:
    return st.builds(
        Sent,
        st.just(method),
        path(resource, count),
        bodies(resource),
        st.dictionaries(st.sampled_from(["detail", "status", "x"]), words, max_size=2),
        st.sampled_from([{}, {"api-version": "current"}, {"api-version": "\u0663"}]),
    )


ENDPOINTS = sorted({(*route,) for route in (*HANDLERS, LOG_IN)} | {("GET", "job", 1)})
TRY = settings(
    max_examples=TRIES,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
def client(settings, db) -> Client:
    client = logged_in(settings)
    client.does("POST", SERVICE, WANTED)
    client.does("PUT", SERVICE, {"recover": True})  # so that there is a task
    return client


@contextmanager
def undone() -> Iterator[None]:
    """What a call did that went well is no part of the next one."""
    with transaction.atomic(using=ALIAS):
        yield
        transaction.set_rollback(True, using=ALIAS)


def store() -> dict[str, list[Any]]:
    """All that the engine has; numbers of calls go on with refused ones too."""
    models = [m for m in apps.get_app_config("engine").get_models() if m.__name__ != "Counter"]
    return {m.__name__: list(m.objects.order_by("pk").values()) for m in models}


def reply_to(client: Client, sent: Sent) -> ApiReply:
    headers = sent.headers | ({"auth-token": client.token} if client.token else {})
    return client.reply(sent.method, sent.path, body=sent.body, query=sent.query, headers=headers)


def check(reply: ApiReply) -> None:
    """An envelope as documented."""
    assert reply.status in STATUSES
    envelope = reply.json
    assert set(envelope) == {"status", "data", "job_id", "msgs"}
    assert (envelope["status"] == "success") == (reply.status == 200)
    assert {message["ERR_CD"] for message in envelope["msgs"]} <= CODES | {None}
    if reply.status != 200:
        assert envelope["msgs"][0]["ERR_CD"]
        assert (reply.status == 404) == (envelope["msgs"][0]["ERR_CD"] == "NOT_FOUND")


@pytest.mark.parametrize(("method", "resource", "count"), ENDPOINTS)
def test_bad_input_is_refused_in_words_and_changes_nothing(client, method, resource, count):
    before = store()

    @TRY
    @given(calls(method, resource, count))
    def attempt(sent: Sent) -> None:
        with undone():
            reply = reply_to(client, sent)
            check(reply)
            if reply.status != 200 or method == "GET":
                assert store() == before

    attempt()
    assert store() == before


@TRY
@given(st.data())
def test_odd_paths_and_methods_are_no_calls(client, data):
    before = store()
    resource = data.draw(st.sampled_from([name for _, name, _ in ENDPOINTS]) | words.map(_quoted))
    method = data.draw(st.sampled_from([*VERBS, "PATCH", "HEAD", "\u2603", ""]))
    sent = data.draw(calls(method, resource, data.draw(st.integers(0, 6))))
    with undone():
        reply = reply_to(client, sent)
        check(reply)
        if reply.status != 200:
            assert store() == before


@pytest.mark.parametrize(("method", "resource", "count"), ENDPOINTS)
@pytest.mark.parametrize("token", ["", "x", "\u2603", "\xff" * 5000])
def test_without_a_session_nothing_is_told_or_done(client, token, method, resource, count):
    before = store()
    client.token = token
    names = NAMES[:count]
    reply = client.reply(method, "/".join([resource, *names]), WANTED)
    check(reply)
    assert reply.status == 400
    assert reply.json["data"] == {}
    assert store() == before
