"""Each API call as data: method, path and body, and how to read its answer. No I/O.

Keys are `ServiceKey`s; `changes` are configured fields by name, as `diff.changed` gives them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from rttm.core import wire
from rttm.core.schema import PoolEntry, Region, ResponseSet, Service, ServiceKey
from rttm.core.wire import JSON

from . import readers
from .bounds import MANY, ONE, Bound

T = TypeVar("T")
Changes = Mapping[str, Any]

REPORTS = frozenset({"/REST/RTTMLogReport/", "/REST/RTTMRRSetReport/"})
"""POSTs that change nothing."""
JOBS = "/REST/Job/"


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One call; `read` turns the answer's data into a value and raises ValueError if it cannot."""

    name: str  # for logs: "pool_entry_update"
    subject: str  # for people: "pool entry 192.0.2.1 in global of www.example.com"
    method: str
    path: str
    read: Callable[[object], T] = field(repr=False)
    body: JSON | None = field(default=None, repr=False)  # may hold the password
    bound: Bound = field(default=ONE, repr=False)  # of the answer

    @property
    def is_safe(self) -> bool:
        """Whether it changes nothing itself, so that it may be repeated at will."""
        return self.method == "GET" or (self.method == "POST" and self.path in REPORTS)

    @property
    def is_job(self) -> bool:
        """Whether it asks after a job, whose own call may well change something."""
        return self.path.startswith(JOBS)


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who we are at the backend."""

    customer: str
    user: str
    password: str = field(repr=False)


def _path(*segments: str) -> str:
    return "/REST/" + "".join(f"{quote(segment, safe='')}/" for segment in segments)


def session_open(credentials: Credentials) -> Call[str]:
    """Log in; the answer is the token."""
    body = {
        "customer_name": credentials.customer,
        "user_name": credentials.user,
        "password": credentials.password,
    }
    return Call("session_open", "the log-in", "POST", _path("Session"), readers.token, body)


def session_close() -> Call[None]:
    return Call("session_close", "the session", "DELETE", _path("Session"), readers.nothing)


def job(call: Call[T], job_id: str) -> Call[T]:
    """Ask for the answer of a call that became a job; valid within the same log-in only."""
    path = _path("Job", job_id)
    return replace(call, name=f"{call.name} job", method="GET", path=path, body=None)


def change(subject: str) -> Call[None]:
    """A change of which only the subject is known any more, to ask after the job it became."""
    return Call("change", subject, "PUT", _path(), readers.nothing)


def zones() -> Call[list[str]]:
    """The account's zones."""
    return Call("zones", "the zones", "GET", _path("Zone"), readers.last_segments, bound=MANY)


def services(zone: str) -> Call[list[Service]]:
    """Every service of a zone, whole."""
    subject, path = f"the services of {zone}", _path("RTTM", zone)
    read = readers.each(readers.service({"zone": zone}))
    return Call("services", subject, "GET", path, read, {"detail": "Y"}, MANY)


def service(key: ServiceKey) -> Call[Service]:
    return _on_service("service", key, "GET")


def service_create(value: Service) -> Call[Service]:
    """Unset fields are left out: the backend's own defaults hold (and Dyn refuses timeout 0)."""
    body = _set(wire.render_service(value, observed=False))
    for name in ("monitor", "performance_monitor"):
        body[name] = {"retries": getattr(value, name).retries, **_set(body[name], 0, "")}
    return _on_service("service_create", value.key, "POST", body)


def service_update(
    key: ServiceKey,
    changes: Changes,
    *,
    monitor: Changes | None = None,
    performance_monitor: Changes | None = None,
) -> Call[Service]:
    """Change the service's own fields, and single fields of its monitors."""
    body = wire.render_fields(changes)
    if monitor:
        body["monitor"] = wire.render_fields(monitor)
    if performance_monitor:
        body["performance_monitor"] = wire.render_fields(performance_monitor)
    return _on_service("service_update", key, "PUT", body)


def service_delete(key: ServiceKey) -> Call[None]:
    path = _path("RTTM", *key)
    return Call("service_delete", _subject(key), "DELETE", path, readers.nothing)


def activate(key: ServiceKey) -> Call[Service]:
    return _on_service("activate", key, "PUT", {"activate": True})


def deactivate(key: ServiceKey) -> Call[Service]:
    return _on_service("deactivate", key, "PUT", {"deactivate": True})


def recover(key: ServiceKey) -> Call[Service]:
    """Take the service out of failover, with every latched address."""
    return _on_service("recover", key, "PUT", {"recover": True})


def recoverip(key: ServiceKey, address: str) -> Call[Service]:
    """Bring one address back, in all regions."""
    call = _on_service("recoverip", key, "PUT", {"recoverip": True, "address": address})
    return replace(call, subject=f"address {address} of {key.fqdn}")


