"""What `manage.py up` makes sure of before it starts anything: its ports, and its DATA_DIR."""

import errno
import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from ipaddress import ip_address
from pathlib import Path

from django.core.management.base import CommandError

from rttm.demo.nodes import PORT as NODES_PORT

LOOPBACK = "127.0.0.1"
WILDCARDS = {"0.0.0.0": LOOPBACK, "::": "::1"}


def reachable(host: str) -> str:
    """The address at which this machine itself reaches what listens on `host`."""
    return WILDCARDS.get(host, host)


def is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_wildcard(host: str) -> bool:
    return host in WILDCARDS


def check_ports(wanted: dict[str, tuple[str, int]]) -> None:
    """`wanted` has the address by the variable that chooses its port. All are taken at once."""
    with ExitStack() as sockets:
        for variable, (host, port) in wanted.items():
            sockets.enter_context(_listen(variable, host, port))


@contextmanager
def data_dir_locked(directory: Path) -> Iterator[None]:
    """Two of us on the same files would each believe to be alone. The lock ends with us."""
    with open(directory / "up.lock", "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CommandError(
                f"Another `manage.py up` is running with {directory}. Set DATA_DIR to another one."
            ) from None
        yield


def nodes_port(kept: Path, addresses: list[str], *, avoid: set[int]) -> int:
    """Where the demo's nodes listen: a free port at first, then the same one for ever.

    The demo's services live in DATA_DIR and probe that port, so it is kept there too.
    """
    if not kept.exists():
        free = (p for p in range(NODES_PORT, 65536) if p not in avoid and _is_free(p, addresses))
        kept.write_text(str(next(free)))
    port = int(kept.read_text())
    if not _is_free(port, addresses):
        raise CommandError(
            f"The demo's nodes listen on port {port} of {addresses[0]} and others, but another "
            "program does. End that one, or start another demo with its own DATA_DIR."
        )
    return port


def _is_free(port: int, addresses: list[str]) -> bool:
    try:
        with ExitStack() as sockets:
            for address in addresses:
                sockets.enter_context(_listener(address, port))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return False
        reason = os.strerror(error.errno or 0)
        raise CommandError(
            f"The demo's nodes need loopback addresses such as {addresses[0]} ({reason}). "
            "Give them to the loopback interface, or set DEMO=0."
        ) from None
    return True


def _listen(variable: str, host: str, port: int) -> socket.socket:
    try:
        return _listener(host, port)
    except socket.gaierror as error:
        raise CommandError(f"HOST {host!r} is no address of this machine: {error}.") from None
    except OSError as error:
        raise CommandError(_refused(variable, host, port, error)) from None


def _listener(host: str, port: int) -> socket.socket:
    family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener


def _refused(variable: str, host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} on {host} is taken. Set {variable} to a free one, "
            f"for example: make run {variable}={port + 1}"
        )
    reason = os.strerror(error.errno or 0)
    return f"Cannot listen on {host} port {port} ({reason}). Set HOST or {variable}."
