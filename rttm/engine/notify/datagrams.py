"""UDP to syslog servers: names are looked up off the loop, and the same targets refused as ever."""

import asyncio
import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from ipaddress import ip_address

from rttm.engine.probes.names import look_up
from rttm.engine.targets import Limits, refusal

from .outbox import Message

LOOK_UP_SECONDS = 5.0
LOOK_UPS = 8  # at once: probes need the resolver too
KNOWN_SECONDS = 60.0  # for which an answer of the resolver is believed, also a bad one


@dataclass(frozen=True, slots=True)
class Found:
    """Where a server is, or why nothing is sent to it."""

    ip: str
    problem: str
    until: float


class Datagrams:
    """One socket for each kind of address. Nobody tells whether a datagram arrived."""

    def __init__(self, limits: Limits, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        self._clock = clock
        self._known: dict[str, Found] = {}
        self._sockets: dict[int, socket.socket] = {}
        self._places = asyncio.Semaphore(LOOK_UPS)

    async def send(self, messages: Iterable[Message]) -> list[tuple[Message, str]]:
        """Each message with the reason why it did not go out; "" when it did."""
        messages = list(messages)
        servers = list({message.recipient for message in messages})
        self._forget()
        places = dict(zip(servers, await asyncio.gather(*map(self._find, servers)), strict=True))
        return [(message, self._sent(message, places[message.recipient])) for message in messages]

    def close(self) -> None:
        for opened in self._sockets.values():
            opened.close()
        self._sockets.clear()

    def _forget(self) -> None:
        now = self._clock()
        self._known = {name: found for name, found in self._known.items() if found.until > now}

    async def _find(self, server: str) -> Found:
        if server not in self._known:
            ip, problem = await self._resolve(server)
            problem = problem or refusal(ip, self._limits)
            self._known[server] = Found(ip, problem, self._clock() + KNOWN_SECONDS)
        return self._known[server]

    async def _resolve(self, server: str) -> tuple[str, str]:
        try:
            return str(ip_address(server)), ""
        except ValueError:
            pass
        try:
            async with self._places, asyncio.timeout(LOOK_UP_SECONDS):
                return (await look_up(server))[0], ""
        except OSError as error:  # a time-out is one too
            return "", f"look-up of {server} failed: {error or 'it took too long'}"

    def _sent(self, message: Message, found: Found) -> str:
        if found.problem:
            return found.problem
        try:
            self._socket(found.ip).sendto(message.text.encode(), (found.ip, message.port))
        except OSError as error:
            return f"{found.ip} port {message.port}: {error.strerror or error}"
        return ""

    def _socket(self, ip: str) -> socket.socket:
        family = socket.AF_INET6 if ":" in ip else socket.AF_INET
        if family not in self._sockets:
            opened = socket.socket(family, socket.SOCK_DGRAM)
            opened.setblocking(False)
            self._sockets[family] = opened
        return self._sockets[family]
