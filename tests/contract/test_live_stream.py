"""The event streams against a real Valkey: gaps closed, scopes kept, slow pages not forgotten."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import redis.asyncio as redis

from dashboard import live_stream
from dashboard.live_stream import Hub, Page, Stop, Touch, missed
from rttm.live import KEPT, STREAM
from tests.servers import PATIENCE


@asynccontextmanager
async def connected(valkey_url: str) -> AsyncIterator[redis.Redis]:
    async with redis.Redis.from_url(valkey_url, decode_responses=True) as connection:
        await connection.delete(STREAM)
        yield connection


@asynccontextmanager
async def joined(page: Page) -> AsyncIterator[None]:
    hub = Hub()
    try:
        with hub.joined(page):
            await after_start(page)
            yield
    finally:
        hub.stop()
        await hub.close()


async def announce(connection: redis.Redis, topics: str, scope: str = "") -> str:
    return await connection.xadd(STREAM, {"topics": topics, "scope": scope})


async def received(page: Page) -> Touch | Stop:
    return await asyncio.wait_for(page.queue.get(), PATIENCE)


async def after_start(page: Page) -> None:
    """A reader that starts tells every page to re-read; from then on it is listening."""
    assert (await received(page)).topics == ("resync",)


def test_page_hears_what_is_for_all_and_for_its_own_service(valkey_url, settings):
    settings.REDIS_URL = valkey_url

    async def scenario():
        page = Page(service="7")
        async with connected(valkey_url) as connection, joined(page):
            await announce(connection, "pool-entry-1", scope="8")
            await announce(connection, "pool-entry-2,region-3", scope="7")
            await announce(connection, "counts")
            return [(await received(page)).topics, (await received(page)).topics]

    assert asyncio.run(scenario()) == [("pool-entry-2", "region-3"), ("counts",)]


def test_touches_between_drawing_and_connecting_are_replayed(valkey_url):
    async def scenario():
        async with connected(valkey_url) as connection:
            drawn_at = await announce(connection, "before")
            await announce(connection, "between")
            return [touch.topics for touch in await missed(connection, drawn_at)]

    assert asyncio.run(scenario()) == [("between",)]


def test_page_older_than_the_stream_is_told_to_read_everything(valkey_url):
    async def scenario():
        async with connected(valkey_url) as connection:
            drawn_at = await announce(connection, "old")
            for _ in range(KEPT + 5):
                await connection.xadd(STREAM, {"topics": "x", "scope": ""}, maxlen=KEPT)
            return [touch.topics for touch in await missed(connection, drawn_at)]

    assert asyncio.run(scenario()) == [("resync",)]


def test_page_that_never_reads_costs_a_bounded_queue_and_one_resync():
    page = Page(service="")
    for number in range(live_stream.QUEUE + 1):
        page.put(Touch(f"{number}-0", ("counts",)))
    assert page.queue.qsize() == 1
    assert page.queue.get_nowait().topics == ("resync",)


def test_stop_ends_every_stream_even_a_full_one():
    page = Page(service="")
    for number in range(live_stream.QUEUE):
        page.put(Touch(f"{number}-0", ("counts",)))
    page.put(Stop())
    assert isinstance(page.queue.get_nowait(), Stop)


def test_outage_of_redis_ends_in_a_resync(tmp_path, settings, start_valkey):
    server = start_valkey(tmp_path)
    settings.REDIS_URL = server.url

    async def scenario():
        page = Page(service="")
        async with joined(page):
            await asyncio.to_thread(server.restart)
            return (await received(page)).topics

    assert asyncio.run(scenario()) == ("resync",)


@pytest.mark.django_db
def test_stranger_gets_no_stream(settings):
    sent = []

    async def scenario():
        async def send(message):
            sent.append(message)

        scope = {"type": "http", "path": "/live/", "headers": [], "query_string": b""}
        await live_stream.wrap(None)(scope, None, send)

    asyncio.run(scenario())
    assert sent[0]["status"] == 204
