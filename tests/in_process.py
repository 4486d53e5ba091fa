"""The engine as a transport in the test's own process: real answers, and faults on demand."""

import time
from urllib.parse import parse_qsl, urlsplit

from rttm.client import Request, Response, TransportError
from rttm.engine import api


class EngineTransport:
    """Hands requests to the engine's `api.handle`; `fault` says how the next ones go wrong."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []
        self.fault = ""  # "refused": nothing arrives; "lost": carried out, but no answer comes
        self.spared = 0  # requests that still go well before the fault

    def send(self, request: Request) -> Response:
        self.sent.append((request.method, request.path))
        is_faulty, self.spared = bool(self.fault) and self.spared <= 0, self.spared - 1
        if is_faulty and self.fault == "refused":
            raise TransportError("connection refused", sent=False)
        response = self._answer(request)
        if is_faulty:
            raise TransportError("connection lost", sent=True)
        return response

    def _answer(self, request: Request) -> Response:
        parts = urlsplit(request.path)
        reply = api.handle(
            api.ApiCall(
                method=request.method,
                path=parts.path,
                headers={name.lower(): value for name, value in request.headers.items()},
                query=dict(parse_qsl(parts.query)),
                body=request.body,
                client_ip="127.0.0.1",
            ),
            time.time(),
        )
        return Response(reply.status, reply.body, {"content-type": "application/json"})

    def close(self) -> None:
        """Nothing is open."""
