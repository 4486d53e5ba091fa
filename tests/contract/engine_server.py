"""The bundled engine as a process of its own: a free loopback port, a database of its own."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import requests

from tests.contract.engine_database import ROOT, new_database
from tests.servers import PATIENCE, wait_until

CUSTOMER, USERNAME, PASSWORD = "acme", "olga", "correct horse"
READY = re.compile(r"ready at (http://[\d.]+:(\d+))/REST/")


class EngineServer:
    """Start, stop, kill and start again: the database stays.

    Environment variables of the program can be given by name, such as SECONDS_PER_MINUTE="1".
    Probes of loopback addresses are allowed.
    """

    def __init__(self, directory: Path, *, loop: bool = True, **env: str) -> None:
        self.directory = directory
        self.lines: list[str] = []  # what the process said on stderr
        self._command = [sys.executable, "manage.py", "engine"]
        self._options = [] if loop else ["--no-loop"]
        self.database = new_database(directory)
        self.env = {**os.environ, **_environment(directory, self.database.url), **env}
        self._port = "0"
        self.url = ""  # "http://127.0.0.1:<port>"
        self.start()

    @property
    def port(self) -> int:
        return int(self._port)

    @property
    def pid(self) -> int:
        return self._process.pid

    def start(self) -> None:
        """A port that was taken once is kept, so that clients find the engine again."""
        command = [*self._command, "--port", self._port, *self._options]
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=self.env, stderr=subprocess.PIPE, text=True
        )
        self._follow(self._process)
        wait_until(lambda: self._is_ready() or self._process.poll() is not None, "engine is ready")
        assert self._is_ready(), "\n".join(self.lines)

    def stop(self) -> int:
        """A polite end; the exit code."""
        return self.end(signal.SIGTERM)

    def kill(self) -> None:
        """No chance to finish anything."""
        self.end(signal.SIGKILL)

    def end(self, number: int) -> int:
        self._process.send_signal(number)
        code = self._process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        return code

    def _follow(self, process: subprocess.Popen[str]) -> None:
        self.lines.clear()
        stderr = process.stderr
        assert stderr

        def read() -> None:
            with stderr:
                self.lines.extend(iter(stderr.readline, ""))

        self._reader = threading.Thread(target=read, daemon=True)
        self._reader.start()

    def _is_ready(self) -> bool:
        found = next((match for line in self.lines if (match := READY.search(line))), None)
        if found:
            self.url, self._port = found.groups()
        return found is not None


def _environment(directory: Path, database_url: str) -> dict[str, str]:
    return {
        "DATA_DIR": str(directory),
        "ENGINE_DATABASE_URL": database_url,
        "DYNECT_CUSTOMER": CUSTOMER,
        "DYNECT_USERNAME": USERNAME,
        "DYNECT_PASSWORD": PASSWORD,
        "PROBE_ALLOW": "127.0.0.0/8",
        # No call becomes a job because the machine is busy.
        "JOB_AFTER": f"{PATIENCE:g}",
    }


class RawClient:
    """Plain HTTP, so that a test may send what no client would."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._http = requests.Session()
        self._http.headers["Content-Type"] = "application/json"

    def log_in(self) -> None:
        names = {"customer_name": CUSTOMER, "user_name": USERNAME, "password": PASSWORD}
        self.token: str = self.call("POST", "Session/", names)["data"]["token"]
        self._http.headers["Auth-Token"] = self.token

    def call(self, method: str, path: str, args: dict[str, Any] | None = None) -> dict[str, Any]:
        """The envelope of a call below /REST/."""
        envelope: dict[str, Any] = self.send(method, f"/REST/{path}", json=args or {}).json()
        return envelope

    def send(self, method: str, path: str, **options: Any) -> requests.Response:
        return self._http.request(
            method, self._url + path, timeout=PATIENCE, allow_redirects=False, **options
        )

    def close(self) -> None:
        self._http.close()


@contextmanager
def logged_in(url: str) -> Iterator[RawClient]:
    with closing(RawClient(url)) as client:
        client.log_in()
        yield client
