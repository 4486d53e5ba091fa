"""The event streams at `/live/`, beside Django rather than in it.

A Django stream would hold a thread and a database connection for as long as a page is open. Here
Django only opens the door, as it does for every page: hosts, headers, session. Then it is let go.
"""

import asyncio
import contextlib
import random
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

from dashboard.live_door import STREAMS_PER_ACCOUNT, Pass, still_valid
from dashboard.live_hub import Hub, Item, Stop, Stream

Scope = dict[str, Any]
Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Coroutine[Any, Any, None]]

PATH = "/live/"
TICKET = "dashboard.live"  # where in a request's scope the door leaves the ticket
BEAT = 2.0  # seconds; a page that hears nothing for twice as long asks what is wrong
BEAT_EVENT = b"event: beat\ndata: 1\n\n"  # not a comment: a page does not hear of comments
LIFE = (600.0, 900.0)  # seconds; also a stream whose browser vanished without a word ends then
OF_A_BODY = {b"content-length"}  # headers of the door's answer that a stream cannot have

hub = Hub(still_valid)


@dataclass(frozen=True, slots=True)
class Ticket:
    """What the door found out: whose stream it is, and after which position it begins."""

    holder: Pass
    since: str


def wrap(django: App, describe_missing: Callable[[], str] = str) -> App:
    """The ASGI application: streams and the server's lifespan are ours, all else is Django's.

    The server does not start where `describe_missing` says that something is missing.
    """

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send, describe_missing)
        elif scope["type"] == "http" and scope["path"] == PATH:
            await _live(django, scope, receive, send)
        else:
            await django(scope, receive, send)

    return application


async def _lifespan(receive: Receive, send: Send, describe_missing: Callable[[], str]) -> None:
    """End the streams as soon as the server is told to stop.

    Not on the shutdown message: servers send it only after all connections have closed.
    """
    while (message := await receive())["type"] != "lifespan.shutdown":
        if message["type"] == "lifespan.startup":
            if missing := await asyncio.to_thread(describe_missing):
                await send({"type": "lifespan.startup.failed", "message": missing})
                return
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


async def _live(django: App, scope: Scope, receive: Receive, send: Send) -> None:
    """Ask the door; send its answer, or the stream with the headers of that answer."""
    answer: list[Message] = []

    async def keep(message: Message) -> None:
        answer.append(message)

    await django(scope, receive, keep)
    ticket: Ticket | None = scope.get(TICKET) if answer else None  # none: the browser has gone
    if ticket and hub.count(ticket.holder.account) >= STREAMS_PER_ACCOUNT:
        answer[0] = {**answer[0], "status": 429}
    elif ticket and scope["method"] == "GET":
        # Nothing waits between the count and this: many that come at once are counted too.
        await _stream(ticket, answer[0]["headers"], receive, send)
        return
    for message in answer:
        await send(message)


async def _stream(ticket: Ticket, headers: Any, receive: Receive, send: Send) -> None:
    stream = Stream(ticket.holder, ticket.since)
    kept = [(name, value) for name, value in headers if name.lower() not in OF_A_BODY]
    gone = asyncio.create_task(_disconnected(receive))
    try:
        with hub.joined(stream):
            await send({"type": "http.response.start", "status": 200, "headers": kept})
            async for chunk in _chunks(stream, gone):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
    finally:
        gone.cancel()
    if not gone.done() or gone.cancelled():
        await send({"type": "http.response.body", "body": b""})


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _chunks(stream: Stream, gone: asyncio.Task[None]) -> AsyncIterator[bytes]:
    """What comes, until the browser leaves, the stream's life is over or it is stopped."""
    loop = asyncio.get_running_loop()
    end = loop.time() + random.uniform(*LIFE)
    while loop.time() < end and not gone.done():
        items = await _next(stream, gone)
        yield b"".join(item.encoded for item in items if not isinstance(item, Stop)) or BEAT_EVENT
        if any(isinstance(item, Stop) for item in items):
            return


async def _next(stream: Stream, gone: asyncio.Task[None]) -> list[Item]:
    """The next items; none when it is time for a sign of life, or the browser has gone."""
    waiting = asyncio.create_task(stream.take())
    await asyncio.wait({waiting, gone}, timeout=BEAT, return_when=asyncio.FIRST_COMPLETED)
    if waiting.done():
        return waiting.result()
    waiting.cancel()
    return []
