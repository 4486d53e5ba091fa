"""One probe against a small real server, and what it said: shared by the tests of probes."""

import asyncio
import re
import ssl
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from rttm.core.health import ProbeResult
from rttm.core.schema import Monitor
from rttm.core.terms import EntryStatus
from rttm.engine import probes
from rttm.engine.targets import Limits, limits
from tests.servers import PATIENCE
from tests.small_servers import LOCALHOST, Serve, listening
from tests.up import free_ports

LOOPBACK = limits([ip_network("127.0.0.0/8"), ip_network("::1/128")], [])
IMPATIENT = replace(LOOPBACK, timeout=0.2)
# Seconds to give up after: a busy machine may need more to get to where it shall hang.
GIVES_UP_AFTER = (0.2, 2.0, 10.0)
LONGEST_MS = 1000 * LOOPBACK.timeout
Ask = Callable[[float], tuple[ProbeResult, str]]  # of seconds: the result, and of which place
UP, DOWN, UNK = EntryStatus.UP, EntryStatus.DOWN, EntryStatus.UNK


def finish(scenario: Coroutine[Any, Any, Any]) -> Any:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(asyncio.wait_for(scenario, PATIENCE))


def probed(
    serve: Serve,
    monitor: Monitor,
    *,
    limits: Limits = LOOPBACK,
    tls: ssl.SSLContext | None = None,
    address: str = LOCALHOST,
    host: str = LOCALHOST,
) -> tuple[ProbeResult, bytes, str]:
    """The result of one attempt on `address`, and of the server at `host` what it got and where."""

    async def scenario() -> tuple[ProbeResult, bytes, str]:
        async with listening(serve, tls=tls, host=host) as served:
            asked = replace(monitor, port=served.port)
            result = await probes.probe(asked, address, limits=limits)
        return result, b"".join(served.requests), served.place

    return finish(scenario())


def http_monitor(**fields: Any) -> Monitor:
    return Monitor("HTTP", **fields)


def assert_said(result: ProbeResult, status: EntryStatus, pattern: str) -> None:
    assert result.status == status, result
    assert re.fullmatch(pattern, result.message), result.message


def assert_times_out(ask: Ask, what: str, *, begins_after: float = 0) -> ProbeResult:
    """It is down, because this took longer at {place} than the seconds that it was given."""
    for seconds in (begins_after + wait for wait in GIVES_UP_AFTER):
        result, place = ask(seconds)
        pattern = rf"{what.format(place=re.escape(place))} timed out after {seconds:g} s"
        if re.fullmatch(pattern, result.message):
            break
    assert_said(result, DOWN, pattern)
    return result


def asking(serve: Serve, monitor: Monitor) -> Ask:
    def ask(seconds: float) -> tuple[ProbeResult, str]:
        patient = replace(LOOPBACK, timeout=seconds)
        result, _, place = probed(serve, monitor, limits=patient)
        return result, place

    return ask


def closed_port() -> int:
    """Nobody listens there, nor will before the test is over."""
    return free_ports(1)[0]


class Pauses(list[float]):
    async def __call__(self, seconds: float) -> None:
        self.append(seconds)


def attempts_of(serve: Serve, monitor: Monitor) -> tuple[ProbeResult, int, Pauses]:
    async def scenario() -> tuple[ProbeResult, int, Pauses]:
        pauses = Pauses()
        async with listening(serve) as served:
            asked = replace(monitor, port=served.port)
            result = await probes.run(asked, LOCALHOST, limits=LOOPBACK, pause=pauses)
            return result, served.connections, pauses

    return finish(scenario())


def certificate(folder: Path, names: list[str], *, days: float, since: float = -90) -> Path:
    """A self-signed certificate for these names, valid until in `days` days, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=since))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName(map(x509.DNSName, names)), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "node.pem"
    path.write_bytes(
        built.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


def tls_of(path: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context
