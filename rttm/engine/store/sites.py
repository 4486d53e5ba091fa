"""The monitoring sites whose loops work on this database: each reports in, and sees the others."""

from django.db import transaction

from rttm.engine.models import Health, Site
from rttm.engine.router import ALIAS

FORGOTTEN_AFTER = 86_400  # seconds; what a site knew is then no longer shown as its latest result


def report_in(now: float, site_code: str) -> dict[str, float]:
    """Say that this site is at work; when each of the others said so last."""
    with transaction.atomic(using=ALIAS):
        Site.objects.bulk_create(
            [Site(code=site_code, seen_at=now)],
            update_conflicts=True,
            unique_fields=["code"],
            update_fields=["seen_at"],
        )
        others = dict(Site.objects.exclude(code=site_code).values_list("code", "seen_at"))
        gone = [code for code, seen_at in others.items() if now - seen_at > FORGOTTEN_AFTER]
        if gone:
            Health.objects.filter(site_code__in=gone).delete()
            Site.objects.filter(code__in=gone).delete()
    return {code: seen_at for code, seen_at in others.items() if code not in gone}
