"""How a request reaches a backend and its response comes back: over HTTP, or from a script.

A transport has one method, `send`; it raises TransportError and never retries or redirects.
"""

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import requests
import urllib3

from .bounded import Adapter, cut_after
from .bounds import ONE, Bound
from .errors import TransportError

CONNECT_TIMEOUT = 3.05  # seconds: just above one lost SYN


@dataclass(frozen=True, slots=True)
class Request:
    """What goes out; headers and body are kept out of any log."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    timeout: float = 10  # seconds for everything
    bound: Bound = ONE  # of the answer

    @property
    def json(self) -> Any:
        return json.loads(self.body) if self.body else None


@dataclass(frozen=True, slots=True)
class Response:
    """What came back; header names are in lower case."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class Transport(Protocol):
    """Sends one request and waits for its response, at most `request.timeout` seconds."""

    def send(self, request: Request) -> Response: ...

    def close(self) -> None: ...


class HttpTransport:
    """HTTP with kept-alive connections; certificates are verified, environment proxies ignored.

    `ca_file` names certificates to trust in place of the public ones.
    """

    def __init__(self, base_url: str, *, ca_file: str = "") -> None:
        self.base_url = base_url.rstrip("/").removesuffix("/REST")
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = ca_file or True
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, Adapter())

    def send(self, request: Request) -> Response:
        until = time.monotonic() + request.timeout
        try:
            with self._opened(request) as response:
                body = _read_body(response, request.bound, until)
        except requests.RequestException as error:
            reason = _LATE if time.monotonic() >= until else _reason(error)
            raise TransportError(reason, sent=_was_sent(error)) from error
        if time.monotonic() >= until:
            raise TransportError(_LATE)
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Response(response.status_code, body, headers)

    def _opened(self, request: Request) -> requests.Response:
        return self._session.request(
            request.method,
            self.base_url + request.path,
            headers={"Accept-Encoding": "identity", **request.headers},
            data=request.body or None,
            timeout=(min(CONNECT_TIMEOUT, request.timeout), request.timeout),
            allow_redirects=False,  # requests would repeat a PUT at the job's address
            stream=True,
        )

    def close(self) -> None:
        self._session.close()


def _read_body(response: requests.Response, bound: Bound, until: float) -> bytes:
    # A few bytes of a compressed answer may stand for gigabytes.
    if response.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise TransportError("it was compressed, which was not asked for")
    body = bytearray()
    with cut_after(until - time.monotonic(), response.raw.shutdown):
        for piece in response.iter_content(2**16):
            body += piece
            if len(body) > bound.size:
                break
    if excess := bound.excess(body):
        raise TransportError(excess)
    return bytes(body)


_LATE = "it took too long"
_UNSENDABLE = (
    requests.exceptions.ConnectTimeout,
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidHeader,
)
_UNCONNECTED = (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError)


def _was_sent(error: Exception) -> bool:
    """False only where we know: no name, no connection, or no trust in the certificate."""
    cause = getattr(error.args[0] if error.args else None, "reason", None)
    unverified = "CERTIFICATE_VERIFY_FAILED" in str(cause)
    return not (isinstance(error, _UNSENDABLE) or isinstance(cause, _UNCONNECTED) or unverified)


def _reason(error: Exception) -> str:
    cause = getattr(error.args[0] if error.args else None, "reason", None)
    text = str(cause or error)
    for known, words in _REASONS.items():
        if known in text:
            return words
    return f"the connection failed ({type(cause or error).__name__})"


_REASONS = {
    "refused": "the connection was refused",
    "resolve": "its name was not found",
    "CERTIFICATE_VERIFY_FAILED": "its certificate is not trusted",
    "timed out": _LATE,
    "closed connection": "the connection was cut",
    "Connection broken": "the connection was cut",
    "ended prematurely": "the connection was cut",
    "reset by peer": "the connection was cut",
}


Step = tuple[str, str, Response | TransportError]
"""One expected exchange: method, path, and what comes of it."""

Function = Callable[[Request], Response | TransportError | None]


class ScriptedTransport:
    """Answers from a list of steps, in order, or by a function; keeps what was sent in `sent`.

    A log-in or log-out that the script does not answer goes well.
    """

    def __init__(self, script: Iterable[Step] | Function = ()) -> None:
        self._function = script if callable(script) else None
        self.steps: list[Step] = [] if callable(script) else list(script)
        self.sent: list[Request] = []

    def send(self, request: Request) -> Response:
        self.sent.append(request)
        result = self._function(request) if self._function else self._next(request)
        if isinstance(result, TransportError):
            raise result
        return result or _session(request)

    def _next(self, request: Request) -> Response | TransportError | None:
        if self.steps and self.steps[0][:2] == (request.method, request.path):
            return self.steps.pop(0)[2]
        return None

    def close(self) -> None:
        """Nothing is held open."""


def _session(request: Request) -> Response:
    if request.path != "/REST/Session/":
        raise AssertionError(f"{request.method} {request.path} was not expected now")
    return answer({"token": "scripted-token"} if request.method == "POST" else {})


def answer(
    data: Any,
    *messages: Mapping[str, Any],
    status: str = "success",
    http: int = 200,
    job_id: int = 1,
) -> Response:
    """An envelope as a backend answers it, for scripts."""
    envelope = {"status": status, "data": data, "job_id": job_id, "msgs": messages}
    return Response(http, json.dumps(envelope).encode())


def refusal(text: str, code: str = "INVALID_DATA", *, http: int = 400) -> Response:
    """A failure envelope of one message, for scripts."""
    message = {"INFO": text, "SOURCE": "BLL", "ERR_CD": code, "LVL": "ERROR"}
    return answer({}, message, status="failure", http=http)
