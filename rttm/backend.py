"""`ask` the backend that the settings name, and remember when it was asked."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from django.conf import settings
from django.utils import timezone

from .client import Call, Credentials, Dynect, HttpTransport, JobPending

T_co = TypeVar("T_co", covariant=True)

EDIT_BUDGET = 8.0  # seconds a person waits in the request
FOLLOW_BUDGET = 4.0  # seconds for reading the whole service after a change
WORK_BUDGET = 60.0  # seconds a worker waits


@dataclass(frozen=True, slots=True)
class Answer(Generic[T_co]):
    """What the backend said, in its own words too, and when it was asked.

    The mirror dates it `as_of`: a reading when it was asked, a change when its answer came, as a
    reading that began in between may not know of it.
    """

    value: T_co
    words: str
    asked_at: datetime
    as_of: datetime


def connect() -> Dynect:
    """A new client of the backend that the settings name; it logs in when first used."""
    credentials = Credentials(
        settings.DYNECT_CUSTOMER, settings.DYNECT_USERNAME, settings.DYNECT_PASSWORD
    )
    return Dynect(HttpTransport(settings.DYNECT_URL), credentials)


_idle: deque[Dynect] = deque()


@contextmanager
def backend() -> Iterator[Dynect]:
    """A client of our own for a while: a session runs one call at a time, so threads share none.

    Idle clients are kept, logged in, for the next one who asks in this process.
    """
    try:
        client = _idle.pop()
    except IndexError:  # not asked beforehand: another thread may take the last one meanwhile
        client = connect()
    try:
        yield client
    finally:
        _idle.append(client)


def ask(call: Call[T_co], *, budget: float = EDIT_BUDGET) -> Answer[T_co]:
    """One call; raises the client's errors. Never within a transaction."""
    asked_at = timezone.now()
    with backend() as client:
        reply = client.reply(call, budget=budget)
    as_of = asked_at if call.is_safe else timezone.now()
    return Answer(reply.value, reply.words, asked_at, as_of)


def ask_after(
    call: Call[T_co], pending: JobPending, *, budget: float = EDIT_BUDGET
) -> Answer[T_co]:
    """The answer to a call that became a job; raises JobPending while the job runs."""
    asked_at = timezone.now()
    with backend() as client:
        reply = client.follow(call, pending, budget=budget)
    return Answer(reply.value, reply.words, asked_at, timezone.now())
