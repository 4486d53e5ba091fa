"""The Celery app, everything it does by the clock, and the sign of life its workers give."""

import logging
import os
import sys
import warnings
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import redis
from celery import Celery
from celery.loaders.app import AppLoader
from celery.signals import (
    beat_init,
    celeryd_init,
    heartbeat_sent,
    task_postrun,
    task_prerun,
    worker_init,
    worker_shutdown,
)
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from kombu import Queue
from redis.backoff import NoBackoff
from redis.retry import Retry

from dashboard.starting import describe_missing_for_worker, describe_missing_redis

log = logging.getLogger(__name__)

# A sorted set: the workers, each with when it last gave a sign of life, by the clock of Redis.
WORKERS_KEY = "rttm:workers"
# A worker beats every 2 seconds; two beats may get lost.
ALIVE_SECONDS = 6
# A sorted set: the syncs under way, each with when it began. What a killed worker leaves in it is
# dropped after SYNC_SECONDS.
SYNCS_KEY = "rttm:syncs"
SYNC = "rttm.tasks.run_sync"
SYNC_SECONDS = 120  # no sync may take longer
# As rttm.tasks calls them. A worker that is not told which serves both.
ACTIONS, READING = "actions", "reading"
LEASE_CHECK_SECONDS = 30
JOB_SECONDS = 5  # Dyn asks for no more than one question after a job in 5 s

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")
# It is about pickled messages from strangers. We accept JSON only.
warnings.filterwarnings("ignore", r"\s*You're running the worker with superuser privileges")


class Loader(AppLoader):
    """Reads the settings; who mistyped one gets a sentence and no traceback."""

    def config_from_object(self, obj: Any, silent: bool = False) -> None:
        try:
            super().config_from_object(obj, silent=silent)
        except ImproperlyConfigured as error:
            sys.exit(str(error))


app = Celery("rttm", loader=f"{__name__}:{Loader.__name__}")  # by name, as Celery wants it
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.task_queues = [Queue(ACTIONS), Queue(READING)]
app.conf.task_default_queue = ACTIONS
app.conf.task_routes = {SYNC: {"queue": READING}}
app.autodiscover_tasks()


@app.on_after_configure.connect
def schedule(sender: Celery, **kwargs: Any) -> None:
    """Each entry expires before its next turn, so a queue without a worker cannot pile up."""
    sender.conf.beat_schedule = {
        "sync": _every(settings.SYNC_INTERVAL, SYNC),
        "jobs": _every(JOB_SECONDS, "rttm.tasks.run_followed_jobs"),
        "expired-actions": _every(LEASE_CHECK_SECONDS, "rttm.tasks.run_expired_actions"),
    }


@celeryd_init.connect
def check_tables(**kwargs: Any) -> None:
    if missing := describe_missing_for_worker():
        sys.exit(missing)


@worker_init.connect
def check_redis(**kwargs: Any) -> None:
    report_missing_redis()


@beat_init.connect
def sync_at_once(**kwargs: Any) -> None:
    """Nobody should look at an empty board until the clock has gone round."""
    if not report_missing_redis():
        app.send_task(SYNC, expires=settings.SYNC_INTERVAL)


def report_missing_redis() -> bool:
    with redis_client() as client:
        missing = describe_missing_redis(client)
    if missing:
        log.warning(missing)
    return bool(missing)


@heartbeat_sent.connect
def worker_seen(sender: Any, **kwargs: Any) -> None:
    with redis_client() as client:
        client.zadd(WORKERS_KEY, {sender.eventer.hostname: client.time()[0]})


@worker_shutdown.connect
def worker_gone(sender: Any, **kwargs: Any) -> None:
    # Without Redis nobody counts this worker.
    with suppress(redis.RedisError), redis_client() as client:
        client.zrem(WORKERS_KEY, sender.hostname)


@task_prerun.connect
def sync_began(sender: Any, task_id: str, **kwargs: Any) -> None:
    if sender.name == SYNC:
        with redis_client() as client:
            client.zadd(SYNCS_KEY, {task_id: client.time()[0]})


@task_postrun.connect
def sync_ended(sender: Any, task_id: str, **kwargs: Any) -> None:
    if sender.name == SYNC:
        with redis_client() as client:
            client.zrem(SYNCS_KEY, task_id)


@dataclass(frozen=True, slots=True)
class Signs:
    """Whom a late sync waits for."""

    workers: int = 0  # that live
    asking_since: datetime | None = None  # the oldest sync that the backend has yet to answer


def read_signs() -> Signs:
    with redis_client() as client:
        client.zremrangebyscore(SYNCS_KEY, "-inf", client.time()[0] - SYNC_SECONDS)
        oldest: Any = client.zrange(SYNCS_KEY, 0, 0, withscores=True)
        began = [datetime.fromtimestamp(at, UTC) for _, at in oldest]
        return Signs(workers_alive(client), min(began, default=None))


def workers_alive(client: redis.Redis) -> int:
    """How many workers gave a sign of life lately; those that ended in order left at once."""
    now = client.time()[0]
    client.zremrangebyscore(WORKERS_KEY, "-inf", now - ALIVE_SECONDS)
    return int(client.zcard(WORKERS_KEY))


def redis_client() -> redis.Redis:
    """For signs of life: it answers at once, or it does not count."""
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=1,
        socket_connect_timeout=1,
        retry=Retry(NoBackoff(), 0),
    )


def _every(seconds: int, task: str) -> dict[str, Any]:
    return {"task": task, "schedule": seconds, "options": {"expires": seconds}}
