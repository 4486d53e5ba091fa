"""HTTP and HTTPS: up when the answer is one that the monitor takes (`fault` says which)."""

import asyncio
import socket
import ssl
from dataclasses import replace
from datetime import UTC, datetime

import pycurl

from rttm.core.health import ProbeResult
from rttm.core.schema import Monitor
from rttm.core.terms import EntryStatus, Protocol

from . import certificate, transfers
from .answer import Answer
from .attempt import Attempt, excerpt, rounded
from .broken import broken, closed, is_its_end, waits_for
from .connecting import reach
from .request import name_asked, request, use

EXCERPT = 60  # characters of a body that are evidence enough
PLACE = 200  # and of the place that a redirect names


async def probe(monitor: Monitor, attempt: Attempt) -> ProbeResult:
    ips = await attempt.targets()
    if len(ips) == 1 and monitor.protocol == Protocol.HTTP:
        attempt.head_for(ips[0])
        return await _probe(monitor, attempt)
    # libcurl would not tell which address failed of what, nor a slow connect from slow TLS.
    with await reach(attempt, ips) as connected:
        first = "TLS handshake with" if monitor.protocol == Protocol.HTTPS else "answer of"
        attempt.waits_for = f"{first} {attempt.place}"
        return await _probe(monitor, attempt, connected)


async def _probe(
    monitor: Monitor, attempt: Attempt, connected: socket.socket | None = None
) -> ProbeResult:
    answer = Answer(monitor.expected, connect_ms=attempt.elapsed_ms if connected else 0)
    curl = request(monitor, attempt, answer)
    if connected:
        use(curl, connected)
    try:
        await _transferred(curl, answer, attempt)
        told = _certificate(curl, name_asked(monitor, attempt))
    finally:
        curl.close()
    result = judge(monitor, answer)
    return replace(result, message=f"{result.message}; {told}") if told else result


async def _transferred(curl: pycurl.Curl, answer: Answer, attempt: Attempt) -> None:
    """Until the answer's end, or as much of it as the verdict needs."""
    try:
        await transfers.perform(curl)
    except asyncio.CancelledError:
        answer.look(curl)
        attempt.waits_for = waits_for(curl, answer, attempt)
        raise
    except pycurl.error as error:
        answer.look(curl)
        if not (answer.is_enough or is_its_end(error, answer)):
            raise broken(error, curl, answer, attempt) from None
    answer.look(curl)
    if not answer.status:
        raise closed(attempt)


def _certificate(curl: pycurl.Curl, name: str) -> str:
    """That of the node, if it showed one; those of its issuers follow it."""
    for first in curl.getinfo_raw(pycurl.INFO_CERTINFO)[:1]:
        der = ssl.PEM_cert_to_DER_cert(dict(first)[b"Cert"].decode("ascii"))
        return certificate.evidence(der, name, datetime.now(UTC))
    return ""


def judge(monitor: Monitor, answer: Answer) -> ProbeResult:
    """An answer, in one sentence."""
    if wrong := fault(monitor, answer):
        return ProbeResult(EntryStatus.DOWN, wrong, answer.response_ms)
    message = f"HTTP {answer.status} in {rounded(answer.response_ms)}"
    return ProbeResult(EntryStatus.UP, message, answer.response_ms)


def fault(monitor: Monitor, answer: Answer) -> str:
    """Why the monitor does not take this answer; "" when it does.

    path   status  expected   taken
    unset  any     unset      yes
    set    2xx     unset      yes
    set    others  any        no
    any    any     missing    no
    """
    if monitor.path and not 200 <= answer.status < 300:
        return f"HTTP {answer.status}{_instead(answer)}"
    if monitor.expected and not answer.has_expected:
        where = " from its first 64 KiB" if answer.is_cut else ""
        return f"HTTP {answer.status}, but the text “{monitor.expected}” is missing{where}"
    return ""


def _instead(answer: Answer) -> str:
    if answer.location and 300 <= answer.status < 400:
        return f" to {excerpt(answer.location, PLACE)}, redirects are not followed"
    text = excerpt(answer.body[: EXCERPT * 4].decode("utf-8", "replace"), EXCERPT)
    return f", body starts with “{text}”" if text else ""
