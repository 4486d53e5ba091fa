"""Absorb whole services: told, unchanged, or gone."""

from collections.abc import Collection
from datetime import datetime

from django.db import transaction

from rttm import live
from rttm.core import schema
from rttm.models import HealthMonitor, PerformanceMonitor, PoolEntry, Service

from .missing import NOTICE
from .regions import create_region, update_regions
from .rows import columns, touch_service, touch_whole, write

PRESENT = {"gone_at": None, "missing_since": None, "is_missing_dismissed": False}


@transaction.atomic
def absorb_service(
    remote: schema.Service, *, asked_at: datetime, as_of: datetime | None = None
) -> Service:
    """Make the mirror say what the backend said of one service, all of it.

    The answer to a change counts for the service itself `as_of` its coming; of what the service
    holds it tells no more than a reading would.
    """
    found, is_new = Service.objects.get_or_create(
        zone=remote.zone,
        fqdn=remote.fqdn,
        defaults=columns(remote) | {"seen_at": asked_at, "status_since": asked_at},
    )
    if is_new:
        return _fill(found, remote, asked_at)
    Service.objects.locked(found.pk)
    row = Service.objects.whole().get(pk=found.pk)
    if row.seen_at <= (as_of or asked_at):
        _update(row, remote, asked_at, as_of or asked_at)
    return row


def _fill(row: Service, remote: schema.Service, asked_at: datetime) -> Service:
    HealthMonitor.objects.create(service=row, seen_at=asked_at, **columns(remote.monitor))
    PerformanceMonitor.objects.create(
        service=row, seen_at=asked_at, **columns(remote.performance_monitor)
    )
    for region in remote.region:
        create_region(row, region, asked_at)
    live.touch("services", "counts")
    return row


def _update(row: Service, remote: schema.Service, asked_at: datetime, as_of: datetime) -> None:
    was_absent = row.gone_at is not None or row.missing_since is not None
    was_older = row.is_state_older or was_absent
    if row.gone_at:
        _begin_anew(row, asked_at)
    changed = write(row, columns(remote) | PRESENT, asked_at)
    changed |= write(row.monitor, columns(remote.monitor), asked_at)
    changed |= write(row.performance_monitor, columns(remote.performance_monitor), asked_at)
    if row.seen_at <= asked_at:
        changed |= update_regions(row, remote.region, asked_at)
    Service.objects.filter(pk=row.pk).update(seen_at=as_of)
    if was_older:
        touch_whole(row)
    elif changed:
        touch_service(row.pk)
    if was_absent:
        live.touch(*NOTICE)


def _begin_anew(row: Service, asked_at: datetime) -> None:
    """It is another service of the same name, or was away: its states were not seen to last."""
    Service.objects.filter(pk=row.pk).update(status_since=asked_at)
    row.regions.update(status_since=asked_at)
    PoolEntry.objects.filter(region__service=row).update(status_since=asked_at)


@transaction.atomic
def absorb_unchanged(pks: Collection[int], *, asked_at: datetime) -> None:
    """The backend said of these services what the mirror already says."""
    older = Service.objects.filter(pk__in=pks, seen_at__lt=asked_at)
    # In one order, else two syncs that end at once could each wait for a row the other one has.
    held = list(older.order_by("pk").select_for_update(no_key=True))
    Service.objects.filter(pk__in=[row.pk for row in held]).update(seen_at=asked_at)
    for row in held:
        if row.is_state_older:
            touch_whole(row)


@transaction.atomic
def absorb_unread_change(service: Service, *, at: datetime) -> None:
    """A part of it was changed, but what the whole is, or answers, since then was not told."""
    service = Service.objects.locked(service.pk)
    if service.changed_at is None or service.changed_at < at:
        Service.objects.filter(pk=service.pk).update(changed_at=at)
    touch_whole(service)


@transaction.atomic
def absorb_gone(key: schema.ServiceKey, *, asked_at: datetime) -> None:
    """The backend no longer has this service: mark it, keep what we knew."""
    rows = Service.objects.filter(zone=key.zone, fqdn=key.fqdn, gone_at=None, seen_at__lte=asked_at)
    pk = rows.values_list("pk", flat=True).first()
    if pk and rows.update(**PRESENT | {"gone_at": asked_at, "seen_at": asked_at}):
        touch_service(pk)
        live.touch(*NOTICE)
