"""The one thread that touches the engine's database: API calls and the loop's results, in turn."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from threading import Thread
from typing import Any, TypeVar

from django.db import close_old_connections, connections

from .router import ALIAS

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
