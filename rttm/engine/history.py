"""The records of what regions served, from what to what. Called by settle only."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from django.db.models import F, Max

from rttm.core.eligibility import Verdict
from rttm.core.notify import AddressChange
from rttm.core.schema import Record
from rttm.core.terms import ChangeType, Status

from .models import REGION_REMOVED, RegionState, ResponseRecord, Service, Zone


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a service is settled: when, by what, and by whom if a person did it."""

    now: float
    change_type: ChangeType
    user_name: str = ""
    addresses: tuple[AddressChange, ...] = ()  # those whose status is another one
    site_code: str = ""  # the monitoring site whose results these are
    is_silence: bool = False  # a gap in probing began


@dataclass(frozen=True, slots=True)
class Serving:
    """What one region serves: the fields of its state, and of its records."""

    status: str
    serve_count: int
    records: tuple[Record, ...]
    in_failover: bool
    held: bool
    in_gap: bool = False
    reason: str = ""  # why it is in failover
    verdicts: tuple[Verdict, ...] = ()

    @property
    def told_status(self) -> str:
        """Reports say `up` where a region's status is `ok` (WSDL 3.7.11), and of a gap `unk`."""
        if self.in_gap:
            return Status.UNK
        return "up" if self.status == Status.OK else str(self.status)

    @property
    def rows(self) -> list[list[object]]:
        """The records as JSON keeps them."""
        return [[record.rdata_type, record.value, record.weight] for record in self.records]


Servings = Mapping[str, Serving]  # by region code


def removals(states: Iterable[RegionState]) -> dict[str, Serving]:
    """The last word of regions that are gone."""
    return {
        state.region_code: Serving(
            REGION_REMOVED, state.serve_count, (), in_failover=False, held=False
        )
        for state in states
    }


def write(
    rows: Mapping[int, Service], causes: Mapping[int, Cause], changes: Mapping[int, Servings]
) -> dict[int, int]:
    """One change of a service: one new serial, and a record for each region it touched.

    The new serials, by service.
    """
    changed = [rows[pk] for pk in sorted(changes)]
    if not changed:
        return {}
    serials, newest = _serials(changed), _newest(changed)
    records: list[ResponseRecord] = []
    for row in changed:
        # Never before the newest: a clock that was set back must not mix history.
        at = max(int(causes[row.pk].now), newest.get((row.zone.name, row.fqdn), 0))
        records += _records(row, causes[row.pk], serials[row.pk], at, changes[row.pk])
    ResponseRecord.objects.bulk_create(records)
    return serials


def _serials(changed: Iterable[Service]) -> dict[int, int]:
    """The next serials of their zones, by service."""
    by_zone: defaultdict[int, list[int]] = defaultdict(list)
    for row in changed:
        by_zone[row.zone_id].append(row.pk)
    serials: dict[int, int] = {}
    for zone_id, ids in sorted(by_zone.items()):
        Zone.objects.filter(pk=zone_id).update(serial=F("serial") + len(ids))
        last = Zone.objects.values_list("serial", flat=True).get(pk=zone_id)
        serials.update(zip(ids, range(last - len(ids) + 1, last + 1), strict=True))
    return serials


def _newest(changed: Iterable[Service]) -> dict[tuple[str, str], int]:
    """When each service changed last, by its names."""
    records = ResponseRecord.objects.filter(
        zone_name__in={row.zone.name for row in changed}, fqdn__in={row.fqdn for row in changed}
    )
    found = records.values_list("zone_name", "fqdn").annotate(at=Max("change_ts"))
    return {(zone_name, fqdn): at for zone_name, fqdn, at in found}


def _records(
    row: Service, cause: Cause, serial: int, at: int, servings: Servings
) -> Iterator[ResponseRecord]:
    for code, serving in servings.items():
        yield ResponseRecord(
            zone_name=row.zone.name,
            fqdn=row.fqdn,
            serial=serial,
            change_ts=at,
            change_type=cause.change_type,
            region_code=code,
            region_status=serving.told_status,
            user_name=cause.user_name,
            serve_count=serving.serve_count,
            records=serving.rows,
            reason=serving.reason,
            entries=[[v.address, v.place, v.reason] for v in serving.verdicts],
        )
