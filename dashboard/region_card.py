"""What a region's card and the rows of its pool show: signs, reasons, evidence.

Made by `service_page`. It decides nothing: the reasons are those of `rttm.core`.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from dashboard.service_words import answers_nothing, failover_words
from rttm.core import rules
from rttm.core.eligibility import Place, Verdict
from rttm.core.explain import Funnel
from rttm.core.failover import Source
from rttm.core.rules import Problem
from rttm.core.terms import EntryStatus, FailoverMode, Protocol, RegionCode, ServeMode
from rttm.models import Action, Edit, PoolEntry, Region
from rttm.shown import is_answer_older, source


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
    last_drain: Edit | None  # where it was made here

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
    def drained_by(self) -> Edit | None:
        return self.last_drain if self.sign == "drained" else None

    @property
    def needs_recover(self) -> bool:
        return self.entry.status == EntryStatus.DOWN or self.entry.is_waiting

    @property
    def is_recoverable(self) -> bool:
        """Also with mode `remove` and not served: a backend does not tell who is latched out."""
        if not self.entry.region.service.active:
            return False
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
    def told(self) -> list[Evidence]:
        """Each site's where they disagree, else the latest: it speaks for all."""
        if len({site.status for site in self.sites}) > 1:
            return sorted(self.sites, key=lambda site: site.site_code)
        return [self.evidence] if self.evidence else []

    @property
    def agreeing(self) -> int:
        """How many more sites say the same."""
        return len(self.sites) - len(self.told)

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
    def tells_weights(self) -> bool:
        """Weights that are all the same say nothing."""
        return len({record.weight for record in self.region.records or ()}) > 1

    @property
    def is_answer_older(self) -> bool:
        """It may be that of before: nobody has asked since a status changed."""
        return is_answer_older(self.region)

    @property
    def answers_nothing(self) -> bool:
        return answers_nothing(self.region)

    @property
    def waits_for_recover(self) -> bool:
        return waits_for_recover(self.region, self.funnel)

    @property
    def has_lost(self) -> bool:
        """An address is out that nobody set to `no`; without one, having none to spare is fine."""
        kept_out = sum(row.entry.serve_mode == ServeMode.NO for row in self.rows)
        return self.funnel.available < self.funnel.pool - kept_out

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
        """As its settings name it."""
        return failover_words(self.region)

    @property
    def is_target_address(self) -> bool:
        return self.region.failover_mode in (FailoverMode.IP, FailoverMode.CNAME)

    @property
    def source(self) -> Source:
        """Where its answers come from while it is in failover, or would come from now."""
        return source(self.region)

    @property
    def settings_id(self) -> str:
        return f"region-settings-{self.region.pk}"

    @property
    def add_id(self) -> str:
        return f"pool-entry-add-{self.region.pk}"


def waits_for_recover(region: Region, found: Funnel) -> bool:
    """Its counts are met again, but without auto recover it stays in failover."""
    is_short = found.available < region.apmc or found.eligible < region.epmc
    return found.in_failover and not is_short and not region.service.auto_recover


def _at(evidence: Evidence) -> float:
    return evidence.at.timestamp() if evidence.at else 0.0


def _moment(seconds: int) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds > 0 else None
