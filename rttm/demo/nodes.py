"""The demo's nodes: small real servers on loopback, each with a character of its own."""

import asyncio
import errno
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from random import Random

PORT = 8054
BANNER = b"220 mx ready\r\n"

Pause = Callable[[float], Awaitable[object]]
Say = Callable[[str], object]


class Conduct(StrEnum):
    """How a node behaves."""

    ANSWERS = "answers"
    FLAPS = "answers for a while, then refuses for a while"
    REFUSES = "refuses: nothing listens"
    HANGS = "accepts and never answers"
    GREETS = "speaks first and never HTTP: a plain TCP service"


@dataclass(frozen=True, slots=True)
class Node:
    """One server; what it answers and how fast."""

    label: str
    address: str
    conduct: Conduct = Conduct.ANSWERS
    status: str = "200 OK"
    body: str = "ok\n"
    delay: tuple[float, float] = (0.003, 0.02)  # seconds, from and to
    slots: tuple[float, float] = (20, 40)  # seconds for which one that flaps stays as it is

    @property
    def listens(self) -> bool:
        return self.conduct != Conduct.REFUSES


class PortTaken(Exception):
    """Another program listens where a node should."""


class Connection(asyncio.Protocol):
    """One connection to a node."""

    def __init__(self, node: Node, rng: Random, open_ones: set[asyncio.Transport]) -> None:
        self._node = node
        self._rng = rng
        self._open_ones = open_ones
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._open_ones.add(transport)
        if self._node.conduct == Conduct.GREETS:
            transport.write(BANNER)

    def connection_lost(self, error: Exception | None) -> None:
        self._open_ones.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        if self._node.conduct not in (Conduct.ANSWERS, Conduct.FLAPS):
            return
        self._received = (self._received + data)[-4096:]
        if b"\r\n\r\n" in self._received:
            delay = self._rng.uniform(*self._node.delay)
            asyncio.get_running_loop().call_later(delay, self._answer)

    def _answer(self) -> None:
        if self._transport.is_closing():
            return
        body = self._node.body.encode()
        head = [
            f"HTTP/1.1 {self._node.status}",
            "Content-Type: text/plain; charset=utf-8",
            f"Content-Length: {len(body)}",
            f"Server: {self._node.label}",
            "Connection: close",
        ]
        self._transport.write("\r\n".join([*head, "", ""]).encode() + body)
        self._transport.close()


class Host:
    """Runs one node: opens its socket, and really closes it while the node is down."""

    def __init__(self, node: Node, port: int, rng: Random) -> None:
        self.node = node
        self._port = port
        self._rng = rng
        self._server: asyncio.Server | None = None
        self._open_ones: set[asyncio.Transport] = set()

    @property
    def is_open(self) -> bool:
        return self._server is not None

    async def open(self) -> bool:
        """False when this machine does not have the node's address."""
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(
                lambda: Connection(self.node, self._rng, self._open_ones),
                self.node.address,
                self._port,
            )
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL:
                return False
            raise PortTaken(
                f"Node {self.node.label} cannot listen on {self.node.address} port {self._port}: "
                "another program does. Stop it, or choose another --port."
            ) from None
        return True

    def close(self) -> None:
        if self._server:
            self._server.close()
            self._server = None
        for transport in list(self._open_ones):
            transport.abort()

    async def flap(self, pause: Pause) -> None:
        """Up, down, up ... for ever; it begins as it was opened."""
        while True:
            await pause(self._rng.uniform(*self.node.slots))
            if self.is_open:
                self.close()
            else:
                with suppress(PortTaken):  # by somebody who was quicker: down for longer
                    await self.open()


async def run(
    nodes: Iterable[Node],
    *,
    port: int,
    stop: asyncio.Event,
    rng: Random,
    say: Say,
    pause: Pause = asyncio.sleep,
) -> None:
    """Run the nodes until `stop` is set."""
    hosts = [Host(node, port, rng) for node in nodes if node.listens]
    flapping: list[asyncio.Task[None]] = []
    try:
        missing = [host.node for host in hosts if not await host.open()]
        say(_account(hosts, missing, port))
        flapping += [
            asyncio.create_task(host.flap(pause))
            for host in hosts
            if host.is_open and host.node.conduct == Conduct.FLAPS
        ]
        await stop.wait()
    finally:
        for task in flapping:
            task.cancel()
        await asyncio.gather(*flapping, return_exceptions=True)
        for host in hosts:
            host.close()


def _account(hosts: list[Host], missing: list[Node], port: int) -> str:
    told = f"{len(hosts) - len(missing)} nodes listen on port {port}"
    if not missing:
        return told
    first = missing[0].address
    return (
        f"{told}; {len(missing)} cannot, because this machine has no address such as {first}: "
        f"they stay unknown. On macOS add each one: sudo ifconfig lo0 alias {first} up"
    )
