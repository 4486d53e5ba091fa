"""Bring the mirror up to the backend: a full sync, and what each service serves now."""

import logging
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings
from django.db.models import F
from django.utils import timezone

from rttm import edits, sync
from rttm.backend import WORK_BUDGET, ask
from rttm.client import DynectError, Rejected, Unavailable, calls
from rttm.core import diff, schema
from rttm.core.diff import Change
from rttm.models import Service

from .reading import answers_refresh

logger = logging.getLogger(__name__)

MOST_GONE = 0.5  # of what we have; a list that lacks more of it is more likely wrong than right


@dataclass
class Plan:
    """What a full sync is about to change."""

    asked_at: datetime
    absorb: list[schema.Service] = field(default_factory=list)  # new or different
    same: list[int] = field(default_factory=list)  # keys of rows that need nothing
    gone: list[schema.ServiceKey] = field(default_factory=list)
    held: list[schema.ServiceKey] = field(default_factory=list)  # missing, but not taken for gone
    changes: list[tuple[schema.ServiceKey, Change]] = field(default_factory=list)
    known: int = 0  # services the mirror had

    def lines(self) -> list[str]:
        """The plan for a person, one change a line."""
        found = [f"{key.fqdn}: {change}" for key, change in self.changes]
        return found + [f"{key.fqdn}: - gone from the backend" for key in self.gone]

    @property
    def held_words(self) -> str:
        """How many are missing, for a person; "" when none is."""
        number = len(self.held)
        verb = "is" if number == 1 else "are"
        return f"{number} of {self.known} services {verb} missing and held back." if number else ""

    def __str__(self) -> str:
        count = len(self.absorb) + len(self.same)
        told = f"{count} services read, {len(self.lines())} changes."
        return f"{told} {self.held_words}" if self.held else told


def mirror_sync(*, allow_gone: bool = False) -> Plan:
    """One full sync: fetch, plan, apply; its outcome is what every page's freshness shows.

    What is listed is absorbed. When most services are not, they are held back as missing.
    """
    asked_at = timezone.now()
    sync.absorb_present(now=asked_at)
    try:
        plan = _plan(_fetch(), asked_at, allow_gone=allow_gone)
    except DynectError as error:
        sync.absorb_failure(_describe_failure(error), asked_at=asked_at)
        raise
    _apply(plan)
    edits.settle(asked_at=asked_at)
    sync.absorb_success(asked_at=asked_at)
    _refresh_some({key for key, _ in plan.changes})
    return plan


def _apply(plan: Plan) -> None:
    for remote in plan.absorb:
        sync.absorb_service(remote, asked_at=plan.asked_at)
    for key in plan.gone:
        sync.absorb_gone(key, asked_at=plan.asked_at)
    for key in plan.held:
        sync.absorb_missing(key, asked_at=plan.asked_at)
    sync.absorb_unchanged(plan.same, asked_at=plan.asked_at)


def _describe_failure(error: DynectError) -> str:
    """Nobody asked for the sync, so nobody has to try again."""
    if isinstance(error, Unavailable):
        return f"{error.fact} The next sync asks again."
    return str(error)


def _fetch() -> list[schema.Service]:
    zones = ask(calls.zones(), budget=WORK_BUDGET).value
    return [service for zone in zones for service in _fetch_zone(zone)]


def _fetch_zone(zone: str) -> list[schema.Service]:
    """The services of a zone; none where the zone has vanished since it was listed."""
    try:
        return ask(calls.services(zone), budget=WORK_BUDGET).value
    except Rejected as error:
        if not error.not_found:
            raise
        return []


def _plan(remotes: list[schema.Service], asked_at: datetime, *, allow_gone: bool) -> Plan:
    """Compare what the backend lists with the mirror; writes nothing."""
    plan = Plan(asked_at)
    rows = {row.key: row for row in Service.objects.whole()}
    plan.known = sum(row.gone_at is None for row in rows.values())
    for remote in remotes:
        row = rows.pop(remote.key, None)
        known = row.value if row and row.gone_at is None else None
        if row and known == remote and row.missing_since is None:
            plan.same.append(row.pk)
            continue
        plan.absorb.append(remote)
        found = diff.changes(known, remote) if known else [Change("service", None, remote)]
        plan.changes += [(remote.key, change) for change in found]
    absent = [row for row in rows.values() if not row.gone_at and row.seen_at <= asked_at]
    _judge(plan, absent, allow_gone=allow_gone)
    return plan


def _judge(plan: Plan, absent: list[Service], *, allow_gone: bool) -> None:
    """Which of the absent services are gone. One that was held back stays so until it is back."""
    is_likely_wrong = len(absent) > max(1, plan.known * MOST_GONE)
    for row in absent:
        is_held = not allow_gone and (is_likely_wrong or row.missing_since is not None)
        (plan.held if is_held else plan.gone).append(row.key)


def _refresh_some(changed: Collection[schema.ServiceKey]) -> None:
    """Ask what services serve: those that changed, then the longest unasked.

    There is no call for all at once, so each sync asks for REPORTS_PER_SYNC of them.
    """
    waiting = Service.objects.filter(gone_at=None, missing_since=None).order_by(
        F("answers_seen_at").asc(nulls_first=True)
    )
    first = sorted(waiting, key=lambda service: service.key not in changed)
    for service in first[: settings.REPORTS_PER_SYNC]:
        try:
            answers_refresh(service=service, budget=WORK_BUDGET)
        except DynectError as error:
            logger.warning("what %s serves stays as it was: %s", service, error)
            return  # the sync itself went through; the next one asks again
