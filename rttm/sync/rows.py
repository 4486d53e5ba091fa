"""What every noun of `sync` does with its rows: compare and write, drop, announce."""

from collections.abc import Collection, Iterable
from dataclasses import fields
from datetime import datetime
from typing import Any

from rttm import live
from rttm.core import diff, schema
from rttm.models import HealthMonitor, Mirrored, PerformanceMonitor, PoolEntry, Region, Service

Row = Service | HealthMonitor | PerformanceMonitor | Region | PoolEntry


def columns(
    value: schema.Service | schema.Monitor | schema.Region | schema.PoolEntry,
) -> dict[str, Any]:
    """A value's own fields, in the form their columns have."""
    names = (field.name for field in fields(value) if field.name not in schema.CONTAINERS)
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


def write(
    row: Row,
    told: dict[str, Any],
    found_at: datetime,
    *,
    besides: Collection[str] = frozenset(),
) -> bool:
    """Write the columns that differ; True when there were any `besides` the named ones.

    A change of configuration counts the version up, a change of status dates it.
    """
    news = {name: value for name, value in told.items() if getattr(row, name) != value}
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


def delete_left_out(rows: Iterable[Mirrored], asked_at: datetime) -> bool:
    """Rows the backend left out go, unless they came into being after it was asked."""
    old = [row for row in rows if row.seen_at <= asked_at]
    for row in old:
        row.delete()
    return bool(old)


def touch_service(pk: int) -> None:
    live.touch(f"service-{pk}", f"service-row-{pk}", "counts")


def touch_whole(service: Service) -> None:
    """Announce the service and all its regions: what they say of their state is news."""
    touch_service(service.pk)
    regions = service.regions.values_list("pk", flat=True)
    live.touch(*(f"region-{pk}" for pk in regions), scope=service.pk)
