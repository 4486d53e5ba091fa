"""/healthz asks the backend as the dashboard's client does: in the same place, by the same way."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from dashboard import health

REFUSAL = b'{"status": "failure", "data": {}, "job_id": 1, "msgs": []}'


class Backend(ThreadingHTTPServer):
    """Answers anything with the same body, and remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.body = REFUSAL
        self.asked: list[str] = []


class Answer(BaseHTTPRequestHandler):
    server: Backend

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.send_response(400)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, *args: object) -> None:
        """Its requests are in `asked`."""


@pytest.fixture
def backend(settings, monkeypatch) -> Iterator[Backend]:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")  # nobody listens there
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with Backend() as server:
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        settings.DYNECT_URL = server.url
        yield server
        server.shutdown()


@pytest.mark.parametrize("tail", ["", "/REST"])
def test_backend_is_asked_where_the_client_asks_and_through_no_proxy(backend, settings, tail):
    settings.DYNECT_URL = backend.url + tail
    assert health.check_backend() == "ok"
    assert backend.asked == ["/REST/Session/"]


@pytest.mark.parametrize("body", [b"<html>Bad Gateway</html>", b"[]", b'{"error": "nothing"}', b""])
def test_somebody_elses_answer_is_not_the_backends(backend, body):
    backend.body = body
    assert health.check_backend() == "does not answer as DynECT does"


def test_backend_that_is_away_is_an_error_of_the_expected_kind(backend, settings):
    settings.DYNECT_URL = "http://127.0.0.1:1"
    with pytest.raises(health.NO_ANSWER):
        health.check_backend()
