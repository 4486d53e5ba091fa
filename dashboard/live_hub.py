"""The hub of the event streams: one reader of the Redis stream feeds every stream of this process.

The hub keeps the newest touches, so that a stream that opens costs Redis nothing.
"""

import asyncio
import contextlib
import json
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import redis.asyncio as redis
from django.conf import settings
from django.db import DatabaseError
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from dashboard.live_door import Pass
from rttm.live import KEPT, NOWHERE, STREAM, moment

# How far a slow stream may fall behind before it is told to re-read everything: a sync may touch
# hundreds of services at once.
QUEUE = KEPT
BLOCK = 2000  # milliseconds, well below the time-out of the socket
SOCKET_TIMEOUT = 5.0  # seconds
BACK_OFF = 1.0  # seconds between attempts to reach Redis again
RECHECK = 5.0  # seconds; a pass that is no longer valid ends its streams after so long

Entries = Any  # list[tuple[str, dict[str, str]]]; redis-py cannot tell text from bytes

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Touch:
    """Topics to re-read; an empty `scope` is for every page, else for that service's page."""

    position: str
    topics: tuple[str, ...]
    scope: str = ""

    @cached_property
    def encoded(self) -> bytes:
        """Once for all streams."""
        data = json.dumps({"topics": self.topics, "scope": self.scope})
        return f"id: {self.position}\ndata: {data}\n\n".encode()


@dataclass(frozen=True, slots=True)
class Resync:
    """Re-read everything: what happened up to this position is not known."""

    position: str

    @property
    def encoded(self) -> bytes:
        return f"id: {self.position}\nevent: resync\ndata: 1\n\n".encode()


class Stop:
    """Put into a stream's queue, it ends the stream."""


Item = Touch | Resync | Stop


class History:
    """The newest touches, oldest first."""

    def __init__(self, touches: Iterable[Touch]) -> None:
        self._touches = deque(touches, KEPT)

    @property
    def position(self) -> str:
        return self._touches[-1].position if self._touches else NOWHERE

    def add(self, touch: Touch) -> None:
        self._touches.append(touch)

    def after(self, position: str) -> list[Touch] | None:
        """Return the touches after a position; None when the hub no longer knows them all."""
        since = moment(position) or (0, 0)
        if len(self._touches) == KEPT and _is_after(self._touches[0], since):
            return None
        return [touch for touch in self._touches if _is_after(touch, since)]


def _is_after(touch: Touch, since: tuple[int, int]) -> bool:
    return (moment(touch.position) or (0, 0)) > since


@dataclass(eq=False)
class Stream:
    """One open stream: whose it is, up to where it was told, and what it has yet to be told."""

    holder: Pass
    position: str = NOWHERE
    queue: asyncio.Queue[Item] = field(default_factory=lambda: asyncio.Queue(QUEUE))

    async def take(self) -> list[Item]:
        """Everything that waits, as soon as there is something."""
        items = [await self.queue.get()]
        while not self.queue.empty():
            items.append(self.queue.get_nowait())
        return items

    def put(self, item: Item) -> None:
        """Hand over an item; who fell too far behind re-reads everything instead."""
        if self.queue.full():
            while not self.queue.empty():
                self.queue.get_nowait()
            item = Resync(item.position) if isinstance(item, Touch) else item
        if not isinstance(item, Stop):
            self.position = item.position
        self.queue.put_nowait(item)

    def catch_up(self, history: History) -> None:
        missed = history.after(self.position)
        for item in [Resync(history.position)] if missed is None else missed:
            self.put(item)


Check = Callable[[set[Pass]], Awaitable[set[Pass]]]


