"""`/live/`: the event streams of all open pages, beside Django rather than in it.

A Django stream would hold a thread and a database connection for as long as a page is open. Here
the session is checked once, and one reader of the Redis stream feeds every page of the process.
"""

import asyncio
import contextlib
import logging
import random
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from importlib import import_module
from typing import Any
from urllib.parse import parse_qs

import redis.asyncio as redis
from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.conf import settings
from django.contrib.auth import get_user
from django.db import connection
from django.http import HttpRequest
from redis.exceptions import RedisError

from rttm.live import KEPT, STREAM

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]
Entries = Any  # list[tuple[str, dict[str, str]]]; redis-py cannot tell text from bytes
App = Callable[[Scope, Receive, Send], Coroutine[Any, Any, None]]

PATH = "/live/"
QUEUE = 200  # touches a slow page may fall behind before it is told to re-read everything
KEEP_ALIVE = 15.0  # seconds; finds browsers that vanished without a word
LIFE = (600.0, 900.0)  # seconds; a log-out or a lost right ends a stream at the latest then
BLOCK = 2000  # milliseconds, below redis-py's own socket time-out of 5 s
BACK_OFF = 1.0  # seconds between attempts to reach Redis again
RESYNC = "resync"
HEADERS = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Touch:
    """Topics to re-read; an empty `scope` is for every page, else for that service's page."""

    position: str
    topics: tuple[str, ...]
    scope: str = ""

    def encode(self) -> bytes:
        lines = (f"id: {self.position}\nevent: {topic}\ndata: 1\n\n" for topic in self.topics)
        return "".join(lines).encode()


class Stop:
    """Put into a page's queue, it ends the stream."""


Item = Touch | Stop


@dataclass(eq=False)
class Page:
    """One open page: which service it shows, if any, and what it has yet to be told."""

    service: str
    queue: asyncio.Queue[Item] = field(default_factory=lambda: asyncio.Queue(QUEUE))

    def put(self, item: Item) -> None:
        """Hand over an item; a page that fell too far behind re-reads everything instead."""
        if isinstance(item, Touch) and item.scope not in ("", self.service):
            return
        if self.queue.full():
            while not self.queue.empty():
                self.queue.get_nowait()
            item = Touch(item.position, (RESYNC,)) if isinstance(item, Touch) else item
        self.queue.put_nowait(item)


class Hub:
    """All open pages of this process and the one reader that feeds them."""

    def __init__(self) -> None:
        self._pages: set[Page] = set()
        self._reader: asyncio.Task[None] | None = None
        self._redis: redis.Redis | None = None

    @contextlib.contextmanager
    def joined(self, page: Page) -> Iterator[None]:
        self._pages.add(page)
        if self._reader is None or self._reader.done():
            self._reader = asyncio.create_task(self._read())
        try:
            yield
        finally:
            self._pages.discard(page)

    def stop(self) -> None:
        """End every stream now, so that a server can stop without waiting for its clients."""
        self._put(Stop())
        if self._reader:
            self._reader.cancel()

    async def close(self) -> None:
        """Let the reader end and give its connection back."""
        while self._reader and not self._reader.done():
            self._reader.cancel()  # again and again: a client that is connecting swallows it
            await asyncio.wait({self._reader}, timeout=0.1)
        if self._redis is not None:
            await self._redis.aclose()
            self._redis = None

    def _put(self, item: Item) -> None:
        for page in tuple(self._pages):
            page.put(item)

    def connection(self) -> redis.Redis:
        if self._redis is None:
            self._redis = redis.Redis.from_url(settings.REDIS_URL, decode_responses=True)
        return self._redis

    async def _read(self) -> None:
        """Feed the pages for ever; after an outage of Redis they re-read everything."""
        position = ""
        while True:
            try:
                if not position:
                    position = await newest(self.connection())
                    self._put(Touch(position, (RESYNC,)))
                for touch in await read_after(self.connection(), position):
                    position = touch.position
                    self._put(touch)
            except RedisError:
                logger.warning("live: Redis does not answer", exc_info=True)
                position = ""
                await asyncio.sleep(BACK_OFF)


hub = Hub()


async def newest(connection: redis.Redis) -> str:
    entries: Entries = await connection.xrevrange(STREAM, count=1)
    return entries[0][0] if entries else "0-0"


async def read_after(connection: redis.Redis, position: str) -> list[Touch]:
    """What came after a position, waiting a moment for it."""
    answer: Any = await connection.xread({STREAM: position}, block=BLOCK, count=QUEUE)
    return [_touch(*entry) for _, entries in answer for entry in entries]


