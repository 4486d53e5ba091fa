"""What the loop has to probe, and when next: one plan for each service, address and kind."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field

from rttm.core.health import SILENT_INTERVALS
from rttm.core.schedule import Kind, next_due, offset, wanted
from rttm.core.schema import Monitor

from .store import Watched


@dataclass(slots=True, eq=False)
class Plan:
    """One address of a service that is probed every `interval` seconds."""

    service_id: int
    version: int  # of the service: the newest that the plan has followed
    address: str
    kind: Kind
    monitor: Monitor
    interval: float
    due: float
    told_at: float  # when it last told something of the address; before that, when it was made
    began: float = 0  # its last run; 0 before the first
    is_slow: bool = False  # its last run took long: its next one may not crowd the others out
    task: asyncio.Task[None] | None = field(default=None, repr=False)  # its run under way

    def is_under_way(self, now: float) -> bool:
        """Whether it is about to tell something: it runs, or its first run waits for a place.

        However long that lasts, but not when it began after three intervals without a word.
        """
        if self.task is None and (self.began or self.due > now):
            return False
        return (self.began or now) - self.told_at <= SILENT_INTERVALS * self.interval

    def put_off(self, now: float) -> None:
        """Until its next place in the interval."""
        place = offset(self.service_id, self.address, self.kind, self.interval)
        self.due = next_due(now, self.interval, place)


class Plans:
    """All plans. A plan that falls out of it is returned, so that its run can be ended."""

    def __init__(self, seconds_per_minute: float) -> None:
        self._seconds_per_minute = seconds_per_minute
        self._plans: dict[int, dict[tuple[str, Kind], Plan]] = {}

    def absorb(self, watched: Watched, now: float, *, at_start: bool) -> list[Plan]:
        """Follow a service's configuration, and look at once where somebody waits for it.

        What was only edited keeps its place in the interval, and so does, at the engine's start,
        what was probed lately.
        """
        old = self._plans.get(watched.service_id, {})
        new = {
            (address, kind): self._plan(watched, address, kind, monitor, now)
            for (address, kind), monitor in wanted(watched.service).items()
        }
        for key, plan in new.items():
            is_awaited = watched.is_awaited(plan.address)
            if (known := old.get(key)) and known.monitor == plan.monitor:
                new[key] = _renewed(known, plan, is_awaited=is_awaited)
            elif at_start and not is_awaited:
                _start(plan, watched.healths[plan.address].seen_at, now)
        self._plans[watched.service_id] = new
        return [plan for key, plan in old.items() if new.get(key) is not plan]

    def forget(self, service_id: int) -> list[Plan]:
        """The service is inactive or gone."""
        return list(self._plans.pop(service_id, {}).values())

    def due(self, now: float) -> list[Plan]:
        """Those whose time has come and that are not under way, the longest waiting first."""
        due = (plan for plan in self._all() if plan.task is None and _is_due(plan, now))
        return sorted(due, key=lambda plan: plan.due)

    def under_way(self, now: float) -> list[Plan]:
        return [plan for plan in self._all() if plan.is_under_way(now)]

    def _all(self) -> Iterable[Plan]:
        return (plan for plans in self._plans.values() for plan in plans.values())

    def _plan(
        self, watched: Watched, address: str, kind: Kind, monitor: Monitor, now: float
    ) -> Plan:
        interval = monitor.interval * self._seconds_per_minute
        return Plan(
            watched.service_id, watched.version, address, kind, monitor, interval,
            due=now, told_at=now,
        )  # fmt: skip


def _start(plan: Plan, seen_at: float, now: float) -> None:
    """In its place, unless by then nothing would have been told for three intervals."""
    plan.put_off(now)
    if plan.kind == Kind.HEALTH and plan.due - seen_at > SILENT_INTERVALS * plan.interval:
        plan.due = now


def _is_due(plan: Plan, now: float) -> bool:
    # More than an interval away: the clock was set back.
    return plan.due <= now or plan.due > now + plan.interval


def _renewed(known: Plan, plan: Plan, *, is_awaited: bool) -> Plan:
    known.version = plan.version
    if is_awaited and known.kind == Kind.HEALTH:
        known.due = plan.due
    return known
