"""The loop by its rounds: what is probed when, and that nothing in it stops the rest."""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from ipaddress import ip_network
from typing import Any

import pytest
import uvloop

from rttm.core.health import Health, ProbeResult
from rttm.core.schedule import Kind, next_due, offset
from rttm.core.schema import HealthMonitor, Monitor, PerformanceMonitor, Service
from rttm.core.terms import EntryStatus
from rttm.engine import store as real_store
from rttm.engine.loop import Loop
from rttm.engine.models import Health as HealthRow
from rttm.engine.neighbours import Neighbourhood
from rttm.engine.store import RunResult, Watched
from rttm.engine.targets import Limits, limits
from rttm.engine.thread import call as engine_call
from tests.builders import region, service
from tests.small_servers import LOCALHOST, answering, http, listening

START = 1_700_000_000.0
UP = ProbeResult(EntryStatus.UP, "HTTP 200 in 9 ms", 9.0)
DOWN = ProbeResult(EntryStatus.DOWN, "refused")


def finish(scenario: Any) -> Any:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(asyncio.wait_for(scenario, 20))


class Store:
    """The store's side that the loop sees, in memory."""

    def __init__(self, *services: Service, healths: dict[str, Health] | None = None) -> None:
        self.services = dict(enumerate(services, start=1))
        self.versions = dict.fromkeys(self.services, 1)
        self.healths = healths or {}
        self.waiting: frozenset[str] = frozenset()
        self.results: list[RunResult] = []
        self.batches: list[int] = []
        self.expired: list[float] = []
        self.silent = 0  # slices of services to expire beyond the next one
        self.spared: list[set[tuple[int, str]]] = []  # what was under way then
        self.broken_for: set[int] = set()
        self.seen = Neighbourhood({})  # of the other sites

    def put(self, service_id: int, value: Service) -> None:
        self.services[service_id] = value
        self.versions[service_id] = self.versions.get(service_id, 0) + 1

    def remove(self, service_id: int) -> None:
        del self.services[service_id], self.versions[service_id]

    def watched_versions(self) -> dict[int, int]:
        return dict(self.versions)

    def watched(self, ids: Collection[int], site_code: str) -> list[Watched]:
        return [
            Watched(i, self.versions[i], self.services[i], self.healths, self.waiting) for i in ids
        ]

    def record_results(self, results: list[RunResult], *, site_code: str, now: float) -> None:
        if self.broken_for & {result.service_id for result in results}:
            raise ValueError("this service cannot be recorded")
        self.batches.append(len(results))
        self.results += results

    def report_in(self, now: float, site_code: str, loop_id: str) -> Neighbourhood:
        seen, self.seen = self.seen, replace(self.seen, last_loop=loop_id)
        return seen

    def expire(
        self, now: float, site_code: str, under_way: Collection[tuple[int, str]], after: int
    ) -> int:
        self.expired.append(now)
        self.spared.append(set(under_way))
        self.silent -= 1
        return after + 1 if self.silent >= 0 else 0


async def call(function: Callable[..., Any], *args: Any) -> Any:
    return function(*args)


@dataclass
class Runs:
    """Stands for probes.run: ends when told to; by default at once."""

    started: list[str] = field(default_factory=list)
    monitors: list[Monitor] = field(default_factory=list)
    hanging: set[str] = field(default_factory=set)
    broken: set[str] = field(default_factory=set)
    cancelled: list[str] = field(default_factory=list)
    release: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, monitor: Monitor, address: str, *, limits: Limits) -> ProbeResult:
        self.started.append(address)
        self.monitors.append(monitor)
        if address in self.broken:
            raise RuntimeError("a bug")
        if address in self.hanging:
            try:
                await self.release.wait()
            except asyncio.CancelledError:
                self.cancelled.append(address)
                raise
        return UP


class Stage:
    """A loop with everything injected, and a clock that goes when told."""

    def __init__(self, store: Store, **options: Any) -> None:
        self.store, self.runs, self.now = store, Runs(), START
        self.looks = 0  # at the clock: one in each round that the loop makes by itself
        self.loop = Loop(
            store, call, site_code="FRA", limits=Limits(), clock=self.clock, run=self.runs,
            **options,
        )  # fmt: skip

    def clock(self) -> float:
        self.looks += 1
        return self.now

    async def tick(self, *, after: float = 0) -> list[str]:
        """A round and what its runs come to; the addresses probed in it."""
        self.now += after
        before = len(self.runs.started)
        await self.loop.tick(self.now)
        await self.settle()
        return self.runs.started[before:]

    async def settle(self) -> None:
        """Give every run that can end the time to do so."""
        for _ in range(5):
            await asyncio.sleep(0)

    async def ticks(self, seconds: float, step: float = 0.25) -> list[tuple[float, str]]:
        """Rounds for so long; when each address was probed, in seconds from the first."""
        began, seen = self.now, []
        while self.now - began < seconds:
            seen += [(self.now - began, address) for address in await self.tick(after=step)]
        return seen