def _touch(position: str, fields: dict[str, str]) -> Touch:
    return Touch(position, tuple(fields["topics"].split(",")), fields["scope"])


async def missed(connection: redis.Redis, since: str) -> list[Touch]:
    """What happened between a page's drawing, at `since`, and now."""
    entries: Entries = await connection.xrange(STREAM, min=f"({since}", count=QUEUE)
    oldest: Entries = await connection.xrange(STREAM, count=1)
    is_cut = bool(oldest) and await connection.xlen(STREAM) >= KEPT and oldest[0][0] > since
    if is_cut or len(entries) >= QUEUE:
        return [Touch(await newest(connection), (RESYNC,))]
    return [_touch(*entry) for entry in entries]


def wrap(django: App) -> App:
    """The ASGI application: `/live/` and the server's lifespan are ours, all else is Django's."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "http" and scope["path"] == PATH:
            await _live(scope, receive, send)
        else:
            await django(scope, receive, send)

    return application


async def _lifespan(receive: Receive, send: Send) -> None:
    """End the streams as soon as the server is told to stop.

    Not on the shutdown message: servers send it only after all connections have closed.
    """
    while (message := await receive())["type"] != "lifespan.shutdown":
        if message["type"] == "lifespan.startup":
            for number in (signal.SIGTERM, signal.SIGINT):
                _chain(number)
            await send({"type": "lifespan.startup.complete"})
    hub.stop()
    await hub.close()
    await send({"type": "lifespan.shutdown.complete"})


def _chain(number: signal.Signals) -> None:
    loop, before = asyncio.get_running_loop(), signal.getsignal(number)

    def handle(received: int, frame: Any) -> None:
        loop.call_soon_threadsafe(hub.stop)
        if callable(before):
            before(received, frame)

    with contextlib.suppress(ValueError):  # only the main thread may; a test's server is not in it
        signal.signal(number, handle)


async def _live(scope: Scope, receive: Receive, send: Send) -> None:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    if not await _is_logged_in(headers.get("cookie", "")):
        # An EventSource ends for good on anything but 200: the page asks for a log-in itself.
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})
        return
    query = parse_qs(scope["query_string"].decode("latin-1"))
    since = headers.get("last-event-id") or query.get("since", ["0-0"])[0]
    page = Page(query.get("service", [""])[0])
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    gone = asyncio.create_task(_disconnected(receive))
    try:
        with hub.joined(page):
            async for chunk in _chunks(page, since, gone):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
    finally:
        gone.cancel()
    if not gone.done() or gone.cancelled():
        await send({"type": "http.response.body", "body": b"retry: 500\n\n"})


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _chunks(page: Page, since: str, gone: asyncio.Task[None]) -> AsyncIterator[bytes]:
    """What the page missed, then what comes, until it leaves, its life is over or we stop."""
    loop = asyncio.get_running_loop()
    end = loop.time() + random.uniform(*LIFE)
    yield b"retry: 1000\n\n"
    for touch in await _missed_or_resync(since):
        if touch.scope in ("", page.service):
            yield touch.encode()
    while loop.time() < end and not gone.done():
        item = await _next(page, gone)
        if isinstance(item, Stop):
            return
        yield item.encode() if item else b": keep-alive\n\n"


async def _missed_or_resync(since: str) -> list[Touch]:
    try:
        return await missed(hub.connection(), since)
    except RedisError:
        return [Touch(since, (RESYNC,))]


async def _next(page: Page, gone: asyncio.Task[None]) -> Item | None:
    """The next item; None when it is time for a sign of life, or the browser has gone."""
    waiting = asyncio.create_task(page.queue.get())
    await asyncio.wait({waiting, gone}, timeout=KEEP_ALIVE, return_when=asyncio.FIRST_COMPLETED)
    if waiting.done():
        return waiting.result()
    waiting.cancel()
    return None


async def _is_logged_in(cookie: str) -> bool:
    """Checked in a thread of its own that ends, with its database connection, before we stream."""
    async with ThreadSensitiveContext():
        return await sync_to_async(_check_session)(cookie)


def _check_session(cookie: str) -> bool:
    morsel = SimpleCookie(cookie).get(settings.SESSION_COOKIE_NAME)
    request = HttpRequest()
    engine = import_module(settings.SESSION_ENGINE)
    request.session = engine.SessionStore(morsel.value if morsel else None)
    try:
        return get_user(request).is_authenticated
    finally:
        connection.close()
