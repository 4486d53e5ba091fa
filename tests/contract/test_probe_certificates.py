"""Certificates that a node should not have: told in one sentence, and never in the way."""

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID, ObjectIdentifier

from rttm.core.schema import Monitor
from rttm.engine.probes.certificate import evidence
from tests.probing import DOWN, UP, assert_said, probed, tls_of
from tests.small_servers import answering, http

NAME = "www.example.com"
NOW = datetime.now(UTC)
KEY = ec.generate_private_key(ec.SECP256R1())
TWO = (ObjectIdentifier("1.2.3.4.5"), ObjectIdentifier("1.2.3.4.6"))
NULL = b"\x05\x00"
IN_DER = (bytes([6, 4, 42, 3, 4, 5]), bytes([6, 4, 42, 3, 4, 6]))
VERSION = (bytes([0xA0, 3, 2, 1, 2]), bytes([0xA0, 3, 2, 1, 5]))  # the third and the sixth


def made(name: str) -> bytes:
    """With no name but that of its subject, and two extensions of nobody's."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(KEY.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=9.5))
    )
    for oid in TWO:
        builder = builder.add_extension(x509.UnrecognizedExtension(oid, NULL), critical=False)
    return builder.sign(KEY, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def shown_by_a_node(folder: Path, der: bytes) -> ssl.SSLContext:
    path = folder / "node.pem"
    key = KEY.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_text(ssl.DER_cert_to_PEM_cert(der) + key.decode())
    return tls_of(path)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("old\0.example.com", "old\ufffd.example.com"),
        ("old.example.com\r\nwww.example.com is up", "old.example.com www.example.com is up"),
        ("\x1b[2J\u202e", "\ufffd[2J\ufffd"),
        (" \n ", "no name"),
    ],
)
def test_name_of_a_certificate_is_told_so_that_every_database_takes_it(name, told):
    said = f"certificate good for 9 days, self-signed, for {told} and not {NAME}"
    assert evidence(made(name), NAME, NOW) == said


@pytest.mark.parametrize(
    ("sound", "odd"), [IN_DER, VERSION], ids=["an extension twice", "a version of tomorrow"]
)
def test_certificate_that_makes_no_sense_is_said_to_be_unreadable(sound, odd):
    der = made(NAME)
    assert der.count(sound) == 1
    assert evidence(der.replace(sound, odd), NAME, NOW) == "certificate cannot be read"


def test_node_with_a_certificate_that_makes_no_sense_is_up(tmp_path):
    """It is not verified: nothing about it counts against the node."""
    tls = shown_by_a_node(tmp_path, made(NAME).replace(*IN_DER))
    result, _, _ = probed(answering(http()), Monitor("HTTPS", path="/", host=NAME), tls=tls)
    assert_said(result, UP, r"HTTP 200 in \d+ ms; certificate cannot be read")


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (42, "ssl/tls alert bad certificate"),
        (45, "alert certificate expired"),
        (116, "tlsv13 alert certificate required"),
    ],
)
def test_node_that_finds_fault_with_certificates_itself_is_down(number, told):
    async def alert(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(2000)
        writer.write(bytes([21, 3, 3, 0, 2, 2, number]))
        await writer.drain()

    result, _, place = probed(alert, Monitor("HTTPS", host=NAME))
    assert_said(result, DOWN, f"TLS handshake with {place} failed: {told}")
