"""HTTPS servers that close a connection without the farewell of TLS, as many do."""

import os
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rttm.core.health import ProbeResult
from rttm.core.schema import Monitor
from rttm.engine import probes
from tests.probing import DOWN, LOOPBACK, UP, assert_said, certificate, finish, tls_of
from tests.servers import PATIENCE
from tests.small_servers import LOCALHOST

UNTIL_CLOSED = b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nall ok"


@contextmanager
def leaving(context: ssl.SSLContext, answer: bytes) -> Iterator[int]:
    """Answers one request and is gone; its port. Python's streams would say farewell."""

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            encrypted = context.wrap_socket(connection, server_side=True)
            encrypted.recv(4096)
            encrypted.sendall(answer)
            os.close(encrypted.detach())

    with socket.create_server((LOCALHOST, 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(PATIENCE)


def asked(folder: Path, answer: bytes, **fields: str) -> ProbeResult:
    tls = tls_of(certificate(folder, ["www.example.com"], days=30.5))
    with leaving(tls, answer) as port:
        monitor = Monitor("HTTPS", port=port, host="www.example.com", **fields)
        found: ProbeResult = finish(probes.probe(monitor, LOCALHOST, limits=LOOPBACK))
    return found


def test_answer_that_only_the_close_ends_is_whole(tmp_path):
    result = asked(tmp_path, UNTIL_CLOSED, path="/")
    assert_said(result, UP, r"HTTP 200 in \d+ ms; certificate good for 30 days, self-signed")
    assert result.response_ms is not None


def test_such_an_answer_is_judged_by_its_status_and_its_text(tmp_path):
    missing = asked(tmp_path, UNTIL_CLOSED, expected="ready")
    assert_said(missing, DOWN, "HTTP 200, but the text “ready” is missing; certificate .*")
    busy = asked(tmp_path, b"HTTP/1.1 503 Busy\r\n\r\nlater", path="/")
    assert_said(busy, DOWN, "HTTP 503, body starts with “later”; certificate .*")


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nsay\r\n",
    ],
)
def test_body_that_is_shorter_than_announced_broke_off(tmp_path, answer):
    assert_said(asked(tmp_path, answer), DOWN, "HTTP 200, but the body broke off")


@pytest.mark.parametrize("answer", [b"HTTP/1.1 200 OK\r\nX: y\r\n", b"HTTP/1.1 103 Hints\r\n\r\n"])
def test_answer_that_did_not_get_beyond_its_head_is_none(tmp_path, answer):
    result = asked(tmp_path, answer)
    assert_said(result, DOWN, r"127\.0\.0\.1:\d+ closed the connection without an answer")


def test_length_of_what_only_announced_the_answer_is_not_that_of_its_body(tmp_path):
    early = b"HTTP/1.1 103 Early Hints\r\nContent-Length: 99\r\n\r\n"
    assert asked(tmp_path, early + UNTIL_CLOSED, path="/").status == UP
