"""Announce that a component's data changed: names into a Redis stream, sent on commit.

A touch says only what to re-read. `scope` is the service whose page cares; without one every
open page is told.
"""

import logging
import re
from functools import lru_cache
from typing import Any

import redis
from django.conf import settings
from django.db import transaction
from redis.backoff import NoBackoff
from redis.retry import Retry

STREAM = "rttm:live"
KEPT = 1000  # how many touches a page may miss before it is told to re-read everything
NOWHERE = "0-0"  # before the first touch
PATIENCE = 1.0  # seconds; a page must not wait for Redis, its live updates can

# As Redis names its entries: milliseconds, and a number among those of the same millisecond.
_POSITION = re.compile(r"([0-9]{1,16})-([0-9]{1,16})")

logger = logging.getLogger(__name__)


@lru_cache(maxsize=1)
def connection() -> redis.Redis:
    return redis.Redis.from_url(
        settings.REDIS_URL,
        decode_responses=True,
        socket_connect_timeout=PATIENCE,
        socket_timeout=PATIENCE,
        retry=Retry(NoBackoff(), 1),
    )


def touch(*topics: str, scope: int | None = None) -> None:
    """Tell every open page, once the transaction has committed, that these changed."""
    if topics:
        # A lambda: Django cannot log a partial that failed.
        transaction.on_commit(lambda: _send(sorted(set(topics)), scope), robust=True)


def _send(topics: list[str], scope: int | None) -> None:
    fields: Any = {"topics": ",".join(topics), "scope": "" if scope is None else scope}
    try:
        connection().xadd(STREAM, fields, maxlen=KEPT, approximate=True)
    except redis.RedisError as error:
        logger.warning("live: could not announce %s: %s", topics, error)


def position() -> str:
    """Where the stream stands now; a page carries it, so that nothing between is missed."""
    try:
        newest: Any = connection().xrevrange(STREAM, count=1)
    except redis.RedisError:
        return NOWHERE
    return newest[0][0] if newest else NOWHERE


def moment(position: str) -> tuple[int, int] | None:
    """Read a position, so that two can be compared; None when the text is no position."""
    found = _POSITION.fullmatch(position)
    return (int(found[1]), int(found[2])) if found else None
