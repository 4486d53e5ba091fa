"""Absorb that the clock was set back: what was dated while it was ahead counts as of now.

Otherwise those rows would be newer than every answer for as long as the clock was ahead, and pages
would show a time that has not come yet.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import models, transaction
from django.db.models import Q

from rttm import live
from rttm.models import (
    HealthMonitor,
    PerformanceMonitor,
    PoolEntry,
    Region,
    Service,
    SyncState,
)

from .rows import touch_whole

SKEW = timedelta(seconds=10)  # by which the clocks of two machines may differ
PATHS: dict[type[models.Model], str] = {
    Service: "pk",
    HealthMonitor: "service",
    PerformanceMonitor: "service",
    Region: "service",
    PoolEntry: "region__service",
}
"""Every mirrored row belongs to a service, which is locked before it is written."""


def absorb_present(*, now: datetime) -> None:
    """Date what lies ahead of `now` back to it."""
    limit = now + SKEW
    ahead: set[int] = set()
    for model, path in PATHS.items():
        rows = model._default_manager.filter(_any_after(model, limit)).order_by()
        ahead |= set(rows.values_list(path, flat=True))
    for pk in sorted(ahead):
        _bring_back(pk, limit, now)
    if any(_date_back(SyncState, {}, limit, now)):
        live.touch("freshness")


def _moments(model: type[models.Model]) -> list[str]:
    return [
        field.name for field in model._meta.fields if isinstance(field, models.DateTimeField)
    ]  # fmt: skip


def _any_after(model: type[models.Model], limit: datetime) -> Q:
    wanted = Q()
    for name in _moments(model):
        wanted |= Q(**{f"{name}__gt": limit})
    return wanted


@transaction.atomic
def _bring_back(pk: int, limit: datetime, now: datetime) -> None:
    service = Service.objects.locked(pk)
    for model, path in PATHS.items():
        _date_back(model, {path: pk}, limit, now)
    touch_whole(service)


def _date_back(
    model: type[models.Model], of: dict[str, Any], limit: datetime, now: datetime
) -> list[int]:
    """How many rows each of the columns was dated back in."""
    return [
        model._default_manager.filter(**of, **{f"{name}__gt": limit}).update(**{name: now})
        for name in _moments(model)
    ]
