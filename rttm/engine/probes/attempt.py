"""What the attempts of every protocol share: where they are, how they end, what they talk to."""

import errno
import os
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address

from rttm.core.health import ProbeResult
from rttm.core.terms import EntryStatus, Protocol
from rttm.engine.targets import Limits, refusal

from .names import look_up

USUAL_PORTS: dict[str, int] = {
    Protocol.HTTP: 80,
    Protocol.HTTPS: 443,
    Protocol.TCP: 80,
    Protocol.SMTP: 25,
    Protocol.PING: 0,  # it has none
}
MOST = 8  # addresses of one name; more would only make us knock at many doors
TOLD = 3  # of them are named in one sentence

# Faults of this machine: they tell nothing of the address.
OUR_OWN_FAULTS = frozenset(
    {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
    | {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EACCES, errno.EPERM}
)  # fmt: skip
NO_WAY = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH})
NOT_FOUND = frozenset({socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)})


class Failed(Exception):
    """The attempt is over, and why in one sentence for a person."""

    def __init__(self, message: str, status: EntryStatus = EntryStatus.DOWN) -> None:
        super().__init__(message)
        self.result = ProbeResult(status, message)


def untold(message: str) -> Failed:
    """The attempt told nothing of the address, so it must not count against it."""
    return Failed(message, EntryStatus.UNK)


def merged(failures: Sequence[Failed], verb: str) -> Failed:
    """Why all addresses of a name failed, in one sentence that says the verb once.

    One that could not be tried from here, as IPv6 often cannot, does not excuse the others.
    """
    first, *others = (failed.result.message for failed in failures)
    told = [first, *(other.removeprefix(f"{verb} ") for other in others[: TOLD - 1])]
    if more := len(failures) - len(told):
        told.append(f"{more} more failed")
    is_down = any(failed.result.status == EntryStatus.DOWN for failed in failures)
    return Failed(", ".join(told), EntryStatus.DOWN if is_down else EntryStatus.UNK)


def enumerated(places: Sequence[str]) -> str:
    more = len(places) - TOLD
    return " and ".join([*places[:TOLD], *([f"{more} more"] if more > 0 else [])])


@dataclass(slots=True)
class Attempt:
    """One attempt under way: what it is about, and what it waits for right now."""

    address: str
    port: int
    limits: Limits
    waits_for: str = ""  # completed by "timed out after 10 s"
    late: EntryStatus = EntryStatus.DOWN  # what being late here says of the address
    name: str = ""  # the address, when it is a name
    ip: str = ""  # the resolved and checked address that is talked to
    began: float = 0  # start of connect, on the performance counter

    @property
    def elapsed_ms(self) -> float:
        return (time.perf_counter() - self.began) * 1000

    @property
    def place(self) -> str:
        """Where that is, for a person."""
        return self.place_of(self.ip)

    def place_of(self, ip: str) -> str:
        return f"[{ip}]:{self.port}" if ":" in ip else f"{ip}:{self.port}"

    def head_for(self, ip: str) -> None:
        """The clock of the response time runs from here on."""
        self.ip = ip
        self.waits_for = f"connect to {self.place}"
        self.began = time.perf_counter()

    async def targets(self) -> list[str]:
        """The checked addresses. Who connects to these alone need not ask the name again."""
        refusals = {ip: refusal(ip, self.limits) for ip in await self._resolve()}
        allowed = [ip for ip, reason in refusals.items() if not reason]
        if not allowed:
            raise untold(next(iter(refusals.values())))
        return allowed[:MOST]

    async def _resolve(self) -> list[str]:
        if ip := _literal(self.address):
            return [ip]
        self.name = self.address
        self.waits_for, self.late = f"look-up of {self.address}", EntryStatus.UNK
        try:
            found = await look_up(self.address)
        except socket.gaierror as error:
            if error.errno in NOT_FOUND:
                raise Failed(f"name {self.address} not found") from None
            raise untold(f"look-up of {self.address} failed: {_reason(error)}") from None
        self.late = EntryStatus.DOWN
        return found


@lru_cache(maxsize=16384)
def _literal(address: str) -> str:
    """The IP address that this is; "" when it is a name."""
    try:
        return str(ip_address(address))
    except ValueError:
        return ""


def excerpt(text: str, length: int) -> str:
    """What another machine said, as a database and a page can take it."""
    line = " ".join(text[: length * 4].split())[:length]
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in line)


def rounded(milliseconds: float) -> str:
    return f"{max(milliseconds, 1):.0f} ms"


def unreached(ip: str, what: str, error: OSError) -> Failed:
    """As `refused`; but a network that this machine is not part of says nothing of the address."""
    if error.errno in NO_WAY and not _has_route(ip):
        return untold(f"{what} was not possible from here: this machine has no route to it")
    return refused(what, error)


def _has_route(ip: str) -> bool:
    """A datagram socket that connects asks the system for the way, and sends nothing."""
    family = socket.AF_INET6 if ":" in ip else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as asking:
            asking.connect((ip, 9))
    except OSError:
        return False
    return True


def refused(what: str, error: OSError) -> Failed:
    """A failed connect or a broken connection, in words."""
    if error.errno in OUR_OWN_FAULTS:
        return untold(f"{what} was not possible from here: {_reason(error)}")
    match error:
        case ConnectionRefusedError():
            return Failed(f"{what} refused")
        case ConnectionResetError() | BrokenPipeError():
            return Failed(f"{what} was reset")
        case _:
            return Failed(f"{what} failed: {_reason(error)}")


def _reason(error: OSError) -> str:
    """The system's own words, not the library's."""
    if isinstance(error, socket.gaierror) or error.errno is None:
        text = error.strerror or str(error)
    else:
        text = os.strerror(error.errno)
    return text[:1].lower() + text[1:]
