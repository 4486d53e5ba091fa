"""The Celery app, everything it does by the clock, and the sign of life its workers give."""

import os

import redis
from celery import Celery
from celery.signals import heartbeat_sent
from django.conf import settings

HEARTBEAT_KEY = "rttm:worker-alive"
# A worker beats every 2 seconds; two beats may get lost.
HEARTBEAT_SECONDS = 6
LEASE_CHECK_SECONDS = 30

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")
app = Celery("rttm")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@app.on_after_configure.connect
def schedule(sender: Celery, **kwargs: object) -> None:
    """Each entry expires before its next turn, so a queue without a worker cannot pile up."""
    sender.conf.beat_schedule = {
        "sync": every(settings.SYNC_INTERVAL, "rttm.tasks.run_sync"),
        "expired-actions": every(LEASE_CHECK_SECONDS, "rttm.tasks.run_expired_actions"),
    }


def every(seconds: int, task: str) -> dict[str, object]:
    return {"task": task, "schedule": seconds, "options": {"expires": seconds}}


@heartbeat_sent.connect
def mark_alive(**kwargs: object) -> None:
    """Say to /healthz that a worker lives; the mark goes away by itself when it does not."""
    client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1)
    with client:
        client.set(HEARTBEAT_KEY, 1, ex=HEARTBEAT_SECONDS)
