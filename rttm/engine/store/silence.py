"""Statuses that nobody confirms any more become unknown, so that no gap in probing looks well."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q

from rttm.core import health as machine
from rttm.core.terms import ChangeType, EntryStatus
from rttm.engine.history import Cause
from rttm.engine.models import Health, Service
from rttm.engine.router import ALIAS
from rttm.engine.settle import settle_all

from .sites import reporting
from .votes import (
    AddressKey,
    BySite,
    health_row,
    hold_active,
    in_order,
    save,
    vote,
)

AT_ONCE = 50  # services in one transaction


@dataclass(frozen=True, slots=True)
class _Look:
    """Who looks for silence, when, and whose."""

    now: float
    site_code: str
    others: frozenset[str]  # sites that look after their own
    under_way: Collection[AddressKey]

    def concerns(self, health: Health) -> bool:
        if health.site_code == self.site_code:
            return (health.service_id, health.address) not in self.under_way
        return health.site_code not in self.others


def expire(
    now: float, site_code: str, under_way: Collection[AddressKey] = (), after: int = 0
) -> int:
    """Statuses that their site has not confirmed for three intervals are unknown.

    A site looks after its own, but not those that it is probing right now: a run with many retries
    may last that long. One that no longer reports in cannot: any other does it for it.
    Some services at a time, beyond the id `after`, so that calls are answered between. The id to
    go on after; 0 when all were looked at.
    """
    look = _Look(now, site_code, reporting(now) - {site_code}, under_way)
    found = _silent_services(look, after)
    if found:
        with transaction.atomic(using=ALIAS):
            _expire(hold_active(found), look)
    return found[-1] if len(found) == AT_ONCE else 0


def _silent_services(look: _Look, after: int) -> list[int]:
    silence = machine.SILENT_INTERVALS * settings.SECONDS_PER_MINUTE
    silent = Health.objects.filter(
        ~Q(site_code__in=look.others),
        service__active=True,
        service__gt=after,
        seen_at__lt=look.now - F("service__interval") * float(silence),
    ).exclude(status=EntryStatus.UNK)
    ids = silent.order_by("service").values_list("service_id", flat=True).distinct()
    return list(ids[:AT_ONCE])


def _expire(rows: Mapping[int, Service], look: _Look) -> None:
    known: dict[AddressKey, BySite] = {}
    for health in Health.objects.filter(service__in=list(rows)):
        known.setdefault((health.service_id, health.address), {})[health.site_code] = health
    last_seen: dict[int, float] = {}
    expired: list[Health] = []
    for (service_id, _), sites in known.items():
        if silent := _silent(sites, rows[service_id].health_interval, look):
            sites |= silent
            expired += silent.values()
            newest = max(health.seen_at for health in sites.values())
            last_seen[service_id] = max(newest, last_seen.get(service_id, 0))
    save(expired)
    touched = {(health.service_id, health.address) for health in expired}
    changed = vote(rows, {key: known[key] for key in touched}, look.now)
    # Nobody knows what was true after the last result, so that is when it is recorded.
    causes = {
        pk: Cause(
            last_seen[pk], ChangeType.HEALTH,
            addresses=in_order(changes), site_code=look.site_code, is_silence=True,
        )
        for pk, changes in changed.items()
    }  # fmt: skip
    settle_all(rows, causes)


def _silent(sites: BySite, interval: float, look: _Look) -> BySite:
    """Of the sites that were silent for too long, what they know now: nothing."""
    silent = {}
    for code, health in sites.items():
        was = health.value
        value = machine.expire(was, now=look.now, interval=interval)
        if value != was and look.concerns(health):
            silent[code] = health_row(health.service_id, health.address, code, value, health.ran_at)
    return silent
