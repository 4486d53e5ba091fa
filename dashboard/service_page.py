"""What the components of the service page read: mirrored rows with their signs, reasons, evidence.

Reads the mirror and decides nothing: the reasons are those of `rttm.core`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from django.conf import settings
from django.db.models import QuerySet

from dashboard.service_words import failover_words
from rttm.core import rules
from rttm.core.eligibility import Decision, Place, Verdict, decide_pool
from rttm.core.explain import Funnel
from rttm.core.rules import Problem
from rttm.core.terms import EntryStatus, Protocol, RegionCode, ServeMode
from rttm.models import Action, Edit, LogRecord, PoolEntry, Region, Service
from rttm.shown import facts, funnel

LOG_SHOWN = 25
HISTORY_SHOWN = 20
RECOVERIES_READ = 50

Recoveries = Mapping[str, Action]
"""The newest recover of each address."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """The latest probe result of one monitoring site."""

    site_code: str
    status: str
    message: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Row:
    """One pool entry as its row shows it."""

    entry: PoolEntry
    verdict: Verdict
    last_recover: Action | None  # of its address

    @property
    def id(self) -> str:
        return f"pool-entry-{self.entry.pk}"

    @property
    def sign(self) -> str:
        """What a reader needs first: kept out by mode, down, waiting, or its status."""
        if self.entry.serve_mode == ServeMode.NO:
            return "drained"
        return "waits" if self.entry.is_waiting else self.entry.status

    @property
    def tells_since(self) -> bool:
        """The mirror knows since when its status holds, not since when it is drained."""
        return self.sign not in {"up", "drained"}

    @property
    def needs_recover(self) -> bool:
        return self.entry.status == EntryStatus.DOWN or self.entry.is_waiting

    @property
    def is_recoverable(self) -> bool:
        """Also with mode `remove` and not served: a backend does not tell who is latched out."""
        is_kept_out = self.verdict.place != Place.SERVED
        return self.needs_recover or (is_kept_out and self.entry.serve_mode == ServeMode.REMOVE)

    @property
    def action(self) -> Action | None:
        """The recover that is under way, or that did not help."""
        action = self.last_recover
        if action is None or not self.is_recoverable:
            return None
        is_of_now = not action.is_finished or action.created_at >= self.entry.status_since
        return action if is_of_now else None

    @property
    def is_being_recovered(self) -> bool:
        return self.action is not None and not self.action.is_finished

    @property
    def evidence(self) -> Evidence | None:
        """What the probes found last."""
        return max(self.sites, key=_at, default=None)

    @property
    def sites(self) -> list[Evidence]:
        return [Evidence(log.site_code, log.status, log.message, _moment(log.time))
                for log in self.entry.value.log]  # fmt: skip

    @property
    def stale_after(self) -> int:
        """Seconds after which its evidence is old: twice the interval; 0 when it is not probed."""
        service = self.entry.region.service
        is_probed = service.active and service.monitor.protocol != Protocol.NONE
        return 2 * 60 * service.monitor.interval if is_probed else 0

    @property
    def odd(self) -> list[Problem]:
        """Values outside the limits we know."""
        return rules.check_pool_entry(self.entry.value)


@dataclass(frozen=True, slots=True)
class Card:
    """One region as its card shows it."""

    region: Region
    funnel: Funnel
    rows: list[Row]  # in the order of what happens to them
    is_asked_each_sync: bool  # what it serves; with many services, syncs take turns

    @property
    def warnings(self) -> list[Problem]:
        return rules.warn_region(self.region.value)

    @property
    def odd(self) -> list[Problem]:
        """Settings outside the limits we know; those of entries are told in their rows."""
        codes = [region.region_code for region in self.region.service.regions.all()]
        problems = rules.check_region(self.region.value, codes)
        return [problem for problem in problems if not problem.field.startswith("pool")]

    @property
    def is_global(self) -> bool:
        return self.region.region_code == RegionCode.GLOBAL

    @property
    def is_close_to_apmc(self) -> bool:
        """One more address lost, and fewer than apmc are available."""
        return self.funnel.breaks_next and self.funnel.available - 1 < self.region.apmc

    @property
    def is_close_to_epmc(self) -> bool:
        """One more address lost, and the eligibility pool is smaller than epmc."""
        left = min(self.region.ep, self.funnel.available - 1)
        return self.funnel.breaks_next and left < self.region.epmc

    @property
    def target(self) -> str:
        return failover_words(self.region)

    @property
    def settings_id(self) -> str:
        return f"region-settings-{self.region.pk}"

    @property
    def add_id(self) -> str:
        return f"pool-entry-add-{self.region.pk}"


def _at(evidence: Evidence) -> float:
    return evidence.at.timestamp() if evidence.at else 0.0


def _moment(seconds: int) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds > 0 else None


# From the mirror.


def services() -> QuerySet[Service]:
    """Services with all that the page reads of the mirror."""
    return Service.objects.whole()


def regions() -> QuerySet[Region]:
    """Regions with all that a card reads."""
    related = ("service__monitor", "service__performance_monitor")
    return Region.objects.select_related(*related).prefetch_related("pool", "service__regions")


def entries() -> QuerySet[PoolEntry]:
    """Pool entries with all that a row reads."""
    related = ("region__service__monitor", "region__service__performance_monitor")
    return PoolEntry.objects.select_related(*related).prefetch_related("region__pool")


def recoveries(service: Service) -> Recoveries:
    """The newest recover of each address of a service."""
    asked = Action.objects.filter(service=service, verb=Action.Verb.RECOVERIP)
    newest: dict[str, Action] = {}
    for action in asked[:RECOVERIES_READ]:
        newest.setdefault(action.address, action)
    return newest


def row(entry: PoolEntry) -> Row:
    """A single row; its place depends on the whole pool."""
    return _row(entry, funnel(entry.region), recoveries(entry.region.service))


def card(region: Region) -> Card:
    """A single region's card."""
    return _card(region, recoveries(region.service), is_asked_each_sync())