def health_only(*addresses: str, fqdn: str = "www.example.com", **fields: Any) -> Service:
    """A service whose addresses are probed each minute, for their status alone."""
    defaults: dict[str, Any] = {
        "region": (region("global", *addresses),),
        "monitor": HealthMonitor("HTTP", 1),
        "performance_monitor": PerformanceMonitor("NONE", 10),
    }
    return service(fqdn, **{**defaults, **fields})


def staged(scenario: Callable[[Stage], Any], store: Store, **options: Any) -> Any:
    async def play() -> Any:
        return await scenario(Stage(store, **options))

    return finish(play())


# --- what is probed when


def test_addresses_that_were_never_probed_are_probed_at_once():
    async def scenario(stage):
        return await stage.tick()

    assert sorted(staged(scenario, Store(health_only("192.0.2.1", "192.0.2.2")))) == [
        "192.0.2.1",
        "192.0.2.2",
    ]


def test_after_a_restart_every_known_address_is_probed_within_its_interval_and_spread():
    addresses = [f"192.0.2.{last}" for last in range(1, 41)]
    known = {address: Health(EntryStatus.UP, seen_at=START - 30) for address in addresses}

    async def scenario(stage):
        return await stage.ticks(60)

    seen = staged(scenario, Store(health_only(*addresses), healths=known))
    assert sorted(address for _, address in seen) == sorted(addresses)
    times = [at for at, _ in seen]
    assert max(times.count(at) for at in set(times)) <= 4
    assert min(times) < 10
    assert max(times) > 50


def test_address_is_probed_once_in_each_interval():
    async def scenario(stage):
        return await stage.ticks(5 * 60 + 1, step=0.5)

    seen = [at for at, _ in staged(scenario, Store(health_only("192.0.2.1")))]
    gaps = [round(later - sooner) for sooner, later in zip(seen[1:], seen[2:], strict=False)]
    assert gaps == [60] * len(gaps)
    assert len(gaps) >= 3


def test_seconds_per_minute_shortens_every_interval():
    async def scenario(stage):
        return await stage.ticks(20.1)

    seen = staged(scenario, Store(health_only("192.0.2.1")), seconds_per_minute=5)
    assert len(seen) in (4, 5)


def test_health_and_performance_are_separate_runs():
    value = service(region=(region("global", "192.0.2.1"),))

    async def scenario(stage):
        await stage.tick()
        await stage.tick(after=1)
        return stage.store.results

    results = staged(scenario, Store(value))
    assert sorted(result.kind for result in results) == [Kind.HEALTH, Kind.PERF]


def test_runs_ask_for_the_services_own_name():
    async def scenario(stage):
        await stage.tick()
        return stage.runs.monitors

    assert [m.host for m in staged(scenario, Store(health_only("192.0.2.1")))] == [
        "www.example.com"
    ]


def test_clock_that_was_set_back_keeps_back_no_news_and_no_silence():
    store = Store(health_only("192.0.2.1"))

    async def scenario(stage):
        await stage.tick()
        store.put(2, health_only("192.0.2.2", fqdn="api.example.com"))
        started = await stage.tick(after=-86400)
        return started, store.expired

    started, expired = staged(scenario, store)
    assert "192.0.2.2" in started
    assert expired == [START, START - 86400]


def test_clock_that_was_set_back_does_not_stop_the_probes():
    async def scenario(stage):
        await stage.tick()
        return await stage.tick(after=-86400)

    assert staged(scenario, Store(health_only("192.0.2.1"))) == ["192.0.2.1"]


# --- changes of the configuration


def test_new_service_and_new_address_are_probed_within_a_second():
    store = Store(health_only("192.0.2.1"))

    async def scenario(stage):
        await stage.tick()
        store.put(2, health_only("192.0.2.2", fqdn="api.example.com"))
        new_service = await stage.tick(after=1)
        store.put(1, health_only("192.0.2.1", "192.0.2.3"))
        return new_service, await stage.tick(after=1)

    new_service, new_address = staged(scenario, store)
    assert new_service == ["192.0.2.2"]
    assert "192.0.2.3" in new_address


