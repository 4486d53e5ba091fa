"""Children live and end together, with all that they started, however we end."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dashboard.processes import Processes, Program
from tests.process_table import is_alive
from tests.servers import PATIENCE, wait_until

ROOT = Path(__file__).parents[2]
# Starts a process of its own and says its number; both stay.
WITH_GRANDCHILD = """
import subprocess, sys, time
sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print("grandchild", sleeper.pid, flush=True)
time.sleep(60)
"""
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
time.sleep(60)
"""
POLITE = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(print("put away", flush=True)))
print("ready", flush=True)
time.sleep(60)
"""
# A supervisor of one such child, to be killed from outside.
SUPERVISOR = """
import asyncio, os, pathlib, sys
from dashboard.processes import Processes, Program
async def main():
    processes = Processes(dict(os.environ), pathlib.Path.cwd())
    await processes.start(Program("child", [sys.executable, "-c", sys.argv[1]]))
    await processes.first_to_end()
asyncio.run(main())
"""


def program(code: str, **options: bool) -> Program:
    return Program("child", [sys.executable, "-c", code], **options)


def processes(**options: float) -> Processes:
    return Processes(dict(os.environ), ROOT, **options)


async def line_of(child, start: str) -> str:
    async with asyncio.timeout(PATIENCE):
        while not child.last_line.startswith(start):
            await asyncio.sleep(0.02)
    return child.last_line


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (
            "print('a'); print('disk full'); exit(3)",
            "child ended with exit code 3: disk full",
        ),
        ("exit('no such table')", "child ended with exit code 1: no such table"),
        ("import os; os.abort()", "child ended with signal SIGABRT: it said nothing"),
        (
            "import os; print('busy', flush=True); os.kill(os.getpid(), 9)",
            "child ended with signal SIGKILL: somebody killed it, or memory ran out",
        ),
        ("print('half a line', end='')", "child ended with exit code 0: half a line"),
    ],
)
def test_first_to_end_is_named_with_how_and_its_last_words(code, reason, capfd):
    async def scenario():
        supervisor = processes()
        await supervisor.start(program("import time; time.sleep(60)"))
        await supervisor.start(program(code))
        ended = await supervisor.first_to_end()
        await supervisor.stop()
        return ended.epitaph

    assert asyncio.run(scenario()) == reason


def test_output_is_passed_on_line_by_line_with_the_name_in_front(capfd):
    async def scenario():
        supervisor = processes()
        await supervisor.start(program("print('one'); print(); print('two')"))
        await supervisor.first_to_end()
        await supervisor.stop()

    asyncio.run(scenario())
    assert capfd.readouterr().err == "child  | one\nchild  | two\n"


def test_finished_work_ends_nobody_but_failed_work_does():
    async def scenario():
        supervisor = processes()
        await supervisor.start(program("pass", may_finish=True))
        done = await supervisor.start(program("exit('seeding failed')", may_finish=True))
        ended = await supervisor.first_to_end()
        await supervisor.stop()
        return ended is done, ended.epitaph

    assert asyncio.run(scenario()) == (True, "child ended with exit code 1: seeding failed")


def test_stop_lets_each_child_put_its_things_away(capfd):
    async def scenario():
        supervisor = processes()
        child = await supervisor.start(program(POLITE))
        await line_of(child, "ready")
        await supervisor.stop()
        return child.last_line

    assert asyncio.run(scenario()) == "put away"


def test_stop_ends_the_stubborn_and_the_children_of_children(capfd):
    async def scenario():
        supervisor = processes(grace_seconds=0.3)
        stubborn = await supervisor.start(program(STUBBORN))
        parent = await supervisor.start(program(WITH_GRANDCHILD))
        await line_of(stubborn, "ready")
        grandchild = int((await line_of(parent, "grandchild")).split()[1])
        await supervisor.stop()
        return grandchild, stubborn.process.returncode

    grandchild, code = asyncio.run(scenario())
    assert code == -signal.SIGKILL
    wait_until(lambda: not is_alive(grandchild), "the grandchild has ended")


def test_child_that_ends_takes_its_own_children_along(capfd):
    async def scenario():
        supervisor = processes()
        child = await supervisor.start(program(WITH_GRANDCHILD))
        grandchild = int((await line_of(child, "grandchild")).split()[1])
        child.process.kill()
        await supervisor.first_to_end()
        return grandchild, supervisor

    grandchild, supervisor = asyncio.run(scenario())
    wait_until(lambda: not is_alive(grandchild), "the grandchild has ended")
    supervisor.guard.stdin.close()
    supervisor.guard.wait()


def test_nothing_is_orphaned_when_we_are_killed():
    with subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR, WITH_GRANDCHILD],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    ) as supervisor:
        grandchild = int(supervisor.stderr.readline().split()[-1])
        assert is_alive(grandchild)
        supervisor.kill()
        # The pipe ends when the last process that could write to it has ended.
        supervisor.stderr.read()
    wait_until(lambda: not is_alive(grandchild), "the grandchild has ended")
