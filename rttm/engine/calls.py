"""Calls from their arrival to their answer: one that takes too long goes on as a job.

Time counts from the arrival. All calls share the database thread, so one may wait long for its
turn behind another's; its client is answered in time all the same, from the event loop.
"""

import asyncio
import logging
import time
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Lock

from django.conf import settings
from django.db import DatabaseError

from rttm.storage import describe_refusal_to_write

from . import api, jobs, sessions
from .jobs import job_ids
from .thread import begin, call

POLL_SECONDS = 5.0  # how long asking after a job may take before the answer is "still running"
NEVER_JOBS = ("session", "job")  # their answers are not worth a job, or could not be fetched

log = logging.getLogger("rttm.engine")


@dataclass(eq=False, slots=True)
class UnderWay:
    """A call that is not answered yet."""

    call: api.ApiCall
    job_id: int
    owner: str  # the hash of the session's token
    is_job: bool = False
    _is_done: bool = False
    _lock: Lock = field(default_factory=Lock)

    def run(self) -> api.ApiReply:
        """In the database thread: the answer, kept if the client was told to come back for it."""
        reply = _answered(self.call, self.job_id)
        with self._lock:
            self._is_done = True
        if self.is_job:
            text = reply.body.decode()
            jobs.keep(self.job_id, self.owner, status=reply.status, body=text, now=time.time())
        return reply

    def become_job(self) -> bool:
        """False when the answer is there after all."""
        with self._lock:
            self.is_job = not self._is_done
        return self.is_job


def _answered(asked: api.ApiCall, job_id: int) -> api.ApiReply:
    """A job cannot be left without an answer, so whatever breaks is said in one."""
    try:
        return api.handle(asked, time.time(), job_id)
    except DatabaseError as error:
        log.exception("%s %s failed", asked.method, asked.path)
        reason = describe_refusal_to_write(error) or "it cannot reach its database"
        text = f"database: The service did nothing, because {reason}"
        return api.refusal(text, "SERVICE_UNAVAILABLE", status=503, job_id=job_id)
    except Exception:
        log.exception("%s %s broke", asked.method, asked.path)
        text = "call: The service has a fault; its log says which"
        return api.refusal(text, "INTERNAL_ERROR", status=500, job_id=job_id)


class Calls:
    """The calls of one process; used in its event loop only."""

    def __init__(self) -> None:
        self._jobs: dict[str, UnderWay] = {}  # the running job of each session

    async def reply(self, asked: api.ApiCall) -> api.ApiReply:
        resource, owner = api.resource(asked.path), _owner(asked)
        running = self._jobs.get(owner)
        if resource == "job" and asked.method == "GET":
            return await self._polled(asked, running)
        if running and (asked.method, resource) != ("POST", "session"):
            return api.has_job(running.job_id)
        may_become_job = bool(owner) and resource not in NEVER_JOBS
        return await self._made(asked, owner, await _job_id(), may_become_job=may_become_job)

    async def _made(
        self, asked: api.ApiCall, owner: str, job_id: int, *, may_become_job: bool
    ) -> api.ApiReply:
        at_once = may_become_job and settings.JOB_AFTER == 0
        work = UnderWay(asked, job_id, owner, is_job=at_once)
        done = begin(work.run)
        answer = asyncio.wrap_future(done)
        if may_become_job and not at_once:
            await asyncio.wait({answer}, timeout=settings.JOB_AFTER)
        if answer.done() and not work.is_job:
            return answer.result()
        if not may_become_job:
            return await answer
        return await self._late(work, done, answer)

    async def _late(
        self,
        work: UnderWay,
        done: Future[api.ApiReply],
        answer: asyncio.Future[api.ApiReply],
    ) -> api.ApiReply:
        other = self._jobs.get(work.owner)
        if other and done.cancel():
            # Sent before that one became a job, and still behind it: so nothing has happened.
            return api.has_job(other.job_id)
        if not work.is_job and not work.become_job():
            return await answer
        self._jobs[work.owner] = work
        answer.add_done_callback(lambda _: self._ended(work))
        return api.pending(work.job_id)

    def _ended(self, work: UnderWay) -> None:
        if self._jobs.get(work.owner) is work:
            del self._jobs[work.owner]

    async def _polled(self, asked: api.ApiCall, running: UnderWay | None) -> api.ApiReply:
        """The end of a running job is not waited for, and says nothing to another address."""
        number = api.job_number(asked.path)
        mine = running and (running.job_id, running.call.client_ip) == (number, asked.client_ip)
        if mine:
            return api.pending(number)
        answer = asyncio.wrap_future(begin(_answered, asked, await _job_id()))
        if number:
            await asyncio.wait({answer}, timeout=POLL_SECONDS)
            if not answer.done():
                return api.pending(number)
        return await answer


async def _job_id() -> int:
    """Known before the call's turn comes. 0 when there is none: the call will say why."""
    return job_ids.take() or await call(_fetched_id)


def _fetched_id() -> int:
    try:
        return job_ids.taken()
    except DatabaseError:
        log.exception("no job ids")
        return 0


def _owner(asked: api.ApiCall) -> str:
    token = asked.headers.get("auth-token", "")
    return sessions.hash_of(token) if token else ""
