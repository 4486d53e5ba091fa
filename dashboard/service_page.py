"""What the components of the service page read of the mirror. It decides nothing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from django.conf import settings
from django.db.models import QuerySet
from django.http import Http404

from dashboard.region_card import Card, Row, waits_for_recover
from dashboard.whose import Drains, drains
from rttm.core import rules
from rttm.core.eligibility import Decision, decide_pool
from rttm.core.explain import Funnel
from rttm.core.rules import Problem
from rttm.core.terms import EntryStatus, RegionCode, ServeMode
from rttm.models import Action, Edit, LogRecord, PoolEntry, Region, Service
from rttm.shown import facts, funnel

LOG_SHOWN = 25
HISTORY_SHOWN = 20
RECOVERIES_READ = 50

Recoveries = Mapping[str, Action]
"""The newest recover of each address."""


@dataclass(frozen=True, slots=True)
class Doings:
    """What people did to the addresses of a service, for their rows."""

    recoveries: Recoveries
    drains: Drains

    @classmethod
    def of(cls, service: Service, entries: Iterable[PoolEntry]) -> "Doings":
        return cls(recoveries(service), drains(service, entries))


def services() -> QuerySet[Service]:
    """Services with all that the page reads of the mirror."""
    return Service.objects.whole()


def regions() -> QuerySet[Region]:
    """Regions with all that a card reads."""
    return _with_pools().prefetch_related("service__regions__pool")


def region(pk: int) -> Region | None:
    return regions().filter(pk=pk).first()


def _with_pools() -> QuerySet[Region]:
    related = ("service__monitor", "service__performance_monitor")
    return Region.objects.select_related(*related).prefetch_related("pool")


def entry(pk: int) -> PoolEntry | None:
    """A pool entry with all that a row reads, as its region's pool has it: of one moment."""
    region = _with_pools().filter(pool=pk).first()
    pool = region.pool.all() if region else ()
    return next((entry for entry in pool if entry.pk == pk), None)


def entry_or_404(pk: int) -> PoolEntry:
    found = entry(pk)
    if found is None:
        raise Http404
    return found


def recoveries(service: Service) -> Recoveries:
    """The newest recover of each address of a service."""
    asked = Action.objects.filter(service=service, verb=Action.Verb.RECOVERIP)
    newest: dict[str, Action] = {}
    for action in asked[:RECOVERIES_READ]:
        newest.setdefault(action.address, action)
    return newest


def row(entry: PoolEntry) -> Row:
    """A single row; its place depends on the whole pool."""
    return _row(entry, funnel(entry.region), Doings.of(entry.region.service, [entry]))


def card(region: Region) -> Card:
    """A single region's card."""
    return _card(region, Doings.of(region.service, region.pool.all()), is_asked_each_sync())


def cards(service: Service) -> list[Card]:
    """Those of all the service's regions, in the order every page has them."""
    regions = service.regions_in_order()
    known = Doings.of(service, [entry for region in regions for entry in region.pool.all()])
    asked = is_asked_each_sync()
    return [_card(region, known, asked) for region in regions]


def drawn(service: Service) -> str:
    """What the list of regions depends on; where it differs, the list is read again."""
    state = "gone" if service.gone_at else "active" if service.active else "inactive"
    regions = [str(region.pk) for region in service.regions_in_order()]
    return ",".join([state, str(service.monitor.interval), *regions])


def is_asked_each_sync() -> bool:
    """Whether each sync asks every service what it serves."""
    return Service.objects.filter(gone_at=None).count() <= settings.REPORTS_PER_SYNC


def _card(region: Region, known: Doings, asked: bool) -> Card:
    found = funnel(region)
    order = [verdict.address for verdict in found.verdicts]
    rows = [_row(entry, found, known) for entry in region.pool.all()]
    rows.sort(key=lambda row: order.index(row.entry.address))
    return Card(region, found, rows, asked)


def _row(entry: PoolEntry, found: Funnel, known: Doings) -> Row:
    verdicts = {verdict.address: verdict for verdict in found.verdicts}
    drain = known.drains.get((entry.region.region_code, entry.address))
    return Row(entry, verdicts[entry.address], known.recoveries.get(entry.address), drain)


def without(entry: PoolEntry) -> Decision:
    """What the region would decide without the entry."""
    region = entry.region.value
    rest = tuple(other for other in region.pool if other.address != entry.address)
    return decide_pool(replace(region, pool=rest), facts(entry.region), held=False)


def missing_codes(service: Service) -> list[str]:
    """The parts of the world that the service has no region for."""
    present = {region.region_code for region in service.regions.all()}
    return [code for code in RegionCode if code not in present]


def down(service: Service) -> list[PoolEntry]:
    """Where each address that is down is first shown, so that a reader can go there."""
    found: dict[str, PoolEntry] = {}
    for region in service.regions_in_order():
        for entry in () if region.autopopulate else region.pool.all():
            if entry.status == EntryStatus.DOWN and entry.serve_mode != ServeMode.NO:
                found.setdefault(entry.address, entry)
    return list(found.values())


def held(service: Service) -> list[str]:
    """The regions that only a recover of the service brings out of failover."""
    known = () if service.auto_recover else service.regions_in_order()
    return [region.region_code for region in known if waits_for_recover(region, funnel(region))]


def waiting(service: Service) -> list[str]:
    """The addresses that are out until somebody recovers them, as far as we saw."""
    found = {
        entry.address
        for region in service.regions.all()
        for entry in region.pool.all()
        if entry.is_waiting
    }
    return sorted(found)


def odd_service(service: Service) -> list[Problem]:
    """The service's own settings outside the limits we know, not those of what it holds."""
    held = ("region", "monitor", "performance_monitor")
    problems = rules.check_service(service.value)
    return [problem for problem in problems if not problem.field.startswith(held)]


def log_records(service: Service) -> list[LogRecord]:
    return list(service.log.all()[:LOG_SHOWN])


def history(service: Service) -> list[Edit | Action]:
    """What people did here: edits and actions together, newest first."""
    edits: list[Edit | Action] = list(service.edits.all()[:HISTORY_SHOWN])
    actions = list(service.actions.all()[:HISTORY_SHOWN])
    newest_first = sorted([*edits, *actions], key=lambda kept: kept.created_at, reverse=True)
    return newest_first[:HISTORY_SHOWN]


def actions_shown(service: Service) -> list[Action]:
    """On the service itself: all that are under way, and the last one that is done."""
    known = service.actions.exclude(verb=Action.Verb.LOG_REPORT)[:HISTORY_SHOWN]
    unfinished = [action for action in known if not action.is_finished]
    return unfinished + [action for action in known if action.is_finished][:1]
