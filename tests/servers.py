"""Real servers for tests that need them: started on loopback, stopped with the test."""

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import redis

from dashboard import valkey

PATIENCE = 10.0  # seconds a server may take to answer


def wait_until(is_true: Callable[[], object], what: str, *, patience: float = PATIENCE) -> None:
    """Wait for a condition, not for a time; a failure names what never became true."""
    deadline = time.monotonic() + patience
    while not is_true():
        if time.monotonic() > deadline:
            raise AssertionError(f"after {patience} s still not: {what}")
        time.sleep(0.02)


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
