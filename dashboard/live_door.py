"""Who may have an event stream, and who may keep it."""

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.sessions.backends.base import SessionBase
from django.db import connection
from django.http import HttpRequest

if TYPE_CHECKING:  # the server imports this module before Django's models can be
    from django.contrib.auth.models import AnonymousUser

    from dashboard.models import User

# One account's streams in this process. Tabs of one browser share a stream, so these are browsers:
# enough for a control room whose screens share an account.
STREAMS_PER_ACCOUNT = 50


@dataclass(frozen=True, slots=True)
class Pass:
    """What a stream was opened with; it ends when one of these is no longer true."""

    account: int
    role: str
    session: str


def issue(user: "User | AnonymousUser", session: SessionBase) -> Pass | None:
    """Return the pass of the person who is logged in; None for a stranger."""
    if not user.is_authenticated or not session.session_key:
        return None
    return Pass(user.pk, user.role, session.session_key)


async def still_valid(passes: set[Pass]) -> set[Pass]:
    """Look the passes up again, in a thread that ends together with its database connection."""
    async with ThreadSensitiveContext():
        return await sync_to_async(_still_valid)(passes)


def _still_valid(passes: set[Pass]) -> set[Pass]:
    try:
        return {held for held in passes if _issue_again(held) == held}
    finally:
        connection.close()


def _issue_again(held: Pass) -> Pass | None:
    """Ask as for a new request: Django then looks at the session, the account and its password."""
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(held.session)
    return issue(get_user(request), request.session)
