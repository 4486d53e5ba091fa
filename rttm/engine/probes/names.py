"""Names to addresses, for the probes: a resolver that hangs holds up neither others nor the end."""

import asyncio
import contextlib
import socket
import threading

AT_ONCE = 64  # look-ups under way; the operating system ends each after a while

_places = threading.BoundedSemaphore(AT_ONCE)


class TooManyLookups(Exception):
    """So many look-ups hang that another one would only join them."""


async def look_up(name: str) -> list[str]:
    """The addresses of a name, IPv4 first; raises socket.gaierror.

    In a daemon thread: those of an executor are waited for when the process ends.
    """
    if not _places.acquire(blocking=False):
        raise TooManyLookups
    loop = asyncio.get_running_loop()
    found: asyncio.Future[list[str]] = loop.create_future()
    threading.Thread(target=_look_up, args=(name, loop, found), daemon=True).start()
    return await found


def _look_up(name: str, loop: asyncio.AbstractEventLoop, found: asyncio.Future[list[str]]) -> None:
    result: list[str] | OSError
    try:
        answers = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
        result = [str(sockaddr[0]) for _, _, _, _, sockaddr in sorted(answers, key=_ipv4_first)]
    except OSError as error:
        result = error
    finally:
        _places.release()
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
