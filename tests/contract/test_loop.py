"""The loop by its rounds: what is probed when, and that nothing hanging stops the rest."""

from dataclasses import dataclass, replace

from rttm.core.health import Health
from rttm.core.schedule import Kind, next_due, offset
from rttm.core.schema import HealthMonitor
from rttm.core.terms import EntryStatus
from tests.builders import region, service
from tests.loop_stage import START, Stage, Store, health_only, staged

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
