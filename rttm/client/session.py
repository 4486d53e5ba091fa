"""One conversation with a backend: logs in, renews, follows jobs, repeats what is safe.

Everything is bounded by a budget of seconds for a whole call; the clock is an argument.
"""

import json
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import chain, repeat
from typing import TypeVar

from . import calls
from .calls import Call, Credentials
from .envelope import Job, Reply, outcome
from .errors import (
    DynectError,
    JobPending,
    Rejected,
    TransportError,
    Unauthorised,
    Unavailable,
)
from .transports import Request, Response, Transport

T = TypeVar("T")

log = logging.getLogger("rttm.client")

BUDGET = 20.0  # seconds
LOG_OUT = 2.0  # seconds: a courtesy, not worth waiting for
LAST_POLL = 1.0  # seconds that are kept for the last question after a job
JOB_PAUSES = (0.5, 1, 2, 3)  # seconds, and then 5: Dyn asks for no more polls than that


class Dynect:
    """Runs calls against one backend, one at a time (a DynECT session has one job at a time)."""

    def __init__(
        self,
        transport: Transport,
        credentials: Credentials,
        *,
        budget: float = BUDGET,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._transport = transport
        self._credentials = credentials
        self._token = ""  # of the log-in; none before the first call
        self._budget = budget
        self._monotonic = monotonic
        self._sleep = sleep
        self._lock = threading.Lock()

    def run(self, call: Call[T], *, budget: float | None = None) -> T:
        """The value a call asks for, within `budget` seconds; raises a DynectError."""
        return self.reply(call, budget=budget).value

    def reply(self, call: Call[T], *, budget: float | None = None) -> Reply[T]:
        """The value with the backend's own messages, in the same time; raises a DynectError."""
        seconds = self._budget if budget is None else budget
        until = self._monotonic() + seconds
        if not self._lock.acquire(timeout=max(seconds, 0)):
            raise Unavailable(call.subject, "other calls took all of its time", sent=False)
        try:
            return self._persist(call, until)
        finally:
            self._lock.release()

    def follow(self, call: Call[T], pending: JobPending, *, budget: float) -> Reply[T]:
        """Ask once after the job that `call` became; raises JobPending while the job runs.

        A job that cannot be asked after any more is Unavailable: what it did stays open.
        """
        until = self._monotonic() + budget
        with self._lock:
            done = self._polled(call, Job(pending.job_id), pending.token, until)
        if isinstance(done, Job):
            raise pending
        return done

    def close(self) -> None:
        """Log out and close the connections."""
        with self._lock:
            if self._token:
                self._log_out()
            self._transport.close()

    def _log_out(self) -> None:
        token, self._token = self._token, ""
        try:
            self._exchange(calls.session_close(), token, self._monotonic() + LOG_OUT)
        except DynectError as error:
            log.info("the log-out failed, the session will end by itself: %s", error)

    def _persist(self, call: Call[T], until: float) -> Reply[T]:
        """Repeat what certainly was not carried out, and what changes nothing, in the budget.

        When the backend may still be at work on the call, the next call logs in anew: the backend
        refuses all other calls of a log-in while one of its calls is running.
        """
        attempt = 0
        while True:
            try:
                return self._logged_in(call, until)
            except JobPending:
                self._token = ""
                raise
            except Unavailable as error:
                if error.sent and not call.is_safe:
                    self._token = ""
                pauses = error.pauses[attempt:]
                may_repeat = call.is_safe or not error.sent
                if not (may_repeat and pauses and self._left(until) > pauses[0]):
                    error.was_safe = call.is_safe and not call.is_job
                    raise
                attempt += 1
                self._sleep(pauses[0])

    def _logged_in(self, call: Call[T], until: float) -> Reply[T]:
        if not self._token:
            self._log_in(call, until)
        try:
            return self._finished(call, self._token, until)
        except Unauthorised:
            self._token = ""  # it has ended
            self._log_in(call, until)
        return self._finished(call, self._token, until)

    def _log_in(self, call: Call[T], until: float) -> None:
        """Get a new token; when there is none, certainly nothing of `call` has happened."""
        opening = replace(calls.session_open(self._credentials), subject=call.subject)
        try:
            done = self._exchange(opening, "", until)
        except Unavailable as error:
            if error.sent:
                raise Unavailable(call.subject, f"log-in: {error.reason}", sent=False) from error
            raise
        except Rejected as error:
            raise Unauthorised(call.subject, error.reason) from error
        if isinstance(done, Job):
            raise Unavailable(call.subject, "the log-in did not end", sent=False)
        self._token = done.value

    def _finished(self, call: Call[T], token: str, until: float) -> Reply[T]:
        """The reply; a job is followed for as long as the budget lasts."""
        done = self._exchange(call, token, until)
        pauses = chain(JOB_PAUSES, repeat(5))
        while isinstance(done, Job):
            spare = self._left(until) - LAST_POLL
            if spare <= 0:
                raise JobPending(call.subject, done.job_id, token)
            self._sleep(min(next(pauses), spare))
            done = self._polled(call, done, token, until)
        return done

    def _polled(self, call: Call[T], job: Job, token: str, until: float) -> Reply[T] | Job:
        asking = calls.job(call, job.job_id)
        try:
            response = self._send(asking, token, until)
        except Unavailable:
            return job  # it goes on without us looking
        return _of_job(asking, job, response)

    def _exchange(self, call: Call[T], token: str, until: float) -> Reply[T] | Job:
        return outcome(call, self._send(call, token, until))

    def _send(self, call: Call[T], token: str, until: float) -> Response:
        """One request and its response, with one line in the log."""
        started = self._monotonic()
        if started >= until:
            raise Unavailable(call.subject, "there was no time left for it", sent=False)
        told = "no answer"
        try:
            response = self._transport.send(_request(call, token, until - started))
            told = str(response.status)
        except TransportError as error:
            told = error.reason
            raise Unavailable(call.subject, error.reason, sent=error.sent) from error
        finally:
            spent = (self._monotonic() - started) * 1000
            log.info("%s: %s %s %s, %d ms", call.name, call.method, call.path, told, spent)
        return response

    def _left(self, until: float) -> float:
        return until - self._monotonic()


def _of_job(asking: Call[T], job: Job, response: Response) -> Reply[T] | Job:
    """What a job's response means; never an error that would have the call repeated."""
    try:
        return outcome(asking, response)
    except Unavailable as error:
        if error.sent and response.status < 500:
            raise
        return job  # busy, or a proxy's answer
    except (Unauthorised, Rejected) as error:
        if isinstance(error, Rejected) and not error.reason.startswith("job"):
            raise
        reason = f"job {job.job_id} cannot be followed any more"
        raise Unavailable(asking.subject, reason) from error


def _request(call: Call[T], token: str, timeout: float) -> Request:
    headers = {"Content-Type": "application/json", "API-Version": "current"}
    if token:
        headers["Auth-Token"] = token
    body = b"" if call.body is None else json.dumps(call.body).encode()
    return Request(call.method, call.path, headers, body, timeout, call.bound)
