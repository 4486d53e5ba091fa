"""Calls that take too long: what their client hears, while the work goes on."""

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from itertools import count
from typing import Any

import pytest

from rttm.engine import calls
from rttm.engine.api import ApiCall, ApiReply
from rttm.engine.calls import Calls
from rttm.engine.thread import begin

PATIENCE = 10.0  # seconds


def asked(path: str = "Zone/", token: str = "t", method: str = "GET", ip: str = "ip") -> ApiCall:
    headers = {"auth-token": token} if token else {}
    return ApiCall(method, f"/REST/{path}", headers, {}, b"", ip)


class Work:
    """What the database thread does: calls to Slow/ wait until they may go on."""

    def __init__(self) -> None:
        self.may_go_on = threading.Event()
        self.done: list[str] = []
        self.kept: dict[int, tuple[int, str]] = {}

    def handle(self, call: ApiCall, now: float, job_id: int) -> ApiReply:
        if "Slow" in call.path:
            assert self.may_go_on.wait(PATIENCE)
        if "Broken" in call.path:
            raise RuntimeError("a fault of ours")
        self.done.append(call.path.removeprefix("/REST/"))
        return ApiReply(200, json.dumps({"path": call.path, "job_id": job_id}).encode())

    def keep(self, number: int, owner: str, *, status: int, body: str, now: float) -> None:
        self.kept[number] = status, body


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Iterator[Work]:
    work, numbers = Work(), count(1)
    monkeypatch.setattr(calls.api, "handle", work.handle)
    monkeypatch.setattr(calls.jobs, "keep", work.keep)
    monkeypatch.setattr(calls.job_ids, "take", lambda: next(numbers))
    yield work
    work.may_go_on.set()
    begin(lambda: None).result(PATIENCE)  # what goes on must not reach into the next test


@pytest.fixture
def soon(settings) -> None:
    """A call is too long at once, but one that is done already is none."""
    settings.JOB_AFTER = 0.05


def run(scene: Callable[[Calls], Awaitable[Any]]) -> None:
    asyncio.run(asyncio.wait_for(scene(Calls()), PATIENCE))


async def finished(job: Calls, owner_path: str = "Session/") -> ApiReply:
    """A session's call that is made once its job has ended."""
    while (reply := await job.reply(asked(owner_path))).status == 400:
        await asyncio.sleep(0.01)
    return reply


def test_a_quick_call_is_answered_and_nothing_is_kept(work, soon):
    async def scene(calls: Calls) -> None:
        assert (await calls.reply(asked())).json == {"path": "/REST/Zone/", "job_id": 1}

    run(scene)
    assert work.kept == {}


def test_a_long_one_becomes_a_job_whose_answer_is_kept(work, soon):
    async def scene(calls: Calls) -> None:
        reply = await calls.reply(asked("Slow/"))
        assert (reply.status, reply.location, reply.body) == (307, "/REST/Job/1", b"/REST/Job/1")
        assert reply.content_type == "text/html"
        assert await calls.reply(asked("Job/1/")) == reply
        work.may_go_on.set()
        await finished(calls)
        assert (await calls.reply(asked("Job/1/"))).json["path"] == "/REST/Job/1/"

    run(scene)
    status, body = work.kept[1]
    assert (status, json.loads(body)) == (200, {"path": "/REST/Slow/", "job_id": 1})


def test_what_is_done_at_the_last_moment_is_no_job(work):
    late = calls.UnderWay(asked(), job_id=7, owner="o")
    late.run()
    assert not late.become_job()
    assert work.kept == {}


def test_the_other_form_tells_the_number_in_an_envelope(work, soon, settings):
    settings.JOB_STYLE = "incomplete"

    async def scene(calls: Calls) -> None:
        reply = await calls.reply(asked("Slow/"))
        assert (reply.status, reply.location) == (200, "")
        assert reply.json == {"status": "incomplete", "data": None, "job_id": 1}

    run(scene)


def test_while_a_job_runs_its_session_makes_no_other_call(work, soon):
    async def scene(calls: Calls) -> None:
        await calls.reply(asked("Slow/"))
        reply = await calls.reply(asked("Zone/"))
        assert (reply.status, reply.json["status"], reply.json["job_id"]) == (400, "running", 1)
        assert reply.json["msgs"] == [
            {"INFO": "token: This session already has a job running", "SOURCE": "API-B",
             "ERR_CD": "OPERATION_FAILED", "LVL": "ERROR"}
        ]  # fmt: skip
        work.may_go_on.set()
        assert (await finished(calls)).status == 200

    run(scene)
    assert "Zone/" not in work.done


def test_another_session_that_waits_behind_it_is_answered_in_time_too(work, soon):
    async def scene(calls: Calls) -> None:
        await calls.reply(asked("Slow/"))
        assert (await calls.reply(asked(token="other"))).location == "/REST/Job/2"

    run(scene)
    work.may_go_on.set()


def test_a_call_sent_before_its_session_had_a_job_is_taken_back(work, soon):
    async def scene(calls: Calls) -> None:
        first, second = await asyncio.gather(
            calls.reply(asked("Slow/")), calls.reply(asked("Zone/x/"))
        )
        assert first.status == 307
        assert second.json["status"] == "running"
        work.may_go_on.set()
        await finished(calls)

    run(scene)
    assert "Zone/x/" not in work.done


@pytest.mark.parametrize(("token", "ip"), [("other", "ip"), ("", "ip"), ("t", "elsewhere")])
def test_a_running_job_is_told_to_its_session_and_address_only(work, soon, token, ip):
    async def scene(calls: Calls) -> None:
        await calls.reply(asked("Slow/"))
        poll = asyncio.ensure_future(calls.reply(asked("Job/1/", token, ip=ip)))
        work.may_go_on.set()
        assert (await poll).json["path"] == "/REST/Job/1/"  # the API has to say who they are

    run(scene)


def test_a_log_in_waits_its_turn(work, soon):
    async def scene(calls: Calls) -> None:
        await calls.reply(asked("Slow/"))
        log_in = asyncio.ensure_future(calls.reply(asked("Session/", "", "POST")))
        await asyncio.sleep(0.1)  # longer than what makes a job
        assert not log_in.done()
        work.may_go_on.set()
        assert (await log_in).status == 200

    run(scene)


def test_a_setting_makes_a_job_of_every_call(work, settings):
    settings.JOB_AFTER = 0

    async def scene(calls: Calls) -> None:
        assert (await calls.reply(asked("Zone/"))).location == "/REST/Job/1"
        assert (await finished(calls)).status == 200

    run(scene)
    assert 1 in work.kept


@pytest.mark.parametrize("path", ["Broken/", "Broken/Slow/"])
def test_a_fault_of_ours_is_an_answer_too(work, soon, path, caplog):
    async def scene(calls: Calls) -> None:
        reply = await calls.reply(asked(path))
        work.may_go_on.set()
        if reply.status == 307:
            await finished(calls)
            status, body = work.kept[1]
            reply = ApiReply(status, body.encode())
        assert reply.status == 500
        assert reply.json["msgs"][0]["ERR_CD"] == "INTERNAL_ERROR"

    run(scene)
    assert "a fault of ours" in caplog.text
