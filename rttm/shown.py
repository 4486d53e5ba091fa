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


def is_answer_older(region: Region) -> bool:
    """Nobody has asked what it serves since its status, or that of an entry, changed."""
    asked_at = region.service.answers_seen_at
    seen = [region.status_since, *(entry.status_since for entry in region.pool.all())]
    return asked_at is not None and asked_at < max(seen)


def funnel(region: Region) -> Funnel:
    """Why a region answers what it answers; prefetch `pool` first."""
    records = region.records
    return explain(
        region.value,
        facts(region),
        None if records is None else [record.value for record in records],
        is_active=region.service.active,
        is_older=is_answer_older(region),
    )
