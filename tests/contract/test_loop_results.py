"""What the loop makes of results, faults, silence and its own end; once against the real store."""

import asyncio
from dataclasses import replace
from ipaddress import ip_network

import pytest

from rttm.core.schedule import Kind
from rttm.core.schema import HealthMonitor, PerformanceMonitor, Service
from rttm.core.terms import EntryStatus
from rttm.engine import store as real_store
from rttm.engine.loop import Loop
from rttm.engine.models import Health as HealthRow
from rttm.engine.neighbours import Neighbourhood
from rttm.engine.store import RunResult
from rttm.engine.targets import limits
from rttm.engine.thread import call as engine_call
from tests.builders import region, service
from tests.loop_stage import START, UP, Stage, Store, health_only, staged
from tests.probing import finish
from tests.small_servers import LOCALHOST, answering, http, listening


@pytest.mark.parametrize(("seconds_per_minute", "longest"), [(60, 1.0), (5, 0.5)])
def test_results_wait_for_others_to_share_a_transaction_but_not_for_long(
    seconds_per_minute, longest
):
    store = Store(health_only("192.0.2.1"))

    async def scenario(stage):
        await stage.tick()
        await stage.tick(after=longest - 0.125)
        waiting = list(store.results)
        await stage.tick(after=0.125)
        return waiting, store.results

    found = [RunResult(1, 1, "192.0.2.1", Kind.HEALTH, UP, START)]
    assert staged(scenario, store, seconds_per_minute=seconds_per_minute) == ([], found)


def test_results_are_handed_in_by_batches():
    addresses = [f"192.0.2.{last}" for last in range(1, 251)]
    store = Store(health_only(*addresses))

    async def scenario(stage):
        await stage.tick()
        await stage.tick()
        return store.batches

    assert staged(scenario, store, max_in_flight=300) == [200, 50]


def test_full_batch_is_handed_in_without_waiting_for_the_next_round(monkeypatch):
    monkeypatch.setattr("rttm.engine.loop.TICK", 3600)
    addresses = [f"192.0.2.{last}" for last in range(1, 251)]
    store = Store(health_only(*addresses))

    async def scenario(stage):
        stop = asyncio.Event()
        running = asyncio.create_task(stage.loop.run(stop))
        while not store.results:
            await asyncio.sleep(0)
        await stage.settle()
        in_all, looks = len(store.results), stage.looks
        for _ in range(20):
            await stage.settle()
        further = stage.looks - looks
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        return in_all, further

    assert staged(scenario, store, max_in_flight=300) == (250, 0)


def test_broken_probe_is_logged_with_its_service_and_stops_nothing(caplog):
    store = Store(health_only("192.0.2.1"), health_only("192.0.2.2", fqdn="api.example.com"))

    async def scenario(stage):
        stage.runs.broken.add("192.0.2.1")
        await stage.tick()
        await stage.tick(after=1)
        return {result.service_id: result.result for result in store.results}

    results = staged(scenario, store)
    assert results[2] == UP
    assert results[1].status == EntryStatus.UNK
    assert "service 1: the probe of 192.0.2.1 broke" in caplog.text


def test_service_that_cannot_be_recorded_costs_the_others_nothing(caplog):
    store = Store(health_only("192.0.2.1"), health_only("192.0.2.2", fqdn="api.example.com"))
    store.broken_for = {1}

    async def scenario(stage):
        await stage.tick()
        await stage.tick(after=1)
        return [result.service_id for result in store.results]

    assert staged(scenario, store) == [2]
    assert "results of service 1 were not recorded" in caplog.text


def test_service_that_cannot_be_planned_costs_the_others_nothing(caplog):
    store = Store(health_only("192.0.2.1"), health_only("192.0.2.2", fqdn="api.example.com"))
    store.services[1] = replace(store.services[1], monitor=None)

    async def scenario(stage):
        return await stage.tick()

    assert staged(scenario, store) == ["192.0.2.2"]
    assert "service 1 cannot be planned" in caplog.text


def test_silence_is_looked_at_at_the_start_and_once_a_minute():
    store = Store(health_only("192.0.2.1"))

    async def scenario(stage):
        await stage.ticks(121, step=1)
        return [at - START for at in store.expired]

    assert staged(scenario, store) == [1, 61, 121]


def test_all_silence_is_recorded_before_the_first_probe():
    """A result would hide that there was none before it."""
    store = Store(health_only("192.0.2.1"))
    store.silent = 3

    async def scenario(stage):
        started = await stage.tick()
        return len(store.expired), started

    assert staged(scenario, store) == (4, ["192.0.2.1"])


def test_site_that_fell_silent_is_named_once_and_once_more_when_it_is_back(caplog):
    caplog.set_level("INFO", "rttm.engine")
    store = Store(health_only("192.0.2.1"))
    others = {"LHR": START, "EWR": START}
    store.seen = Neighbourhood(others)

    async def scenario(stage):
        for minute in range(1, 9):
            others["EWR"] = stage.now
            if minute > 6:
                others["LHR"] = stage.now
            await stage.tick(after=60)
        return [record.getMessage() for record in caplog.records if "site" in record.msg]

    assert staged(scenario, store) == [
        "site LHR has not reported since 2023-11-14 22:13:20 UTC: it does not vote until it does",
        "site LHR reports again",
    ]


