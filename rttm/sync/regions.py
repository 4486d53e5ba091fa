"""Absorb regions, with their pools: one told alone, or those of a whole service."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from rttm import live
from rttm.core import schema
from rttm.models import Region, Service

from .pool_entries import create_pool_entry, update_pool
from .rows import columns, delete_left_out, touch_service, write


def update_regions(service: Service, remote: Iterable[schema.Region], asked_at: datetime) -> bool:
    """All regions of a service; True when there was something new."""
    known = {region.region_code: region for region in service.regions.all()}
    changed = False
    for region in remote:
        row = known.pop(region.region_code, None)
        if row is None:
            create_region(service, region, asked_at)
            changed = True
        else:
            changed |= _update(row, region, asked_at)
    return delete_left_out(known.values(), asked_at) or changed


@transaction.atomic
def absorb_region(service: Service, remote: schema.Region, *, asked_at: datetime) -> None:
    """Make the mirror say what the backend said of one region, its pool included."""
    service = Service.objects.locked(service.pk)
    row = service.regions.filter(region_code=remote.region_code).first()
    if row is None:
        if service.seen_at > asked_at:  # deleted meanwhile
            return
        create_region(service, remote, asked_at)
    elif not _update(row, remote, asked_at, direct=True):
        return
    touch_service(service.pk)


@transaction.atomic
def absorb_region_gone(service: Service, region_code: str, *, asked_at: datetime) -> None:
    """The backend no longer has this region."""
    Service.objects.locked(service.pk)
    Service.objects.filter(pk=service.pk, seen_at__lt=asked_at).update(seen_at=asked_at)
    if delete_left_out(service.regions.filter(region_code=region_code), asked_at):
        touch_service(service.pk)


def create_region(service: Service, remote: schema.Region, asked_at: datetime) -> None:
    row = Region.objects.create(
        service=service, seen_at=asked_at, status_since=asked_at, **columns(remote)
    )
    for position, entry in enumerate(remote.pool):
        create_pool_entry(row, entry, position, asked_at)


def _update(
    row: Region, remote: schema.Region, asked_at: datetime, *, direct: bool = False
) -> bool:
    """True when there was something new. `direct`: told alone, and so newer than its service."""
    if row.seen_at > asked_at:
        return False
    changed = write(row, columns(remote), asked_at)
    changed |= update_pool(row, remote.pool, asked_at)
    if direct:
        Region.objects.filter(pk=row.pk).update(seen_at=asked_at)
    if changed:
        live.touch(f"region-{row.pk}", scope=row.service_id)
    return changed
