"""The answers of long calls, as the Job resource gives them."""

import json

import pytest

from rttm.engine import jobs, models, sessions
from tests.engine_client import NAMES, NOW, Client, logged_in

WAS = {"status": "failure", "data": {}, "job_id": 5, "msgs": []}


@pytest.fixture
def client(settings, db) -> Client:
    return logged_in(settings)


def kept(client: Client, number: int) -> None:
    owner = sessions.hash_of(client.token)
    jobs.keep(number, owner, status=404, body=json.dumps(WAS), now=NOW)


@pytest.mark.parametrize("path", ["Job/{}/", "Job/{}", "job/{}"])
def test_it_is_the_whole_answer_with_its_status(client, path):
    kept(client, 5)
    reply = client.reply("GET", path.format(5))
    assert (reply.status, reply.json) == (404, WAS)
    assert client.reply("GET", path.format(5)) == reply  # as often as it is asked for


def test_it_is_good_within_its_session_only(client, monkeypatch):
    monkeypatch.setattr(jobs.job_ids, "first", 0)
    kept(client, 5)
    client.token = client.does("POST", "Session/", NAMES)["token"]
    assert client.fails("GET", "Job/5/") == (404, "NOT_FOUND")
    assert client.said == "job: There is no such job in this session"


def test_it_ends_with_its_session(client):
    kept(client, 5)
    client.does("DELETE", "Session/")
    assert not models.Job.objects.exists()
    kept(client, 6)
    assert not models.Job.objects.exists()


def test_one_that_a_former_process_began_is_said_to_be_lost(client, monkeypatch):
    lost = client.reply("GET", "Session/").json["job_id"]
    monkeypatch.setattr(jobs.job_ids, "first", lost + 1)
    assert client.fails("GET", f"Job/{lost}/") == (400, "OPERATION_FAILED")
    assert client.said.startswith("job: Its answer is lost: the service was started anew")
    assert client.fails("GET", f"Job/{lost + 1}/") == (404, "NOT_FOUND")


@pytest.mark.parametrize("number", ["0", "x", "-1", "9" * 18, "9" * 40, "5.0", "٥"])
def test_what_is_no_job_is_not_found(client, number):
    assert client.fails("GET", f"Job/{number}/") == (404, "NOT_FOUND")


def test_it_is_kept_for_an_hour(client):
    kept(client, 5)
    jobs.prune(NOW + jobs.KEPT)
    assert client.reply("GET", "Job/5/").status == 404
    assert models.Job.objects.exists()
    jobs.prune(NOW + jobs.KEPT + 1)
    assert not models.Job.objects.exists()


def test_asking_after_a_job_is_never_refused_by_the_limit(client, settings):
    """The SDK, told to wait there, would repeat the call that became the job."""
    kept(client, 5)
    settings.RATE_LIMIT = 1
    while client.reply("GET", "Session/").status != 429:
        pass
    assert client.reply("GET", "Job/5/").json == WAS


def test_job_ids_are_never_given_twice(db, monkeypatch):
    monkeypatch.setattr(jobs, "IDS_AT_ONCE", 2)
    first, second = jobs.JobIds(), jobs.JobIds()
    taken = [ids.taken() for ids in (first, first, second, first, second, second, first, first)]
    assert len(set(taken)) == len(taken)
    assert 0 not in taken  # says that there is none ready
    assert taken[1] == taken[0] + 1
    assert (first.first, second.first) == (taken[0], taken[2])  # however many were fetched since