def test_configuration_is_read_at_most_once_a_second():
    store = Store(health_only("192.0.2.1"))

    async def scenario(stage):
        await stage.tick()
        store.put(2, health_only("192.0.2.2", fqdn="api.example.com"))
        return await stage.tick(after=0.5)

    assert staged(scenario, store) == []


def test_activated_service_is_probed_at_once_although_it_was_probed_before():
    store = Store(health_only("192.0.2.1"))

    async def scenario(stage):
        await stage.tick()
        value = store.services[1]
        store.remove(1)
        inactive = await stage.tick(after=1)
        store.put(1, value)
        return inactive, await stage.tick(after=1)

    assert staged(scenario, store) == ([], ["192.0.2.1"])


async def after_a_change(stage: Stage) -> tuple[list[str], list[str]]:
    """What is probed right after a service got another version, when it had been probed before."""
    await stage.tick()
    store = stage.store
    store.healths = {a: Health(EntryStatus.UP, seen_at=stage.now) for a in stage.runs.started}
    store.versions[1] += 1
    return await stage.tick(after=1), await stage.tick(after=0.25)


def test_an_edit_lets_what_was_probed_keep_its_place():
    store = Store(health_only("192.0.2.1", "192.0.2.2"))
    assert staged(after_a_change, store) == ([], [])


def test_what_a_recover_waits_for_is_probed_at_once():
    store = Store(health_only("192.0.2.1", "192.0.2.2"))
    store.waiting = frozenset({"192.0.2.2"})
    assert staged(after_a_change, store) == (["192.0.2.2"], [])


def test_a_recover_waits_for_no_response_time():
    store = Store(service(region=(region("global", "192.0.2.1"),)))
    store.waiting = frozenset({"192.0.2.1"})

    async def scenario(stage):
        await after_a_change(stage)
        await stage.tick(after=1)
        return [result.kind for result in store.results]

    kinds = staged(scenario, store)
    assert sorted(kinds) == [Kind.HEALTH, Kind.HEALTH, Kind.PERF]


def test_changed_monitor_is_tried_at_once_also_where_another_has_looked():
    store = Store(health_only("192.0.2.1"))

    async def scenario(stage):
        await stage.tick()
        store.healths = {"192.0.2.1": Health(EntryStatus.UP, seen_at=stage.now)}
        store.put(1, replace(store.services[1], monitor=HealthMonitor("TCP", 1, port=81)))
        return await stage.tick(after=1)

    assert staged(scenario, store) == ["192.0.2.1"]


def test_what_was_never_seen_is_probed_at_once_after_a_change():
    """As after an activation that the loop has not noticed as one."""

    async def scenario(stage):
        await stage.tick()
        stage.store.versions[1] += 1
        return await stage.tick(after=1)

    assert staged(scenario, Store(health_only("192.0.2.1"))) == ["192.0.2.1"]


def test_changed_monitor_ends_the_run_under_way_and_starts_another():
    store = Store(health_only("192.0.2.1"))

    async def scenario(stage):
        stage.runs.hanging.add("192.0.2.1")
        await stage.tick()
        store.put(1, replace(store.services[1], monitor=HealthMonitor("TCP", 1, port=81)))
        started = await stage.tick(after=1)
        await stage.settle()
        cancelled = list(stage.runs.cancelled)
        return started, cancelled, stage.runs.monitors[-1].port, stage.loop.in_flight

    found = staged(scenario, store, max_in_flight=1)  # so its place is free at once
    assert found == (["192.0.2.1"], ["192.0.2.1"], 81, 1)


def test_run_of_an_old_version_says_so_and_is_followed_by_a_new_one():
    store = Store(health_only("192.0.2.1"))

    async def scenario(stage):
        stage.runs.hanging.add("192.0.2.1")
        await stage.tick()
        store.versions[1] += 1
        await stage.tick(after=1)
        stage.runs.release.set()
        await stage.settle()
        await stage.tick()
        await stage.tick(after=1)
        return [result.version for result in store.results]

    assert staged(scenario, store) == [1, 2]


def test_service_that_is_gone_is_not_probed_on():
    store = Store(health_only("192.0.2.1"))

    async def scenario(stage):
        stage.runs.hanging.add("192.0.2.1")
        await stage.tick()
        store.remove(1)
        await stage.tick(after=1)
        return stage.loop.in_flight, list(stage.runs.cancelled), await stage.tick(after=600)

    assert staged(scenario, store) == (0, ["192.0.2.1"], [])


