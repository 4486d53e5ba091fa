"""TCP connections to the checked addresses of an attempt: to the first that answers."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

from aiohappyeyeballs import AddrInfoType, start_connection

from .attempt import Attempt, Failed, enumerated, merged, unreached

P = TypeVar("P", bound=asyncio.Protocol)

VERB = "connect"
HEAD_START = 0.25  # seconds before the next address is tried too; RFC 8305, section 5


async def connect(attempt: Attempt, protocol: Callable[[], P]) -> tuple[asyncio.Transport, P]:
    """The connection that TCP and SMTP probes talk on."""
    loop = asyncio.get_running_loop()
    ips = await attempt.targets()
    if len(ips) > 1:
        return await loop.create_connection(protocol, sock=await reach(attempt, ips))
    attempt.head_for(ips[0])
    try:
        return await loop.create_connection(protocol, ips[0], attempt.port)
    except OSError as error:
        raise unreached(ips[0], attempt.waits_for, error) from None


async def reach(attempt: Attempt, ips: list[str]) -> socket.socket:
    """A socket that is connected to the first of them that answers."""
    attempt.head_for(ips[0])
    race = Race(attempt)
    try:
        winner = await start_connection(
            [_address(ip, attempt.port) for ip in ips],
            happy_eyeballs_delay=HEAD_START,
            socket_factory=race.new_socket,
            loop=cast(asyncio.AbstractEventLoop, race),
        )
    except OSError:
        raise merged(list(race.failures.values()), VERB) from None
    except asyncio.CancelledError:
        attempt.waits_for = race.waits_for
        raise
    attempt.ip = race.reached[winner]
    return winner


def _address(ip: str, port: int) -> AddrInfoType:
    family = socket.AF_INET6 if ":" in ip else socket.AF_INET
    return family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (ip, port)


class Race:
    """The running loop, which remembers how each connect went.

    What the library raises in the end no longer tells which address failed of what.
    """

    def __init__(self, attempt: Attempt) -> None:
        self.failures: dict[str, Failed] = {}
        self.reached: dict[socket.socket, str] = {}
        self._pending: list[str] = []
        self._attempt = attempt
        self._loop = asyncio.get_running_loop()

    @property
    def waits_for(self) -> str:
        pending = enumerated([f"to {self._attempt.place_of(ip)}" for ip in self._pending])
        failures = list(self.failures.values())
        return f"{merged(failures, VERB)}, {pending}" if failures else f"{VERB} {pending}"

    def new_socket(self, address: AddrInfoType) -> socket.socket:
        family, kind, protocol, _, (ip, *_) = address
        with self._noted(str(ip)):
            return socket.socket(family, kind, protocol)

    async def sock_connect(self, sock: socket.socket, address: tuple[str, int]) -> None:
        ip, _ = address
        self._pending.append(ip)
        with self._noted(ip):
            await self._loop.sock_connect(sock, address)
        self.reached[sock] = ip

    @contextmanager
    def _noted(self, ip: str) -> Iterator[None]:
        what = f"{VERB} to {self._attempt.place_of(ip)}"
        try:
            yield
        except OSError as error:
            self.failures[ip] = unreached(ip, what, error)
            if ip in self._pending:
                self._pending.remove(ip)
            raise

    def __getattr__(self, name: str) -> Any:
        """Everything else as the loop itself does it."""
        return getattr(self._loop, name)