def cards(service: Service) -> list[Card]:
    """Those of all the service's regions, in the order every page has them."""
    known, asked = recoveries(service), is_asked_each_sync()
    return [_card(region, known, asked) for region in service.regions_in_order()]


def drawn(service: Service) -> str:
    """What the list of regions takes from the service; another one, and it has to be read again."""
    state = "gone" if service.gone_at else "active" if service.active else "inactive"
    regions = [str(region.pk) for region in service.regions_in_order()]
    return ",".join([state, str(service.monitor.interval), *regions])


def is_asked_each_sync() -> bool:
    """Whether each sync asks every service what it serves."""
    return Service.objects.filter(gone_at=None).count() <= settings.REPORTS_PER_SYNC


def _card(region: Region, known: Recoveries, asked: bool) -> Card:
    found = funnel(region)
    order = [verdict.address for verdict in found.verdicts]
    rows = [_row(entry, found, known) for entry in region.pool.all()]
    rows.sort(key=lambda row: order.index(row.entry.address))
    return Card(region, found, rows, asked)


def _row(entry: PoolEntry, found: Funnel, known: Recoveries) -> Row:
    verdicts = {verdict.address: verdict for verdict in found.verdicts}
    return Row(entry, verdicts[entry.address], known.get(entry.address))


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
    actions = list(service.actions.select_related("log_report")[:HISTORY_SHOWN])
    newest_first = sorted([*edits, *actions], key=lambda kept: kept.created_at, reverse=True)
    return newest_first[:HISTORY_SHOWN]


def actions_shown(service: Service) -> list[Action]:
    """On the service itself: all that are under way, and the last one that is done."""
    known = service.actions.exclude(verb=Action.Verb.LOG_REPORT)[:HISTORY_SHOWN]
    unfinished = [action for action in known if not action.is_finished]
    return unfinished + [action for action in known if action.is_finished][:1]
