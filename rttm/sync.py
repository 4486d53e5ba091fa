"""The only writer of the mirror: make our rows say what the backend said, and announce it.

Every absorb takes the moment its request was sent and leaves alone what was told later, so a
slow full sync cannot undo a fresh edit.
"""

from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from typing import Any

from django.db import models, transaction
from django.db.models import Prefetch

from . import live
from .core import diff, schema
from .core.terms import EntryStatus, ServeMode
from .models import (
    HealthMonitor,
    LogRecord,
    Mirrored,
    PerformanceMonitor,
    PoolEntry,
    Region,
    Service,
    SyncState,
)

Row = Service | HealthMonitor | PerformanceMonitor | Region | PoolEntry

LOG_KEPT = 200  # log records a service keeps in the mirror; a log report asks the backend


def whole() -> models.QuerySet[Service]:
    """Services with all that their `value` reads."""
    regions = Prefetch("regions", Region.objects.prefetch_related("pool"))
    services = Service.objects.select_related("monitor", "performance_monitor")
    return services.prefetch_related(regions)


# A whole service.


@transaction.atomic
def absorb_service(remote: schema.Service, *, asked_at: datetime) -> Service:
    """Make the mirror say what the backend said of one service, all of it."""
    row = whole().filter(zone=remote.zone, fqdn=remote.fqdn).first()
    if row is None:
        return _create_service(remote, asked_at)
    if row.seen_at <= asked_at:
        _update_service(row, remote, asked_at)
    return row


def _create_service(remote: schema.Service, asked_at: datetime) -> Service:
    row = Service.objects.create(**_columns(remote), seen_at=asked_at, status_since=asked_at)
    HealthMonitor.objects.create(service=row, seen_at=asked_at, **_columns(remote.monitor))
    PerformanceMonitor.objects.create(
        service=row, seen_at=asked_at, **_columns(remote.performance_monitor)
    )
    for region in remote.region:
        _create_region(row, region, asked_at)
    live.touch("services", "counts")
    return row


def _update_service(row: Service, remote: schema.Service, asked_at: datetime) -> None:
    came_back = row.gone_at is not None
    changed = _write(row, _columns(remote) | {"gone_at": None}, asked_at)
    changed |= _write(row.monitor, _columns(remote.monitor), asked_at)
    changed |= _write(row.performance_monitor, _columns(remote.performance_monitor), asked_at)
    changed |= _update_regions(row, remote.region, asked_at)
    Service.objects.filter(pk=row.pk).update(seen_at=asked_at)
    if changed:
        _touch_service(row.pk)
    if came_back:
        live.touch("services")


def _touch_service(pk: int) -> None:
    live.touch(f"service-{pk}", f"service-row-{pk}", "counts")


def absorb_unchanged(pks: Collection[int], *, asked_at: datetime) -> None:
    """The backend said of these services what the mirror already says."""
    Service.objects.filter(pk__in=pks, seen_at__lt=asked_at).update(seen_at=asked_at)


@transaction.atomic
def absorb_gone(key: schema.ServiceKey, *, asked_at: datetime) -> None:
    """The backend no longer has this service: mark it, keep what we knew."""
    rows = Service.objects.filter(zone=key.zone, fqdn=key.fqdn, gone_at=None, seen_at__lte=asked_at)
    pk = rows.values_list("pk", flat=True).first()
    if rows.update(gone_at=asked_at, seen_at=asked_at):
        live.touch(f"service-{pk}", f"service-row-{pk}", "counts")


# Regions.


def _update_regions(row: Service, remote: Iterable[schema.Region], asked_at: datetime) -> bool:
    known = {region.region_code: region for region in row.regions.all()}
    changed = False
    for region in remote:
        if region.region_code not in known:
            _create_region(row, region, asked_at)
            changed = True
        else:
            changed |= _update_region(known.pop(region.region_code), region, asked_at)
    return _delete_old(known.values(), asked_at) or changed


def _delete_old(rows: Iterable[Mirrored], asked_at: datetime) -> bool:
    """Rows the backend left out, unless they came into being after it was asked."""
    old = [row for row in rows if row.seen_at <= asked_at]
    for row in old:
        row.delete()
    return bool(old)


@transaction.atomic
def absorb_region(service: Service, remote: schema.Region, *, asked_at: datetime) -> None:
    """Make the mirror say what the backend said of one region, its pool included."""
    row = Region.objects.filter(service=service, region_code=remote.region_code).first()
    if row is None:
        _create_region(service, remote, asked_at)
    elif not _update_region(row, remote, asked_at, direct=True):
        return
    _touch_service(service.pk)


