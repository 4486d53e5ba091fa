"""Correct since when states hold: a backend's own records know of changes between two syncs."""

from datetime import datetime

from django.db import transaction

from rttm import live
from rttm.core.since import Run, after_last, latest_run, worst_of_all
from rttm.core.terms import ChangeType, EntryStatus, Status
from rttm.models import LogRecord, PoolEntry, Region, Service

from .rows import touch_service

REMOVED = "reg_remove"  # in a log, the last word of a region that was deleted
WORDS = {"up": Status.OK}  # a log says `up` where DynECT elsewhere says `ok`


@transaction.atomic
def absorb_since(service: Service, *, asked_at: datetime, has_news: bool) -> None:
    """Date the states of a service by its log, when it has new records or a state is newer."""
    service = Service.objects.locked(service.pk)
    log = list(service.log.all()) if has_news or _is_newer_than_its_log(service) else []
    if not log:
        return
    changed = _date_service(service, log, asked_at)
    for region in service.regions.prefetch_related("pool"):
        own = [record for record in log if record.region_code == region.region_code]
        region_changed = _date_region(region, own, asked_at)
        region_changed |= _date_entries(region, own)
        if region_changed:
            live.touch(f"region-{region.pk}", scope=service.pk)
        changed |= region_changed
    if changed:
        touch_service(service.pk)


def _is_newer_than_its_log(service: Service) -> bool:
    newest = service.log.values_list("change_at", flat=True).first()
    if newest is None:
        return False
    return service.status_since > newest or service.regions.filter(status_since__gt=newest).exists()


def _statuses(log: list[LogRecord]) -> list[tuple[datetime, str]]:
    return [(record.change_at, _status(record)) for record in log]


def _status(record: LogRecord) -> str:
    return WORDS.get(record.region_status, record.region_status)


def _date_service(service: Service, log: list[LogRecord], asked_at: datetime) -> bool:
    records = [(record.change_at, record.region_code, _status(record)) for record in log]
    run = latest_run(worst_of_all(records, REMOVED), service.status)
    since = _corrected(service.status_since, run, asked_at)
    rows = Service.objects.filter(pk=service.pk).exclude(status_since=since)
    return bool(rows.update(status_since=since))


def _date_region(region: Region, log: list[LogRecord], asked_at: datetime) -> bool:
    run = latest_run(_statuses(log), region.status)
    since = {"status_since": _corrected(region.status_since, run, asked_at)}
    if region.answer is not None and region.answer_since is not None:
        answers = [(record.change_at, record.answer) for record in log]
        served = latest_run(answers, region.answer)
        since["answer_since"] = _corrected(region.answer_since, served, asked_at)
    rows = Region.objects.filter(pk=region.pk).exclude(**since)
    return bool(rows.update(**since))


def _corrected(since: datetime, run: Run[datetime] | None, asked_at: datetime) -> datetime:
    """A whole run tells when it began; one that goes on beyond the log, that it is as old as that.

    Never in the future: a backend's clock may be ahead.
    """
    if run is None:
        return since
    start = min(run.start, asked_at)
    return start if run.is_whole else min(since, start)


def _date_entries(region: Region, log: list[LogRecord]) -> bool:
    """A log tells of regions only, but a region's status tells what no address can have been."""
    if region.autopopulate:
        return False
    made_anew_at = after_last(_statuses(log), {REMOVED})
    changed = False
    for entry in region.pool.all():
        if made_anew_at and entry.status_since < made_anew_at:
            changed |= _date_entry(entry, made_anew_at, was_down=_is_down(entry) and entry.was_down)
        earliest = _earliest(entry, log)
        if earliest and entry.status_since < earliest:
            changed |= _date_entry(entry, earliest, was_down=entry.was_down)
    return changed


def _is_down(entry: PoolEntry) -> bool:
    return entry.status == EntryStatus.DOWN


def _earliest(entry: PoolEntry, log: list[LogRecord]) -> datetime | None:
    """Nothing was down in a region that was ok, and nothing known in one that was unknown.

    Only a change that probes found counts: a person may change the mode of an address that is down.
    """
    never = {Status.OK, Status.UNK} if _is_down(entry) else {Status.UNK}
    ended_at = None if entry.status == EntryStatus.UNK else after_last(_statuses(log), never)
    is_found = any(
        record.change_at == ended_at and record.change_type == ChangeType.HEALTH for record in log
    )
    return ended_at if is_found else None


def _date_entry(entry: PoolEntry, since: datetime, *, was_down: bool) -> bool:
    PoolEntry.objects.filter(pk=entry.pk).update(status_since=since, was_down=was_down)
    entry.status_since, entry.was_down = since, was_down
    live.touch(f"pool-entry-{entry.pk}", scope=entry.region.service_id)
    return True
