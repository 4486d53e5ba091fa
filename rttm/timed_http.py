"""HTTP for uvicorn that bounds how long a request may take to arrive; used by web and engine.

uvicorn bounds only the idle time between two requests. Without this, a client that sends half a
head holds its connection, and its memory here, for as long as it likes.
"""

from asyncio import TimerHandle, Transport

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD = 10.0  # seconds from the connection, or from the first byte of a later request
BODY = 30.0  # seconds after the head; the longest body that we take has 1 MiB


class TimedProtocol(HttpToolsProtocol):
    """Closes the connection of a request whose head or body does not end in time.

    The answer may take as long as it likes: event streams stay open.
    """

    head_seconds = HEAD
    body_seconds = BODY
    _deadline: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._close_in(self.head_seconds)

    def data_received(self, data: bytes) -> None:
        # uvicorn ends the idle time at any byte, also at a blank line before a request.
        if self._deadline is None and (self.cycle is None or self.cycle.response_complete):
            self._close_in(self.head_seconds)
        super().data_received(data)

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self._close_in(self.body_seconds)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._disarm()

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        super().connection_lost(exc)

    def _close_in(self, seconds: float) -> None:
        self._disarm()
        self._deadline = self.loop.call_later(seconds, self.transport.close)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
