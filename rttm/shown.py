"""What pages tell of mirrored regions beyond their columns: why an entry is served or not."""

from .core.eligibility import Fact
from .core.explain import Funnel, explain
from .models import Region


def facts(region: Region) -> dict[str, Fact]:
    """What is known of each address; prefetch `pool` first."""
    return {
        entry.address: Fact(status=entry.status, latched=entry.is_waiting)
        for entry in region.pool.all()
    }


def funnel(region: Region) -> Funnel:
    """Why a region answers what it answers; prefetch `pool` first."""
    records = region.records
    served = None if records is None else [record.value for record in records]
    return explain(region.value, facts(region), served, is_active=region.service.active)
