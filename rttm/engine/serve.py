"""The engine's process: HTTP server, loop and housekeeping in one event loop, until a signal.

A process without a listener only probes, for one more monitoring site.
"""

import asyncio
import gc
import logging
import signal
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress

import uvicorn
import uvloop
from django.conf import settings
from django.db import DatabaseError

from rttm.timed_http import TimedProtocol

from . import jobs, reports, sessions, store, tasks
from .asgi import application
from .loop import Loop
from .notify import Sender
from .targets import Limits, limits
from .thread import call, keep_connection

TIDY_SECONDS = 3600
NO_SITE = ""
LAST_ANSWERS = 1  # seconds for calls under way when we stop
# Seconds that an idle connection stays open: as long as nginx keeps it, which answers for Dyn. The
# SDK has one connection, sleeps up to 10 s between two calls, and never gets over a closed one.
KEEP_ALIVE = 75
# New objects between two searches for garbage in cycles, of which there is hardly any: with the
# usual 700 a long list is searched dozens of times while it is made, a third of its cost.
GARBAGE_THRESHOLD = 50_000

log = logging.getLogger("rttm.engine")


class Server(uvicorn.Server):
    """uvicorn, without its signal handlers: it would end the process before the loop is done."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def run(
    listener: socket.socket | None, site_code: str | None, on_ready: Callable[[], None]
) -> None:
    """Without a site nothing is probed; without a listener nothing is answered."""
    keep_connection()
    gc.freeze()
    gc.set_threshold(GARBAGE_THRESHOLD)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(listener, site_code, on_ready))


async def _serve(
    listener: socket.socket | None, site_code: str | None, on_ready: Callable[[], None]
) -> None:
    """When one of the parts breaks, all end, and the process says why."""
    stop, targets = asyncio.Event(), limits(settings.PROBE_ALLOW, settings.PROBE_DENY)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with asyncio.TaskGroup() as group:
        if listener:
            server = _server()
            group.create_task(server.serve(sockets=[listener]))
            group.create_task(_end(server, stop))
            group.create_task(_tidy(stop))
        if site_code:
            group.create_task(_loop(site_code, targets).run(stop))
        else:
            group.create_task(_note_silence(stop))
        # The outbox is emptied where the API is: there the settings for mail are.
        sender = Sender(call, limits=targets, has_outbox=listener is not None)
        group.create_task(sender.run(stop))
        on_ready()  # the socket listens already: whoever connects is served in a moment


def _server() -> Server:
    return Server(
        uvicorn.Config(
            application,
            http=TimedProtocol,
            lifespan="off",
            ws="none",
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,  # or who is on this machine could call from any address
            timeout_keep_alive=KEEP_ALIVE,
            timeout_graceful_shutdown=LAST_ANSWERS,
        )
    )


async def _end(server: Server, stop: asyncio.Event) -> None:
    await stop.wait()
    server.should_exit = True


def _loop(site_code: str, targets: Limits) -> Loop:
    return Loop(
        store,
        call,
        site_code=site_code,
        limits=targets,
        seconds_per_minute=settings.SECONDS_PER_MINUTE,
    )


async def _tidy(stop: asyncio.Event) -> None:
    """Drop what is older than the settings keep."""
    prunes = sessions.prune, jobs.prune, tasks.prune, reports.prune
    await _repeat(prunes, TIDY_SECONDS, stop)


async def _note_silence(stop: asyncio.Event) -> None:
    """As the loop would: when every site has stopped, nobody else is left to see it."""
    await _repeat([_expire], settings.SECONDS_PER_MINUTE, stop)


def _expire(now: float) -> None:
    after = store.expire(now, NO_SITE)
    while after:
        after = store.expire(now, NO_SITE, after=after)


async def _repeat(
    rounds: Iterable[Callable[[float], None]], seconds: float, stop: asyncio.Event
) -> None:
    while not stop.is_set():
        for work in rounds:
            await _done(work)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await stop.wait()


async def _done(work: Callable[[float], None]) -> None:
    """A database that is away for a moment must not end the process: the next round follows."""
    try:
        await call(work, time.time())
    except DatabaseError:
        log.exception("housekeeping failed; the next round follows")
