"""SMTP: up when the server greets with 220, and with the expected text where one is set."""

from aiosmtplib import SMTPResponse, SMTPResponseException, SMTPServerDisconnected
from aiosmtplib.protocol import SMTPProtocol

from rttm.core.health import ProbeResult
from rttm.core.schema import Monitor
from rttm.core.terms import EntryStatus

from .attempt import Attempt, Failed, excerpt, refused, rounded
from .connecting import connect

READY = 220
EXCERPT = 80  # characters of a greeting that are evidence enough


async def probe(monitor: Monitor, attempt: Attempt) -> ProbeResult:
    transport, session = await connect(attempt, SMTPProtocol)
    attempt.waits_for = f"greeting of {attempt.place}"
    try:
        greeting = await _greeting(session, attempt)
        response_ms = attempt.elapsed_ms
        # Servers log who leaves without a word; the answer is not waited for.
        transport.write(b"QUIT\r\n")
    finally:
        transport.close()
    if wrong := fault(monitor, greeting):
        return ProbeResult(EntryStatus.DOWN, wrong, response_ms)
    return ProbeResult(EntryStatus.UP, f"SMTP {READY} in {rounded(response_ms)}", response_ms)


async def _greeting(session: SMTPProtocol, attempt: Attempt) -> SMTPResponse:
    try:
        return await session.read_response()
    except SMTPResponseException as error:
        said = excerpt(error.message, EXCERPT)
        raise Failed(f"{attempt.place} did not greet in SMTP: {said}") from None
    except SMTPServerDisconnected as error:
        if isinstance(error.__cause__, OSError):
            raise refused(f"connection to {attempt.place}", error.__cause__) from None
        raise Failed(f"{attempt.place} closed the connection without a greeting") from None


def fault(monitor: Monitor, greeting: SMTPResponse) -> str:
    """Why the monitor does not take this greeting; "" when it does.

    code    expected   taken
    220     unset      yes
    220     missing    no
    others  any        no
    """
    told = excerpt(greeting.message, EXCERPT)
    if greeting.code != READY:
        return f"SMTP {greeting.code} instead of {READY}" + (f", “{told}”" if told else "")
    if monitor.expected not in f"{greeting.code} {greeting.message}":
        return f"SMTP {READY}, but the text “{monitor.expected}” is missing from “{told}”"
    return ""
