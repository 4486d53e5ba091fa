"""The region strip: eight cells a service, the same in the same order everywhere; and its answer.

Reads only what `services_for_strips`, or the service page, fetched.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import Count, Max, Prefetch, Q, QuerySet

from rttm.core.failover import Origin
from rttm.core.terms import EntryStatus, RegionCode, ServeMode, Status
from rttm.models import PoolEntry, Region, Service
from rttm.shown import source

HEADS: dict[str, str] = {
    RegionCode.GLOBAL: "Global",
    RegionCode.US_WEST: "US W",
    RegionCode.US_CENTRAL: "US C",
    RegionCode.US_EAST: "US E",
    RegionCode.EU_WEST: "EU W",
    RegionCode.EU_CENTRAL: "EU C",
    RegionCode.EU_EAST: "EU E",
    RegionCode.ASIA: "Asia",
}
"""The column heads; a cell's words name the region in full."""

SHOWN_RECORDS = 2


@dataclass(frozen=True, slots=True)
class Cell:
    """One region of one service."""

    region_code: str
    state: str  # a sign; "absent" where the service has no such region
    text: str  # beside the shape, only where something is wrong
    words: str
    is_autopopulated: bool = False
    region_pk: int | None = None

    @property
    def shape(self) -> str:
        return "hollow" if self.is_autopopulated and self.state == Status.OK else self.state

    @property
    def head(self) -> str:
        return HEADS[self.region_code]


@dataclass(frozen=True, slots=True)
class Tally:
    """How a region's addresses are."""

    up: int
    total: int
    waiting: int  # up again, but out until somebody recovers them

    @classmethod
    def of(cls, region: Region) -> "Tally":
        """As a query counted them; without one, from the pool."""
        counted = vars(region)
        if "total" in counted:
            return cls(counted["up"], counted["total"], counted["waiting"])
        pool = region.pool.all()
        up = sum(entry.status == EntryStatus.UP for entry in pool)
        return cls(up, len(pool), sum(entry.is_waiting for entry in pool))


@dataclass(frozen=True, slots=True)
class Answer:
    """What clients get now, from the region a reader wants to know of first."""

    region_code: str  # "" when it is the global one
    shown: tuple[str, ...]
    more: int
    words: str  # instead of records: not asked yet, answers nothing
    is_older: bool = False  # nobody has asked since a status there changed
    is_empty: bool = False  # an active service that answers nothing


def services_for_strips() -> QuerySet[Service]:
    """Services with their regions' counts: two queries, whatever their number."""
    up = Count("pool", filter=Q(pool__status=EntryStatus.UP))
    waiting = Count("pool", filter=PoolEntry.waiting("pool__"))
    changed = Max("pool__status_since")
    servable = Count("pool", filter=~Q(pool__serve_mode=ServeMode.NO))
    regions = Region.objects.annotate(
        up=up, total=Count("pool"), waiting=waiting, servable=servable, pool_changed_at=changed
    )
    return Service.objects.prefetch_related(Prefetch("regions", regions))


def strip(service: Service) -> list[Cell]:
    """The eight cells in their fixed order."""
    known = {region.region_code: region for region in service.regions.all()}
    return [_cell(service, known.get(code), code) for code in RegionCode]


def _cell(service: Service, region: Region | None, code: str) -> Cell:
    if region is None:
        return Cell(code, "absent", "", f"{code}: no such region")
    tally = Tally.of(region)
    state = _state(service, region, tally)
    text = _text(service, region, tally) if state in ("failover", "trouble", "waits") else ""
    words = "; ".join(_words(service, region, tally, state))
    return Cell(code, state, text, words, region.autopopulate, region.pk)


def _state(service: Service, region: Region, tally: Tally) -> str:
    if service.gone_at or not service.active:
        return "gone" if service.gone_at else "inactive"
    if region.sign == Status.OK and tally.waiting:
        return "waits"
    return region.sign


def _text(service: Service, region: Region, tally: Tally) -> str:
    if region.status == Status.FAILOVER:
        return f"→{_target(service, region)}"
    return "" if region.autopopulate else f"{tally.up}/{tally.total}"


def _target(service: Service, region: Region) -> str:
    """Where its answers come from, in a word that fits a cell."""
    if _answers_nothing(service, region):
        return "none"
    found = source(region)
    if found.is_own_pool:
        return "own"
    match found.origin:
        case Origin.NOTHING:
            return "none"
        case Origin.ADDRESS:
            return found.mode
    return "global" if found.name == RegionCode.GLOBAL else HEADS.get(found.name, found.name)


def _answers_nothing(service: Service, region: Region) -> bool:
    """As `service_words.answers_nothing`, of what the query counted."""
    return region.records == [] and not _is_older(service, region)


def _words(service: Service, region: Region, tally: Tally, state: str) -> Iterator[str]:
    yield f"{region.region_code}: {'unknown' if state == Status.UNK else state}"
    if region.autopopulate:
        yield "filled from the global region"
    elif tally.total:
        yield f"{tally.up} of {tally.total} up"
    if tally.waiting:
        yield f"{tally.waiting} up again but waiting for recover"
    if region.status == Status.FAILOVER:
        yield _answering(service, region)


def _answering(service: Service, region: Region) -> str:
    found = source(region)
    if _answers_nothing(service, region) or found.origin == Origin.NOTHING:
        return "answers nothing"
    return f"answers from {found.words}"


def answer(service: Service) -> Answer:
    """The global region's answer, or that of the one in failover first."""
    if service.gone_at or not service.active:
        return Answer("", (), 0, "answers nothing")
    regions = service.regions_in_order()
    failing = (region for region in regions if region.status == Status.FAILOVER)
    region = next(failing, None) or next(iter(regions), None)
    if region is None or region.records is None:
        return Answer("", (), 0, "not asked yet")
    values = [record.value for record in region.records]
    code = "" if region.region_code == RegionCode.GLOBAL else region.region_code
    rest = max(0, len(values) - SHOWN_RECORDS)
    words = "" if values else "answers nothing"
    shown = tuple(values[:SHOWN_RECORDS])
    older = _is_older(service, region)
    return Answer(code, shown, rest, words, is_older=older, is_empty=not values)


def _is_older(service: Service, region: Region) -> bool:
    """As `rttm.shown.is_answer_older`, of what the query counted."""
    if service.missing_since:
        return True
    pool_changed_at = vars(region).get("pool_changed_at")
    changes = [region.status_since, pool_changed_at, service.changed_at]
    asked_at = service.answers_seen_at
    return asked_at is not None and any(at is not None and asked_at < at for at in changes)
