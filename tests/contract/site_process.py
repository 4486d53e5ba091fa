"""A further monitoring site as a process of its own."""

import signal
import subprocess
import sys

from tests.contract.engine_server import ROOT, EngineServer
from tests.servers import PATIENCE, wait_until


class Site:
    """One more loop on the database of an engine."""

    def __init__(self, engine: EngineServer, code: str, **env: str) -> None:
        self._said = engine.directory / f"{code}.log"
        command = [sys.executable, "manage.py", "engine", "--no-api", "--site", code]
        with self._said.open("w") as stderr:
            self._process = subprocess.Popen(
                command, cwd=ROOT, env={**engine.env, **env}, stderr=stderr
            )
        wait_until(lambda: f"probing for site {code}" in self.said, f"site {code} is ready")

    @property
    def said(self) -> str:
        return self._said.read_text()

    def send(self, number: int) -> None:
        self._process.send_signal(number)

    def end(self, number: int = signal.SIGTERM) -> int:
        self.send(number)
        return self._process.wait(PATIENCE)
