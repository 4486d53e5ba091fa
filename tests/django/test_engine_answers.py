"""What DNS answers, now or at a time, and why: the engine's own resource beside the API."""

from dataclasses import replace
from typing import Any

import pytest
from django.db import OperationalError

from rttm.core.health import ProbeResult
from rttm.core.schedule import Kind
from rttm.core.terms import EntryStatus
from rttm.engine import answers, sessions, store
from rttm.engine.api import ApiCall
from tests import builders

NOW = 1_700_000_000.0
IP = "192.0.2.10"
PATH = "/answers/example.com/www.example.com/global/"


@pytest.fixture
def token(settings, db) -> str:
    settings.DYNECT_PASSWORD = "secret"
    names = settings.DYNECT_CUSTOMER, settings.DYNECT_USERNAME
    token = sessions.log_in(*names, "secret", ip=IP, now=NOW)
    assert token
    return token


@pytest.fixture
def row(token):
    pool = (builders.pool_entry("192.0.2.1", weight=3), builders.pool_entry("192.0.2.2"))
    zone, _ = store.create_zone("example.com")
    region = builders.region(pool=pool, ep=2)
    value = builders.service(region=(region,))
    return store.create(zone, value, now=NOW, user_name="olga")


@pytest.fixture
def ask(token):
    def ask(path=PATH, *, token=token, ip=IP, method="GET", now=NOW + 100, **query: str):
        call = ApiCall(method, path, {"auth-token": token} if token else {}, query, b"", ip)
        reply = answers.handle(call, now)
        return reply.status, reply.json

    return ask


def probe(row, at=NOW + 10, **statuses: str) -> None:
    results = [
        store.RunResult(
            row.pk, row.version, f"192.0.2.{key[1:]}", Kind.HEALTH,
            ProbeResult(EntryStatus(status), "said"), at,
        )
        for key, status in statuses.items()
    ]  # fmt: skip
    store.record_results(results, site_code="XXX", now=at)


def of(answer: dict[str, Any], field: str) -> list[Any]:
    return [entry[field] for entry in answer["entries"]]


def test_now_it_tells_the_response_set_and_the_reason_of_each_entry(row, ask):
    probe(row, _1="up", _2="down")
    status, told = ask()
    assert status == 200
    assert told["response_set"] == [{"type": "A", "value": "192.0.2.1", "weight": 3}]
    assert (told["status"], told["at"], told["serve_count"]) == ("trouble", int(NOW) + 100, 1)
    assert of(told, "place") == ["served", "out"]
    assert of(told, "reason") == ["served", "down since 2023-11-14 22:13:30 UTC"]
    assert told["since"] == int(NOW) + 10


def test_failover_is_told_with_its_target(row, ask):
    probe(row, _1="down", _2="down")
    told = ask()[1]
    assert told["reason"] == "0 available, needs 1 (apmc): serves 192.0.2.99"
    assert [record["value"] for record in told["response_set"]] == ["192.0.2.99"]


def test_at_a_time_it_tells_the_record_that_was_valid_then(row, ask):
    probe(row, _1="up", _2="down")
    status, told = ask(at=str(int(NOW) + 5))
    assert status == 200
    assert [record["value"] for record in told["response_set"]] == ["192.0.2.1", "192.0.2.2"]
    assert (told["since"], told["change_type"]) == (int(NOW), "user")
    assert of(told, "reason") == ["served while unknown"] * 2
    later = ask(at=str(int(NOW) + 10))[1]
    assert (later["status"], later["change_type"]) == ("trouble", "health")
    assert later["entries"] == ask()[1]["entries"]
    assert ask(at=str(int(NOW) + 100))[0] == 200  # now is past already
    assert ask(at=str(int(NOW) + 101))[0] == 400


def test_at_a_time_in_failover_it_tells_the_reason_of_then(row, ask):
    probe(row, _1="down", _2="down")
    failing = ask()[1]
    probe(row, at=NOW + 20, _1="up", _2="up")
    past = ask(at=str(int(NOW) + 15))[1]
    assert (past["reason"], past["entries"]) == (failing["reason"], failing["entries"])
    assert past["reason"].startswith("0 available, needs 1 (apmc)")


