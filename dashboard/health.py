"""/healthz: does everything a person needs answer right now? For load balancers and `up`."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from contextlib import closing
from dataclasses import dataclass, field
from threading import Lock
from time import monotonic

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from dashboard.celery import ALIVE_SECONDS, redis_client, workers_alive
from dashboard.models import User
from rttm.client import HttpTransport, Request, TransportError
from rttm.client.envelope import open_envelope

SECONDS = 2
OK = "ok"
NO_ANSWER = (DatabaseError, redis.RedisError, TransportError, OSError)

Check = Callable[[], str]
Report = dict[str, str]


def check_database() -> str:
    """The tables are there and can be read."""
    try:
        User.objects.exists()
    finally:
        connection.close()
    return OK


def check_redis() -> str:
    with redis_client() as client:
        client.ping()
    return OK


def check_worker() -> str:
    with redis_client() as client:
        if workers_alive(client):
            return OK
    return f"no worker gave a sign of life in the last {ALIVE_SECONDS} s"


def check_backend() -> str:
    """Asked as our client asks: without a token it refuses, but in DynECT's own envelope."""
    with closing(HttpTransport(settings.DYNECT_URL)) as transport:
        reply = transport.send(Request("GET", "/REST/Session/", timeout=SECONDS))
    return OK if open_envelope(reply.body).status else "does not answer as DynECT does"


CHECKS: dict[str, Check] = {
    "database": check_database,
    "redis": check_redis,
    "worker": check_worker,
    "backend": check_backend,
}


def examine(checks: Mapping[str, Check], *, pool: ThreadPoolExecutor, seconds: float) -> Report:
    """Run the checks side by side; one that takes longer than `seconds` has not answered."""
    deadline = monotonic() + seconds
    futures = {name: pool.submit(check) for name, check in checks.items()}
    return {name: _outcome(future, deadline=deadline) for name, future in futures.items()}


@dataclass
class Recent:
    """The last report, for a second: a flood of questions is no flood of calls to the backend."""

    seconds: float = 1
    at: float = 0
    report: Report = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)
    # Twice the checks: a check that hangs does not take the place of the next report's.
    pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(2 * len(CHECKS)))

    def get(self) -> Report:
        with self.lock:
            if not self.report or monotonic() - self.at > self.seconds:
                self.report = examine(CHECKS, pool=self.pool, seconds=SECONDS)
                self.at = monotonic()
            return self.report


recent = Recent()


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    checks = {"web": OK} | recent.get()
    failing = [name for name, outcome in checks.items() if outcome != OK]
    status = "unavailable" if failing else OK
    body = {"status": status, "failing": failing, "checks": checks}
    return JsonResponse(body, status=503 if failing else 200)


def _outcome(future: Future[str], *, deadline: float) -> str:
    """A sentence for the reader; the error's own words stay out, they may name hosts."""
    try:
        return future.result(timeout=max(0, deadline - monotonic()))
    except TooLate:
        return f"did not answer within {SECONDS} s"
    except NO_ANSWER as error:
        return f"does not answer ({type(error).__name__})"