def _on_service(name: str, key: ServiceKey, method: str, body: JSON | None = None) -> Call[Service]:
    read = readers.service({"zone": key.zone, "fqdn": key.fqdn})
    return Call(name, _subject(key), method, _path("RTTM", *key), read, body)


def _subject(key: ServiceKey) -> str:
    return f"service {key.fqdn}"


def _set(fields: JSON, *unset: object) -> JSON:
    return {name: value for name, value in fields.items() if value not in (unset or ("",))}


def regions(key: ServiceKey) -> Call[list[Region]]:
    subject, path = f"the regions of {key.fqdn}", _path("RTTMRegion", *key)
    return Call("regions", subject, "GET", path, readers.each(readers.region({})), {"detail": "Y"})


def region(key: ServiceKey, code: str) -> Call[Region]:
    return _on_region("region", key, code, "GET")


def region_create(key: ServiceKey, value: Region) -> Call[Region]:
    code, body = value.region_code, wire.render_region(value, observed=False)
    call = _on_region("region_create", key, code, "POST", body)
    return replace(call, path=_path("RTTMRegion", *key))


def region_update(
    key: ServiceKey, code: str, changes: Changes, pool: tuple[PoolEntry, ...] | None = None
) -> Call[Region]:
    """Change a region's own fields; a given `pool` replaces the one it has."""
    body = wire.render_fields(changes)
    if pool is not None:
        body["pool"] = [wire.render_pool_entry(entry, observed=False) for entry in pool]
    return _on_region("region_update", key, code, "PUT", body)


def region_delete(key: ServiceKey, code: str) -> Call[None]:
    subject, path = f"region {code} of {key.fqdn}", _path("RTTMRegion", *key, code)
    return Call("region_delete", subject, "DELETE", path, readers.nothing)


def _on_region(
    name: str, key: ServiceKey, code: str, method: str, body: JSON | None = None
) -> Call[Region]:
    subject, path = f"region {code} of {key.fqdn}", _path("RTTMRegion", *key, code)
    return Call(name, subject, method, path, readers.region({"region_code": code}), body)


def pool_entry(key: ServiceKey, code: str, address: str) -> Call[PoolEntry]:
    # The documents know no argument here, but the SDK asks for details.
    return _on_entry("pool_entry", key, code, address, "GET", {"detail": "Y"})


def pool_entry_create(key: ServiceKey, code: str, value: PoolEntry) -> Call[PoolEntry]:
    body = wire.render_pool_entry(value, observed=False)
    call = _on_entry("pool_entry_create", key, code, value.address, "POST", body)
    return replace(call, path=_path("RTTMRegionPoolEntry", *key, code))


def pool_entry_update(
    key: ServiceKey, code: str, address: str, changes: Changes
) -> Call[PoolEntry]:
    """Change fields of the entry that is now at `address`; a changed address renames it."""
    body = wire.render_fields(changes)
    if "address" in body:
        body["new_address"] = body.pop("address")
    return _on_entry("pool_entry_update", key, code, address, "PUT", body)


def pool_entry_delete(key: ServiceKey, code: str, address: str) -> Call[None]:
    call = _on_entry("pool_entry_delete", key, code, address, "DELETE")
    return Call(call.name, call.subject, call.method, call.path, readers.nothing)


def _on_entry(
    name: str, key: ServiceKey, code: str, address: str, method: str, body: JSON | None = None
) -> Call[PoolEntry]:
    subject = f"pool entry {address} in {code} of {key.fqdn}"
    path = _path("RTTMRegionPoolEntry", *key, code, address)
    return Call(name, subject, method, path, readers.pool_entry, body)


def log_report(key: ServiceKey, start: int, end: int) -> Call[list[ResponseSet]]:
    """What changed from `start` to `end`, in UNIX seconds."""
    body = {"zone": key.zone, "fqdn": key.fqdn, "start_ts": start, "end_ts": end}
    return _report("log_report", key, "RTTMLogReport", body)


def rrset_report(key: ServiceKey, ts: int) -> Call[list[ResponseSet]]:
    """Every region's response set at `ts`, in UNIX seconds."""
    body = {"zone": key.zone, "fqdn": key.fqdn, "ts": ts}
    return _report("rrset_report", key, "RTTMRRSetReport", body)


def _report(name: str, key: ServiceKey, resource: str, body: JSON) -> Call[list[ResponseSet]]:
    subject = f"the {name.replace('_', ' ')} of {key.fqdn}"
    read = readers.each(readers.response_set)
    return Call(name, subject, "POST", _path(resource), read, body, MANY)
