"""What the loop needs: which services to probe, and where its results go."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from django.conf import settings
from django.db import transaction
from django.db.models import F

from rttm.core import health as machine
from rttm.core.eligibility import effective
from rttm.core.health import Health as HealthValue
from rttm.core.health import ProbeResult
from rttm.core.notify import NOT_YET, AddressChange
from rttm.core.schedule import Kind
from rttm.core.schema import Service as ServiceValue
from rttm.core.sites import Report, agreed
from rttm.core.syslog import Probed
from rttm.core.terms import ChangeType, EntryStatus
from rttm.engine import notify, tasks
from rttm.engine.history import Cause
from rttm.engine.models import AddressState, Health, Service
from rttm.engine.router import ALIAS
from rttm.engine.settle import settle_all

from .configuration import addresses

EXPIRED_AT_ONCE = 50  # services in one transaction

Key = tuple[int, str]  # service id, address
Sites = dict[str, Health]  # by site code
Changed = Mapping[int, list[AddressChange]]  # by service id


@dataclass(frozen=True, slots=True)
class Watched:
    """A service to probe. Its autopopulated regions hold what they take from the global one."""

    service_id: int
    version: int
    service: ServiceValue
    healths: dict[str, HealthValue]  # by address, of one site


@dataclass(frozen=True, slots=True)
class RunResult:
    """The outcome of one run of a monitor; `version` is that of the service as it was watched."""

    service_id: int
    version: int
    address: str
    kind: Kind
    result: ProbeResult
    at: float


def watched_versions() -> dict[int, int]:
    """The active services. Another version: another configuration, or a wish to look at once."""
    return dict(Service.objects.filter(active=True).values_list("pk", "version"))


def watched(ids: Collection[int], site_code: str) -> list[Watched]:
    healths: defaultdict[int, dict[str, HealthValue]] = defaultdict(dict)
    for health in Health.objects.filter(service__in=ids, site_code=site_code):
        healths[health.service_id][health.address] = health.value
    rows = Service.objects.filter(pk__in=ids, active=True).select_related("zone")
    return [
        Watched(row.pk, row.version, _filled(row.value), healths[row.pk])
        for row in rows.order_by("pk")
    ]


def _filled(service: ServiceValue) -> ServiceValue:
    return replace(service, region=tuple(effective(r, service) for r in service.region))


def record_results(results: Sequence[RunResult], *, site_code: str, now: float) -> None:
    """Fold the results of one site into what is known, and settle what that changed.

    All of it or nothing. Results about what is no longer there are dropped.
    """
    with transaction.atomic(using=ALIAS):
        rows = _held({result.service_id for result in results})
        wanted = [result for result in results if _is_wanted(rows.get(result.service_id), result)]
        known = _known({(result.service_id, result.address) for result in wanted})
        told: list[notify.Told] = []
        for result in wanted:
            row, sites = rows[result.service_id], known[result.service_id, result.address]
            was = sites.get(site_code)
            sites[site_code] = _folded(was, result, site_code, row.value)
            if result.kind == Kind.HEALTH and row.value.syslog_server:
                told.append(_told(row, result, was, sites[site_code]))
        _save([sites[site_code] for sites in known.values()])
        notify.tell_probes(told, site_code=site_code, now=now)
        voting = {(r.service_id, r.address) for r in wanted if _tells(r)}
        changed = _vote(rows, {key: known[key] for key in voting}, now)
        measured = {r.service_id for r in wanted if r.kind == Kind.PERF} - changed.keys()
        causes = dict.fromkeys(measured, Cause(now, ChangeType.PERF, site_code=site_code))
        causes |= _causes(changed, dict.fromkeys(changed, now), site_code)
        # At once: settled in two turns, two sites could each wait for a zone that the other holds.
        settle_all(rows, {pk: causes[pk] for pk in sorted(causes)})
        tasks.advance(_probed(wanted), now=now)


def _probed(results: Iterable[RunResult]) -> dict[int, set[tuple[str, int]]]:
    """The addresses of each service, and of which version of it the plan was."""
    found: dict[int, set[tuple[str, int]]] = {}
    for result in results:
        if result.kind == Kind.HEALTH:
            found.setdefault(result.service_id, set()).add((result.address, result.version))
    return found


def _told(row: Service, result: RunResult, was: Health | None, health: Health) -> notify.Told:
    before = was.value if was else HealthValue()
    probed = Probed(result.address, result.result, before, health.value)
    return notify.Told(row.value, row.zone.serial, probed, result.at)


def _causes(changed: Changed, at: Mapping[int, float], site_code: str = "") -> dict[int, Cause]:
    causes = {}
    for pk in sorted(changed):
        addresses = tuple(sorted(changed[pk], key=lambda change: change.address))
        causes[pk] = Cause(at[pk], ChangeType.HEALTH, addresses=addresses, site_code=site_code)
    return causes


def _held(ids: Iterable[int]) -> dict[int, Service]:
    """The active ones of these services, in an order in which no two writers block each other."""
    rows = Service.objects.filter(pk__in=ids, active=True).select_related("zone").order_by("pk")
    return {row.pk: row for row in rows.select_for_update(of=("self",))}


def _is_wanted(row: Service | None, result: RunResult) -> bool:
    if row is None or result.version < row.monitor_version:
        return False
    return result.address in addresses(row.value)


def _known(keys: Collection[Key]) -> dict[Key, Sites]:
    found: dict[Key, Sites] = {key: {} for key in keys}
    rows = Health.objects.filter(
        service__in={service_id for service_id, _ in keys},
        address__in={address for _, address in keys},
    )
    for health in rows:
        key = health.service_id, health.address
        if key in found:
            found[key][health.site_code] = health
    return found


def _folded(
    known: Health | None, result: RunResult, site_code: str, service: ServiceValue
) -> Health:
    was = known.value if known else HealthValue()
    ran_at = known.ran_at if known else 0
    if result.kind == Kind.PERF:
        value = machine.measure(was, result.result, at=result.at)
    else:
        ran_at = result.at
        delay = service.recovery_delay
        value = machine.step(was, result.result, at=result.at, recovery_delay=delay)
    return _row(result.service_id, result.address, site_code, value, ran_at)


def _row(
    service_id: int, address: str, site_code: str, value: HealthValue, ran_at: float
) -> Health:
    return Health(
        service_id=service_id,
        address=address,
        site_code=site_code,
        status=value.status,
        streak=value.streak,
        since=value.since,
        seen_at=value.seen_at,
        ran_at=ran_at,
        message=value.message,
        response_ms=value.response_ms,
        runs=list(value.runs),
        measured_at=value.measured_at,
    )


def _save(healths: list[Health]) -> None:
    Health.objects.bulk_create(
        healths,
        update_conflicts=True,
        unique_fields=["service", "address", "site_code"],
        update_fields=[
            *("status", "streak", "since", "seen_at"),
            *("ran_at", "message", "response_ms", "runs", "measured_at"),
        ],
    )


def _tells(result: RunResult) -> bool:
    return result.kind == Kind.HEALTH and result.result.status != EntryStatus.UNK


def _vote(rows: Mapping[int, Service], known: Mapping[Key, Sites], now: float) -> Changed:
    """The status of each address over the sites; by service, those in which one changed."""
    states = _states(known)
    voted: list[AddressState] = []
    changed: defaultdict[int, list[AddressChange]] = defaultdict(list)
    for (service_id, address), sites in known.items():
        before = states.get((service_id, address), NOT_YET)
        present = EntryStatus(before or EntryStatus.UNK)
        status = agreed(_reports(sites), present, now=now, interval=_seconds(rows[service_id]))
        if status != present:
            voted.append(
                AddressState(service_id=service_id, address=address, status=status, since=now)
            )
            changed[service_id].append(
                AddressChange(address, before, status, _evidence(sites, status))
            )
    AddressState.objects.bulk_create(
        voted,
        update_conflicts=True,
        unique_fields=["service", "address"],
        update_fields=["status", "since"],
    )
    return changed


def _evidence(sites: Sites, status: str) -> str:
    """What the site says that saw it last, of those that see it so."""
    agreeing = [health for health in sites.values() if health.status == status and health.message]
    return max(agreeing, key=lambda health: health.seen_at).message if agreeing else ""


def _states(keys: Collection[Key]) -> dict[Key, str]:
    rows = AddressState.objects.filter(
        service__in={service_id for service_id, _ in keys},
        address__in={address for _, address in keys},
    )
    found = rows.values_list("service_id", "address", "status")
    return {(service_id, address): status for service_id, address, status in found}


def _reports(sites: Sites) -> list[Report]:
    return [Report(EntryStatus(health.status), health.seen_at) for health in sites.values()]


def _seconds(row: Service) -> float:
    return float(row.interval * settings.SECONDS_PER_MINUTE)


def expire(now: float) -> bool:
    """Statuses that their site has not confirmed for three intervals are unknown.

    Of every site: one that vanished cannot say so itself. The change is recorded as of the last
    result: nobody knows what was true after it.
    Some services at a time, so that calls are answered between; whether there may be more.
    """
    silence = machine.SILENT_INTERVALS * settings.SECONDS_PER_MINUTE
    silent = Health.objects.filter(service__active=True).exclude(status=EntryStatus.UNK)
    silent = silent.filter(seen_at__lt=now - F("service__interval") * float(silence))
    ids = silent.order_by("service").values_list("service_id", flat=True).distinct()
    found = list(ids[:EXPIRED_AT_ONCE])
    if not found:
        return False
    with transaction.atomic(using=ALIAS):
        expired = _expire(_held(found), now)
    return len(found) == EXPIRED_AT_ONCE and expired > 0


def _expire(rows: Mapping[int, Service], now: float) -> int:
    """How many addresses that concerned."""
    known: dict[Key, Sites] = {}
    for health in Health.objects.filter(service__in=list(rows)):
        known.setdefault((health.service_id, health.address), {})[health.site_code] = health
    last_seen: dict[int, float] = {}
    expired: list[Health] = []
    for (service_id, _), sites in known.items():
        if silent := _silent(sites, _seconds(rows[service_id]), now):
            sites |= silent
            expired += silent.values()
            newest = max(health.seen_at for health in sites.values())
            last_seen[service_id] = max(newest, last_seen.get(service_id, 0))
    _save(expired)
    touched = {(health.service_id, health.address) for health in expired}
    changed = _vote(rows, {key: known[key] for key in touched}, now)
    settle_all(rows, _causes(changed, last_seen))
    return len(expired)


def _silent(sites: Sites, interval: float, now: float) -> Sites:
    """Of the sites that were silent for too long, what they know now: nothing."""
    silent = {}
    for code, health in sites.items():
        was = health.value
        value = machine.expire(was, now=now, interval=interval)
        if value != was:
            silent[code] = _row(health.service_id, health.address, code, value, health.ran_at)
    return silent
