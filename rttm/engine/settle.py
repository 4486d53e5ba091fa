"""From what is known of services to what they serve, with a record of each change.

Called by store only, inside a transaction that holds the services' rows.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from django.conf import settings

from rttm.core.eligibility import Decision, Fact, decide_service, effective, fact_of, latches
from rttm.core.schema import Region
from rttm.core.schema import Service as ServiceValue
from rttm.core.sites import Figure, ranking_ms
from rttm.core.terms import EntryStatus, Status

from . import history, notify
from .history import Cause, Serving, Servings
from .models import AddressState, Health, RegionState, Service
from .notify import Outcome, States


@dataclass(frozen=True, slots=True)
class Settled:
    """What came of it. An inactive service decides nothing."""

    decisions: Mapping[str, Decision]
    latched: frozenset[str]


@dataclass(slots=True)
class Known:
    """What the rows say of one service before it is settled."""

    facts: dict[str, Fact] = field(default_factory=dict)  # by address
    state_ids: dict[str, int] = field(default_factory=dict)  # the same
    regions: dict[str, RegionState] = field(default_factory=dict)  # by code


def settle(row: Service, cause: Cause) -> Settled:
    """Decide anew what every region serves, and record what that changed."""
    return settle_all({row.pk: row}, {row.pk: cause})[row.pk]


def settle_all(rows: Mapping[int, Service], causes: Mapping[int, Cause]) -> dict[int, Settled]:
    """The same for many services, by their ids, in as few queries as for one."""
    if not causes:
        return {}  # as nearly always: queries for nothing would cost as much as the rest
    known = load({pk: rows[pk] for pk in causes})
    settled = {pk: _settled(rows[pk].value, known[pk]) for pk in causes}
    _keep_latches(known, settled)
    servings = {
        pk: _servings(rows[pk].value, done.decisions, known[pk], causes[pk])
        for pk, done in settled.items()
    }
    serials = _record_changes(rows, causes, known, servings)
    _keep_states(causes, known, servings)
    notify.tell(
        Outcome(
            row=rows[pk],
            cause=causes[pk],
            serial=serials.get(pk, 0),
            before=known[pk].regions,
            after=servings[pk],
            decisions=done.decisions,
            latched=done.latched,
        )
        for pk, done in settled.items()
    )
    return settled


def decided(row: Service) -> Settled:
    """What settling would come to at this moment; nothing is written."""
    return _settled(row.value, load({row.pk: row})[row.pk])


def load(rows: Mapping[int, Service]) -> dict[int, Known]:
    """What the decisions need to know, by service."""
    known = {pk: Known() for pk in rows}
    times = _times(rows)
    states = AddressState.objects.filter(service__in=list(rows))
    for pk, state_id, address, status, latched, since in states.values_list(
        "service_id", "pk", "address", "status", "latched", "since"
    ):
        response_ms = times.pop((pk, address), None)
        moment = datetime.fromtimestamp(since, UTC) if status == EntryStatus.DOWN else None
        known[pk].facts[address] = Fact(status, latched, response_ms, moment)
        known[pk].state_ids[address] = state_id
    for (pk, address), response_ms in times.items():  # measured, and never voted on
        known[pk].facts[address] = Fact(response_ms=response_ms)
    for state in RegionState.objects.filter(service__in=list(rows)):
        known[state.service_id].regions[state.region_code] = state
    return known


def _times(rows: Mapping[int, Service]) -> dict[tuple[int, str], float | None]:
    """By what each address ranks, over all sites."""
    figures: defaultdict[tuple[int, str], list[Figure]] = defaultdict(list)
    healths = Health.objects.filter(service__in=list(rows)).exclude(measured_at=0)
    for pk, address, *measured in healths.values_list(
        "service_id", "address", "runs", "measured_at"
    ):
        figures[pk, address].append(Figure(*measured))
    return {
        (pk, address): ranking_ms(measured, interval=_performance_interval(rows[pk]))
        for (pk, address), measured in figures.items()
    }


def _performance_interval(row: Service) -> float:
    """Of the performance monitor, in seconds."""
    return float(row.value.performance_monitor.interval * settings.SECONDS_PER_MINUTE)


def _settled(service: ServiceValue, known: Known) -> Settled:
    latched = latches(service, known.facts)
    if not service.active:
        return Settled({}, latched)
    facts = {a: replace(fact, latched=a in latched) for a, fact in known.facts.items()}
    waiting = {code for code, state in known.regions.items() if state.held}
    held = set() if service.auto_recover else waiting
    return Settled(decide_service(service, facts, held), latched)


def _keep_latches(known: Mapping[int, Known], settled: Mapping[int, Settled]) -> None:
    changed: dict[bool, list[int]] = {True: [], False: []}
    for pk, of in known.items():
        for address, fact in of.facts.items():
            latched = address in settled[pk].latched
            if latched != fact.latched:
                changed[latched].append(of.state_ids[address])
    for latched, ids in changed.items():
        if ids:
            AddressState.objects.filter(pk__in=ids).update(latched=latched)


def _servings(
    service: ServiceValue, decisions: Mapping[str, Decision], known: Known, cause: Cause
) -> dict[str, Serving]:
    return {
        region.region_code: _serving(region, service, decisions, known, cause)
        for region in service.region
    }


def _serving(
    region: Region,
    service: ServiceValue,
    decisions: Mapping[str, Decision],
    known: Known,
    cause: Cause,
) -> Serving:
    """An inactive service answers nothing; a region that waited for recover goes on waiting."""
    decision, state = decisions.get(region.region_code), known.regions.get(region.region_code)
    if decision is None:
        held = state is not None and state.held and not service.auto_recover
        return Serving(Status.UNK, 1, (), in_failover=False, held=held)
    is_gap = cause.is_silence or (state is not None and state.in_gap)
    return Serving(
        str(decision.status),
        decision.serve_count,
        decision.records,
        in_failover=decision.in_failover,
        held=decision.in_failover and not service.auto_recover,
        in_gap=is_gap and decision.in_failover and _is_unknown(region, service, known),
        reason=decision.reason,
        verdicts=decision.verdicts,
    )


def _is_unknown(region: Region, service: ServiceValue, known: Known) -> bool:
    """All its addresses; a failover goes on then, so its status cannot tell of a gap in probing."""
    pool = effective(region, service).pool
    return all(fact_of(entry, known.facts).status == EntryStatus.UNK for entry in pool)


def _record_changes(
    rows: Mapping[int, Service],
    causes: Mapping[int, Cause],
    known: Mapping[int, Known],
    servings: Mapping[int, Servings],
) -> dict[int, int]:
    """The serials of what changed, by service."""
    changes: dict[int, Servings] = {}
    gone: list[RegionState] = []
    for pk, now in servings.items():
        was = known[pk].regions
        left = [state for code, state in was.items() if code not in now]
        news = {code: serving for code, serving in now.items() if _is_news(was.get(code), serving)}
        if news or left:
            changes[pk] = {**news, **history.removals(left)}
            gone += left
    if gone:
        RegionState.objects.filter(pk__in=[state.pk for state in gone]).delete()
    return history.write(rows, causes, changes)


def record_removal(row: Service, cause: Cause) -> None:
    """The last records of a service that is about to be deleted, and the news of it."""
    states = {state.region_code: state for state in RegionState.objects.filter(service=row)}
    removals = history.removals(states.values())
    serials = history.write({row.pk: row}, {row.pk: cause}, {row.pk: removals})
    notify.tell([Outcome(row, cause, serials[row.pk], states, {}, {}, frozenset())])


def _is_news(state: RegionState | None, serving: Serving) -> bool:
    if state is None:
        return True
    was = (state.status, state.serve_count, state.records, state.in_gap)
    return was != (serving.status, serving.serve_count, serving.rows, serving.in_gap)


def _keep_states(
    causes: Mapping[int, Cause], known: Mapping[int, Known], servings: Mapping[int, Servings]
) -> None:
    RegionState.objects.bulk_create(
        [
            state
            for pk, now in servings.items()
            for state in _states(pk, causes[pk].now, now, known[pk].regions)
        ],
        update_conflicts=True,
        unique_fields=["service", "region_code"],
        update_fields=[
            *("status", "in_failover", "held", "in_gap", "since", "serve_count", "records")
        ],
    )


def _states(pk: int, at: float, servings: Servings, was: States) -> Iterator[RegionState]:
    """Those that are not as they were."""
    for code, serving in servings.items():
        if not _is_kept(was.get(code), serving):
            yield _state(pk, at, code, serving, was.get(code))


def _is_kept(state: RegionState | None, serving: Serving) -> bool:
    if state is None or _is_news(state, serving):
        return False
    return (state.in_failover, state.held) == (serving.in_failover, serving.held)


def _state(pk: int, at: float, code: str, serving: Serving, was: RegionState | None) -> RegionState:
    return RegionState(
        service_id=pk,
        region_code=code,
        status=serving.status,
        in_failover=serving.in_failover,
        held=serving.held,
        in_gap=serving.in_gap,
        since=was.since if was and was.status == serving.status else at,
        serve_count=serving.serve_count,
        records=serving.rows,
    )
