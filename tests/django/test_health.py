"""/healthz: 200 only when everything answers, else 503 with the name of what does not."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from dashboard import health


@pytest.fixture
def pool():
    with ThreadPoolExecutor(4) as pool:
        yield pool


@pytest.fixture
def ask(client, monkeypatch):
    """Ask /healthz with checks that come out as told."""

    def ask(**outcomes):
        checks = {name: lambda outcome=outcome: outcome for name, outcome in outcomes.items()}
        monkeypatch.setattr(health, "CHECKS", checks)
        monkeypatch.setattr(health, "recent", health.Recent())
        return client.get("/healthz")

    return ask


def test_all_answering_is_200(ask):
    reply = ask(database="ok", worker="ok")
    assert reply.status_code == 200
    assert reply.json() == {
        "status": "ok",
        "failing": [],
        "checks": {"web": "ok", "database": "ok", "worker": "ok"},
    }


def test_one_silent_is_503_and_named(ask):
    reply = ask(database="ok", worker="no worker gave a sign of life in the last 6 s")
    assert reply.status_code == 503
    assert reply.json()["failing"] == ["worker"]
    assert "sign of life" in reply.json()["checks"]["worker"]


def test_answer_is_not_stored_by_anybody(ask):
    assert "no-store" in ask(database="ok")["Cache-Control"]


def test_only_reading_is_allowed(client):
    assert client.post("/healthz").status_code == 405


def test_error_of_a_check_is_a_sentence_without_the_errors_words(pool):
    def check():
        raise redis.ConnectionError("redis://:hunter2@db.example.com refused")

    report = health.examine({"redis": check}, pool=pool, seconds=5)
    assert report == {"redis": "does not answer (ConnectionError)"}


def test_mistake_in_a_check_is_not_taken_for_silence(pool):
    with pytest.raises(ZeroDivisionError):
        health.examine({"database": lambda: str(1 // 0)}, pool=pool, seconds=5)


def test_hanging_check_does_not_hold_up_the_others(pool):
    release = threading.Event()

    def hang():
        release.wait(30)
        return "ok"

    report = health.examine({"backend": hang, "redis": lambda: "ok"}, pool=pool, seconds=0.05)
    release.set()
    assert report["backend"].startswith("did not answer within")
    assert report["redis"] == "ok"


def test_report_is_kept_for_its_time_only(monkeypatch):
    asked = []
    monkeypatch.setattr(health, "CHECKS", {"database": lambda: asked.append(1) or "ok"})
    kept, fresh = health.Recent(seconds=60), health.Recent(seconds=-1)
    kept.get(), kept.get()
    assert len(asked) == 1
    fresh.get(), fresh.get()
    assert len(asked) == 3


@pytest.mark.django_db
def test_database_with_its_tables_is_ok():
    assert health.check_database() == "ok"


def test_redis_that_is_away_is_an_error_of_the_expected_kind():
    with pytest.raises(health.NO_ANSWER):
        health.check_redis()
    with pytest.raises(health.NO_ANSWER):
        health.check_worker()
