"""What pages tell of mirrored regions beyond their columns: why an entry is served or not."""

from .core.eligibility import Fact
from .core.explain import Funnel, explain
from .core.failover import Link, Source, follow
from .core.terms import RegionCode, ServeMode, Status
from .models import Region


def facts(region: Region) -> dict[str, Fact]:
    """What is known of each address; prefetch `pool` first."""
    return {
        entry.address: Fact(status=entry.status, latched=entry.is_waiting)
        for entry in region.pool.all()
    }


def is_answer_older(region: Region) -> bool:
    """Nobody has asked since a status or the configuration changed, or the service is missing."""
    asked_at, changed_at = region.service.answers_seen_at, region.service.changed_at
    seen = [region.status_since, *(entry.status_since for entry in region.pool.all())]
    seen += [changed_at] if changed_at else []
    is_missing = region.service.missing_since is not None
    return asked_at is not None and (is_missing or asked_at < max(seen))


def funnel(region: Region) -> Funnel:
    """Why a region answers what it answers; prefetch `pool` first."""
    records = region.records
    return explain(
        region.value,
        facts(region),
        None if records is None else [record.value for record in records],
        source=source(region) if region.status == Status.FAILOVER else None,
        is_active=region.service.active,
        is_older=is_answer_older(region),
    )


def source(region: Region) -> Source:
    """Where a region answers from while it is in failover; prefetch its service's regions."""
    return follow(region.region_code, _links(region))


def _links(start: Region) -> dict[str, Link]:
    """Those of the service's regions; `start` may have been deleted since it was read."""
    known = {region.region_code: region for region in start.service.regions.all()}
    known.setdefault(start.region_code, start)
    return {code: _link(region, known) for code, region in known.items()}


def _link(region: Region, known: dict[str, Region]) -> Link:
    """An autopopulated region has the settings and the pool of the global one."""
    own = known.get(RegionCode.GLOBAL, region) if region.autopopulate else region
    in_failover = region.status == Status.FAILOVER
    return Link(own.failover_mode, own.failover_data, in_failover, _has_last_resort(own))


def _has_last_resort(region: Region) -> bool:
    """As a query counted the `servable` entries; without one, from the pool."""
    counted = vars(region).get("servable")
    if counted is not None:
        return bool(counted)
    return any(entry.serve_mode != ServeMode.NO for entry in region.pool.all())
