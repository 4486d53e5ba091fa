"""Processes of the bench, and what they use up; by /proc, so Linux only, as are the addresses."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.contract.engine_server import ROOT


def module(name: str, *arguments: object) -> list[str]:
    return [sys.executable, "-m", f"tests.bench.{name}", *map(str, arguments)]


def told(name: str, *arguments: object, env: Mapping[str, str] = os.environ) -> Any:
    """What a module of the bench prints, as JSON; None when it prints nothing."""
    done = subprocess.run(
        module(name, *arguments), cwd=ROOT, env=env, check=True, capture_output=True, text=True,
        timeout=120,
    )  # fmt: skip
    return json.loads(done.stdout) if done.stdout else None


@contextmanager
def running(name: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """Ended politely at the end, so that it can write down what it knows."""
    command = module(name, *arguments)
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)


@contextmanager
def nodes(arrivals: Path, hang_every: int = 0) -> Iterator[int]:
    """The targets; their port."""
    with running("nodes", arrivals, hang_every) as process:
        assert process.stdout
        yield int(process.stdout.readline())


@contextmanager
def busy_cores(count: int) -> Iterator[None]:
    """So many cores have something else to do."""
    work = [sys.executable, "-c", "while True: pass"]
    burners = [subprocess.Popen(work) for _ in range(count)]
    try:
        yield
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()


def cpu_seconds(pid: int) -> float:
    """Of all its threads so far."""
    tasks = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9


def memory_mib(pid: int) -> float:
    """What of it is in memory."""
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024
