"""A proxy on loopback that strikes in the middle of one exchange, or cuts everybody off."""

import asyncio
import threading
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar
from weakref import WeakSet

from tests.servers import PATIENCE

LOOPBACK = "127.0.0.1"
T = TypeVar("T")
Ends = tuple[StreamReader, StreamWriter]


@dataclass
class Strike:
    """What to do, once, in the exchange whose request begins with `start`."""

    start: bytes
    do: Callable[[], object]
    is_answered: bool  # strike when the answer is there, before it is given back
    happened: threading.Event = field(default_factory=threading.Event)

    def carry_out(self) -> None:
        self.do()
        self.happened.set()


class Proxy:
    """Passes on what comes for a server on loopback; made and closed by the test."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._strikes: list[Strike] = []
        self._open: set[asyncio.Task[None]] = set()
        self._writers: WeakSet[StreamWriter] = WeakSet()  # of all connections that are not gone
        self._hangs = False
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._server: asyncio.Server | None = None
        self.port = 0
        self.restore()

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    def before(self, request: str, do: Callable[[], object]) -> Strike:
        """Do it when such a request ("PUT /REST/RTTM/") came, before it is passed on."""
        return self._strike(request, do, is_answered=False)

    def answered(self, request: str, do: Callable[[], object]) -> Strike:
        """Do it when the whole answer to such a request is there, before it is given back."""
        return self._strike(request, do, is_answered=True)

    def refuse(self) -> None:
        """Let nobody new through; who is connected stays."""
        self._call(self._refuse())

    def cut(self) -> None:
        """Let nobody through: what is open ends in the middle of a word."""
        self._call(self._cut())

    def hang(self) -> None:
        """Cut everybody off; who comes then is taken in and never answered."""
        self.cut()
        self._hangs = True
        self._call(self._listen())

    def restore(self) -> None:
        """Take new connections, again at the same port."""
        if self._hangs:
            self._hangs = False
            self.cut()
        self._call(self._listen())

    def close(self) -> None:
        self._call(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)
        self._loop.close()

    def _strike(self, request: str, do: Callable[[], object], *, is_answered: bool) -> Strike:
        self._strikes.append(Strike(request.encode(), do, is_answered))
        return self._strikes[-1]

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE)

    async def _listen(self) -> None:
        if self._server and self._server.is_serving():
            return
        self._server = await asyncio.start_server(self._connected, LOOPBACK, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _refuse(self) -> None:
        if self._server:
            self._server.close()

    async def _cut(self) -> None:
        await self._refuse()
        for connection in self._open:
            connection.cancel()
        if self._open:
            await asyncio.wait(self._open)

    async def _end(self) -> None:
        """Leave no connection behind: one that was just taken in has its task only now."""
        await self._refuse()
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            for connection in self._open:
                connection.cancel()
            await asyncio.wait(others, timeout=0.1)
        for writer in tuple(self._writers):
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    def _connected(self, reader: StreamReader, writer: StreamWriter) -> None:
        connection = asyncio.create_task(self._connect(reader, writer))
        self._open.add(connection)
        self._writers.add(writer)
        connection.add_done_callback(self._open.discard)
        # Cut off before it even began, it would never get to close anything.
        connection.add_done_callback(lambda _: writer.close())

    async def _connect(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Without a server behind, whoever connected is hung up on."""
        async with closing(writer):
            with suppress(ConnectionError):
                if self._hangs:
                    await asyncio.Event().wait()  # until it is cut off
                server = await asyncio.open_connection(LOOPBACK, self._target)
                async with closing(server[1]):
                    await Exchange(self._strikes).run((reader, writer), server)


class Exchange:
    """One connection: a request, its answer, the next request."""

    def __init__(self, strikes: list[Strike]) -> None:
        self._strikes = strikes
        self._due: Strike | None = None  # when the answer is there

    async def run(self, client: Ends, server: Ends) -> None:
        """Whoever ends first ends the other."""
        passing = {
            asyncio.create_task(self._requests(client[0], server[1])),
            asyncio.create_task(self._answers(server[0], client[1])),
        }
        try:
            await asyncio.wait(passing, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in passing:
                task.cancel()
            await asyncio.wait(passing)

    async def _requests(self, reader: StreamReader, writer: StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(2**16):
                strike = self._taken(data)
                if strike and strike.is_answered:
                    self._due = strike
                elif strike:
                    await asyncio.to_thread(strike.carry_out)
                await _passed_on(data, writer)

    async def _answers(self, reader: StreamReader, writer: StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while data := await reader.read(2**16):
                if strike := self._due:
                    answer = await _whole(data, reader)
                    await asyncio.to_thread(strike.carry_out)
                    await _passed_on(_last(answer), writer)
                    return
                await _passed_on(data, writer)

    def _taken(self, data: bytes) -> Strike | None:
        """A client waits for its answer, so a request begins where its bytes begin."""
        found = next((s for s in self._strikes if data.startswith(s.start)), None)
        if found:
            self._strikes.remove(found)
        return found


async def _whole(data: bytes, reader: StreamReader) -> bytes:
    """All of an answer that says how long it is."""
    while b"\r\n\r\n" not in data:
        data += await reader.readuntil(b"\r\n\r\n")
    head, _, body = data.partition(b"\r\n\r\n")
    lines = (line.partition(b":") for line in head.split(b"\r\n"))
    length = next(int(value) for name, _, value in lines if name.lower() == b"content-length")
    return data + await reader.readexactly(length - len(body))


def _last(answer: bytes) -> bytes:
    """It says that the connection ends with it: what is asked next is not lost on its way."""
    status, _, rest = answer.partition(b"\r\n")
    return status + b"\r\nConnection: close\r\n" + rest


async def _passed_on(data: bytes, writer: StreamWriter) -> None:
    writer.write(data)
    await writer.drain()


@asynccontextmanager
async def closing(writer: StreamWriter) -> AsyncIterator[None]:
    try:
        yield
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
