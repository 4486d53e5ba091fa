"""What a sync finds at the backend, absorbed: statuses, evidence, answers."""

from dataclasses import replace
from typing import Any

from django.utils import timezone

from rttm import sync
from rttm.core.schema import Record, Region, ResponseSet
from rttm.models import Service


def absorb(row: Service, **fields: Any) -> None:
    """What a sync finds now; `entries` are the fields of addresses."""
    entries = fields.pop("entries", {})
    value = Service.objects.whole().get(pk=row.pk).value
    regions = tuple(_with(found, entries) for found in value.region)
    news = replace(value, region=fields.pop("region", regions), **fields)
    sync.absorb_service(news, asked_at=timezone.now())


def _with(found: Region, entries: dict) -> Region:
    pool = tuple(replace(entry, **entries.get(entry.address, {})) for entry in found.pool)
    return replace(found, pool=pool)


def answers(row: Service, code: str, *addresses: str, status: str = "up") -> None:
    """What the backend says a region serves from now on."""
    now = timezone.now()
    records = tuple(Record("A", address, 5) for address in addresses)
    told = ResponseSet(code, status, int(now.timestamp()), "health", 1, records)
    sync.absorb_answers(row, [told], asked_at=now)
