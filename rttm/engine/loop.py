"""The engine's loop: follows the configuration, starts the probes that are due, hands in results.

Everything slow is a task of its own or happens in the database thread that `call` leads to.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Collection, Iterable
from contextlib import suppress
from functools import partial
from typing import Any, Protocol

from django.db import OperationalError

from rttm.core.health import ProbeResult
from rttm.core.schedule import Kind
from rttm.core.schema import Monitor
from rttm.core.terms import EntryStatus

from . import probes
from .neighbours import Neighbourhood, Neighbours
from .plans import Plan, Plans
from .rounds import Rounds
from .store import AddressKey, RunResult, Watched
from .targets import Limits

TICK = 0.25  # seconds
RELOAD = 1.0  # seconds between two looks for changed configurations
BATCH = 200  # results in one transaction
# How long a result waits for others at most: in small transactions each costs half as much again.
WAIT, WAIT_IN_MINUTES = 1.0, 0.1  # seconds, and of a minute that runs faster
SLOW_RUN = 1.0  # seconds; runs that took longer share half of the places
LAST_WORDS = 1.0  # seconds for handing in the last results when the loop stops

log = logging.getLogger("rttm.engine")

Call = Callable[..., Awaitable[Any]]


class Store(Protocol):
    """What the loop needs of the store; synchronous, so it is always reached through `call`."""

    def watched_versions(self) -> dict[int, int]: ...

    def watched(self, ids: Collection[int], site_code: str) -> list[Watched]: ...

    def record_results(self, results: list[RunResult], *, site_code: str, now: float) -> None: ...

    def expire(
        self, now: float, site_code: str, under_way: Collection[AddressKey], after: int
    ) -> int: ...

    def report_in(self, now: float, site_code: str, loop_id: str) -> Neighbourhood: ...


class Run(Protocol):
    """One run of a probe, as `probes.run` does it."""

    def __call__(
        self, monitor: Monitor, address: str, *, limits: Limits
    ) -> Awaitable[ProbeResult]: ...


class Loop:
    """Probes all active services from one monitoring site."""

    def __init__(
        self,
        store: Store,
        call: Call,
        *,
        site_code: str,
        limits: Limits,
        seconds_per_minute: float = 60,
        clock: Callable[[], float] = time.time,
        max_in_flight: int = 500,
        run: Run = probes.run,
    ) -> None:
        self._store = store
        self._call = call
        self._site_code = site_code
        self._limits = limits
        self._minute = seconds_per_minute
        self._clock = clock
        self._max_in_flight = max_in_flight
        self._run = run
        self._plans = Plans(seconds_per_minute)
        self._loop_id = secrets.token_hex(8)
        self._neighbours = Neighbours(self._loop_id, seconds_per_minute)
        self._rounds = Rounds("the loop")
        self._versions: dict[int, int] = {}
        self._running: set[Plan] = set()
        self._results: list[RunResult] = []
        self._batch_is_full = asyncio.Event()
        self._reloaded_at: float | None = None
        self._expired_at: float | None = None

    @property
    def in_flight(self) -> int:
        """Runs under way."""
        return len(self._running)

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set; runs under way are then given up."""
        try:
            while not stop.is_set():
                await self._tick_safely()
                with suppress(TimeoutError):
                    async with asyncio.timeout(TICK):
                        await self._batch_is_full.wait()
        finally:
            self._give_up(list(self._running))
            with suppress(TimeoutError):
                async with asyncio.timeout(LAST_WORDS):
                    await self._hand_in(self._clock())

    async def tick(self, now: float) -> None:
        """One round."""
        looks_for_silence = _has_passed(self._expired_at, self._minute, now)
        if looks_for_silence or _has_passed(self._reloaded_at, RELOAD, now):
            await self._reload(now)
        if looks_for_silence:
            await self._expire(now)
        self._start_due(now)
        if self._has_waited(now):
            await self._hand_in(now)

    async def _tick_safely(self) -> None:
        try:
            await self.tick(self._clock())
        except Exception as error:
            self._rounds.failed(error)
        else:
            self._rounds.worked()

    async def _expire(self, now: float) -> None:
        """Let silence count: as often as the shortest interval is long, and when we start."""
        # All of it before any probe: a new result would hide that there was a silence.
        spared = self._under_way(now)
        after = await self._call(self._store.expire, now, self._site_code, spared, 0)
        while after:
            after = await self._call(self._store.expire, now, self._site_code, spared, after)
        self._neighbours.look(await self._call(self._report_in), now, self._site_code)
        self._expired_at = now

    def _report_in(self) -> Neighbourhood:
        """By the clock at its turn: what it waited for is not a clock that is behind."""
        return self._store.report_in(self._clock(), self._site_code, self._loop_id)

    def _under_way(self, now: float) -> frozenset[AddressKey]:
        """The addresses of which we are about to hear, unless we were away ourselves.

        A run may last for long, and the first one of a shorter interval come late. But one that
        began after a silence is no reason to pass over that silence.
        """
        if _has_passed(self._expired_at, 2 * self._minute, now):
            return frozenset()  # stopped or asleep: whatever was under way has slept with us
        soon: list[Plan | RunResult] = [*self._plans.under_way(now)]
        soon += (r for r in self._results if r.result.status != EntryStatus.UNK)
        return frozenset((one.service_id, one.address) for one in soon if one.kind == Kind.HEALTH)

    async def _reload(self, now: float) -> None:
        versions: dict[int, int] = await self._call(self._store.watched_versions)
        for service_id in self._versions.keys() - versions.keys():
            self._give_up(self._plans.forget(service_id))
        changed = [key for key, version in versions.items() if self._versions.get(key) != version]
        if changed:
            for watched in await self._call(self._store.watched, changed, self._site_code):
                self._follow(watched, now)
        self._versions = versions
        self._reloaded_at = now

    def _follow(self, watched: Watched, now: float) -> None:
        try:
            at_start = self._reloaded_at is None
            self._give_up(self._plans.absorb(watched, now, at_start=at_start))
        except Exception:
            log.exception("service %d cannot be planned", watched.service_id)

    def _give_up(self, plans: Iterable[Plan]) -> None:
        for plan in plans:
            self._running.discard(plan)
            if plan.task:
                plan.task.cancel()

    def _start_due(self, now: float) -> None:
        """Slow runs leave half of the places to the others, however many hang."""
        slow = sum(plan.is_slow for plan in self._running)
        for plan in self._plans.due(now):
            if self.in_flight >= self._max_in_flight:
                return
            if not plan.is_slow or slow < self._max_in_flight // 2:
                slow += plan.is_slow
                self._running.add(plan)
                plan.began = now
                plan.task = asyncio.create_task(self._probe(plan))

    async def _probe(self, plan: Plan) -> None:
        version, due, began = plan.version, plan.due, time.monotonic()
        try:
            result = await self._run(plan.monitor, plan.address, limits=self._limits)
        except Exception:
            log.exception("service %d: the probe of %s broke", plan.service_id, plan.address)
            message = "the probe itself broke; the engine's log says why"
            result = ProbeResult(EntryStatus.UNK, message)
        finally:
            self._running.discard(plan)
            plan.task = None
        plan.is_slow = time.monotonic() - began > SLOW_RUN
        now = self._clock()
        if result.status != EntryStatus.UNK:
            plan.told_at = now
        # A run that outlasted its interval skips places; what was asked for meanwhile stays due.
        if plan.due == due:
            plan.put_off(now)
        self._results.append(
            RunResult(plan.service_id, version, plan.address, plan.kind, result, now)
        )
        if len(self._results) >= BATCH:
            self._batch_is_full.set()

    def _has_waited(self, now: float) -> bool:
        """Whether the oldest result has waited for as long as it may, or a batch is full."""
        longest = min(WAIT, WAIT_IN_MINUTES * self._minute)
        is_late = bool(self._results) and _has_passed(self._results[0].at, longest, now)
        return is_late or len(self._results) >= BATCH

    async def _hand_in(self, now: float) -> None:
        self._batch_is_full.clear()
        results, self._results = self._results, []
        for start in range(0, len(results), BATCH):
            for part in await self._record(results[start : start + BATCH], now):
                await self._record(part, now)

    async def _record(self, results: list[RunResult], now: float) -> list[list[RunResult]]:
        """The parts to try once more: each service for itself, or one would cost all results.

        But when the database was away or busy, all at once: each would wait for it as long again.
        """
        ids = sorted({result.service_id for result in results})
        record = partial(self._store.record_results, site_code=self._site_code, now=now)
        try:
            await self._call(record, results)
        except Exception as error:
            log.exception("results of service %s were not recorded", ", ".join(map(str, ids)))
            if isinstance(error, OperationalError):
                return [results]
            parts = [[r for r in results if r.service_id == key] for key in ids]
            return parts if len(parts) > 1 else []
        return []


def _has_passed(last: float | None, seconds: float, now: float) -> bool:
    """Also when the clock was set back."""
    return last is None or abs(now - last) >= seconds
