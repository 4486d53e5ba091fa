"""PING: up when an ICMP echo comes back.

A datagram socket needs no privileges, but many systems refuse it even to root. A raw socket then
does the same for a process that may have one.
"""

import asyncio
import secrets
import time
from contextlib import suppress

from icmplib import (
    AsyncSocket,
    ICMPError,
    ICMPRequest,
    ICMPSocketError,
    ICMPv4Socket,
    ICMPv6Socket,
    SocketPermissionError,
)
from icmplib.utils import unique_identifier

from rttm.core.health import ProbeResult
from rttm.core.schema import Monitor
from rttm.core.terms import EntryStatus

from .attempt import Attempt, Failed, enumerated, merged, rounded, unreached, untold

SOCKETS = {4: ICMPv4Socket, 6: ICMPv6Socket}
SEQUENCES = 2**16
VERB = "echo request"
FORBIDDEN = (
    "the system lets this process send no ICMP, neither by a datagram socket (sysctl "
    "net.ipv4.ping_group_range) nor by a raw one (CAP_NET_RAW)"
)
LATEST = 3600.0  # seconds for the library; the attempt ends it long before


async def probe(monitor: Monitor, attempt: Attempt) -> ProbeResult:
    ips = await attempt.targets()
    attempt.waits_for = f"echo of {enumerated(ips)}"
    attempt.began = time.perf_counter()
    if len(ips) == 1:
        return await _echo(ips[0], attempt)
    return await _first_echo(ips, attempt)


async def _first_echo(ips: list[str], attempt: Attempt) -> ProbeResult:
    """All are asked at once."""
    waiting = {asyncio.create_task(_echo(ip, attempt)): ip for ip in ips}
    failures: list[Failed] = []
    try:
        for next_one in asyncio.as_completed(list(waiting)):
            try:
                return await next_one
            except Failed as failed:
                failures.append(failed)
        raise merged(failures, VERB)
    except asyncio.CancelledError:
        silent = enumerated([ip for task, ip in waiting.items() if not task.done()])
        attempt.waits_for = ", ".join(
            [*([str(merged(failures, VERB))] if failures else []), f"echo of {silent}"]
        )
        raise
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


async def _echo(ip: str, attempt: Attempt) -> ProbeResult:
    request = _request(ip)
    with AsyncSocket(_open(ip)) as echoes:
        try:
            _listen_to(ip, echoes)
            echoes.send(request)
            reply = await echoes.receive(request, LATEST)
            response_ms = attempt.elapsed_ms
            reply.raise_for_status()
        except ICMPError as error:
            raise Failed(f"{VERB} to {ip} came back: {_lower(error)}") from None
        except ICMPSocketError as error:
            raise _unsent(ip, error) from None
        except OSError as error:
            raise unreached(ip, f"{VERB} to {ip}", error) from None
    return ProbeResult(EntryStatus.UP, f"echo of {ip} in {rounded(response_ms)}", response_ms)


def _request(ip: str) -> ICMPRequest:
    """Numbered at random: a raw socket also hears the echoes that other processes asked for."""
    return ICMPRequest(
        destination=ip, id=unique_identifier(), sequence=secrets.randbelow(SEQUENCES)
    )


def _open(ip: str) -> ICMPv4Socket | ICMPv6Socket:
    """Whatever goes wrong here tells nothing of the address."""
    kind = SOCKETS[6 if ":" in ip else 4]
    try:
        with suppress(SocketPermissionError):
            return kind(privileged=False)
        return kind(privileged=True)
    except SocketPermissionError:
        raise untold(f"no ping of {ip} from here: {FORBIDDEN}") from None
    except ICMPSocketError as error:
        raise untold(f"no ping of {ip} from here: {_lower(error)}") from None


def _listen_to(ip: str, echoes: AsyncSocket) -> None:
    """Have a raw socket hear this address alone, and not every echo that the machine gets."""
    if echoes.is_privileged:
        echoes.sock.connect((ip, 0))


def _unsent(ip: str, error: ICMPSocketError) -> Failed:
    """The library wraps what the system said, and keeps it."""
    what = f"{VERB} to {ip}"
    if isinstance(error.__context__, OSError):
        return unreached(ip, what, error.__context__)
    return Failed(f"{what} failed: {_lower(error)}")


def _lower(error: Exception) -> str:
    text = str(error)
    return text[:1].lower() + text[1:]
