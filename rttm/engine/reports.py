"""Answers for the log report and the response-set report, and how long records are kept."""

from django.conf import settings
from django.db.models import Max, Q, QuerySet

from rttm.core.schema import ResponseSet, ServiceKey

from .models import REGION_REMOVED, ResponseRecord

LOG_CAP = 1000  # what the portal's log page shows (help page rttm-logs)
DAY = 86_400
AT_PRESENT = 5  # seconds that a question about the present may be under way


def has_records(key: ServiceKey) -> bool:
    return _of(key).exists()


def log_report(key: ServiceKey, start: int, end: int) -> tuple[list[ResponseSet], bool]:
    """The changes from `start` to `end` (UNIX seconds, both within), oldest first.

    And whether there are more than fit.
    """
    records = _of(key).filter(change_ts__gte=start, change_ts__lte=end)
    slim = records.defer("reason", "entries").order_by("change_ts", "pk")
    found = [record.value for record in slim[: LOG_CAP + 1]]
    return found[:LOG_CAP], len(found) > LOG_CAP


def rrset_report(key: ServiceKey, at: int, *, now: float | None = None) -> list[ResponseSet]:
    """What each region served `at` that time (UNIX seconds): its last record until then.

    Records that lie ahead of `now` were written before the clock was set back. They hold at
    present, and at no earlier time.
    """
    return [record.value for record in valid_at(key, at, now=now)]


def valid_at(key: ServiceKey, at: int, *, now: float | None = None) -> list[ResponseRecord]:
    """The same, with the reasons of then."""
    held = Q(change_ts__lte=at)
    if now is not None and at > now - AT_PRESENT:
        held |= Q(change_ts__gt=now)
    until = _of(key).filter(held).order_by()
    newest = until.values("region_code").annotate(last=Max("pk")).values("last")
    records = ResponseRecord.objects.filter(pk__in=newest).order_by("region_code")
    return list(records.exclude(region_status=REGION_REMOVED))


def prune(now: float) -> None:
    """Drop old records, but not the ones that say what was served when the kept time begins."""
    old = ResponseRecord.objects.filter(change_ts__lt=now - settings.RETENTION_DAYS * DAY)
    newest = old.order_by().values("zone_name", "fqdn", "region_code").annotate(last=Max("pk"))
    old.exclude(pk__in=newest.values("last")).delete()


def _of(key: ServiceKey) -> QuerySet[ResponseRecord]:
    return ResponseRecord.objects.filter(zone_name=key.zone, fqdn=key.fqdn)
