"""Names to addresses, for probes and syslog. One that hangs holds up no other, nor the exit."""

import asyncio
import contextlib
import socket
import threading
import time
from contextlib import AsyncExitStack
from weakref import WeakKeyDictionary

AT_ONCE = 64  # look-ups under way; the operating system ends each after a while
QUICK = 1.0  # seconds; half of the places are for names whose last look-up took no longer
REMEMBERED = 50_000  # names that are known to be quick


class Resolver:
    """The look-ups of one event loop; a name that several ask for is looked up once."""

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(AT_ONCE)
        self._places_of_others = asyncio.Semaphore(AT_ONCE // 2)
        self._quick: set[str] = set()
        self._under_way: dict[str, asyncio.Task[list[str]]] = {}

    async def look_up(self, name: str) -> list[str]:
        """The look-up goes on when the caller gives up: its answer may help the next one."""
        if name not in self._under_way:
            task = asyncio.create_task(self._look_up(name))
            task.add_done_callback(_heard)
            self._under_way[name] = task
        return await asyncio.shield(self._under_way[name])

    async def _look_up(self, name: str) -> list[str]:
        try:
            async with AsyncExitStack() as places:
                if name not in self._quick:
                    await places.enter_async_context(self._places_of_others)
                await places.enter_async_context(self._places)
                return await self._answer(name)
        finally:
            del self._under_way[name]

    async def _answer(self, name: str) -> list[str]:
        """In a daemon thread: those of an executor are waited for when the process ends."""
        loop, began = asyncio.get_running_loop(), time.monotonic()
        found: asyncio.Future[list[str]] = loop.create_future()
        threading.Thread(target=_ask, args=(name, loop, found), daemon=True).start()
        try:
            return await found
        finally:
            self._note(name, time.monotonic() - began)

    def _note(self, name: str, seconds: float) -> None:
        if seconds > QUICK:
            self._quick.discard(name)
        elif len(self._quick) < REMEMBERED:
            self._quick.add(name)


_resolvers: WeakKeyDictionary[asyncio.AbstractEventLoop, Resolver] = WeakKeyDictionary()


async def look_up(name: str) -> list[str]:
    """The addresses of a name, IPv4 first; raises socket.gaierror. It may take long."""
    loop = asyncio.get_running_loop()
    if loop not in _resolvers:
        _resolvers[loop] = Resolver()
    return await _resolvers[loop].look_up(name)


def _ask(name: str, loop: asyncio.AbstractEventLoop, found: asyncio.Future[list[str]]) -> None:
    result: list[str] | OSError
    try:
        answers = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
        result = [str(sockaddr[0]) for _, _, _, _, sockaddr in sorted(answers, key=_ipv4_first)]
    except OSError as error:
        result = error
    # The engine may have stopped meanwhile.
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(_tell, found, result)


def _ipv4_first(answer: tuple[object, ...]) -> bool:
    return answer[0] != socket.AF_INET


def _tell(found: asyncio.Future[list[str]], result: list[str] | OSError) -> None:
    if found.done():
        return
    if isinstance(result, OSError):
        found.set_exception(result)
    else:
        found.set_result(result)


def _heard(task: asyncio.Task[list[str]]) -> None:
    """Nobody may be left to hear of a failure; asyncio would log that."""
    if not task.cancelled():
        task.exception()