def test_a_service_that_is_gone_still_tells_what_it_answered(row, ask):
    store.delete(row, now=NOW + 50, user_name="olga")
    assert ask()[0] == 404
    assert ask(at=str(int(NOW) + 49))[0] == 200
    assert ask(at=str(int(NOW) + 50))[0] == 404


def test_samples_follow_the_seed_and_the_weights(row, ask):
    told = ask(n="1000", seed="4")[1]
    assert told == ask(n="1000", seed="4")[1]
    assert told["answers"] != ask(n="1000", seed="5")[1]["answers"]
    heavy = told["answers"].count(["192.0.2.1"])
    assert len(told["answers"]) == 1000
    assert 700 < heavy < 800


def test_no_sample_has_more_than_the_serve_count_or_one_twice(row, ask):
    region = replace(row.value.region[0], serve_count=2)
    store.change(row, replace(row.value, region=(region,)), now=NOW + 1, user_name="olga")
    for sample in ask(n="100")[1]["answers"]:
        assert sorted(sample) == ["192.0.2.1", "192.0.2.2"]


def test_by_default_ten_samples_are_drawn_and_none_when_none_is_wanted(row, ask):
    assert len(ask()[1]["answers"]) == 10
    assert ask(n="0")[1]["answers"] == []


def test_an_inactive_service_answers_nothing(row, ask):
    store.deactivate(row, now=NOW + 1, user_name="olga")
    told = ask()[1]
    assert (told["reason"], told["response_set"]) == ("the service is inactive", [])
    assert told["answers"] == [[]] * 10


def test_it_changes_nothing(row, ask, django_assert_num_queries):
    before = store.observe(store.in_zone(row.zone))
    with django_assert_num_queries(6, using="engine") as asked:
        ask(now=NOW + 1)
    assert all(query["sql"].startswith("SELECT") for query in asked)
    assert store.observe(store.in_zone(row.zone)) == before


@pytest.mark.parametrize("path", ["/answers/EXAMPLE.com./WWW.example.com/global", PATH])
def test_names_are_read_as_the_api_reads_them(row, ask, path):
    assert ask(path)[0] == 200


@pytest.mark.parametrize(
    ("path", "query", "status", "says"),
    [
        ("/answers/", {}, 404, "Ask for"),
        ("/answers", {}, 404, "Ask for"),
        ("/answers/example.com/www.example.com/", {}, 404, "Ask for"),
        (f"{PATH}more/", {}, 404, "Ask for"),
        ("/answers/example.com/%00/global/", {}, 404, "Ask for"),
        ("/answers/example.com/x.example.com/global/", {}, 404, "no service x.example.com"),
        ("/answers/example.com/www.example.com/EU%20West/", {}, 404, "no region EU West"),
        (PATH, {"at": "1"}, 404, "no record of region global"),
        (PATH, {"at": "yesterday"}, 400, "at must be a whole number"),
        (PATH, {"at": ""}, 400, "at must be a whole number"),
        (PATH, {"at": "-1"}, 400, "at must be a time in the past"),
        (PATH, {"at": str(int(NOW) + 101)}, 400, "at must be a time in the past"),
        (PATH, {"n": "1001"}, 400, "n must be from 0 to 1000"),
        (PATH, {"n": "-1"}, 400, "n must be from 0 to 1000"),
        (PATH, {"n": "9" * 30}, 400, "n must be a whole number"),
        (PATH, {"seed": "x"}, 400, "seed must be a whole number"),
        (PATH, {"when": "1"}, 400, "when is not known here"),
    ],
)
def test_what_cannot_be_answered_says_why(row, ask, path, query, status, says):
    found, told = ask(path, **query)
    assert found == status
    assert says in told["error"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD"])
def test_it_can_only_be_read(row, ask, method):
    assert ask(method=method)[0] == 405


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ({"token": ""}, "Auth-Token"),
        ({"token": "guessed"}, "not known"),
        ({"ip": "192.0.2.11"}, "another IP"),
        ({"now": NOW + 10_000}, "idle"),
    ],
)
def test_it_needs_a_session_as_the_api_does(row, ask, other, says):
    status, told = ask(**other)
    assert status == 401
    assert says in told["error"]


def test_a_database_that_is_away_is_said(row, ask, monkeypatch):
    def fail(*key: str) -> None:
        raise OperationalError("disk I/O error")

    monkeypatch.setattr(store, "find", fail)
    assert ask() == (503, {"error": "The service cannot reach its database"})
