"""Real probes: one attempt (`probe`), and one run of an attempt with its retries (`run`)."""

import asyncio
from collections.abc import Awaitable, Callable

from rttm.core.health import ProbeResult
from rttm.core.schema import Monitor
from rttm.core.terms import EntryStatus, Protocol
from rttm.engine.targets import Limits

from . import http, ping, smtp, tcp
from .attempt import USUAL_PORTS, Attempt, Failed

__all__ = ["Limits", "probe", "run"]

BETWEEN_ATTEMPTS = 1.0  # seconds

Prober = Callable[[Monitor, Attempt], Awaitable[ProbeResult]]
Pause = Callable[[float], Awaitable[object]]

PROBERS: dict[str, Prober] = {
    Protocol.HTTP: http.probe,
    Protocol.HTTPS: http.probe,
    Protocol.TCP: tcp.probe,
    Protocol.SMTP: smtp.probe,
    Protocol.PING: ping.probe,
}


async def probe(monitor: Monitor, address: str, *, limits: Limits) -> ProbeResult:
    """One attempt; its seconds are for everything from the look-up to the end of the answer."""
    if monitor.protocol not in PROBERS:
        reason = f"this service does not probe by {monitor.protocol}"
        return ProbeResult(EntryStatus.UNK, f"{reason}, so nothing is known of {address}")
    attempt = Attempt(address, monitor.port or USUAL_PORTS[monitor.protocol], limits)
    seconds = monitor.timeout or limits.timeout
    try:
        async with asyncio.timeout(seconds):
            return await PROBERS[monitor.protocol](monitor, attempt)
    except TimeoutError:
        return ProbeResult(attempt.late, f"{attempt.waits_for} timed out after {seconds:g} s")
    except Failed as failed:
        return failed.result


async def run(
    monitor: Monitor, address: str, *, limits: Limits, pause: Pause = asyncio.sleep
) -> ProbeResult:
    """Down when the attempt and all its retries failed; the last one's evidence is kept."""
    result = await probe(monitor, address, limits=limits)
    for _ in range(monitor.retries):
        if result.status != EntryStatus.DOWN:
            break
        await pause(BETWEEN_ATTEMPTS)
        result = await probe(monitor, address, limits=limits)
    return result
