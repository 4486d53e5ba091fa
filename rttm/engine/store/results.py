"""What the loop needs: which services to probe, and where its results go."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from django.db import transaction

from rttm.core import health as machine
from rttm.core.eligibility import effective
from rttm.core.health import Health as HealthValue
from rttm.core.health import ProbeResult
from rttm.core.schedule import Kind
from rttm.core.schema import Service as ServiceValue
from rttm.core.syslog import Probed
from rttm.core.terms import ChangeType, EntryStatus
from rttm.engine import notify, tasks
from rttm.engine.history import Cause
from rttm.engine.models import Health, Service
from rttm.engine.router import ALIAS
from rttm.engine.settle import settle_all

from .configuration import addresses
from .votes import AddressKey, BySite, Changed, health_row, hold_active, in_order, save, vote


@dataclass(frozen=True, slots=True)
class Watched:
    """A service to probe. Its autopopulated regions hold what they take from the global one."""

    service_id: int
    version: int
    service: ServiceValue
    healths: dict[str, HealthValue]  # by address, of one site
    waiting: frozenset[str] = frozenset()  # the addresses that a recover waits for

    def is_awaited(self, address: str) -> bool:
        """Also what was never seen: activating a service is the wish to see it."""
        return address in self.waiting or not self.healths.get(address, HealthValue()).seen_at


@dataclass(frozen=True, slots=True)
class RunResult:
    """The outcome of one run of a monitor."""

    service_id: int
    version: int  # of the service when the run began
    address: str
    kind: Kind
    result: ProbeResult
    at: float  # UNIX seconds, of its end


def watched_versions() -> dict[int, int]:
    """The active services. Another version: another configuration, or an action."""
    return dict(Service.objects.filter(active=True).values_list("pk", "version"))


def watched(ids: Collection[int], site_code: str) -> list[Watched]:
    healths: defaultdict[int, dict[str, HealthValue]] = defaultdict(dict)
    for health in Health.objects.filter(service__in=ids, site_code=site_code):
        healths[health.service_id][health.address] = health.value
    rows = Service.objects.filter(pk__in=ids, active=True).select_related("zone")
    waiting = tasks.waiting()
    return [
        Watched(
            row.pk,
            row.version,
            _filled(row.value),
            healths[row.pk],
            waiting.get(row.pk, frozenset()),
        )
        for row in rows.order_by("pk")
    ]


def _filled(service: ServiceValue) -> ServiceValue:
    return replace(service, region=tuple(effective(r, service) for r in service.region))


def record_results(results: Sequence[RunResult], *, site_code: str, now: float) -> None:
    """Fold the results of one site into what is known, and settle what that changed.

    All of it or nothing. Results about what is no longer there are dropped.
    """
    with transaction.atomic(using=ALIAS):
        rows = hold_active({result.service_id for result in results})
        wanted = [result for result in results if _is_wanted(rows.get(result.service_id), result)]
        known = _known({(result.service_id, result.address) for result in wanted})
        told: list[notify.Told] = []
        for result in wanted:
            row, sites = rows[result.service_id], known[result.service_id, result.address]
            was = sites.get(site_code)
            sites[site_code] = _folded(was, result, site_code, row.value)
            if result.kind == Kind.HEALTH and row.value.syslog_server:
                told.append(_told(row, result, was, sites[site_code]))
        save([sites[site_code] for sites in known.values()])
        notify.tell_probes(told, site_code=site_code, now=now)
        voting = {(r.service_id, r.address) for r in wanted if _tells(r)}
        changed = vote(rows, {key: known[key] for key in voting}, now)
        measured = {r.service_id for r in wanted if r.kind == Kind.PERF}
        causes = dict.fromkeys(measured, Cause(now, ChangeType.PERF, site_code=site_code))
        causes |= _causes(changed, now, site_code)  # another status says more than a time
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


def _causes(changed: Changed, now: float, site_code: str) -> dict[int, Cause]:
    return {
        pk: Cause(now, ChangeType.HEALTH, addresses=in_order(changes), site_code=site_code)
        for pk, changes in changed.items()
    }


def _is_wanted(row: Service | None, result: RunResult) -> bool:
    if row is None or result.version < row.monitor_version:
        return False
    return result.address in addresses(row.value)


def _known(keys: Collection[AddressKey]) -> dict[AddressKey, BySite]:
    found: dict[AddressKey, BySite] = {key: {} for key in keys}
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
    return health_row(result.service_id, result.address, site_code, value, ran_at)


def _tells(result: RunResult) -> bool:
    return result.kind == Kind.HEALTH and result.result.status != EntryStatus.UNK
