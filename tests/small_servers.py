"""Small real servers on loopback, for the tests of probes: each misbehaves in one way."""

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

LOCALHOST = "127.0.0.1"


@dataclass
class Served:
    """A server that listens, and what it was asked."""

    host: str = LOCALHOST
    port: int = 0
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)

    @property
    def place(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@asynccontextmanager
async def listening(
    serve: Serve, *, tls: ssl.SSLContext | None = None, host: str = LOCALHOST, port: int = 0
) -> AsyncIterator[Served]:
    served = Served(host)
    open_ones: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.connections += 1
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            served.requests.append(await serve(reader, writer) or b"")
        writer.close()
        with suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(connected(reader, writer))
        open_ones.add(task)
        task.add_done_callback(open_ones.discard)

    server = await asyncio.start_server(accept, host, port, ssl=tls)
    served.port = server.sockets[0].getsockname()[1]
    try:
        yield served
    finally:
        server.close()
        if open_ones:
            # Their clients are gone, so they end by themselves.
            await asyncio.wait(open_ones, timeout=5)


def answering(*parts: bytes, after: float = 0) -> Serve:
    """Reads a request and sends the parts, each in a packet of its own."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        request = await reader.readuntil(b"\r\n\r\n")
        await _say(parts, writer, after)
        return request

    return serve


def http(status: str = "200 OK", body: bytes = b"ok\n", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def greeting(*parts: bytes, after: float = 0) -> Serve:
    """Speaks first, as mail servers do, and then reads until its client leaves."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        await _say(parts, writer, after)
        return await reader.read(1024)

    return serve


async def _say(parts: Sequence[bytes], writer: asyncio.StreamWriter, after: float) -> None:
    """Each part in a packet of its own, the first after so many seconds."""
    if after:
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), after)
    for part in parts:
        writer.write(part)
        await writer.drain()
        await asyncio.sleep(0)


async def hanging(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Accepts, reads, and never answers."""
    while await reader.read(1024):
        pass


async def hanging_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Closes as soon as the request is there."""
    await reader.readuntil(b"\r\n\r\n")


def resetting(*parts: bytes, after: int = 1) -> Serve:
    """Takes so many bytes, sends the parts, and breaks the connection."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(after)
        for part in parts:
            writer.write(part)
            await writer.drain()
        at_once = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)

    return serve


def then_hanging(*parts: bytes) -> Serve:
    """Begins an answer that it never ends."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for part in parts:
            writer.write(part)
        await hanging(reader, writer)

    return serve
