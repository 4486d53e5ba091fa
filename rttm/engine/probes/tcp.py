"""TCP: up when the connection opens."""

import asyncio

from rttm.core.health import ProbeResult
from rttm.core.schema import Monitor
from rttm.core.terms import EntryStatus

from .attempt import Attempt, rounded
from .connecting import connect


async def probe(monitor: Monitor, attempt: Attempt) -> ProbeResult:
    transport, _ = await connect(attempt, asyncio.Protocol)
    response_ms = attempt.elapsed_ms
    transport.abort()
    message = f"connected to {attempt.place} in {rounded(response_ms)}"
    return ProbeResult(EntryStatus.UP, message, response_ms)
