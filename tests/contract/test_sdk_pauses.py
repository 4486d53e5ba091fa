"""The unmodified SDK and its one connection, with pauses as long as they really are.

The SDK does not survive that its connection is closed while it pauses: its next call ends in
BrokenPipeError, and every later one in CannotSendRequest. The pauses are what is tested, so they
are not shortened; all cases wait at the same time.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from rttm.engine import serve
from tests.contract.engine_server import EngineServer
from tests.contract.sdk import DEPRECATED, DynectGetError, DynectSession, connected

pytestmark = DEPRECATED

CALL = ("/Zone/", "GET")


class GivesUp(DynectSession):
    """The SDK's session; only it does not wait a third time for the engine's minute to end."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.refusals = 0

    def _retry(self, msgs: Any, final: bool = False) -> dict[str, Any]:
        found: dict[str, Any] = super()._retry(msgs, final)
        self.refusals += 1
        return found | {"retry": self.refusals < 3}


@contextmanager
def one_connection(
    engine: EngineServer, kind: type[DynectSession] = DynectSession
) -> Iterator[DynectSession]:
    """Log in, and find at the end that everything went over the same connection."""
    with connected(engine, kind) as session:
        session.authenticate()
        before = session._conn.sock.getsockname()
        yield session
        assert session._conn.sock.getsockname() == before


def pause_at_a_prompt(engine: EngineServer, seconds: float) -> None:
    with one_connection(engine) as session:
        time.sleep(seconds)
        session.execute(*CALL)


def follow_an_incomplete_job(engine: EngineServer) -> None:
    """The SDK sleeps 10 s before it asks for the job."""
    with one_connection(engine) as session:
        session.execute(*CALL)


def meet_the_limit(engine: EngineServer) -> None:
    """The SDK sleeps 5 s after each of two refusals; the third is the answer."""
    with (
        one_connection(engine, GivesUp) as session,
        pytest.raises(DynectGetError, match="calls for this minute are used up"),
    ):
        session.execute(*CALL)
    assert session.refusals == 3


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., EngineServer]]:
    started: list[EngineServer] = []

    def start(**env: str) -> EngineServer:
        directory = tmp_path / str(len(started))
        directory.mkdir()
        started.append(EngineServer(directory, loop=False, **env))
        return started[-1]

    yield start
    for engine in started:
        engine.stop()


def test_the_one_connection_of_the_sdk_outlives_every_pause(start):
    plain = start()
    incomplete = start(JOB_AFTER="0", JOB_STYLE="incomplete")
    limited = start(RATE_LIMIT="1")  # the log-in uses it up
    with ThreadPoolExecutor(4) as threads:
        cases = {
            "a prompt, 20 s": threads.submit(pause_at_a_prompt, plain, 20),
            "a prompt, 6 s": threads.submit(pause_at_a_prompt, plain, 6),
            "an incomplete job": threads.submit(follow_an_incomplete_job, incomplete),
            "the limit": threads.submit(meet_the_limit, limited),
        }
    assert {name: case.exception() for name, case in cases.items()} == dict.fromkeys(cases)


def test_an_idle_connection_is_kept_as_long_as_nginx_keeps_one():
    assert serve._server().config.timeout_keep_alive >= 75
