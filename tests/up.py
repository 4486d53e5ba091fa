"""One running `manage.py up`, with everything it said so far."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from threading import Thread

from tests.servers import PATIENCE, wait_until

ROOT = Path(__file__).parents[1]
MANAGE = [sys.executable, "manage.py"]
READY = "Ctrl-C ends it."  # it says so once /healthz answers 200
STARTS_WITHIN = 150.0  # seconds
# Nobody is given one of these who asks for any port, so a server to come finds its own still free.
PORTS = range(10_000, 32_000)

# Who runs tests in the background may ignore Ctrl-C, and so would all that they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


class Up:
    """Started at once, with this environment."""

    def __init__(self, environment: dict[str, str]) -> None:
        # Without a PORT it chooses one, and says which.
        self.url = f"http://127.0.0.1:{environment.get('PORT')}"
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [*MANAGE, "up"],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            umask=0o022,  # as a person's shell has it; our own is closer
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
            code = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        self._reader.join(PATIENCE)
        assert not self._reader.is_alive(), "something it started still holds its output"
        return code

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as output:
            self.lines += map(str.rstrip, iter(output.readline, ""))


def free_ports(count: int) -> list[int]:
    """Each is given once by this process."""
    return list(islice(filter(_is_free, _ports), count))


def _in_turn() -> Iterator[int]:
    """Processes that test at the same time begin far from each other."""
    first = os.getpid() * 100 % len(PORTS)
    yield from PORTS[first:]
    yield from PORTS[:first]


_ports = _in_turn()


def _is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True
