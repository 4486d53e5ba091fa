"""The engine as a transport in the test's own process: real answers, and faults on demand."""

import time
from urllib.parse import parse_qsl, urlsplit

from rttm.client import Request, Response, TransportError, refusal
from rttm.engine import api


class EngineTransport:
    """Hands requests to the engine's `api.handle`; `fault` says how the next ones go wrong."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []
        self.fault = ""  # "refused": nothing arrives; "lost": carried out, but no answer comes
        self.spared = 0  # requests that still go well before the fault
        self.makes_jobs = False  # of changes: each goes on as a job until `carry_out`
        self._jobs: dict[str, tuple[Request, Response | None]] = {}  # by path, with the answer

    def carry_out(self) -> None:
        """The backend finishes its jobs, with what they say now."""
        for path, (request, answer) in self._jobs.items():
            self._jobs[path] = (request, answer or self._answer(request))

    def send(self, request: Request) -> Response:
        self.sent.append((request.method, request.path))
        if self.makes_jobs and request.method in ("PUT", "DELETE"):
            path = f"/REST/Job/{len(self._jobs) + 1}/"
            self._jobs[path] = (request, None)
            return Response(307, b"", {"location": path})
        if request.path in self._jobs:
            return self._answer_about_job(request)
        is_faulty, self.spared = bool(self.fault) and self.spared <= 0, self.spared - 1
        if is_faulty and self.fault == "refused":
            raise TransportError("connection refused", sent=False)
        response = self._answer(request)
        if is_faulty:
            raise TransportError("connection lost", sent=True)
        return response

    def _answer_about_job(self, request: Request) -> Response:
        """As DynECT does: only for the log-in that was given the job, and no earlier."""
        begun, answer = self._jobs[request.path]
        if begun.headers["Auth-Token"] != request.headers.get("Auth-Token"):
            return refusal("job: No such job", "NOT_FOUND", http=404)
        return answer or Response(307, b"", {"location": request.path})

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
