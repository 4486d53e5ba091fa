"""Connections of requests that keep their time; used by the HTTP transport alone.

The library's read time-out is for each piece, so an answer that trickles in would never end.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from socket import SHUT_RD
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPResponse, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection


@contextmanager
def cut_after(seconds: float, shutdown: Callable[..., object], *how: object) -> Iterator[None]:
    """Shut the reading side of a socket when a block takes too long: the reader sees its end."""

    def cut() -> None:
        with suppress(OSError, RuntimeError, ValueError):  # it has ended by itself
            shutdown(*how)

    timer = threading.Timer(max(seconds, 0), cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


class _Connection(HTTPConnection):
    def getresponse(self) -> HTTPResponse:  # type: ignore[override]
        with cut_after(self.timeout or 0, self.sock.shutdown, SHUT_RD):
            return super().getresponse()


class _TlsConnection(HTTPSConnection):
    def getresponse(self) -> HTTPResponse:  # type: ignore[override]
        with cut_after(self.timeout or 0, self.sock.shutdown, SHUT_RD):
            return super().getresponse()


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class Adapter(HTTPAdapter):
    """An adapter of requests whose answers' heads end in their time."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
