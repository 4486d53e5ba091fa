"""Valid core values to start a test from; every field can be overridden by name."""

from typing import Any

from rttm.core.schema import HealthMonitor, PerformanceMonitor, PoolEntry, Region, Service


def pool_entry(address: str = "192.0.2.1", **fields: Any) -> PoolEntry:
    return PoolEntry(address, **fields)


def region(region_code: str = "global", *addresses: str, **fields: Any) -> Region:
    """A region with these addresses in its pool; global fails over to a last address."""
    pool = tuple(pool_entry(address) for address in addresses or ("192.0.2.1", "192.0.2.2"))
    failover = {"failover_mode": "ip", "failover_data": "192.0.2.99"}
    return Region(region_code, **{"pool": pool, **failover, **fields})


def service(fqdn: str = "www.example.com", **fields: Any) -> Service:
    """A service in example.com with a global region of two addresses."""
    defaults: dict[str, Any] = {
        "zone": "example.com",
        "region": (region(),),
        "monitor": HealthMonitor("HTTP", 5),
        "performance_monitor": PerformanceMonitor("HTTP", 10),
        "contact_nickname": "owner",
    }
    return Service(fqdn=fqdn, **{**defaults, **fields})
