"""Ends the processes of `up` when `up` was killed and cannot. processes.py runs it as a script.

It reads the pipe that only `up` holds open for writing: "+<pid>" for each process group that
began, "-<pid>" for each that is gone. The end of the pipe is the end of `up`, whatever ended it.
"""

import contextlib
import os
import signal
import sys


def main() -> None:
    groups: set[int] = set()
    for line in sys.stdin:
        group = int(line[1:])
        if line[0] == "+":
            groups.add(group)
        else:
            groups.discard(group)
    for group in groups:
        kill_group(group)


def kill_group(group: int) -> None:
    # All of it may have ended already; macOS says PermissionError of what nobody waited for.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    main()
