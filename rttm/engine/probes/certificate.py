"""A certificate in words: HTTPS probes do not verify it, they tell what is the matter with it."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from cryptography import x509
from cryptography.x509.oid import NameOID

from .attempt import excerpt

NAME = 100  # characters of a certificate's name that are evidence enough
UNREADABLE = (
    *(ValueError, x509.InvalidVersion),
    *(x509.DuplicateExtension, x509.UnsupportedGeneralNameType),
)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is read of a certificate."""

    valid_from: datetime
    valid_until: datetime
    names: tuple[str, ...]
    self_signed: bool


def evidence(der: bytes, name: str, now: datetime) -> str:
    """Its faults and the days left, seen from a client that asked for `name`."""
    try:
        facts = read(der)
    except UNREADABLE:
        return "certificate cannot be read"
    words = [_validity(facts, now)]
    if facts.self_signed:
        words.append("self-signed")
    if name and not any(is_for(one, name) for one in facts.names):
        own = excerpt(facts.names[0], NAME) if facts.names else ""
        words.append(f"for {own or 'no name'} and not {name}")
    return f"certificate {', '.join(words)}"


@lru_cache(maxsize=4096)
def read(der: bytes) -> Facts:
    """The same certificate is read once, not with every probe."""
    certificate = x509.load_der_x509_certificate(der)
    return Facts(
        valid_from=certificate.not_valid_before_utc,
        valid_until=certificate.not_valid_after_utc,
        names=_names(certificate),
        self_signed=certificate.issuer == certificate.subject,
    )


def is_for(own: str, name: str) -> bool:
    """Whether a certificate's name, perhaps with a star for its first label, covers `name`."""
    own, name = own.lower(), name.lower()
    return own == name or (own.startswith("*.") and own[2:] == name.partition(".")[2])


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    """Of the alternative names; of the subject, as clients once did, only to name it."""
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        common = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return tuple(str(attribute.value) for attribute in common)
    names = extension.value.get_values_for_type(x509.DNSName)
    addresses = extension.value.get_values_for_type(x509.IPAddress)
    return (*names, *map(str, addresses))


def _validity(facts: Facts, now: datetime) -> str:
    if now < facts.valid_from:
        return f"not valid before {facts.valid_from:%Y-%m-%d %H:%M} UTC"
    if now > facts.valid_until:
        return f"expired {_days((now - facts.valid_until).days)} ago"
    return f"good for {_days((facts.valid_until - now).days)}"


def _days(days: int) -> str:
    if not days:
        return "less than a day"
    return "1 day" if days == 1 else f"{days} days"
