"""Services as a client sees them: the configuration with what is observed of it."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rttm.core.eligibility import effective, worst
from rttm.core.schema import LogEntry, PoolEntry, Region
from rttm.core.schema import Service as ServiceValue
from rttm.core.terms import EntryStatus, ServeMode, Status
from rttm.engine import tasks
from rttm.engine.models import AddressState, Health, RegionState, Service, Task

WAITS = "waits for recover"


@dataclass(frozen=True, slots=True)
class _Seen:
    """What is observed of one service."""

    regions: dict[str, str]
    addresses: dict[str, tuple[str, bool]]  # status, latched
    healths: dict[str, list[Health]]


def observe(rows: Sequence[Service]) -> list[ServiceValue]:
    """Four queries, however many services there are."""
    ids = [row.pk for row in rows]
    regions: defaultdict[int, dict[str, str]] = defaultdict(dict)
    for pk, code, status in RegionState.objects.filter(service__in=ids).values_list(
        "service_id", "region_code", "status"
    ):
        regions[pk][code] = status
    addresses: defaultdict[int, dict[str, tuple[str, bool]]] = defaultdict(dict)
    for pk, address, status, latched in AddressState.objects.filter(service__in=ids).values_list(
        "service_id", "address", "status", "latched"
    ):
        addresses[pk][address] = status, latched
    healths = _healths(ids)
    running = tasks.unfinished()
    return [
        _with_tasks(
            _observed(row.value, _Seen(regions[row.pk], addresses[row.pk], healths[row.pk])),
            running.get(row.pk, []),
        )
        for row in rows
    ]


def _with_tasks(service: ServiceValue, running: list[Task]) -> ServiceValue:
    """Each object names the newest unfinished task that is about it."""
    for task in running:
        address, task_id = tasks.address_of(task), str(task.pk)
        regions = tuple(_with_task(region, address, task_id) for region in service.region)
        service = replace(service, region=regions, task_id=task_id)
    return service


def _with_task(region: Region, address: str, task_id: str) -> Region:
    if address and not region.entry(address):
        return region
    pool = tuple(
        replace(entry, task_id=task_id) if address in ("", entry.address) else entry
        for entry in region.pool
    )
    return replace(region, pool=pool, task_id=task_id)


def _healths(ids: list[int]) -> defaultdict[int, dict[str, list[Health]]]:
    found: defaultdict[int, dict[str, list[Health]]] = defaultdict(dict)
    for health in Health.objects.filter(service__in=ids, ran_at__gt=0).order_by("site_code"):
        found[health.service_id].setdefault(health.address, []).append(health)
    return found


def _observed(service: ServiceValue, seen: _Seen) -> ServiceValue:
    regions = tuple(_region(effective(r, service), service, seen) for r in service.region)
    status = worst([region.status for region in regions]) if service.active else Status.UNK
    return replace(service, region=regions, status=status)


def _region(region: Region, service: ServiceValue, seen: _Seen) -> Region:
    pool = tuple(_entry(entry, service, seen) for entry in region.pool)
    return replace(region, pool=pool, status=seen.regions.get(region.region_code, Status.UNK))


def _entry(entry: PoolEntry, service: ServiceValue, seen: _Seen) -> PoolEntry:
    status, latched = seen.addresses.get(entry.address, (EntryStatus.UNK, False))
    waits = latched and entry.serve_mode == ServeMode.REMOVE
    log = tuple(
        _log_entry(health, service, waits=waits) for health in seen.healths.get(entry.address, ())
    )
    return replace(entry, status=status, log=log)


def _log_entry(health: Health, service: ServiceValue, *, waits: bool) -> LogEntry:
    message = said(health.message, health.streak, service.recovery_delay, waits=waits)
    return LogEntry(health.site_code, health.status, message, int(health.ran_at))


def said(message: str, streak: int, recovery_delay: int, *, waits: bool) -> str:
    """The evidence of the last run, and what else a reader has to know."""
    if not (streak or waits):
        return message
    further = [f"up {streak} of {recovery_delay + 1} times in a row"] if streak else []
    return "; ".join(part for part in (message, *further, WAITS if waits else "") if part)