async def one_long_run(stage: Stage, *, ticks: int) -> None:
    """It hangs for so many seconds, and its result is not handed in before the next look."""
    stage.runs.hanging.add("192.0.2.1")
    await stage.ticks(ticks, step=1)
    stage.runs.release.set()
    await stage.settle()
    await stage.tick(after=60)


def test_silence_of_an_address_is_not_looked_at_while_its_run_is_under_way():
    """With its retries a run may last longer than the three intervals that count as silence."""
    store = Store(health_only("192.0.2.1", "192.0.2.2"))

    async def scenario(stage):
        await one_long_run(stage, ticks=121)
        return store.spared

    at_start, *under_way, result_not_handed_in = staged(scenario, store)
    assert at_start == set()
    assert [*under_way, result_not_handed_in] == [{(1, "192.0.2.1")}] * 3


def test_response_time_that_is_being_taken_spares_no_silence():
    value = service(
        region=(region("global", "192.0.2.1"),),
        monitor=HealthMonitor("NONE", 5),
        performance_monitor=PerformanceMonitor("HTTP", 10),
    )

    async def scenario(stage):
        await one_long_run(stage, ticks=61)
        return stage.store.spared

    assert staged(scenario, Store(value)) == [set()] * 3


def test_after_the_whole_process_was_stopped_nothing_is_spared():
    """Its runs have slept with it, so what they say is no news of the time between."""
    store = Store(health_only("192.0.2.1"))

    async def scenario(stage):
        stage.runs.hanging.add("192.0.2.1")
        await stage.ticks(61, step=1)
        await stage.tick(after=121)
        return store.spared

    assert staged(scenario, store) == [set(), {(1, "192.0.2.1")}, set()]


def test_round_that_fails_is_logged_and_the_loop_goes_on(caplog):
    async def scenario():
        store, stop, rounds = Store(), asyncio.Event(), []

        def watched_versions() -> dict[int, int]:
            rounds.append(1)
            if len(rounds) == 1:
                raise ConnectionError("the database is away")
            stop.set()
            return {}

        store.watched_versions = watched_versions
        await Stage(store).loop.run(stop)
        return len(rounds)

    assert finish(scenario()) == 2
    assert "a round of the loop failed" in caplog.text


def test_stop_ends_runs_under_way_and_hands_in_the_last_results():
    store = Store(health_only("192.0.2.1", "192.0.2.2"))

    async def scenario(stage):
        stage.runs.hanging.add("192.0.2.1")
        stop = asyncio.Event()
        running = asyncio.create_task(stage.loop.run(stop))
        while len(stage.runs.started) < 2:
            await asyncio.sleep(0)
        stop.set()
        await running
        await stage.settle()
        cancelled = list(stage.runs.cancelled)  # the end of the scenario ends the rest too
        return cancelled, [result.address for result in store.results]

    cancelled, recorded = staged(scenario, store)
    assert cancelled == ["192.0.2.1"]
    assert recorded == ["192.0.2.2"]


# --- against the real store, a real server and a port where nothing listens


def create(value: Service) -> None:
    zone, _ = real_store.create_zone(value.zone)
    real_store.create(zone, value, now=START, user_name="tess")


def statuses() -> dict[str, tuple[str, str, int]]:
    """Of each address: its status, its evidence and how often its time was taken."""
    rows = HealthRow.objects.values_list("address", "status", "message", "runs")
    return {address: (status, message, len(runs)) for address, status, message, runs in rows}


@pytest.mark.django_db(databases=["default", "engine"], transaction=True)
def test_probes_reach_the_store_as_statuses_and_times():
    async def scenario():
        async with listening(answering(http())) as served:
            asked = {"path": "/", "expected": "ok", "port": served.port, "retries": 0}
            value = service(
                region=(region("global", LOCALHOST, "127.0.77.1", "192.0.2.1"),),
                monitor=HealthMonitor("HTTP", 1, **asked),
                performance_monitor=PerformanceMonitor("HTTP", 10, **asked),
            )
            await engine_call(create, value)
            allowed = limits([ip_network("127.0.0.0/8")], [])
            loop = Loop(real_store, engine_call, site_code="FRA", limits=allowed)
            stop = asyncio.Event()
            running = asyncio.create_task(loop.run(stop))
            while len(found := await engine_call(statuses)) < 3 or not found[LOCALHOST][2]:
                await asyncio.sleep(0.02)
            stop.set()
            await running
        return found

    found = finish(scenario())
    assert found[LOCALHOST][0] == "up"
    assert found["127.0.77.1"][0] == "down"
    assert "refused" in found["127.0.77.1"][1]
    assert found["192.0.2.1"][0] == "unk"
    assert "not probed" in found["192.0.2.1"][1]
