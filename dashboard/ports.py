"""The ports of one `manage.py up`: chosen before anything starts, and held until it ends.

A program opens its port seconds after the port was chosen. Until then a UDP socket of the same
number holds the choice, so that another `up` that starts meanwhile chooses another number. UDP
ports are apart from TCP ports, so that this socket is in no program's way.
"""

import errno
import os
import socket
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from django.core.management.base import CommandError

from rttm.demo.nodes import PORT as NODES_PORT

LOOPBACK = "127.0.0.1"
LAST = 65535


class Ports:
    """Chooses ports one after the other, and holds them until the stack is closed."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._held: set[int] = set()

    def take(self, variable: str, host: str, port: int, *, may_move: bool) -> int:
        """Return `port`, or the next free one where nobody has chosen `port` by `variable`."""
        for candidate in range(port, LAST + 1):
            error = _refusal_to_listen(host, candidate)
            if error and not (may_move and error.errno == errno.EADDRINUSE):
                raise CommandError(_describe_refusal(variable, host, candidate, error))
            # Somebody else's UDP socket is no reason against a port that a person has chosen.
            if not error and (self._hold(candidate) or not may_move):
                return candidate
        raise CommandError(f"No port from {port} to {LAST} is free on {host}. Set {variable}.")

    def take_for_nodes(self, kept: Path, addresses: list[str]) -> list[int]:
        """Return the port where the demo's nodes listen now, and those where they listened before.

        The services of the demo live in DATA_DIR and probe one of these ports. So all of them are
        kept there, the newest first, and the newest is taken again where it is free.
        """
        before = [int(port) for port in kept.read_text().split()] if kept.exists() else []
        candidates = (*before[:1], *range(NODES_PORT, LAST + 1))
        port = next(c for c in candidates if _all_free(c, addresses) and self._hold(c))
        result = list(dict.fromkeys([port, *before]))
        kept.write_text(" ".join(map(str, result)))
        return result

    def _hold(self, port: int) -> bool:
        if port in self._held:
            return False
        holder = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            holder.bind((LOOPBACK, port))
        except OSError:
            holder.close()
            return False
        self._stack.enter_context(holder)
        self._held.add(port)
        return True


@contextmanager
def holding_ports() -> Iterator[Ports]:
    with ExitStack() as stack:
        yield Ports(stack)


def _all_free(port: int, addresses: Iterable[str]) -> bool:
    """Tell whether nobody listens on this port at any of the nodes' addresses."""
    for address in addresses:
        error = _refusal_to_listen(address, port)
        if error and error.errno == errno.EADDRINUSE:
            return False
        if error:
            reason = os.strerror(error.errno or 0)
            raise CommandError(
                f"The demo's nodes need loopback addresses such as {address} ({reason}). "
                "Give them to the loopback interface, or set DEMO=0."
            )
    return True


def _refusal_to_listen(host: str, port: int) -> OSError | None:
    """Try to listen, and return the error if it fails."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with closing(socket.socket(family, kind)) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen()
    except OSError as error:
        return error
    return None


def _describe_refusal(variable: str, host: str, port: int, error: OSError) -> str:
    if isinstance(error, socket.gaierror):
        return f"HOST {host!r} is no address of this machine: {error}."
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} on {host} is taken. Set {variable} to a free one, "
            f"for example: make run {variable}={port + 1}"
        )
    reason = os.strerror(error.errno or 0)
    return f"Cannot listen on {host} port {port} ({reason}). Set HOST or {variable}."
