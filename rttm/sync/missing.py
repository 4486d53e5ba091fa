"""Absorb absences that are held back: a list without most of our services is more likely wrong."""

from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from rttm import live
from rttm.core import schema
from rttm.models import Service

from .rows import touch_service, touch_whole

NOTICE = ("freshness", "services")  # every page tells how many are missing, and one lists them


@transaction.atomic
def absorb_missing(key: schema.ServiceKey, *, asked_at: datetime) -> None:
    """The backend did not list this service: its state is old, but it does not count as gone."""
    rows = Service.objects.filter(zone=key.zone, fqdn=key.fqdn, gone_at=None, missing_since=None)
    row = rows.filter(seen_at__lte=asked_at).first()
    if row and rows.update(missing_since=asked_at):
        touch_whole(row)
        live.touch(*NOTICE)


@transaction.atomic
def absorb_confirmed_gone(pks: Collection[int]) -> list[str]:
    """Somebody knows that these are gone: since they are missing. The names of those that were."""
    rows = _held_missing(pks)
    for row in rows:
        _update(row, gone_at=row.missing_since, missing_since=None, is_missing_dismissed=False)
        touch_service(row.pk)
    live.touch(*NOTICE)
    return [row.fqdn for row in rows]


@transaction.atomic
def absorb_missing_dismissed(pks: Collection[int]) -> list[str]:
    """Somebody has seen that these are missing: no page tells of them any more."""
    rows = _held_missing(pks, is_missing_dismissed=False)
    for row in rows:
        _update(row, is_missing_dismissed=True)
    live.touch(*NOTICE)
    return [row.fqdn for row in rows]


def _held_missing(pks: Collection[int], **more: bool) -> list[Service]:
    """Lock those that are missing still; in one order, as every writer of several rows does."""
    rows: QuerySet[Service] = Service.objects.filter(pk__in=pks, **more)
    missing = rows.exclude(missing_since=None).filter(gone_at=None).order_by("pk")
    return list(missing.select_for_update(no_key=True))


def _update(row: Service, **columns: object) -> None:
    Service.objects.filter(pk=row.pk).update(**columns)
