"""A backend's answers -> values: never fails, what the backend has is taken."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TypeVar

from rttm.core.rules import default_ep
from rttm.core.schema import (
    HealthMonitor,
    LogEntry,
    Monitor,
    PerformanceMonitor,
    PoolEntry,
    Record,
    Region,
    ResponseSet,
    Service,
)

from .fields import ENTRY, JSON, MONITOR, REGION, SERVICE, Reader, is_true, name, number, text

Value = TypeVar("Value", Monitor, PoolEntry, Region, Service)


def _parsed(base: Value, readers: Mapping[str, Reader], data: JSON) -> Value:
    found: JSON = {}
    for field, read in readers.items():
        if field in data:
            try:
                found[field] = read(data[field])
            except ValueError:
                continue  # keep the default: the rest of the answer is still good
    return replace(base, **found)


def _objects(raw: object) -> Iterator[JSON]:
    return (item for item in raw if isinstance(item, dict)) if isinstance(raw, list) else iter(())


def parse_log(data: JSON) -> LogEntry:
    return LogEntry(
        site_code=text(data.get("site_code")),
        status=text(data.get("status")),
        message=text(data.get("message")),
        time=_count(data.get("time")),
    )


def parse_pool_entry(data: JSON) -> PoolEntry:
    entry = _parsed(PoolEntry(""), ENTRY, data)
    log = tuple(parse_log(item) for item in _objects(data.get("log")))
    return replace(entry, status=text(data.get("status")) or "unk", log=log, task_id=_task_id(data))


def _task_id(data: JSON) -> str:
    return text(data.get("task_id") or "")


def parse_region(data: JSON) -> Region:
    pool = tuple(parse_pool_entry(item) for item in _objects(data.get("pool")))
    return replace(
        _parsed(Region("", ep=default_ep(len(pool))), REGION, data),
        pool=pool,
        status=text(data.get("status")) or "unk",
        task_id=_task_id(data),
    )


def parse_monitor(kind: type[Monitor], raw: object) -> Monitor:
    base = kind(interval=10) if kind is PerformanceMonitor else kind()
    return _parsed(base, MONITOR, raw) if isinstance(raw, dict) else base


def parse_service(data: JSON) -> Service:
    return replace(
        _parsed(Service(name(data.get("zone")), name(data.get("fqdn"))), SERVICE, data),
        region=tuple(parse_region(item) for item in _objects(data.get("region"))),
        monitor=parse_monitor(HealthMonitor, data.get("monitor")),
        performance_monitor=parse_monitor(PerformanceMonitor, data.get("performance_monitor")),
        active=is_true(data.get("active")),
        status=text(data.get("status")) or "unk",
        task_id=_task_id(data),
    )


def parse_response_set(data: JSON) -> ResponseSet:
    """One record of a log report or rrset report."""
    return ResponseSet(
        region_code=text(data.get("region_code")),
        region_status=text(data.get("region_status")),
        change_ts=_count(data.get("change_ts")),
        change_type=text(data.get("change_type")),
        serve_count=_count(data.get("serve_count")),
        records=tuple(_records(data.get("region_rdata"))),
        serial=_count(data.get("serial")),
        user_name=text(data.get("user_name")),
    )


_RDATA = {
    "rdata_a": ("A", "address"),
    "rdata_aaaa": ("AAAA", "address"),
    "rdata_cname": ("CNAME", "cname"),
}


def _records(raw: object) -> Iterator[Record]:
    for item in _objects(raw):
        for key, (kind, field) in _RDATA.items():
            if isinstance(item.get(key), dict):
                yield Record(kind, name(item[key].get(field)), _number(item.get("weight")))


def _count(raw: object) -> int:
    return _number(raw) or 0


def _number(raw: object) -> int | None:
    try:
        return number(raw)
    except ValueError:
        return None
