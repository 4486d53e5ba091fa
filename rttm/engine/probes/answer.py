"""One HTTP request and its answer, on the parser that uvicorn uses too (llhttp, by httptools).

A connection serves one request, so a client library's pools, cookies and redirects would only cost.
"""

import asyncio
from urllib.parse import quote

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from rttm.core.schema import Monitor
from rttm.core.terms import Protocol

from .attempt import Attempt

FIRST_PART = 64 * 1024  # bytes of the body that count; and at most as many of headers
IN_A_PATH = "/?#[]@!$&'()*+,;=:%~"  # stays as the operator wrote it
USUAL_PORT = {Protocol.HTTP: 80, Protocol.HTTPS: 443}
SWITCHING = 101  # protocols: no other answer follows


class BrokenOff(Exception):
    """The node closed the connection before its answer was whole."""


def request(monitor: Monitor, attempt: Attempt) -> bytes:
    """The request, with the monitor's own header lines instead of ours of the same name."""
    headers = {
        "host": f"Host: {monitor.host or _authority(monitor, attempt)}",
        "user-agent": "User-Agent: rttm-engine",
        "accept": "Accept: */*",
        "accept-encoding": "Accept-Encoding: identity",
    }
    own = [line.strip() for line in monitor.header.splitlines() if line.strip()]
    for line in own:
        headers.pop(line.partition(":")[0].strip().lower(), None)
    path = "/" + quote(monitor.path.removeprefix("/"), safe=IN_A_PATH)
    lines = [f"GET {path} HTTP/1.1", *headers.values(), "Connection: close", *own, "", ""]
    return "\r\n".join(lines).encode()


def _authority(monitor: Monitor, attempt: Attempt) -> str:
    usual = attempt.port == USUAL_PORT.get(Protocol(monitor.protocol))
    return attempt.address if usual else f"{attempt.address}:{attempt.port}"


class Answer(asyncio.Protocol):
    """Collects the answer; `ended` when it is whole, or when no more of it matters."""

    def __init__(self, attempt: Attempt, expected: str) -> None:
        self.ended: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()
        self.status = 0
        self.response_ms = 0.0
        self.location = ""
        self.body = bytearray()
        self.has_expected = not expected
        self._expected = _encoded(expected)
        self._attempt = attempt
        self._header_bytes = 0
        self._is_framed = False  # the answer says itself where it ends
        self._parser: HttpResponseParser | None = HttpResponseParser(self)

    @property
    def is_cut(self) -> bool:
        """More than its first part may have come; nobody has looked."""
        return len(self.body) >= FIRST_PART

    def data_received(self, data: bytes) -> None:
        if self._parser is None:
            return
        self.response_ms = self.response_ms or self._attempt.elapsed_ms
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade:
            self._end()
        except HttpParserError as error:
            self._end(error)
        self._header_bytes += 0 if self.status else len(data)
        if self._header_bytes > FIRST_PART:
            self._end(HttpParserError("endless headers"))

    def connection_lost(self, error: Exception | None) -> None:
        if error:
            self._end(error)
        elif not self.status:
            self._end(BrokenOff(f"{self._attempt.place} closed the connection without an answer"))
        elif self._is_framed:
            self._end(BrokenOff(f"HTTP {self.status}, but the body broke off"))
        self._end()

    # What follows is called by the parser.

    def on_header(self, name: bytes, value: bytes) -> None:
        match name.lower():
            case b"content-length" | b"transfer-encoding":
                self._is_framed = True
            case b"location":
                self.location = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code() if self._parser else 0
        # "100 Continue" and its like only announce the answer.
        if status >= 200 or status == SWITCHING:
            self.status = status
            self._attempt.waits_for = f"HTTP {status}, but the body"

    def on_body(self, part: bytes) -> None:
        seen = len(self.body)
        self.body += part[: FIRST_PART - seen]
        for text in self._expected:
            # It may have begun in the part before.
            self.has_expected |= self.body.find(text, max(seen - len(text), 0)) >= 0
        if self.is_cut or (self._expected and self.has_expected):
            self._end()

    def on_message_complete(self) -> None:
        if self.status:
            self._end()

    def _end(self, error: Exception | None = None) -> None:
        # Parser and answer hold each other: let go, so that no garbage collection is needed.
        self._parser = None
        if not self.ended.done():
            self.ended.set_result(error)


def _encoded(expected: str) -> frozenset[bytes]:
    """As the body may have it: nobody says which encoding the operator meant."""
    codes = ("utf-8", "latin-1") if expected else ()
    return frozenset(expected.encode(code, "replace") for code in codes)
