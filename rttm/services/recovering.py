"""Say of a recover what stays out all the same, and why, from the mirror as it is afterwards."""

from collections.abc import Iterable, Iterator

from rttm.core.eligibility import Fact, decide_pool, is_available, why_out
from rttm.core.terms import EntryStatus, ServeMode, Status
from rttm.models import PoolEntry, Region, Service
from rttm.shown import facts

NAMED = 5  # sentences in a message


def describe_still_out(service: Service, address: str = "") -> str:
    """The addresses and regions that a recover did not bring back; "" when it helped.

    With an `address` only it counts, and the regions that have it in their pool.
    """
    regions = list(service.regions.prefetch_related("pool"))
    for region in regions:
        region.service = service
    sentences = [*_describe_entries(regions, address), *_describe_regions(regions, address)]
    more = len(sentences) - NAMED
    return " ".join(sentences[:NAMED]) + (f" And {more} more." if more > 0 else "")


def _describe_entries(regions: Iterable[Region], address: str) -> Iterator[str]:
    """Each address once; what is set to `no` is out by will, unless it was asked for by name."""
    told = set()
    for entry in _entries(regions):
        is_meant = entry.address == address if address else entry.serve_mode != ServeMode.NO
        if is_meant and entry.address not in told and not is_available(entry.value, _fact(entry)):
            told.add(entry.address)
            yield _describe_entry(entry)


def _entries(regions: Iterable[Region]) -> Iterator[PoolEntry]:
    for region in regions:
        if not region.autopopulate:
            yield from region.pool.all()


def _fact(entry: PoolEntry) -> Fact:
    return Fact(entry.status, entry.is_waiting, since=entry.status_since)


def _describe_entry(entry: PoolEntry) -> str:
    if entry.serve_mode == ServeMode.NO:
        return f"{entry.address} has mode no in {entry.region.region_code}."
    if entry.is_waiting:
        return f"{entry.address} waits for another recover: {why_out(entry.value, _fact(entry))}."
    evidence = _evidence(entry)
    why = f": {evidence}" if evidence else ""
    next_step = (
        "Recover it again once it is up."
        if entry.serve_mode == ServeMode.REMOVE
        else "It comes back when a probe succeeds."
    )
    return f"{entry.address} is {why_out(entry.value, _fact(entry))}{why}. {next_step}"


def _evidence(entry: PoolEntry) -> str:
    """The latest words of a probe that found it down."""
    found = [log for log in entry.value.log if log.status == EntryStatus.DOWN]
    latest = max(found, key=lambda log: log.time, default=None)
    return latest.message.rstrip(".") if latest else ""


def _describe_regions(regions: Iterable[Region], address: str) -> Iterator[str]:
    for region in regions:
        has_it = any(entry.address == address for entry in region.pool.all())
        if region.status == Status.FAILOVER and (has_it or not address):
            reason = "" if region.autopopulate else _cause(region)
            yield f"{region.region_code} is still in failover{f': {reason}' if reason else ''}."


def _cause(region: Region) -> str:
    return decide_pool(region.value, facts(region), held=False).reason
