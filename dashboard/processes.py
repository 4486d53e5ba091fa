"""Runs child processes together: when one ends, all end. Used by `manage.py up`.

Each child leads a session of its own, so that its own children end with it, and so that Ctrl-C
reaches only `up`, which then ends them in order.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from asyncio.subprocess import DEVNULL, STDOUT, Process
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from dashboard import watchdog

CHUNK = 64 * 1024
# What no process does to itself: what it said last is not the reason.
FROM_OUTSIDE: dict[int, str] = {
    signal.SIGKILL: "somebody killed it, or memory ran out",
    signal.SIGTERM: "somebody ended it",
}


@dataclass(frozen=True, slots=True)
class Program:
    name: str
    command: list[str]
    # One that has done its work with exit code 0 is no reason to stop the others.
    may_finish: bool = False
    # What others still need while they end (Redis) is ended after them.
    last: bool = False
    # Where it says its last words, when that is not its output.
    log: Path | None = None


@dataclass(slots=True)
class Child:
    program: Program
    process: Process
    last_line: str = ""
    reader: asyncio.Task[None] | None = None

    @property
    def running(self) -> bool:
        return self.process.returncode is None

    @property
    def epitaph(self) -> str:
        code = self.process.returncode or 0
        how = f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"
        said = self.last_line or _last_line(self.program.log) or "it said nothing"
        words = FROM_OUTSIDE.get(-code, said)
        return f"{self.program.name} ended with {how}: {words}"


@dataclass(slots=True)
class Processes:
    environment: dict[str, str]
    directory: Path
    children: list[Child] = field(default_factory=list)
    ended: asyncio.Queue[Child] = field(default_factory=asyncio.Queue)
    guard: subprocess.Popen[str] | None = None
    grace_seconds: float = 8

    async def start(self, program: Program) -> Child:
        # A pipe of our own making: asyncio's would hold back the news of the child's end for as
        # long as a grandchild keeps the other end open.
        output, into = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                *program.command,
                stdin=DEVNULL,
                stdout=into,
                stderr=STDOUT,
                env=self.environment,
                cwd=self.directory,
                start_new_session=True,
            )
        except BaseException:
            os.close(output)
            raise
        finally:
            os.close(into)
        self._tell_watchdog(f"+{process.pid}")
        child = Child(program, process)
        child.reader = asyncio.create_task(self._follow(child, output))
        self.children.append(child)
        return child

    async def first_to_end(self) -> Child:
        """Wait for the first child whose end is a reason to stop."""
        while True:
            child = await self.ended.get()
            if not (child.program.may_finish and child.process.returncode == 0):
                return child

    async def stop(self) -> None:
        """End every child: politely, then, after the grace time, not."""
        deadline = asyncio.get_running_loop().time() + self.grace_seconds
        for last in (False, True):
            await self._stop([c for c in self.children if c.program.last is last], deadline)
        if self.guard is not None and self.guard.stdin is not None:
            self.guard.stdin.close()
            self.guard.wait()

    def kill(self) -> None:
        """End every child at once; for the second Ctrl-C."""
        for child in self.children:
            watchdog.kill_group(child.process.pid)

    async def _stop(self, children: list[Child], deadline: float) -> None:
        for child in children:
            if child.running:
                # Only the leader: it knows how to end its own children (Celery finishes tasks).
                child.process.terminate()
        readers = [child.reader for child in children if child.reader is not None]
        left = deadline - asyncio.get_running_loop().time()
        if readers:
            await asyncio.wait(readers, timeout=max(0.1, left))
        for child in children:
            watchdog.kill_group(child.process.pid)
        await asyncio.gather(*readers)

    async def _follow(self, child: Child, output: int) -> None:
        """Pass on the child's output, line by line, until it ends."""
        lines = asyncio.create_task(_pass_on(child, output))
        await child.process.wait()
        # What it left behind goes with it, else a grandchild could hold the pipe open.
        watchdog.kill_group(child.process.pid)
        self._tell_watchdog(f"-{child.process.pid}")
        await lines
        await self.ended.put(child)

    def _tell_watchdog(self, line: str) -> None:
        if self.guard is None:
            script = [sys.executable, "-I", "-S", str(Path(watchdog.__file__))]
            self.guard = subprocess.Popen(
                script, stdin=subprocess.PIPE, text=True, bufsize=1, start_new_session=True
            )
        assert self.guard.stdin is not None
        # Somebody killed the watchdog: no reason to end the others.
        with contextlib.suppress(BrokenPipeError):
            print(line, file=self.guard.stdin, flush=True)


async def _pass_on(child: Child, output: int) -> None:
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(output, "rb", buffering=0)
    )
    rest = b""
    while chunk := await reader.read(CHUNK):
        *lines, rest = (rest + chunk).split(b"\n")
        _print_lines(child, lines)
    _print_lines(child, [rest])
    transport.close()


def _last_line(log: Path | None) -> str:
    if log is None or not log.is_file():
        return ""
    return next(reversed(log.read_text(errors="replace").split("\n")[:-1]), "")


def _print_lines(child: Child, lines: Iterable[bytes]) -> None:
    for line in lines:
        if text := line.decode(errors="replace").rstrip():
            child.last_line = text.strip()
            print(f"{child.program.name:<6} | {text}", file=sys.stderr, flush=True)
