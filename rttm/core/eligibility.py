"""What a region serves, whether it is in failover, and why: pure decisions with their reasons.

This is the only place where serve modes are interpreted.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from .failover import Link, Origin, Source, follow
from .moments import Moment, stamp
from .rules import is_ipv4
from .schema import PoolEntry, Record, Region, Service
from .terms import WORST_FIRST, EntryStatus, FailoverMode, ServeMode, Status


@dataclass(frozen=True, slots=True)
class Fact:
    """What is known of one pool entry when a region decides."""

    status: str = EntryStatus.UNK
    latched: bool = False  # mode `remove`: was down since the last recover
    response_ms: float | None = None
    since: Moment | None = None  # of the status, where that is known


Facts = Mapping[str, Fact]
"""By address. A latch belongs to an address of the service, in every region alike."""


def fact_of(entry: PoolEntry, facts: Facts) -> Fact:
    """Nothing is known of an address that was never probed."""
    return facts.get(entry.address, Fact())


class Place(StrEnum):
    """What happens to an entry of a pool."""

    SERVED = "served"
    STANDBY = "standby"
    OUT = "out"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One entry's place, with the reason in words."""

    address: str
    place: Place
    reason: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What one region serves; the counts are those of the funnel."""

    region_code: str
    status: Status
    records: tuple[Record, ...]
    serve_count: int
    in_failover: bool
    reason: str  # why it is in failover, and what it serves instead; "" otherwise
    verdicts: tuple[Verdict, ...]
    pool: int
    available: int
    eligible: int


def is_available(entry: PoolEntry, fact: Fact) -> bool:
    """Whether an entry may be served.

    serve mode  available
    always      whatever its status
    obey        unless it is down
    remove      unless it is down, or was down since the last recover
    no          never
    """
    match entry.serve_mode:
        case ServeMode.ALWAYS:
            return True
        case ServeMode.NO:
            return False
        case ServeMode.REMOVE:
            return fact.status != EntryStatus.DOWN and not fact.latched
        case _:
            return fact.status != EntryStatus.DOWN


def latches(service: Service, facts: Facts) -> frozenset[str]:
    """The addresses that are latched out: mode `remove`, down now or latched before."""
    return frozenset(
        entry.address
        for region in service.region
        if not region.autopopulate
        for entry in region.pool
        if entry.serve_mode == ServeMode.REMOVE and _latches(fact_of(entry, facts))
    )


def _latches(fact: Fact) -> bool:
    return fact.latched or fact.status == EntryStatus.DOWN


def effective(region: Region, service: Service) -> Region:
    """The region as it decides: an autopopulated one has the global settings and pool."""
    source = service.global_region
    if not region.autopopulate or source is None:
        return region
    return replace(
        source, region_code=region.region_code, autopopulate=True,
        status=region.status, task_id=region.task_id,
    )  # fmt: skip


def decide_service(
    service: Service, facts: Facts, held: Collection[str] = frozenset()
) -> dict[str, Decision]:
    """Every region's decision, by code.

    `held` are the regions in failover that wait for a recover (auto_recover N).
    """
    regions = {region.region_code: effective(region, service) for region in service.region}
    own = {code: decide_pool(region, facts, held=code in held) for code, region in regions.items()}
    return {code: _resolved(code, regions, own) for code in regions}


def decide_pool(region: Region, facts: Facts, *, held: bool) -> Decision:
    """A region's decision from its own pool; in failover its records are still empty."""
    available = [entry for entry in region.pool if is_available(entry, fact_of(entry, facts))]
    eligible = sorted(available, key=_speed(facts))[: region.ep]
    cause = _cause(region, len(available), len(eligible), held=held)
    chosen = set() if cause else {entry.address for entry in eligible}
    return Decision(
        region_code=region.region_code,
        status=_status(region, facts, in_failover=bool(cause)),
        records=tuple(_record(entry) for entry in region.pool if entry.address in chosen),
        serve_count=region.serve_count,
        in_failover=bool(cause),
        reason=cause,
        verdicts=tuple(_verdict(e, fact_of(e, facts), chosen, region) for e in region.pool),
        pool=len(region.pool),
        available=len(available),
        eligible=len(eligible),
    )


def _speed(facts: Facts) -> Callable[[PoolEntry], tuple[bool, float]]:
    def key(entry: PoolEntry) -> tuple[bool, float]:
        median_ms = fact_of(entry, facts).response_ms
        return median_ms is None, median_ms or 0.0

    return key


