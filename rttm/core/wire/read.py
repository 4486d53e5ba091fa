"""A client's request -> the value it wants, laid over what there is, and what made no sense."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from rttm.core.rules import Problem, default_ep
from rttm.core.schema import HealthMonitor, Monitor, PerformanceMonitor, PoolEntry, Region, Service

from .fields import ENTRY, JSON, MONITOR, REGION, SERVICE, WANTED, Reader, name, text

Value = TypeVar("Value", Monitor, PoolEntry, Region, Service)
Problems = list[Problem]


def _read(base: Value, readers: Mapping[str, Reader], data: JSON) -> tuple[Value, Problems]:
    found: JSON = {}
    problems: Problems = []
    for field, read in readers.items():
        if field in data:
            try:
                found[field] = read(data[field])
            except ValueError:
                problems.append(Problem(field, "wrong_type", f"{field} must be {WANTED[read]}."))
    return replace(base, **found), problems


def read_pool_entry(data: JSON, base: PoolEntry | None = None) -> tuple[PoolEntry, Problems]:
    """A pool entry as asked for; `new_address` renames an existing one."""
    entry, problems = _read(base or PoolEntry(""), ENTRY, data)
    if base is not None:
        problems += _of_key("address", entry.address, base.address)
        entry, more = _renamed(replace(entry, address=base.address), data)
        problems += more
    elif "address" not in data:
        problems.append(Problem("address", "missing", "address is required."))
    return entry, problems


def _of_key(field: str, asked: str, present: str) -> Problems:
    """A key in a change says once more what is changed; it cannot say another."""
    if asked == present:
        return []
    return [Problem(field, "another", f"{field} must be {present}, which is to be changed.")]


def _renamed(entry: PoolEntry, data: JSON) -> tuple[PoolEntry, Problems]:
    if data.get("new_address") in (None, ""):
        return entry, []
    try:
        return replace(entry, address=ENTRY["address"](data["new_address"])), []
    except ValueError:
        wrong = Problem("new_address", "wrong_type", "new_address must be an address.")
        return entry, [wrong]


def read_region(data: JSON, base: Region | None = None) -> tuple[Region, Problems]:
    """A region as asked for; a given `pool` replaces the one it has, matched by address."""
    region, problems = _read(base or Region(""), REGION, data)
    if base is not None:
        problems += _of_key("region_code", region.region_code, base.region_code)
        region = replace(region, region_code=base.region_code)
    elif "region_code" not in data:
        problems.append(Problem("region_code", "missing", "region_code is required."))
    if "pool" in data:
        pool, more = _read_list(data["pool"], "pool", _pool_reader(base))
        region, problems = replace(region, pool=pool), problems + more
    if base is None and "ep" not in data:
        region = replace(region, ep=default_ep(len(region.pool)))
    return region, problems


def _pool_reader(region: Region | None) -> Callable[[JSON], tuple[PoolEntry, Problems]]:
    def read(item: JSON) -> tuple[PoolEntry, Problems]:
        known = region.entry(name(item.get("address"))) if region else None
        return read_pool_entry(item, known)

    return read


def _read_list(raw: object, field: str, read: Callable[[JSON], Any]) -> tuple[Any, Problems]:
    if not isinstance(raw, list) or not all(isinstance(item, dict) for item in raw):
        return (), [Problem(field, "wrong_type", f"{field} must be a list of objects.")]
    values, problems = [], []
    for item in raw:
        value, found = read(item)
        label = text(getattr(value, "address", "") or getattr(value, "region_code", ""))
        values.append(value)
        problems += [problem.under(f"{field}[{label}]") for problem in found]
    return tuple(values), problems


def read_service(
    data: JSON, zone: str, fqdn: str, base: Service | None = None
) -> tuple[Service, Problems]:
    """A service as asked for; a given `region` list replaces the one it has, matched by code."""
    service, problems = _read(base or Service(zone, fqdn), SERVICE, data)
    if "monitor" in data:
        known = base.monitor if base else None
        monitor, more = _read_monitor(data, "monitor", HealthMonitor, known)
        service, problems = replace(service, monitor=monitor), problems + more
    if "performance_monitor" in data:
        known = base.performance_monitor if base else None
        monitor, more = _read_monitor(data, "performance_monitor", PerformanceMonitor, known)
        service, problems = replace(service, performance_monitor=monitor), problems + more
    if "region" in data:
        regions, more = _read_list(data["region"], "region", _region_reader(base))
        service, problems = replace(service, region=regions), problems + more
    if base is None:
        problems += [
            Problem(field, "missing", f"{field} is required.")
            for field in ("contact_nickname", "performance_monitor", "region")
            if field not in data
        ]
    return service, problems


def _region_reader(service: Service | None) -> Callable[[JSON], tuple[Region, Problems]]:
    def read(item: JSON) -> tuple[Region, Problems]:
        known = service.at(text(item.get("region_code"))) if service else None
        return read_region(item, known)

    return read


def _read_monitor(
    data: JSON, field: str, kind: type[Monitor], base: Monitor | None
) -> tuple[Monitor, Problems]:
    """A monitor laid over the present one: the SDK sends single fields."""
    start, raw = base or kind(), data[field]
    if not isinstance(raw, dict):
        return start, [Problem(field, "wrong_type", f"{field} must be an object.")]
    monitor, problems = _read(start, MONITOR, raw)
    if base is None:
        problems += [
            Problem(missing, "missing", f"{missing} is required.")
            for missing in ("protocol", "interval")
            if missing not in raw
        ]
    return monitor, [problem.under(field) for problem in problems]
