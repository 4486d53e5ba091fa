"""The monitoring sites whose loops work on this database: each reports in, and sees the others."""

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from rttm.core.sites import SILENT_MINUTES
from rttm.engine.models import Health, Site
from rttm.engine.neighbours import Neighbourhood
from rttm.engine.router import ALIAS

FORGOTTEN_AFTER = 86_400  # seconds; what a site knew is then no longer shown as its latest result


def report_in(now: float, site_code: str, loop_id: str) -> Neighbourhood:
    """Say that this loop is at work, and what it met."""
    with transaction.atomic(using=ALIAS):
        known = {site.code: site for site in Site.objects.all()}
        Site.objects.bulk_create(
            [Site(code=site_code, seen_at=now, loop_id=loop_id)],
            update_conflicts=True,
            unique_fields=["code"],
            update_fields=["seen_at", "loop_id"],
        )
        before = known.pop(site_code, None)
        gone = [site.code for site in known.values() if now - site.seen_at > FORGOTTEN_AFTER]
        if gone:
            Health.objects.filter(site_code__in=gone).delete()
            Site.objects.filter(code__in=gone).delete()
        clock = (
            Site.objects.annotate(clock=Now()).values_list("clock", flat=True).get(code=site_code)
        )
    return Neighbourhood(
        others={code: site.seen_at for code, site in known.items() if code not in gone},
        last_loop=before.loop_id if before else "",
        clock_ahead=now - clock.timestamp(),
    )


def reporting(now: float) -> frozenset[str]:
    """The codes of the sites that are at work: each says so once a minute."""
    since = now - SILENT_MINUTES * settings.SECONDS_PER_MINUTE
    return frozenset(Site.objects.filter(seen_at__gte=since).values_list("code", flat=True))