@transaction.atomic
def absorb_region_gone(service: Service, region_code: str, *, asked_at: datetime) -> None:
    """The backend no longer has this region."""
    deleted, _ = Region.objects.filter(service=service, region_code=region_code).delete()
    Service.objects.filter(pk=service.pk).update(seen_at=asked_at)
    if deleted:
        _touch_service(service.pk)


def _create_region(service: Service, remote: schema.Region, asked_at: datetime) -> Region:
    row = Region.objects.create(
        service=service, seen_at=asked_at, status_since=asked_at, **_columns(remote)
    )
    for position, entry in enumerate(remote.pool):
        _create_entry(row, entry, position, asked_at)
    return row


def _update_region(
    row: Region, remote: schema.Region, asked_at: datetime, *, direct: bool = False
) -> bool:
    if row.seen_at > asked_at:
        return False
    changed = _write(row, _columns(remote), asked_at)
    changed |= _update_pool(row, remote.pool, asked_at)
    if direct:
        Region.objects.filter(pk=row.pk).update(seen_at=asked_at)
    if changed:
        live.touch(f"region-{row.pk}", scope=row.service_id)
    return changed


# Pool entries.


def _update_pool(row: Region, remote: Iterable[schema.PoolEntry], asked_at: datetime) -> bool:
    known = {entry.address: entry for entry in row.pool.all()}
    changed = False
    for position, entry in enumerate(remote):
        if entry.address not in known:
            _create_entry(row, entry, position, asked_at)
            changed = True
        else:
            changed |= _update_entry(row, known.pop(entry.address), entry, position, asked_at)
    return _delete_old(known.values(), asked_at) or changed


@transaction.atomic
def absorb_pool_entry(
    region: Region, remote: schema.PoolEntry, *, asked_at: datetime, was: str = ""
) -> None:
    """Make the mirror say what the backend said of one entry; `was` is its former address."""
    row = PoolEntry.objects.filter(region=region, address=was or remote.address).first()
    if row is None:
        _create_entry(region, remote, region.pool.count(), asked_at)
    elif not _update_entry(region, row, remote, row.position, asked_at, direct=True):
        return
    _touch_pool(region, asked_at)


@transaction.atomic
def absorb_pool_entry_gone(region: Region, address: str, *, asked_at: datetime) -> None:
    """The backend no longer has this entry."""
    deleted, _ = PoolEntry.objects.filter(region=region, address=address).delete()
    if deleted:
        _touch_pool(region, asked_at)


def _touch_pool(region: Region, asked_at: datetime) -> None:
    """The pool changed just now: an answer asked for earlier must not undo it."""
    Region.objects.filter(pk=region.pk, seen_at__lt=asked_at).update(seen_at=asked_at)
    live.touch(f"region-{region.pk}", scope=region.service_id)
    _touch_service(region.service_id)


def _create_entry(
    region: Region, remote: schema.PoolEntry, position: int, asked_at: datetime
) -> None:
    PoolEntry.objects.create(
        region=region,
        position=position,
        was_down=_was_down(remote, before=False),
        seen_at=asked_at,
        status_since=_found_at(remote, asked_at),
        **_columns(remote),
    )


def _update_entry(
    region: Region,
    row: PoolEntry,
    remote: schema.PoolEntry,
    position: int,
    asked_at: datetime,
    *,
    direct: bool = False,
) -> bool:
    """True when more than the probes' evidence has changed."""
    if row.seen_at > asked_at:
        return False
    evidence, columns = row.log, _columns(remote)
    columns |= {"position": position, "was_down": _was_down(remote, before=row.was_down)}
    changed = _write(row, columns, _found_at(remote, asked_at), besides={"log"})
    if direct:
        PoolEntry.objects.filter(pk=row.pk).update(seen_at=asked_at)
    if changed or evidence != row.log:
        live.touch(f"pool-entry-{row.pk}", scope=region.service_id)
    return changed


def _was_down(remote: schema.PoolEntry, *, before: bool) -> bool:
    """Whether it waits for a recover, as far as we saw: the API does not tell of the latch."""
    down = remote.status == EntryStatus.DOWN
    return remote.serve_mode == ServeMode.REMOVE and (before or down)


def _found_at(remote: schema.PoolEntry, asked_at: datetime) -> datetime:
    """When a status was found: at the latest probe, else at our asking."""
    latest = max((log.time for log in remote.log), default=0)
    return min(datetime.fromtimestamp(latest, UTC), asked_at) if latest else asked_at