def _cause(region: Region, available: int, eligible: int, *, held: bool) -> str:
    if available < region.apmc:
        return f"{available} available, needs {region.apmc} (apmc)"
    if eligible < region.epmc:
        return f"{eligible} in the eligibility pool, needs {region.epmc} (epmc)"
    return "counts are met again, waits for recover (auto recover is off)" if held else ""


def _status(region: Region, facts: Facts, *, in_failover: bool) -> Status:
    if in_failover:
        return Status.FAILOVER
    statuses = {
        str(fact_of(entry, facts).status)
        for entry in region.pool
        if entry.serve_mode != ServeMode.NO
    }
    if EntryStatus.DOWN in statuses:
        return Status.TROUBLE
    return Status.UNK if statuses <= {EntryStatus.UNK} else Status.OK


def _record(entry: PoolEntry) -> Record:
    kind = "A" if is_ipv4(entry.address) else "CNAME"
    return Record(kind, entry.address, entry.weight)


def _verdict(entry: PoolEntry, fact: Fact, chosen: Collection[str], region: Region) -> Verdict:
    if entry.address in chosen:
        return Verdict(entry.address, Place.SERVED, why_served(entry, fact))
    if not is_available(entry, fact):
        return Verdict(entry.address, Place.OUT, why_out(entry, fact))
    return Verdict(entry.address, Place.STANDBY, why_standby(region))


def why_served(entry: PoolEntry, fact: Fact) -> str:
    """A word about a served entry that a reader might not expect to be served."""
    if fact.status == EntryStatus.DOWN:
        return "served although down: mode always"
    return "served while unknown" if fact.status == EntryStatus.UNK else "served"


def why_out(entry: PoolEntry, fact: Fact) -> str:
    """Why an entry that is not available is out."""
    if entry.serve_mode == ServeMode.NO:
        return "mode no"
    if fact.status != EntryStatus.DOWN:
        return "it was down since the last recover"
    return f"down since {stamp(fact.since)}" if fact.since else "down"


def why_standby(region: Region) -> str:
    """Why an available entry is not served by a region outside failover."""
    return f"slower than the fastest {region.ep}"


def _resolved(code: str, regions: Mapping[str, Region], own: Mapping[str, Decision]) -> Decision:
    decision = own[code]
    if not decision.in_failover:
        return decision
    links = {one: link(region, in_failover=own[one].in_failover) for one, region in regions.items()}
    source = follow(code, links)
    records, count = _served(source, regions, own)
    last_resort = {record.value for record in records} if source.is_own_pool else set()
    verdicts = tuple(_standing_by(verdict, last_resort) for verdict in decision.verdicts)
    reason = f"{decision.reason}: serves {source.words}"
    return replace(
        decision, records=records, serve_count=count, reason=reason, verdicts=verdicts
    )  # fmt: skip


IN_FAILOVER = "the region is in failover"  # why its own entries stand by


def link(region: Region, *, in_failover: bool) -> Link:
    """What the failover chain has to know of a region as it decides."""
    return Link(
        region.failover_mode, region.failover_data, in_failover, bool(last_resort(region))
    )  # fmt: skip


def _standing_by(verdict: Verdict, last_resort: Collection[str]) -> Verdict:
    if verdict.address in last_resort:
        reason = f"served as the last resort; {verdict.reason}"
        return replace(verdict, place=Place.SERVED, reason=reason)
    if verdict.place == Place.STANDBY:
        return replace(verdict, reason=IN_FAILOVER)
    return verdict


def _served(
    source: Source, regions: Mapping[str, Region], own: Mapping[str, Decision]
) -> tuple[tuple[Record, ...], int]:
    """The records of a region in failover, and how many of them each answer draws."""
    match source.origin:
        case Origin.REGION:
            return own[source.name].records, own[source.name].serve_count
        case Origin.LAST_RESORT:
            region = regions[source.name]
            return tuple(_record(entry) for entry in last_resort(region)), region.serve_count
        case Origin.NOTHING:
            return (), regions[source.start].serve_count
    is_ip = source.mode == FailoverMode.IP
    return (Record("A" if is_ip else "CNAME", source.name, 1 if is_ip else None),), 1


def last_resort(region: Region) -> tuple[PoolEntry, ...]:
    """What a region in failover answers with when its target has nothing: never mode `no`."""
    return tuple(entry for entry in region.pool if entry.serve_mode != ServeMode.NO)


def worst(statuses: Collection[str]) -> Status:
    """The service's status from its regions': failover > trouble > unk > ok; unk without any."""
    return next((status for status in WORST_FIRST if status in statuses), Status.UNK)
