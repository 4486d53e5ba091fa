"""When an address is probed: which probes a service wants, and when each is due. Pure, no clock."""

from dataclasses import replace
from enum import StrEnum
from hashlib import blake2b

from .schema import Monitor, Service
from .terms import Protocol


class Kind(StrEnum):
    """What a probe is for: an address's status, or its response time."""

    HEALTH = "health"
    PERF = "perf"


def wanted(service: Service) -> dict[tuple[str, Kind], Monitor]:
    """How each address of a service is probed.

    An address in several regions is one address; autopopulated regions only repeat the global one.
    """
    monitors = {Kind.HEALTH: service.monitor, Kind.PERF: service.performance_monitor}
    asked = {
        kind: asking_for(service.fqdn, monitor)
        for kind, monitor in monitors.items()
        if monitor.protocol != Protocol.NONE
    }
    return {
        (entry.address, kind): monitor
        for region in service.region
        if not region.autopopulate
        for entry in region.pool
        for kind, monitor in asked.items()
    }


def asking_for(fqdn: str, monitor: Monitor) -> Monitor:
    """HTTP asks for the service's own name, as its clients do, unless `host` says another."""
    if monitor.host or monitor.protocol not in (Protocol.HTTP, Protocol.HTTPS):
        return monitor
    return replace(monitor, host=fqdn)


def offset(service_id: int, address: str, kind: str, interval: float) -> float:
    """Where in an interval (seconds) a probe has its place: stable, and spread by a hash."""
    # Not a checksum such as crc32: of names that are alike it makes numbers that are alike.
    digest = blake2b(f"{service_id} {address} {kind}".encode(), digest_size=4).digest()
    return int.from_bytes(digest) / 2**32 * interval


def next_due(now: float, interval: float, place: float) -> float:
    """The first moment after `now` (UNIX seconds) that is `place` seconds into an interval."""
    due = now + (place - now) % interval
    return due if due > now else due + interval