# --- targets that hang, and limits


def test_run_that_outlasts_its_interval_is_not_started_twice():
    async def scenario(stage):
        stage.runs.hanging.add("192.0.2.1")
        await stage.ticks(21)
        started = list(stage.runs.started)
        stage.runs.release.set()
        await stage.settle()
        return started, await stage.ticks(5.1)

    started, later = staged(scenario, Store(health_only("192.0.2.1")), seconds_per_minute=5)
    assert started == ["192.0.2.1"]
    assert len(later) in (1, 2)


def test_what_waits_longest_comes_first():
    addresses = [f"192.0.2.{last}" for last in range(1, 8)]
    known = {address: Health(EntryStatus.UP, seen_at=START - 30) for address in addresses}

    async def scenario(stage):
        assert await stage.tick() == []
        return [(await stage.tick(after=after))[0] for after in (59, *[0] * 6)]

    def due(address: str) -> float:
        return next_due(START, 60, offset(1, address, Kind.HEALTH, 60))

    store = Store(health_only(*addresses), healths=known)
    in_turn = sorted(addresses, key=due)
    assert in_turn != addresses
    assert staged(scenario, store, max_in_flight=1) == in_turn


def test_runs_in_flight_are_bounded():
    addresses = [f"192.0.2.{last}" for last in range(1, 8)]

    async def scenario(stage):
        stage.runs.hanging.update(addresses)
        first = await stage.tick()
        in_flight = stage.loop.in_flight
        stage.runs.release.set()
        await stage.settle()
        return first, in_flight, await stage.tick(), await stage.tick()

    first, in_flight, second, third = staged(
        scenario, Store(health_only(*addresses)), max_in_flight=3
    )
    assert in_flight == len(first) == 3
    assert sorted(first + second + third) == addresses


@dataclass
class Stopwatch:
    """Stands for the time module in the loop: each look at it is so many seconds later."""

    seconds: float = 2
    now: float = 0

    def monotonic(self) -> float:
        self.now += self.seconds
        return self.now


def test_slow_targets_leave_half_of_the_places_to_the_others(monkeypatch):
    slow = [f"192.0.2.{last}" for last in range(1, 9)]
    monkeypatch.setattr("rttm.engine.loop.time", Stopwatch())
    store = Store(health_only(*slow))

    async def scenario(stage):
        await stage.tick()
        await stage.tick()
        stage.runs.hanging.update(slow)
        await stage.tick(after=60)
        hanging = stage.loop.in_flight
        store.put(2, health_only("192.0.2.100", fqdn="api.example.com"))
        return hanging, await stage.tick(after=1)

    hanging, started = staged(scenario, store, max_in_flight=4)
    assert hanging == 2
    assert started == ["192.0.2.100"]


def test_targets_that_are_fast_again_have_all_places(monkeypatch):
    addresses = [f"192.0.2.{last}" for last in range(1, 5)]
    watch = Stopwatch()
    monkeypatch.setattr("rttm.engine.loop.time", watch)

    async def scenario(stage):
        await stage.tick()
        watch.seconds = 0
        await stage.ticks(61, step=1)
        stage.runs.hanging.update(addresses)
        await stage.ticks(61, step=1)
        return stage.loop.in_flight

    assert staged(scenario, Store(health_only(*addresses)), max_in_flight=4) == 4


# --- results, faults and the end


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


def test_silence_of_an_address_is_not_looked_at_while_its_run_is_under_way():
    """With its retries a run may last longer than the three intervals that count as silence."""
    store = Store(health_only("192.0.2.1", "192.0.2.2"))

    async def scenario(stage):
        stage.runs.hanging.add("192.0.2.1")
        await stage.ticks(121, step=1)
        stage.runs.release.set()
        await stage.settle()
        await stage.tick(after=60)
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
        stage.runs.hanging.add("192.0.2.1")
        await stage.ticks(61, step=1)
        stage.runs.release.set()
        await stage.settle()
        await stage.tick(after=60)
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
        began = asyncio.get_running_loop().time()
        await running
        await stage.settle()
        took = asyncio.get_running_loop().time() - began
        cancelled = list(stage.runs.cancelled)  # the end of the scenario ends the rest too
        return took, cancelled, [result.address for result in store.results]

    took, cancelled, recorded = staged(scenario, store)
    assert took < 2
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
