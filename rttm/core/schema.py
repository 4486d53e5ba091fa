"""The values everything passes around: a service with its monitors, regions and pool entries.

Choices are typed `str`: a backend may answer a word we do not know, and what it has, we show.
"""

from dataclasses import dataclass
from typing import NamedTuple

from .terms import (
    EntryStatus,
    FailoverMode,
    Protocol,
    RegionCode,
    ServeMode,
    Status,
    SyslogDelivery,
)


class ServiceKey(NamedTuple):
    """Where a service lives; both names without a trailing dot."""

    zone: str
    fqdn: str


@dataclass(frozen=True, slots=True)
class Monitor:
    """How addresses are probed. 0 and "" mean unset: the protocol's own default."""

    protocol: str = Protocol.NONE
    interval: int = 5  # minutes
    retries: int = 1  # further attempts before a run counts as down (default of the portal)
    timeout: int = 0  # seconds for one attempt; 10 when unset
    port: int = 0
    path: str = ""
    host: str = ""
    header: str = ""  # lines, separated by newlines
    expected: str = ""


class HealthMonitor(Monitor):
    """Up or down probes: decides each address's status."""

    __slots__ = ()


class PerformanceMonitor(Monitor):
    """Response-time probes: rank the addresses for the eligibility pool."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class LogEntry:
    """The latest probe result of one monitoring site, as a pool entry's `log` carries it."""

    site_code: str
    status: str
    message: str
    time: int  # UNIX seconds


@dataclass(frozen=True, slots=True)
class PoolEntry:
    """One address in a region's pool."""

    address: str
    label: str = ""
    weight: int = 1
    serve_mode: str = ServeMode.OBEY
    status: str = EntryStatus.UNK  # observed
    log: tuple[LogEntry, ...] = ()  # observed
    task_id: str = ""  # observed


@dataclass(frozen=True, slots=True)
class Region:
    """A part of the world with its pool; with `autopopulate` it follows the global region."""

    region_code: str
    pool: tuple[PoolEntry, ...] = ()
    autopopulate: bool = False
    ep: int = 1  # how many of the fastest available entries are eligible
    apmc: int = 1  # with fewer available entries the region fails over
    epmc: int = 1  # with fewer eligible entries it does too
    serve_count: int = 1  # records in one answer, at most
    failover_mode: str = FailoverMode.GLOBAL
    # The address, name or region code that the mode needs; mode global keeps it for the others.
    failover_data: str = ""
    status: str = Status.UNK  # observed
    task_id: str = ""  # observed

    def entry(self, address: str) -> PoolEntry | None:
        """The pool entry with that address, if there is one."""
        return next((entry for entry in self.pool if entry.address == address), None)


@dataclass(frozen=True, slots=True)
class Service:
    """One RTTM service at a zone and FQDN."""

    zone: str
    fqdn: str
    region: tuple[Region, ...] = ()
    monitor: Monitor = HealthMonitor()
    performance_monitor: Monitor = PerformanceMonitor(interval=10)
    contact_nickname: str = ""
    ttl: int = 30  # seconds
    auto_recover: bool = True
    recovery_delay: int = 0  # further consecutive up runs before a down address is up again
    notify_events: tuple[str, ...] = ()
    syslog_server: str = ""
    syslog_port: int = 514
    syslog_ident: str = "dynect"
    syslog_facility: str = "daemon"
    syslog_delivery: str = SyslogDelivery.CHANGE
    syslog_probe_fmt: str = ""
    syslog_status_fmt: str = ""
    syslog_rttm_fmt: str = ""
    active: bool = True  # changed by activate and deactivate only
    status: str = Status.UNK  # observed
    task_id: str = ""  # observed

    @property
    def key(self) -> ServiceKey:
        return ServiceKey(self.zone, self.fqdn)

    def at(self, region_code: str) -> Region | None:
        """The region with that code, if the service has it."""
        return next((region for region in self.region if region.region_code == region_code), None)

    @property
    def global_region(self) -> Region | None:
        return self.at(RegionCode.GLOBAL)


OBSERVED = frozenset({"status", "log", "task_id", "active"})
"""Fields the backend tells us; never part of an edit."""

CONTAINERS = frozenset({"region", "pool", "monitor", "performance_monitor"})
"""Fields that hold other objects; those are compared one by one."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a response set; a CNAME that came from a report has no weight."""

    rdata_type: str  # A, AAAA or CNAME
    value: str
    weight: int | None = None


@dataclass(frozen=True, slots=True)
class ResponseSet:
    """The records a region serves from a moment on (one record of a log or rrset report)."""

    region_code: str
    region_status: str  # up, trouble, failover, unk or reg_remove
    change_ts: int  # UNIX seconds
    change_type: str
    serve_count: int
    records: tuple[Record, ...]
    serial: int = 0
    user_name: str = ""

    @property
    def values(self) -> tuple[str, ...]:
        return tuple(record.value for record in self.records)
