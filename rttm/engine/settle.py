"""From what is known of a service to what it serves, with a record of each change.

Called by store only, inside a transaction that holds the service's row.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from statistics import median

from django.db.models import F, Max

from rttm.core.eligibility import Decision, Fact, decide_service, latches
from rttm.core.schema import Record, ServiceKey
from rttm.core.schema import Service as ServiceValue
from rttm.core.terms import ChangeType, Status

from .models import (
    REGION_REMOVED,
    AddressState,
    Health,
    RegionState,
    ResponseRecord,
    Service,
    Zone,
)


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a service is settled: when, by what, and by whom if a person did it."""

    now: float
    change_type: ChangeType
    user_name: str = ""


@dataclass(frozen=True, slots=True)
class Settled:
    """What came of it. An inactive service decides nothing."""

    decisions: Mapping[str, Decision]
    latched: frozenset[str]


@dataclass(frozen=True, slots=True)
class Serving:
    """What one region serves: the fields of its state, and of its records."""

    status: str
    serve_count: int
    records: tuple[Record, ...]
    in_failover: bool
    held: bool

    @property
    def rows(self) -> list[list[object]]:
        """The records as JSON keeps them."""
        return [[record.rdata_type, record.value, record.weight] for record in self.records]


def settle(row: Service, cause: Cause) -> Settled:
    """Decide anew what every region serves, and record what that changed."""
    service = row.value
    facts = load_facts(row)
    latched = latches(service, facts)
    _keep_latches(row, facts, latched)
    states = {state.region_code: state for state in RegionState.objects.filter(service=row)}
    decisions = _decisions(service, facts, latched, states)
    servings = {
        region.region_code: _serving(service, region.region_code, decisions, states)
        for region in service.region
    }
    _record_changes(row, cause, servings, states)
    return Settled(decisions, latched)


def load_facts(row: Service) -> dict[str, Fact]:
    """What the decision needs to know of each address."""
    runs: defaultdict[str, list[float]] = defaultdict(list)
    for address, measured in Health.objects.filter(service=row).values_list("address", "runs"):
        runs[address] += measured
    states = {state.address: state for state in AddressState.objects.filter(service=row)}
    return {
        address: _fact(states.get(address), runs.get(address)) for address in {**runs, **states}
    }


def _fact(state: AddressState | None, runs: list[float] | None) -> Fact:
    response_ms = median(runs) if runs else None
    if state is None:
        return Fact(response_ms=response_ms)
    return Fact(state.status, state.latched, response_ms)


def _keep_latches(row: Service, facts: Mapping[str, Fact], latched: frozenset[str]) -> None:
    was = {address for address, fact in facts.items() if fact.latched}
    states = AddressState.objects.filter(service=row)
    if freed := was - latched:
        states.filter(address__in=freed).update(latched=False)
    if caught := latched - was:
        states.filter(address__in=caught).update(latched=True)


def _decisions(
    service: ServiceValue,
    facts: Mapping[str, Fact],
    latched: frozenset[str],
    states: Mapping[str, RegionState],
) -> dict[str, Decision]:
    if not service.active:
        return {}
    known = {address: replace(fact, latched=address in latched) for address, fact in facts.items()}
    held = set() if service.auto_recover else {code for code, s in states.items() if s.held}
    return decide_service(service, known, held)


def _serving(
    service: ServiceValue,
    code: str,
    decisions: Mapping[str, Decision],
    states: Mapping[str, RegionState],
) -> Serving:
    """An inactive service answers nothing; a region that waited for recover goes on waiting."""
    decision = decisions.get(code)
    if decision is None:
        held = code in states and states[code].held and not service.auto_recover
        return Serving(Status.UNK, 1, (), in_failover=False, held=held)
    return Serving(
        str(decision.status),
        decision.serve_count,
        decision.records,
        in_failover=decision.in_failover,
        held=decision.in_failover and not service.auto_recover,
    )


def _record_changes(
    row: Service,
    cause: Cause,
    servings: Mapping[str, Serving],
    states: Mapping[str, RegionState],
) -> None:
    changed = {code: now for code, now in servings.items() if _is_news(states.get(code), now)}
    gone = [state for code, state in states.items() if code not in servings]
    if changed or gone:
        _write_records(row, cause, {**changed, **_removals(gone)})
        RegionState.objects.filter(pk__in=[state.pk for state in gone]).delete()
    _keep_states(row, cause.now, servings, states)


def record_removal(row: Service, cause: Cause) -> None:
    """The last records of a service that is about to be deleted."""
    if states := list(RegionState.objects.filter(service=row)):
        _write_records(row, cause, _removals(states))


def _removals(states: Iterable[RegionState]) -> dict[str, Serving]:
    return {
        state.region_code: Serving(
            REGION_REMOVED, state.serve_count, (), in_failover=False, held=False
        )
        for state in states
    }


def _is_news(state: RegionState | None, serving: Serving) -> bool:
    if state is None:
        return True
    was = (state.status, state.serve_count, state.records)
    return was != (serving.status, serving.serve_count, serving.rows)


def _write_records(row: Service, cause: Cause, servings: Mapping[str, Serving]) -> None:
    """One change: one new serial, and a record for each region it touched."""
    Zone.objects.filter(pk=row.zone_id).update(serial=F("serial") + 1)
    serial = Zone.objects.values_list("serial", flat=True).get(pk=row.zone_id)
    at = _change_ts(row.value.key, cause.now)
    by_user = cause.user_name if cause.change_type == ChangeType.USER else ""
    ResponseRecord.objects.bulk_create(
        ResponseRecord(
            zone_name=row.zone.name,
            fqdn=row.fqdn,
            serial=serial,
            change_ts=at,
            change_type=cause.change_type,
            region_code=code,
            region_status=_told(serving.status),
            user_name=by_user,
            serve_count=serving.serve_count,
            records=serving.rows,
        )
        for code, serving in servings.items()
    )


def _change_ts(key: ServiceKey, now: float) -> int:
    """Never before the service's newest record: a clock that was set back must not mix history."""
    records = ResponseRecord.objects.filter(zone_name=key.zone, fqdn=key.fqdn)
    newest = records.aggregate(at=Max("change_ts"))["at"]
    return max(int(now), newest or 0)


def _told(status: str) -> str:
    """Reports say `up` where a region's status is `ok` (WSDL 3.7.11)."""
    return "up" if status == Status.OK else str(status)


def _keep_states(
    row: Service, now: float, servings: Mapping[str, Serving], states: Mapping[str, RegionState]
) -> None:
    RegionState.objects.bulk_create(
        [
            _state(row, now, code, new, states.get(code))
            for code, new in servings.items()
            if not _is_kept(states.get(code), new)
        ],
        update_conflicts=True,
        unique_fields=["service", "region_code"],
        update_fields=["status", "in_failover", "held", "since", "serve_count", "records"],
    )


def _is_kept(state: RegionState | None, serving: Serving) -> bool:
    if state is None or _is_news(state, serving):
        return False
    return (state.in_failover, state.held) == (serving.in_failover, serving.held)


def _state(
    row: Service, now: float, code: str, serving: Serving, was: RegionState | None
) -> RegionState:
    return RegionState(
        service=row,
        region_code=code,
        status=serving.status,
        in_failover=serving.in_failover,
        held=serving.held,
        since=was.since if was and was.status == serving.status else now,
        serve_count=serving.serve_count,
        records=serving.rows,
    )
