"""A request that does not arrive in time loses its connection; an answer may take its time."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from threading import Event, Thread

import pytest
import uvicorn
from uvicorn.importer import import_from_string

from dashboard.management.commands.up import programs
from rttm.engine import serve
from rttm.timed_http import TimedProtocol
from tests.servers import PATIENCE

HEAD = b"GET /quick HTTP/1.1\r\nHost: a\r\n"
POST = b"POST /quick HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n"


class Hurried(TimedProtocol):
    head_seconds = body_seconds = 0.3


class Site:
    """Answers at once; at /slow it begins to, and ends when it is told to."""

    def __init__(self) -> None:
        self.may_end = Event()
        self.has_lost_one = Event()

    async def __call__(self, scope, receive, send) -> None:
        while True:
            event = await receive()
            if event["type"] == "http.disconnect":
                self.has_lost_one.set()
                return
            if not event["more_body"]:
                break
        await send({"type": "http.response.start", "status": 200, "headers": [FOUR]})
        await send({"type": "http.response.body", "body": b"so", "more_body": True})
        if scope["path"] == "/slow":
            await asyncio.to_thread(self.may_end.wait, PATIENCE)
        await send({"type": "http.response.body", "body": b"me"})


FOUR = (b"content-length", b"4")


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.may_end.set()


@pytest.fixture
def port(site) -> Iterator[int]:
    config = uvicorn.Config(
        site, http=Hurried, lifespan="off", log_config=None, timeout_keep_alive=int(PATIENCE)
    )
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield listener.getsockname()[1]
        server.should_exit = True
        thread.join(PATIENCE)


@contextmanager
def connected(port: int, *parts: bytes) -> Iterator[socket.socket]:
    with closing(socket.create_connection(("127.0.0.1", port), PATIENCE)) as link:
        for part in parts:
            link.sendall(part)
        yield link


def answer(link: socket.socket) -> bytes:
    """What comes until the answer is whole, or the connection ends."""
    received = b""
    while not received.endswith(b"some") and (piece := link.recv(1000)):
        received += piece
    return received


def is_closed(link: socket.socket) -> bool:
    """Waits for it; a connection that stays open raises a time-out."""
    try:
        return link.recv(1000) == b""
    except ConnectionError:
        return True


@pytest.mark.parametrize(
    "parts", [[], [b"\r\n"], [b"G"], [HEAD], [POST], [POST, b"half"]], ids=lambda p: str(len(p))
)
def test_request_that_stops_half_way_loses_its_connection(port, parts):
    with connected(port, *parts) as link:
        assert is_closed(link)


@pytest.mark.parametrize("begun", [HEAD + b"X: ", POST.replace(b"10", b"10000")])
def test_request_that_trickles_loses_its_connection(port, begun):
    with connected(port, begun) as link, suppress(ConnectionError):
        link.settimeout(0.02)
        while True:
            link.sendall(b"x")
            with suppress(TimeoutError):
                assert link.recv(1000) == b""
                break


def test_program_hears_that_a_body_will_not_end(port, site):
    with connected(port, POST):
        assert site.has_lost_one.wait(PATIENCE)


@pytest.mark.parametrize("rest", [b"\r\n", HEAD])
def test_later_request_has_to_arrive_in_time_too(port, rest):
    with connected(port, HEAD + b"\r\n") as link:
        assert answer(link)
        link.sendall(rest)
        assert is_closed(link)


def test_answer_and_idle_time_may_be_longer(port, site):
    slow = b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n"
    with connected(port, slow) as link, connected(port, HEAD + b"\r\n") as idle:
        assert answer(idle)
        with connected(port, HEAD) as late:
            assert is_closed(late)  # so the others have outlived that time
        site.may_end.set()
        assert answer(link).endswith(b"some")
        for again in (link, idle):
            again.sendall(HEAD + b"\r\n")
            assert answer(again).endswith(b"some")


def test_web_and_engine_have_it(settings):
    [web] = [program for program in programs() if program.name == "web"]
    named = web.command[web.command.index("--http") + 1]
    assert import_from_string(named) is TimedProtocol
    assert serve._server().config.http is TimedProtocol
