"""Housekeeping of the engine's process: a database that is away does not end it."""

import asyncio
import logging

from django.db import OperationalError

from rttm.engine import serve


def test_a_database_that_is_away_is_logged_and_the_others_rows_are_dropped(monkeypatch, caplog):
    pruned = []

    def away(now: float) -> None:
        raise OperationalError("the server closed the connection")

    async def at_once(work, now):
        return work(now)

    monkeypatch.setattr(serve, "call", at_once)
    monkeypatch.setattr(serve.sessions, "prune", away)
    for module in (serve.jobs, serve.tasks, serve.reports):
        monkeypatch.setattr(module, "prune", pruned.append)

    async def one_round() -> None:
        stop = asyncio.Event()
        tidying = asyncio.create_task(serve._tidy(stop))
        async with asyncio.timeout(5):
            while len(pruned) < 3 and not tidying.done():
                await asyncio.sleep(0)
            stop.set()
            await tidying

    with caplog.at_level(logging.ERROR, "rttm.engine"):
        asyncio.run(one_round())
    assert len(pruned) == 3
    assert "housekeeping failed" in caplog.text