@transaction.atomic
def absorb_recovered(service: Service, address: str = "") -> None:
    """A recover was carried out: nothing waits for one now but what is still down."""
    entries = PoolEntry.objects.filter(region__service=service, was_down=True)
    entries = entries.exclude(status=EntryStatus.DOWN)
    for row in entries.filter(address=address) if address else entries:
        _recovered(row)


def _recovered(row: PoolEntry) -> None:
    PoolEntry.objects.filter(pk=row.pk).update(was_down=False)
    live.touch(f"pool-entry-{row.pk}", f"region-{row.region_id}", scope=row.region.service_id)


# What is served, and since when.


@transaction.atomic
def absorb_answers(
    service: Service, answers: Iterable[schema.ResponseSet], *, asked_at: datetime
) -> None:
    """What each region serves now, from an rrset report."""
    if service.answers_seen_at and service.answers_seen_at > asked_at:
        return
    Service.objects.filter(pk=service.pk).update(answers_seen_at=asked_at)
    told = {answer.region_code: answer for answer in answers}
    changed = False
    for row in service.regions.all():
        if answer := told.get(row.region_code):
            changed |= _absorb_answer(row, answer)
    if changed:
        _touch_service(service.pk)


def _absorb_answer(row: Region, answer: schema.ResponseSet) -> bool:
    since = datetime.fromtimestamp(answer.change_ts, UTC)
    news = {"answer": _answer(answer), "answer_since": since}
    if (row.answer, row.answer_since) == (news["answer"], since):
        return False
    Region.objects.filter(pk=row.pk).update(**news)
    for entry in row.pool.filter(was_down=True, address__in=answer.values):
        _recovered(entry)  # it is served, so somebody else recovered it
    live.touch(f"region-{row.pk}", scope=row.service_id)
    return True


def _answer(answer: schema.ResponseSet) -> list[list[Any]]:
    return [[record.rdata_type, record.value, record.weight] for record in answer.records]


@transaction.atomic
def absorb_log(service: Service, records: Iterable[schema.ResponseSet]) -> None:
    """New log records, on top of those we have; the oldest beyond what we keep go."""
    rows = [
        LogRecord(
            service=service,
            region_code=record.region_code,
            change_at=datetime.fromtimestamp(record.change_ts, UTC),
            change_type=record.change_type,
            region_status=record.region_status,
            serial=record.serial,
            user_name=record.user_name,
            serve_count=record.serve_count,
            answer=_answer(record),
        )
        for record in records
    ]
    LogRecord.objects.bulk_create(rows, ignore_conflicts=True)
    kept = list(service.log.values_list("pk", flat=True)[:LOG_KEPT])
    service.log.exclude(pk__in=kept).delete()
    if rows:
        live.touch(f"service-log-{service.pk}", scope=service.pk)


# How the mirror stands to the backend.


@transaction.atomic
def absorb_success(*, asked_at: datetime) -> None:
    """A full sync went through."""
    news = {"succeeded_at": asked_at, "failing_since": None, "message": ""}
    SyncState.objects.update_or_create(pk=1, defaults=news)
    live.touch("freshness")


@transaction.atomic
def absorb_failure(message: str, *, asked_at: datetime) -> None:
    """A full sync failed: since the first such failure every page looks at old data."""
    state, _ = SyncState.objects.get_or_create(pk=1)
    state.failing_since = state.failing_since or state.succeeded_at or asked_at
    state.message = message
    state.save()
    live.touch("freshness")


def sync_state() -> SyncState:
    """The one row, or what it would say before the first sync."""
    return SyncState.objects.filter(pk=1).first() or SyncState(pk=1)


# Columns.


def _columns(value: Any) -> dict[str, Any]:
    """A value's own fields, in the form their columns have."""
    names = (name for name in value.__dataclass_fields__ if name not in schema.CONTAINERS)
    return {name: _column(getattr(value, name)) for name in names}


def _column(value: Any) -> Any:
    if not isinstance(value, tuple):
        return value
    return [
        [item.site_code, item.status, item.message, item.time]
        if isinstance(item, schema.LogEntry)
        else item
        for item in value
    ]


def _write(
    row: Row,
    columns: dict[str, Any],
    found_at: datetime,
    *,
    besides: Collection[str] = frozenset(),
) -> bool:
    """Write the columns that differ; True when there were any `besides` the named ones.

    A change of configuration counts the version up, a change of status dates it.
    """
    news = {name: value for name, value in columns.items() if getattr(row, name) != value}
    if not news:
        return False
    if news.keys() & set(diff.configured(type(row.value))):
        news["version"] = row.version + 1
    if "status" in news:
        news["status_since"] = found_at
    for name, value in news.items():
        setattr(row, name, value)
    row.save(update_fields=list(news))
    return bool(news.keys() - besides)
