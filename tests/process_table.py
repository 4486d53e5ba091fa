"""Who runs on this machine: for tests that nothing is left over."""

import subprocess


def is_alive(pid: int) -> bool:
    """A zombie that its new parent has not collected yet is not alive."""
    return _table().get(pid, (0, "Z"))[1] != "Z"


def children(pid: int) -> set[int]:
    return {child for child, (parent, _) in _table().items() if parent == pid}


def descendants(pid: int) -> set[int]:
    """Every process that `pid` started, and that those started."""
    table = _table()
    found, fresh = set[int](), {pid}
    while fresh:
        fresh = {child for child, (parent, _) in table.items() if parent in fresh}
        found |= fresh
    return found


def command_of(pid: int) -> str:
    return _ps("command=", "-p", str(pid)).strip()


def _table() -> dict[int, tuple[int, str]]:
    rows = (line.split() for line in _ps("pid=,ppid=,stat=", "-A").splitlines())
    return {int(pid): (int(parent), state[0]) for pid, parent, state in rows}


def _ps(columns: str, *which: str) -> str:
    command = ["ps", "-ww", "-o", columns, *which]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout
