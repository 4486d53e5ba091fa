"""One running `manage.py up`, with everything it said so far."""

import signal
import socket
import subprocess
import sys
from pathlib import Path
from threading import Thread

from tests.servers import wait_until

ROOT = Path(__file__).parents[1]
MANAGE = [sys.executable, "manage.py"]
READY = "Ctrl-C ends it."  # it says so once /healthz answers 200
STARTS_WITHIN = 45.0  # seconds
ENDS_WITHIN = 20.0


class Up:
    """Started at once, with this environment."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.url = f"http://127.0.0.1:{environment['PORT']}"
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [*MANAGE, "up"],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def is_running(self) -> bool:
        return self.process.poll() is None

    @property
    def said(self) -> str:
        return "\n".join(self.lines)

    def wait_until_ready(self) -> None:
        wait_until(
            lambda: READY in self.lines or not self.is_running, READY, patience=STARTS_WITHIN
        )
        assert READY in self.lines, self.said

    def stop(self) -> int:
        """As Ctrl-C does; its exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.wait()

    def wait(self) -> int:
        """Its exit code. All it said is read, so nobody holds the other end of its output."""
        try:
            code = self.process.wait(ENDS_WITHIN)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        self._reader.join(ENDS_WITHIN)
        assert not self._reader.is_alive(), "something it started still holds its output"
        return code

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as output:
            self.lines += map(str.rstrip, iter(output.readline, ""))


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