class Hub:
    """All open streams of this process, the reader that feeds them, the guard that ends them."""

    def __init__(self, still_valid: Check) -> None:
        self._still_valid = still_valid
        self._streams: set[Stream] = set()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._redis: redis.Redis | None = None
        self._history: History | None = None  # None: not known, or not known any more

    def count(self, account: int) -> int:
        """How many streams an account has open."""
        return sum(stream.holder.account == account for stream in self._streams)

    @contextlib.contextmanager
    def joined(self, stream: Stream) -> Iterator[None]:
        """Feed a stream, first with what came after its position."""
        self._streams.add(stream)
        self._ensure("reader", self._read)
        self._ensure("guard", self._guard)
        if self._history is not None:
            stream.catch_up(self._history)
        try:
            yield
        finally:
            self._streams.discard(stream)

    def _ensure(self, name: str, run: Callable[[], Coroutine[Any, Any, None]]) -> None:
        if name not in self._tasks or self._tasks[name].done():
            self._tasks[name] = asyncio.create_task(run())

    def stop(self) -> None:
        """End every stream now, so that a server can stop without waiting for its clients."""
        self._put(Stop())
        for task in self._tasks.values():
            task.cancel()

    async def close(self) -> None:
        """Let the tasks end, and give the reader's connection back."""
        while running := {task for task in self._tasks.values() if not task.done()}:
            for task in running:
                task.cancel()  # again and again: a client that is connecting swallows it
            await asyncio.wait(running, timeout=0.1)
        self._history = None
        if self._redis is not None:
            await self._redis.aclose()
            self._redis = None

    def _put(self, item: Item) -> None:
        for stream in tuple(self._streams):
            stream.put(item)

    def _connection(self) -> redis.Redis:
        """It does not retry by itself: the reader has to hear of each outage."""
        if self._redis is None:
            self._redis = redis.Redis.from_url(
                settings.REDIS_URL,
                decode_responses=True,
                socket_timeout=SOCKET_TIMEOUT,
                retry=Retry(NoBackoff(), 0),
            )
        return self._redis

    async def _read(self) -> None:
        """Feed the streams for ever.

        After an outage of Redis all streams re-read everything: touches could not be announced.
        A process that was itself frozen goes on where it was, because Redis kept the touches.
        """
        clock = asyncio.get_running_loop().time
        had_outage = False
        while True:
            began = clock()
            try:
                if self._history is None:
                    await self._begin(had_outage=had_outage)
                    had_outage = False
                else:
                    await self._go_on(self._history)
            except RedisError as error:
                self._history = None
                was_frozen = clock() - began > SOCKET_TIMEOUT + BACK_OFF
                if isinstance(error, RedisTimeoutError) and was_frozen:
                    continue
                had_outage = True
                logger.warning("live: Redis does not answer", exc_info=True)
                await asyncio.sleep(BACK_OFF)

    async def _begin(self, *, had_outage: bool) -> None:
        """Read what Redis keeps, and tell each stream what it has missed of it."""
        newest: Entries = await self._connection().xrevrange(STREAM, count=KEPT)
        self._history = History(_touch(*entry) for entry in reversed(newest))
        for stream in tuple(self._streams):
            if had_outage:
                stream.put(Resync(self._history.position))
            else:
                stream.catch_up(self._history)

    async def _go_on(self, history: History) -> None:
        """Hand on what is new, waiting a moment for it."""
        answer: Any = await self._connection().xread(
            {STREAM: history.position}, block=BLOCK, count=QUEUE
        )
        for touch in (_touch(*entry) for _, entries in answer for entry in entries):
            history.add(touch)
            self._put(touch)

    async def _guard(self) -> None:
        """End the streams whose holder was logged out, shut or given another role."""
        while True:
            await asyncio.sleep(RECHECK)
            holders = {stream.holder for stream in self._streams}
            try:
                valid = await self._still_valid(holders)
            except DatabaseError:
                logger.warning("live: could not check who is still logged in", exc_info=True)
                continue
            for stream in tuple(self._streams):
                if stream.holder in holders - valid:
                    stream.put(Stop())


def _touch(position: str, fields: dict[str, str]) -> Touch:
    return Touch(position, tuple(fields["topics"].split(",")), fields["scope"])
