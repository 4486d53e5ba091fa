"""Dyn's own Python SDK, unmodified, connected to an engine over HTTP."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.contract.engine_server import CUSTOMER, PASSWORD, USERNAME, EngineServer

with warnings.catch_warnings():
    # The SDK compares with `is` and escapes badly; that is its own affair.
    warnings.simplefilter("ignore", SyntaxWarning)
    warnings.simplefilter("ignore", DeprecationWarning)
    from dyn.tm.errors import DynectGetError
    from dyn.tm.session import DynectSession

# The SDK asks for the locale, and warns, in ways that Python wants to give up.
DEPRECATED = [
    pytest.mark.filterwarnings("ignore:'locale.getdefaultlocale':DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:The 'warn' method:DeprecationWarning"),
]


__all__ = ["DEPRECATED", "DynectGetError", "DynectSession", "connected"]


@contextmanager
def connected(
    engine: EngineServer, kind: type[DynectSession] = DynectSession, **changes: Any
) -> Iterator[DynectSession]:
    """The SDK keeps one session for each thread; ours ends with the test."""
    credentials = {"customer": CUSTOMER, "username": USERNAME, "password": PASSWORD}
    options = credentials | {"auto_auth": False} | changes
    session = kind(**options, host="127.0.0.1", port=engine.port, ssl=False)
    try:
        yield session
    finally:
        session._conn.close()
        kind.close_session()
