"""Absorb pool entries, and with them who waits for a recover: the API does not tell of that."""

from collections.abc import Iterable
from datetime import UTC, datetime

from django.db import transaction

from rttm import live
from rttm.core import schema
from rttm.core.terms import EntryStatus, ServeMode
from rttm.models import PoolEntry, Region, Service

from .rows import columns, delete_left_out, touch_service, write


def update_pool(region: Region, remote: Iterable[schema.PoolEntry], asked_at: datetime) -> bool:
    """The whole pool of a region; True when there was something new besides evidence."""
    known = {entry.address: entry for entry in region.pool.all()}
    changed = False
    for position, entry in enumerate(remote):
        row = known.pop(entry.address, None)
        if row is None:
            create_pool_entry(region, entry, position, asked_at)
            changed = True
        else:
            changed |= _update(row, entry, position, asked_at)
    return delete_left_out(known.values(), asked_at) or changed


@transaction.atomic
def absorb_pool_entry(
    region: Region, remote: schema.PoolEntry, *, asked_at: datetime, was: str = ""
) -> None:
    """Make the mirror say what the backend said of one entry; `was` is its former address.

    Nothing when it, or its region with it, has been deleted meanwhile.
    """
    Service.objects.locked(region.service_id)
    pool_seen_at = Region.objects.filter(pk=region.pk).values_list("seen_at", flat=True).first()
    if pool_seen_at is None:
        return
    row = _found(region, remote.address, was)
    if row is None:
        if pool_seen_at > asked_at:
            return
        create_pool_entry(region, remote, region.pool.count(), asked_at)
    elif not _update(row, remote, row.position, asked_at, direct=True):
        return
    _touch_pool(region, asked_at)


def _found(region: Region, address: str, was: str) -> PoolEntry | None:
    """The row of an entry; a sync that told of its new address first took it for another one."""
    rows = {entry.address: entry for entry in region.pool.filter(address__in=[address, was])}
    if was and was != address and len(rows) == 2:
        rows.pop(address).delete()
    return rows.get(was) or rows.get(address)


@transaction.atomic
def absorb_pool_entry_gone(region: Region, address: str, *, asked_at: datetime) -> None:
    """The backend no longer has this entry."""
    Service.objects.locked(region.service_id)
    rows = PoolEntry.objects.filter(region=region, address=address)
    if delete_left_out(rows, asked_at):
        _touch_pool(region, asked_at)


def _touch_pool(region: Region, asked_at: datetime) -> None:
    """The pool changed just now: an answer asked for earlier must not undo it."""
    Region.objects.filter(pk=region.pk, seen_at__lt=asked_at).update(seen_at=asked_at)
    live.touch(f"region-{region.pk}", scope=region.service_id)
    touch_service(region.service_id)


def create_pool_entry(
    region: Region, remote: schema.PoolEntry, position: int, asked_at: datetime
) -> None:
    PoolEntry.objects.create(
        region=region,
        position=position,
        was_down=_was_down(remote, before=False),
        seen_at=asked_at,
        status_since=_found_at(remote, asked_at),
        **columns(remote),
    )


def _update(
    row: PoolEntry,
    remote: schema.PoolEntry,
    position: int,
    asked_at: datetime,
    *,
    direct: bool = False,
) -> bool:
    """True when more than the probes' evidence has changed. `direct`: told alone, not in a pool."""
    if row.seen_at > asked_at:
        return False
    evidence, told = row.log, columns(remote)
    told |= {"position": position, "was_down": _was_down(remote, before=row.was_down)}
    changed = write(row, told, _found_at(remote, asked_at), besides={"log"})
    if direct:
        PoolEntry.objects.filter(pk=row.pk).update(seen_at=asked_at)
    if changed or evidence != row.log:
        live.touch(f"pool-entry-{row.pk}", scope=row.region.service_id)
    return changed


def _was_down(remote: schema.PoolEntry, *, before: bool) -> bool:
    """Whether it was seen down since its last recover, which only mode `remove` remembers."""
    down = remote.status == EntryStatus.DOWN
    return remote.serve_mode == ServeMode.REMOVE and (before or down)


def _found_at(remote: schema.PoolEntry, asked_at: datetime) -> datetime:
    """When a status was found: at the latest probe, else at our asking."""
    latest = max((log.time for log in remote.log), default=0)
    return min(datetime.fromtimestamp(latest, UTC), asked_at) if latest else asked_at


@transaction.atomic
def absorb_recovered(service: Service, address: str = "") -> None:
    """A recover was carried out: nothing waits for one now but what is still down."""
    Service.objects.locked(service.pk)
    entries = PoolEntry.objects.filter(PoolEntry.waiting(), region__service=service)
    for row in entries.filter(address=address) if address else entries:
        end_waiting(row, service.pk)


def end_waiting(row: PoolEntry, service_pk: int) -> None:
    PoolEntry.objects.filter(pk=row.pk).update(was_down=False)
    live.touch(f"pool-entry-{row.pk}", f"region-{row.region_id}", scope=service_pk)
