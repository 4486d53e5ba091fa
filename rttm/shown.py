"""What pages tell of mirrored rows beyond their columns: why an entry is served or not."""

from .core.eligibility import Fact
from .core.explain import Funnel, explain
from .core.terms import EntryStatus
from .models import PoolEntry, Region


def is_waiting(entry: PoolEntry) -> bool:
    """Up again, or unknown, but out until somebody recovers it (mode `remove`)."""
    return entry.was_down and entry.status != EntryStatus.DOWN


def funnel(region: Region) -> Funnel:
    """Why a region answers what it answers; prefetch `pool` first."""
    facts = {
        entry.address: Fact(status=entry.status, latched=is_waiting(entry))
        for entry in region.pool.all()
    }
    records = region.records
    served = None if records is None else [record.value for record in records]
    return explain(region.value, facts, served, is_active=region.service.active)
