"""What the mirror's tests have it absorb: a service, what it serves, and moments in order."""

from datetime import UTC, datetime, timedelta

from rttm.core.schema import Record, ResponseSet
from rttm.models import PoolEntry, Service
from tests.builders import pool_entry, region, service

T0 = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
T1 = T0 + timedelta(seconds=10)
T2 = T0 + timedelta(seconds=20)
T3 = T0 + timedelta(seconds=30)

ONE, TWO = "192.0.2.1", "192.0.2.2"


def value(*entries, **overrides):
    """A service with one region, global, and these entries."""
    return service(
        region=(region(pool=entries or (pool_entry(ONE), pool_entry(TWO))),), **overrides
    )


def entry_of(row: Service, address: str = ONE) -> PoolEntry:
    return PoolEntry.objects.get(region__service=row, address=address)


def answer(*values: str, at: datetime = T0, **overrides) -> ResponseSet:
    fields = {
        "region_code": "global",
        "region_status": "up",
        "change_ts": int(at.timestamp()),
        "change_type": "health",
        "serve_count": 1,
        "records": tuple(Record("A", value, 1) for value in values),
    }
    return ResponseSet(**fields | overrides)
