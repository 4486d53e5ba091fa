"""Real servers for tests that need them: started on loopback, stopped with the test."""

import subprocess
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import redis

from dashboard import valkey

# Seconds a server may take to answer: only a failure waits so long, and a machine that runs tests
# may be many times slower than ours.
PATIENCE = 60.0


def wait_until(is_true: Callable[[], object], what: str, *, patience: float = PATIENCE) -> None:
    """Wait for a condition, not for a time; a failure names what never became true."""
    deadline = time.monotonic() + patience
    while not is_true():
        if time.monotonic() > deadline:
            raise AssertionError(f"after {patience} s still not: {what}")
        time.sleep(0.02)


class Node(ThreadingHTTPServer):
    """A node behind the service that can be told to fail."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.is_well = True


class Answer(BaseHTTPRequestHandler):
    server: Node

    def do_GET(self) -> None:
        self.send_response(200 if self.server.is_well else 503)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Its requests are the engine's probes."""


class ValkeyServer:
    """The Valkey of the embedded default, alone."""

    def __init__(self, directory: Path) -> None:
        self._program, self.url = valkey.prepare(directory)
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(self._program.command)
        wait_until(self._answers, "Valkey answers")

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(PATIENCE)

    def restart(self) -> None:
        self.stop()
        self.start()

    def _answers(self) -> bool:
        try:
            with redis.Redis.from_url(self.url) as connection:
                return bool(connection.ping())
        except redis.RedisError:
            return False
