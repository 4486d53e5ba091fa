"""HTTP and HTTPS: up when the answer is one that the monitor takes (`fault` says which)."""

import asyncio
import ssl
from dataclasses import replace
from datetime import UTC, datetime

from httptools import HttpParserError

from rttm.core.health import ProbeResult
from rttm.core.schema import Monitor
from rttm.core.terms import EntryStatus, Protocol

from . import certificate
from .answer import Answer, BrokenOff, request
from .attempt import Attempt, Failed, excerpt, refused, rounded

EXCERPT = 60  # characters of a body that are evidence enough
PLACE = 200  # and of the place that a redirect names

# Not verified, as Dyn did not promise to; what is wrong with a certificate becomes evidence.
TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
TLS.check_hostname = False
TLS.verify_mode = ssl.CERT_NONE


async def probe(monitor: Monitor, attempt: Attempt) -> ProbeResult:
    transport, answer = await attempt.connect(lambda: Answer(attempt, monitor.expected))
    told = ""
    try:
        if monitor.protocol == Protocol.HTTPS:
            transport = await _encrypted(transport, answer, monitor.host, attempt)
            told = _certificate(transport, monitor.host)
        attempt.waits_for = f"answer of {attempt.place}"
        transport.write(request(monitor, attempt))
        await _whole(answer, attempt)
    finally:
        transport.abort()
    result = judge(monitor, answer)
    return replace(result, message=f"{result.message}; {told}") if told else result


async def _encrypted(
    transport: asyncio.Transport, answer: Answer, host: str, attempt: Attempt
) -> asyncio.Transport:
    what = attempt.waits_for = f"TLS handshake with {attempt.place}"
    loop = asyncio.get_running_loop()
    try:
        encrypted = await loop.start_tls(transport, answer, TLS, server_hostname=host or None)
    except ssl.SSLError as error:
        transport.abort()
        raise Failed(f"{what} failed: {(error.reason or '').replace('_', ' ').lower()}") from None
    except OSError as error:
        transport.abort()
        raise refused(what, error) from None
    except asyncio.CancelledError:
        transport.abort()
        raise
    if encrypted is None:
        raise Failed(f"{what} was broken off")
    return encrypted


def _certificate(transport: asyncio.Transport, name: str) -> str:
    der = transport.get_extra_info("ssl_object").getpeercert(binary_form=True)
    return certificate.evidence(der, name, datetime.now(UTC)) if der else ""


async def _whole(answer: Answer, attempt: Attempt) -> None:
    """Wait for the answer's end, or for as much of it as the verdict needs."""
    match await answer.ended:
        case BrokenOff() as broken:
            raise Failed(str(broken))
        case HttpParserError():
            raise Failed(f"{attempt.place} did not answer in HTTP")
        case OSError() as error:
            raise refused(f"connection to {attempt.place}", error)


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
