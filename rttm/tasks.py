"""Celery's doors: fetch by id, call one service."""

from celery import shared_task

from . import services
from .client import DynectError, Unavailable
from .models import Action

FIRST_PAUSE = 1  # seconds; each further one is twice as long
MOST_FOLLOWED = 3  # further readings, 8 s in all; after that the syncs tell
# Two queues, each with workers of its own: what reads a lot may hold its own up for a minute when
# the backend hangs, and must not keep waiting who recovers a node.
ACTIONS = "actions"
READING = "reading"
# Among the messages of a queue: no log report stands before a sync, however many there are.
FIRST, LAST = 0, 9
READING_VERBS = (Action.Verb.SYNC, Action.Verb.LOG_REPORT)


@shared_task(
    autoretry_for=(Unavailable,),
    retry_backoff=FIRST_PAUSE,
    retry_backoff_max=15,
    retry_jitter=False,
    max_retries=services.MOST_ATTEMPTS,
    acks_late=True,
    soft_time_limit=100,
    time_limit=110,
)
def run_action(action_id: int) -> None:
    """Carry out what a person asked for, and read soon what the backend's probes make of it."""
    follow(services.action_run(action_id=action_id))


def follow(service_id: int | None) -> None:
    """Ask a worker to read a service again in a moment, if one is worth it."""
    if service_id is not None:
        run_follow.apply_async((service_id,), countdown=FIRST_PAUSE)


@shared_task(
    autoretry_for=(services.Awaited,),
    retry_backoff=FIRST_PAUSE,
    retry_jitter=False,
    max_retries=MOST_FOLLOWED,
    throws=(services.Awaited,),
    soft_time_limit=100,
    time_limit=110,
)
def run_follow(service_id: int) -> None:
    """Read a service whose first results come before the next sync does."""
    services.service_follow(service_id=service_id)


def wake(action: Action) -> None:
    """Ask a worker of the action's queue for it; a retry stays in that queue, at its place."""
    queue = READING if action.verb in READING_VERBS else ACTIONS
    priority = LAST if action.verb == Action.Verb.LOG_REPORT else FIRST
    run_action.apply_async((action.pk,), queue=queue, priority=priority)


@shared_task(throws=(DynectError,), soft_time_limit=100, time_limit=110)
def run_sync() -> None:
    """The regular full sync."""
    services.mirror_sync()


@shared_task
def run_expired_actions() -> None:
    """Wake again the actions that a killed worker or a lost message left behind."""
    for action in services.actions_expired():
        wake(action)


@shared_task(soft_time_limit=100, time_limit=110)
def run_followed_jobs() -> None:
    """Ask after the jobs that the backend made of edits and actions."""
    services.jobs_follow()
    for action in services.actions_with_jobs():
        wake(action)
