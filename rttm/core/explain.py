"""Why DNS answers what it answers, told from what any backend shows: statuses and served records.

A backend says which records a region serves but not why; this puts its facts into a funnel.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace

from .eligibility import (
    IN_FAILOVER,
    Fact,
    Facts,
    Place,
    Verdict,
    fact_of,
    is_available,
    why_out,
    why_served,
    why_standby,
)
from .failover import Source
from .schema import PoolEntry, Region
from .terms import Status


@dataclass(frozen=True, slots=True)
class Funnel:
    """pool → available → fastest (ep) → each answer (serve count), and each entry's place."""

    pool: int
    available: int
    eligible: int
    serve_count: int
    verdicts: tuple[Verdict, ...]  # served, standby, out
    in_failover: bool
    target: str  # what is served instead while in failover; "" otherwise
    breaks_next: bool  # one more address lost, and the region fails over


def explain(
    region: Region,
    facts: Facts,
    served: Collection[str] | None,
    *,
    source: Source | None = None,
    is_active: bool = True,
    is_older: bool = False,
) -> Funnel:
    """The funnel of a region; `served` are its answer's values, None while nobody asked yet.

    A region in failover answers from its `source`, as `failover.follow` found it.
    An inactive service answers nothing, whatever its regions would serve. An answer that `is_older`
    than the statuses does not explain an entry against them: it may be the one of before.
    """
    available = sum(is_available(entry, fact_of(entry, facts)) for entry in region.pool)
    in_failover = region.status == Status.FAILOVER
    known = _not_refuted(region, facts, served) if is_older else served
    verdicts = [_verdict(entry, region, facts, known, source) for entry in region.pool]
    if not is_active:
        verdicts = [_resting(verdict) for verdict in verdicts]
    order = list(Place)
    return Funnel(
        pool=len(region.pool),
        available=available,
        eligible=min(region.ep, available),
        serve_count=region.serve_count,
        verdicts=tuple(sorted(verdicts, key=lambda verdict: order.index(verdict.place))),
        in_failover=in_failover,
        target=source.words if in_failover and source else "",
        breaks_next=is_active and not in_failover and available - 1 < max(region.apmc, region.epmc),
    )


def _not_refuted(
    region: Region, facts: Facts, served: Collection[str] | None
) -> Collection[str] | None:
    """What an older answer has that still may be served."""
    if served is None or region.status == Status.FAILOVER:
        return None
    out = {e.address for e in region.pool if not is_available(e, fact_of(e, facts))}
    return set(served) - out


def _verdict(
    entry: PoolEntry,
    region: Region,
    facts: Facts,
    served: Collection[str] | None,
    source: Source | None,
) -> Verdict:
    fact = fact_of(entry, facts)
    if served is not None and entry.address in served:
        return Verdict(entry.address, Place.SERVED, _served(entry, fact, region, source))
    if not is_available(entry, fact):
        return Verdict(entry.address, Place.OUT, why_out(entry, fact))
    if region.status == Status.FAILOVER:
        return Verdict(entry.address, Place.STANDBY, IN_FAILOVER)
    if served is None:
        return Verdict(entry.address, Place.STANDBY, "may be served: not asked yet")
    return Verdict(entry.address, Place.STANDBY, why_standby(region))


def _resting(verdict: Verdict) -> Verdict:
    """What is out stays so once the service is active; of the rest nobody knows yet."""
    if verdict.place == Place.OUT:
        return verdict
    return replace(verdict, place=Place.STANDBY, reason="the service is inactive")


def _served(entry: PoolEntry, fact: Fact, region: Region, source: Source | None) -> str:
    if region.status != Status.FAILOVER:
        return why_served(entry, fact)
    is_last_resort = source is not None and source.is_own_pool
    return "served as the last resort" if is_last_resort else "the failover target has it too"
