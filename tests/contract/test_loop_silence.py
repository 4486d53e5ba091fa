"""What the loop takes for silence of an address, and what only looks like it."""

from dataclasses import replace

import pytest

from rttm.core.health import Health, ProbeResult
from rttm.core.schema import HealthMonitor, PerformanceMonitor
from rttm.core.terms import EntryStatus
from tests.loop_stage import START, UP, Stage, Store, health_only, staged

ADDRESS = "192.0.2.1"
UNTOLD = ProbeResult(EntryStatus.UNK, "look-up of www.example.net timed out after 10 s")

Spared = list[set[tuple[int, str]]]


async def one_run(stage: Stage) -> None:
    """More than a minute in which a run hangs, its end, and the hand-in of its result."""
    await stage.ticks(75, step=1)
    stage.runs.release.set()
    await stage.settle()
    stage.runs.release.clear()
    await stage.tick(after=1)


@pytest.mark.parametrize(("result", "is_spared"), [(UP, True), (UNTOLD, False)])
def test_a_long_run_spares_silence_unless_it_began_after_one(result, is_spared):
    """Runs that tell nothing may be under way whenever the loop looks."""

    async def scenario(stage: Stage) -> list[Spared]:
        stage.runs.hanging.add(ADDRESS)
        stage.runs.result = result
        spared = []
        for _ in range(6):
            await one_run(stage)
            spared.append(list(stage.store.spared))
            stage.store.spared.clear()
        return spared

    first, *_, last = staged(scenario, Store(health_only(ADDRESS)))
    assert first == [set(), {(1, ADDRESS)}]
    assert ({(1, ADDRESS)} in last) == is_spared


def test_a_result_that_tells_nothing_is_no_news_before_it_is_handed_in():
    async def scenario(stage: Stage) -> Spared:
        stage.runs.hanging.add(ADDRESS)
        stage.runs.result = UNTOLD
        await stage.tick()
        await stage.ticks(59.5, step=0.5)
        stage.runs.release.set()
        await stage.settle()
        await stage.tick(after=0.5)
        return stage.store.spared

    assert staged(scenario, Store(health_only(ADDRESS))) == [set(), set()]


async def changed_right_before_a_look(stage: Stage, **monitors: object) -> tuple[int, Spared]:
    """What was probed in the round of that look, and what the look spared."""
    await stage.tick()
    await stage.ticks(59.75)
    stage.store.put(1, replace(stage.store.services[1], **monitors))
    return len(await stage.tick(after=0.25)), stage.store.spared


def seldom_probed() -> Store:
    value = health_only(ADDRESS, monitor=HealthMonitor("HTTP", 15))
    return Store(value, healths={ADDRESS: Health(EntryStatus.UP, seen_at=START - 300)})


def test_first_run_of_a_shorter_interval_is_waited_for():
    """By the old interval nobody was silent; by the new one it seems so until that run."""

    async def scenario(stage: Stage) -> tuple[int, Spared]:
        return await changed_right_before_a_look(stage, monitor=HealthMonitor("HTTP", 1))

    assert staged(scenario, seldom_probed()) == (1, [set(), {(1, ADDRESS)}])


def test_first_run_that_finds_no_place_is_not_waited_for_for_ever():
    others = [f"192.0.2.{last}" for last in range(2, 6)]

    async def scenario(stage: Stage) -> Spared:
        stage.runs.hanging.update(others)
        stage.store.put(2, health_only(*others, fqdn="api.example.com"))
        await changed_right_before_a_look(stage, monitor=HealthMonitor("HTTP", 1))
        await stage.ticks(300, step=1)
        return [{key for key in spared if key[0] == 1} for spared in stage.store.spared]

    found = staged(scenario, seldom_probed(), max_in_flight=4)
    mine = {(1, ADDRESS)}
    assert found == [set(), mine, mine, mine, mine, set(), set()]


def test_first_run_of_a_performance_monitor_spares_no_silence():
    async def scenario(stage: Stage) -> tuple[int, Spared]:
        measured = PerformanceMonitor("HTTP", 10)
        return await changed_right_before_a_look(stage, performance_monitor=measured)

    assert staged(scenario, seldom_probed()) == (1, [set(), set()])


@pytest.mark.parametrize(("minutes", "is_probed_at_once"), [(1, False), (2, False), (3, True)])
def test_at_the_start_what_was_silent_for_long_does_not_wait_for_its_place(
    minutes, is_probed_at_once
):
    """Until then nobody would know it, and what is down would be served."""
    known = {ADDRESS: Health(EntryStatus.UP, seen_at=START - 60 * minutes)}

    async def scenario(stage: Stage) -> list[str]:
        return await stage.tick()

    started = staged(scenario, Store(health_only(ADDRESS), healths=known))
    assert (started == [ADDRESS]) == is_probed_at_once


def test_at_the_start_a_response_time_waits_for_its_place_however_old_it_is():
    value = health_only(
        ADDRESS,
        monitor=HealthMonitor("NONE", 1),
        performance_monitor=PerformanceMonitor("HTTP", 10),
    )
    known = {ADDRESS: Health(EntryStatus.UNK, seen_at=START - 86_400)}

    async def scenario(stage: Stage) -> list[str]:
        return await stage.tick()

    assert staged(scenario, Store(value, healths=known)) == []
