"""Sessions: log in, renew by use, end. Bound to the client's IP address, as at Dyn."""

import base64
import hashlib
import hmac
import secrets
from enum import Enum

from django.conf import settings

from .models import Session

TOKEN_BYTES = 128  # written in base64 they are 172 characters, as Dyn's tokens are
USES_NOTED = 60  # per idle time: a write for every call would cost more than the call


class Fault(Enum):
    """Why a token is not good for this call."""

    UNKNOWN = "unknown"
    IDLE = "idle"
    OTHER_ADDRESS = "other address"


def log_in(customer_name: str, user_name: str, password: str, *, ip: str, now: float) -> str | None:
    """A new token, or None when the credentials are wrong. An unset password lets nobody in."""
    given = (customer_name, user_name, password)
    wanted = (settings.DYNECT_CUSTOMER, settings.DYNECT_USERNAME, settings.DYNECT_PASSWORD)
    matches = [_same(one, other) for one, other in zip(given, wanted, strict=True)]
    if not all(matches) or not settings.DYNECT_PASSWORD:
        return None
    prune(now)
    token = base64.b64encode(secrets.token_bytes(TOKEN_BYTES)).decode()
    Session.objects.create(
        token_hash=hash_of(token),
        customer_name=customer_name,
        user_name=user_name,
        client_ip=ip,
        created_at=now,
        used_at=now,
    )
    return token


def find(token: str, *, ip: str, now: float) -> Session | Fault:
    """The session of a token, its idle time begun anew; a stranger does not begin it anew."""
    session = Session.objects.filter(token_hash=hash_of(token)).first()
    if session is None:
        return Fault.UNKNOWN
    if now - session.used_at > _idle_seconds():
        session.delete()
        return Fault.IDLE
    if session.client_ip != ip:
        return Fault.OTHER_ADDRESS
    if now - session.used_at >= _idle_seconds() / USES_NOTED:
        session.used_at = now
        session.save(update_fields=["used_at"])
    return session


def log_out(token: str) -> None:
    Session.objects.filter(token_hash=hash_of(token)).delete()


def prune(now: float) -> None:
    """Idle sessions would pile up: clients that crash never log out."""
    Session.objects.filter(used_at__lt=now - _idle_seconds()).delete()


def _idle_seconds() -> float:
    return float(settings.ENGINE_SESSION_IDLE)


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(), wanted.encode())


def hash_of(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()
