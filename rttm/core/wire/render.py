"""Values -> exactly what the SDK and Dyn's documents expect, for both directions."""

from collections.abc import Mapping
from typing import Any, TypeVar

from rttm.core.schema import LogEntry, Monitor, PoolEntry, Record, Region, ResponseSet, Service

from .fields import ENTRY, JSON, MONITOR, REGION, SERVICE, Reader

Value = TypeVar("Value", Monitor, PoolEntry, Region, Service)


def render_flag(value: object) -> str:
    return "Y" if value else "N"


def render_fields(values: Mapping[str, Any]) -> JSON:
    """Configured fields of any object, as they go over the wire."""
    return {field: _rendered(value) for field, value in values.items()}


def _rendered(value: Any) -> Any:
    if isinstance(value, bool):
        return render_flag(value)
    if isinstance(value, tuple):
        return ",".join(value)
    return str(value) if isinstance(value, str) else value


def _own(value: Value, readers: Mapping[str, Reader]) -> JSON:
    return render_fields({field: getattr(value, field) for field in readers})


def render_monitor(monitor: Monitor) -> JSON:
    """Only the nine documented keys: the SDK's constructor refuses any other."""
    return _own(monitor, MONITOR)


def render_log(log: LogEntry) -> JSON:
    return {
        "site_code": log.site_code, "status": log.status, "message": log.message, "time": log.time,
    }  # fmt: skip


def render_pool_entry(entry: PoolEntry, *, observed: bool = True) -> JSON:
    """An embedded pool entry; without `observed`, as a request sends it."""
    own = _own(entry, ENTRY)
    if not observed:
        return own
    return {**own, "status": entry.status, "log": [render_log(log) for log in entry.log]}


def render_region(region: Region, *, observed: bool = True) -> JSON:
    """An embedded region: no zone, fqdn or task_id, which constructors of the SDK cannot take."""
    pool = [render_pool_entry(entry, observed=observed) for entry in region.pool]
    own = {**_own(region, REGION), "pool": pool}
    return {**own, "status": region.status} if observed else own


def render_service(service: Service, *, observed: bool = True) -> JSON:
    own = _own(service, SERVICE)
    own["monitor"] = render_monitor(service.monitor)
    own["performance_monitor"] = render_monitor(service.performance_monitor)
    own["region"] = [render_region(region, observed=observed) for region in service.region]
    if not observed:
        return own
    return {
        "zone": service.zone, "fqdn": service.fqdn, "active": render_flag(service.active),
        "status": service.status, "task_id": service.task_id, **own,
    }  # fmt: skip


def render_response_set(answer: ResponseSet) -> JSON:
    """A report's record; every scalar is a string (WSDL, report help pages)."""
    rendered = {
        "serial": str(answer.serial),
        "change_ts": str(answer.change_ts),
        "change_type": answer.change_type,
        "region_code": answer.region_code,
        "region_status": answer.region_status,
        "serve_count": str(answer.serve_count),
        "rdata_type": answer.records[0].rdata_type if answer.records else "A",
        "region_rdata": [_render_record(record) for record in answer.records],
    }
    return rendered | ({"user_name": answer.user_name} if answer.user_name else {})


def _render_record(record: Record) -> JSON:
    key, field = {"A": ("rdata_a", "address"), "AAAA": ("rdata_aaaa", "address")}.get(
        record.rdata_type, ("rdata_cname", "cname")
    )
    # The reports show no weight of a CNAME, although answers are drawn by it.
    is_weighted = record.rdata_type != "CNAME" and record.weight is not None
    weight = {"weight": str(record.weight)} if is_weighted else {}
    return {**weight, key: {field: record.value}}
