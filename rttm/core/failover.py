"""Where a region in failover answers from: the only place that follows the chain of targets."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from .terms import FailoverMode, RegionCode

LAST_RESORT = "its own pool as the last resort"
NOTHING = "nothing, because every entry has mode no"


@dataclass(frozen=True, slots=True)
class Link:
    """What the chain needs to know of one region; an autopopulated one has the global settings."""

    failover_mode: str
    failover_data: str
    in_failover: bool
    has_last_resort: bool  # an entry whose mode is not `no`

    @property
    def following(self) -> str:
        """The code of the region that the chain goes on to; "" where it ends."""
        if self.failover_mode == FailoverMode.REGION:
            return self.failover_data
        return RegionCode.GLOBAL if self.failover_mode == FailoverMode.GLOBAL else ""


class Origin(StrEnum):
    """The kinds of what a region in failover answers with."""

    ADDRESS = "address"  # the address or name of its failover data
    REGION = "region"  # the answer of a region that is not in failover
    LAST_RESORT = "last_resort"  # a pool without mode `no`
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Source:
    """Where the answers of the region `start` come from while it is in failover."""

    start: str
    origin: Origin
    name: str = ""  # the address, or the code of the region
    mode: str = ""  # of the region at the end of the chain, where it names an address

    @property
    def is_own_pool(self) -> bool:
        return self.origin == Origin.LAST_RESORT and self.name == self.start

    @property
    def words(self) -> str:
        if self.origin == Origin.ADDRESS:
            return self.name or self.mode
        if self.origin == Origin.REGION:
            return f"region {self.name}"
        if self.origin == Origin.NOTHING:
            return NOTHING
        return LAST_RESORT if self.is_own_pool else f"the pool of {self.name} as the last resort"


def follow(start: str, links: Mapping[str, Link]) -> Source:
    """Follow the chain of regions until one is not in failover.

    When the chain comes back to a region already visited, or its target is not there, the last
    resort is the own pool without mode `no`; where that leaves nothing, the pools of the chain in
    its order.
    """
    visited, here = [start], links[start]
    while here.failover_mode in (FailoverMode.REGION, FailoverMode.GLOBAL):
        if here.following not in links or here.following in visited:
            return _last_resort(visited, links)
        visited.append(here.following)
        here = links[here.following]
        if not here.in_failover:
            return Source(start, Origin.REGION, visited[-1])
    return Source(start, Origin.ADDRESS, here.failover_data, here.failover_mode)


def _last_resort(visited: list[str], links: Mapping[str, Link]) -> Source:
    with_pool = next((code for code in visited if links[code].has_last_resort), "")
    if not with_pool:
        return Source(visited[0], Origin.NOTHING)
    return Source(visited[0], Origin.LAST_RESORT, with_pool)


def setting_words(region_code: str, failover_mode: str, failover_data: str) -> str:
    """The target that a region's settings name, whatever state the other regions are in."""
    link = Link(failover_mode, failover_data, in_failover=True, has_last_resort=True)
    target = Link("", "", in_failover=False, has_last_resort=True)
    return follow(region_code, {link.following: target, region_code: link}).words
