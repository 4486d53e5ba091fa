"""The one thread that touches the engine's database: API calls and the loop's results, in turn."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from threading import Thread
from typing import Any, TypeVar

from django.db import close_old_connections, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from .router import ALIAS

FROZEN_AFTER = 10  # seconds without a word in the middle of a transaction

Result = TypeVar("Result")

engine_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="engine")


def begin(function: Callable[..., Result], *args: Any) -> Future[Result]:
    """Run it there in its turn; until then it can be cancelled."""
    return engine_thread.submit(_run, partial(function, *args))


async def call(function: Callable[..., Result], *args: Any, **kwargs: Any) -> Result:
    """Run it there. With one thread nothing waits for a lock that this process holds itself."""
    work = partial(_run, partial(function, *args, **kwargs))
    return await asyncio.get_running_loop().run_in_executor(engine_thread, work)


async def aside(function: Callable[..., Result], *args: Any) -> Result:
    """Run what may block for long, and touches no database, in a thread that nobody waits for.

    Those of an executor are waited for when the process ends.
    """
    result: Future[Result] = Future()
    result.set_running_or_notify_cancel()  # a thread cannot be called back
    Thread(target=_run_into, args=(result, partial(function, *args)), daemon=True).start()
    return await asyncio.wrap_future(result)


def _run_into(result: "Future[Result]", work: Callable[[], Result]) -> None:
    try:
        result.set_result(work())
    except Exception as error:
        result.set_exception(error)


def _run(work: Callable[[], Result]) -> Result:
    close_old_connections()  # one that broke is replaced
    try:
        return work()
    finally:
        close_old_connections()


def keep_connection() -> None:
    """Once in the engine's process: its thread opens one connection, not one for each call."""
    connections.settings[ALIAS] |= {"CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": True}
    connection_created.connect(_let_go_when_frozen)


def _let_go_when_frozen(connection: BaseDatabaseWrapper, **signal: Any) -> None:
    """A machine that is suspended or cut off must not keep its rows from the other sites.

    PostgreSQL ends its transaction then. By default it would wait for hours, and they with it.
    """
    if connection.alias == ALIAS and connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            limit = "SELECT set_config('idle_in_transaction_session_timeout', %s, false)"
            cursor.execute(limit, [f"{FROZEN_AFTER}s"])
