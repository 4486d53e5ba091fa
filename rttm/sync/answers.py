"""Absorb what regions serve, now and since when, and the log of it."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from django.db.models import Q

from rttm import live
from rttm.core import schema
from rttm.models import LogRecord, Region, Service

from .pool_entries import end_waiting
from .rows import touch_service

LOG_KEPT = 200  # log records a service keeps in the mirror; a log report asks the backend


@transaction.atomic
def absorb_answers(
    service: Service, answers: Iterable[schema.ResponseSet], *, asked_at: datetime
) -> None:
    """What each region serves now, from an rrset report."""
    service = Service.objects.locked(service.pk)
    if service.answers_seen_at and service.answers_seen_at > asked_at:
        return
    older = _answered_before_a_change(service)
    Service.objects.filter(pk=service.pk).update(answers_seen_at=asked_at)
    told = {answer.region_code: answer for answer in answers}
    changed = False
    for row in service.regions.all():
        if answer := told.get(row.region_code):
            changed |= _absorb_answer(row, answer, asked_at)
    for pk in older:  # pages showed them as older: they are not any more, changed or not
        live.touch(f"region-{pk}", scope=service.pk)
    if changed or older:
        touch_service(service.pk)


def _answered_before_a_change(service: Service) -> list[int]:
    """The regions of which a status changed since somebody asked what they serve."""
    if service.answers_seen_at is None:
        return []
    if service.changed_at and service.changed_at > service.answers_seen_at:
        return list(service.regions.values_list("pk", flat=True))
    later = Q(status_since__gt=service.answers_seen_at)
    later |= Q(pool__status_since__gt=service.answers_seen_at)
    return list(service.regions.filter(later).distinct().values_list("pk", flat=True))


def _absorb_answer(row: Region, answer: schema.ResponseSet, asked_at: datetime) -> bool:
    """True for another answer; since when one is served that stays, the log tells."""
    records, since = _records(answer), min(_moment(answer), asked_at)
    if row.answer == records and row.answer_since is not None:
        return False
    Region.objects.filter(pk=row.pk).update(answer=records, answer_since=since)
    for entry in row.pool.filter(was_down=True, address__in=answer.values):
        end_waiting(entry, row.service_id)  # it is served, so somebody else recovered it
    live.touch(f"region-{row.pk}", scope=row.service_id)
    return True


@transaction.atomic
def absorb_log(service: Service, log: Iterable[schema.ResponseSet]) -> None:
    """New log records, on top of those we have; the oldest beyond what we keep go."""
    rows = [_log_record(service, told) for told in log]
    if not rows:
        return
    Service.objects.locked(service.pk)
    LogRecord.objects.bulk_create(rows, ignore_conflicts=True)
    kept = list(service.log.values_list("pk", flat=True)[:LOG_KEPT])
    service.log.exclude(pk__in=kept).delete()
    live.touch(f"service-log-{service.pk}", scope=service.pk)


def _log_record(service: Service, told: schema.ResponseSet) -> LogRecord:
    return LogRecord(
        service=service,
        region_code=told.region_code,
        change_at=_moment(told),
        change_type=told.change_type,
        region_status=told.region_status,
        serial=told.serial,
        user_name=told.user_name,
        serve_count=told.serve_count,
        answer=_records(told),
    )


def _records(told: schema.ResponseSet) -> list[list[Any]]:
    return [[record.rdata_type, record.value, record.weight] for record in told.records]


def _moment(told: schema.ResponseSet) -> datetime:
    return datetime.fromtimestamp(told.change_ts, UTC)
