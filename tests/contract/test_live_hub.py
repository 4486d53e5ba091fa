"""The hub of the streams against a real Valkey: gaps closed, slow streams not forgotten."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager

import redis.asyncio as redis

from dashboard import live_hub
from dashboard.live_door import Pass
from dashboard.live_hub import Hub, Resync, Stop, Stream, Touch
from rttm.live import KEPT, STREAM
from tests.servers import PATIENCE

OLGA = Pass(1, "operator", "olgas-session")
VERA = Pass(2, "viewer", "veras-session")


@asynccontextmanager
async def connected(valkey_url: str) -> AsyncIterator[redis.Redis]:
    async with redis.Redis.from_url(valkey_url, decode_responses=True) as connection:
        await connection.delete(STREAM)
        yield connection


async def all_valid(passes: set[Pass]) -> set[Pass]:
    return passes


@asynccontextmanager
async def joined(*streams: Stream, still_valid=all_valid) -> AsyncIterator[Hub]:
    hub = Hub(still_valid)
    try:
        with ExitStack() as stack:
            for stream in streams:
                stack.enter_context(hub.joined(stream))
            yield hub
    finally:
        hub.stop()
        await hub.close()


async def announce(connection: redis.Redis, topics: str, scope: str = "") -> str:
    return await connection.xadd(STREAM, {"topics": topics, "scope": scope})


async def received(stream: Stream) -> Touch | Resync | Stop:
    return await asyncio.wait_for(stream.queue.get(), PATIENCE)


def test_stream_carries_the_touches_of_every_service_with_their_scope(valkey_url, settings):
    settings.REDIS_URL = valkey_url

    async def scenario():
        stream = Stream(OLGA)
        async with connected(valkey_url) as connection, joined(stream):
            await announce(connection, "pool-entry-1", scope="8")
            await announce(connection, "counts,services")
            return [await received(stream), await received(stream)]

    one, other = asyncio.run(scenario())
    assert (one.topics, one.scope) == (("pool-entry-1",), "8")
    assert (other.topics, other.scope) == (("counts", "services"), "")


def test_stream_that_opens_gets_what_came_since_its_page_was_drawn_and_nothing_else(
    valkey_url, settings
):
    """Neither from a reader that has yet to start, nor from one that runs, is it a resync."""
    settings.REDIS_URL = valkey_url

    async def scenario():
        async with connected(valkey_url) as connection:
            drawn_at = await announce(connection, "before")
            await announce(connection, "between")
            first, second = Stream(OLGA, drawn_at), Stream(OLGA, drawn_at)
            async with joined(first) as hub:
                found = [await received(first)]
                with hub.joined(second):
                    found.append(await received(second))
                    await announce(connection, "after")
                    return found + [await received(first), await received(second)]

    assert [item.topics[0] for item in asyncio.run(scenario())] == ["between"] * 2 + ["after"] * 2


def test_two_hundred_streams_that_open_at_once_lose_nothing_and_reread_nothing(
    valkey_url, settings
):
    settings.REDIS_URL = valkey_url

    async def scenario():
        async with connected(valkey_url) as connection:
            drawn_at = await announce(connection, "before")
            await announce(connection, "between")
            streams = [Stream(OLGA, drawn_at) for _ in range(200)]
            async with joined(*streams):
                clients = len(await connection.client_list())
                found = await asyncio.gather(*map(received, streams))
                return {item.topics for item in found}, clients

    topics, clients = asyncio.run(scenario())
    assert topics == {("between",)}
    assert clients <= 2


def test_sync_that_touches_hundreds_of_services_is_no_resync(valkey_url, settings):
    settings.REDIS_URL = valkey_url

    async def scenario():
        stream = Stream(OLGA)
        async with connected(valkey_url) as connection, joined(stream):
            async with connection.pipeline() as at_once:
                for number in range(600):
                    at_once.xadd(STREAM, {"topics": f"service-{number}", "scope": ""})
                await at_once.execute()
            return [(await received(stream)).topics for _ in range(600)]

    assert asyncio.run(scenario()) == [(f"service-{number}",) for number in range(600)]


def test_page_older_than_what_is_kept_is_told_to_read_everything(valkey_url, settings):
    settings.REDIS_URL = valkey_url

    async def scenario():
        async with connected(valkey_url) as connection:
            drawn_at = await announce(connection, "old")
            for _ in range(KEPT + 5):
                newest = await announce(connection, "x")
            stream = Stream(OLGA, drawn_at)
            async with joined(stream):
                return await received(stream) == Resync(newest)

    assert asyncio.run(scenario())


def test_stream_that_never_reads_costs_a_bounded_queue_and_one_resync():
    stream = Stream(OLGA)
    for number in range(live_hub.QUEUE + 1):
        stream.put(Touch(f"{number}-0", ("counts",)))
    assert stream.queue.qsize() == 1
    assert stream.queue.get_nowait() == Resync(f"{live_hub.QUEUE}-0")


def test_stop_ends_every_stream_even_a_full_one():
    stream = Stream(OLGA)
    for number in range(live_hub.QUEUE):
        stream.put(Touch(f"{number}-0", ("counts",)))
    stream.put(Stop())
    assert isinstance(stream.queue.get_nowait(), Stop)


def test_outage_of_redis_ends_in_a_resync_because_touches_could_not_be_announced(
    tmp_path, settings, start_valkey
):
    server = start_valkey(tmp_path)
    settings.REDIS_URL = server.url

    async def scenario():
        stream = Stream(OLGA)
        async with connected(server.url) as connection, joined(stream):
            newest = await announce(connection, "counts")
            before = await received(stream)
            await asyncio.to_thread(server.restart)
            return before.topics, await received(stream) == Resync(newest)

    assert asyncio.run(scenario()) == (("counts",), True)


def test_stream_ends_whose_pass_is_no_longer_valid(monkeypatch, valkey_url, settings):
    settings.REDIS_URL = valkey_url
    monkeypatch.setattr(live_hub, "RECHECK", 0.01)

    async def all_but_veras(passes: set[Pass]) -> set[Pass]:
        return passes - {VERA}

    async def scenario():
        olgas, veras = Stream(OLGA), Stream(VERA)
        hub = joined(olgas, veras, still_valid=all_but_veras)
        async with connected(valkey_url) as connection, hub:
            ended = await received(veras)
            await announce(connection, "counts")
            return ended, await received(olgas)

    ended, news = asyncio.run(scenario())
    assert isinstance(ended, Stop)
    assert news.topics == ("counts",)


def test_what_a_touch_says_cannot_be_taken_for_another_event():
    touch = Touch("1-0", ("counts\nevent: resync", "x"), "7\n\ndata: 1")
    name, data, *rest = touch.encoded.decode().split("\n")
    assert name == "id: 1-0"
    expected = {"topics": ["counts\nevent: resync", "x"], "scope": "7\n\ndata: 1"}
    assert json.loads(data.removeprefix("data: ")) == expected
    assert rest == ["", ""]


def test_pass_is_checked_often_enough_to_end_a_stream_within_15_seconds():
    assert 2 * live_hub.RECHECK < 15
