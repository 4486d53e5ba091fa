"""A loop with its store, its probes and its clock in memory, for tests of its rounds."""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from typing import Any

from rttm.core.health import Health, ProbeResult
from rttm.core.schema import HealthMonitor, Monitor, PerformanceMonitor, Service
from rttm.core.terms import EntryStatus
from rttm.engine.loop import Loop
from rttm.engine.neighbours import Neighbourhood
from rttm.engine.store import RunResult, Watched
from rttm.engine.targets import Limits
from tests.builders import region, service
from tests.probing import finish

START = 1_700_000_000.0
UP = ProbeResult(EntryStatus.UP, "HTTP 200 in 9 ms", 9.0)


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
    result: ProbeResult = UP

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
        return self.result


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
