"""The demo's world: a company's nodes and services, as values.

No state is written anywhere: whatever the board shows of them, the probes found.
"""

from dataclasses import replace
from typing import Any

from rttm.core.rules import default_ep
from rttm.core.schema import HealthMonitor, PerformanceMonitor, PoolEntry, Region, Service
from rttm.core.terms import FailoverMode, Protocol, RegionCode, ServeMode

from .nodes import PORT, Conduct, Node

NEAR = (0.003, 0.015)  # seconds
FAR = (0.08, 0.3)
SORRY = "203.0.113.10"  # where a sorry server would be; an address for documentation (RFC 5737)
BUSY, EXCUSE = "503 Service Unavailable", "maintenance until 14:00 UTC\n"

NODES = (
    Node("fra-web-1", "127.0.10.11", delay=NEAR),
    Node("fra-web-2", "127.0.10.12"),
    Node("fra-api-1", "127.0.10.13", delay=NEAR),
    Node("fra-api-2", "127.0.10.14", Conduct.FLAPS),
    Node("fra-auth-1", "127.0.10.15"),
    Node("fra-auth-2", "127.0.10.16", Conduct.FLAPS),
    Node("fra-pay-1", "127.0.10.17"),
    Node("fra-search-1", "127.0.10.18", body="rebuilding the index, 62 %\n"),
    Node("fra-cdn-1", "127.0.10.19", delay=NEAR),
    Node("lon-web-1", "127.0.10.21", delay=NEAR),
    Node("lon-web-2", "127.0.10.22"),
    Node("lon-auth-1", "127.0.10.23"),
    Node("lon-pay-1", "127.0.10.24", Conduct.FLAPS),
    Node("lon-shop-1", "127.0.10.25"),
    Node("lon-cdn-1", "127.0.10.26"),
    Node("lon-mx-1", "127.0.10.27", Conduct.GREETS),
    Node("waw-shop-1", "127.0.10.31", Conduct.REFUSES),
    Node("waw-shop-2", "127.0.10.32", status=BUSY, body=EXCUSE),
    Node("waw-cdn-1", "127.0.10.33", delay=(0.03, 0.09)),
    Node("iad-web-1", "127.0.10.41", delay=NEAR),
    Node("iad-web-2", "127.0.10.42"),
    Node("iad-web-3", "127.0.10.43"),
    Node("iad-api-1", "127.0.10.44"),
    Node("iad-auth-1", "127.0.10.45"),
    Node("iad-img-1", "127.0.10.46"),
    Node("iad-img-2", "127.0.10.47", Conduct.HANGS),
    Node("iad-mx-1", "127.0.10.48", Conduct.GREETS),
    Node("ord-web-1", "127.0.10.51", delay=(0.02, 0.05)),
    Node("ord-search-1", "127.0.10.52"),
    Node("ord-status-1", "127.0.10.53", Conduct.REFUSES),
    Node("sjc-web-1", "127.0.10.61", delay=NEAR),
    Node("sjc-web-2", "127.0.10.62"),
    Node("sjc-api-1", "127.0.10.63"),
    Node("nrt-web-1", "127.0.10.71", delay=FAR),
    Node("nrt-img-1", "127.0.10.72", delay=FAR),
    Node("sin-web-1", "127.0.10.81", delay=FAR),
    Node("sin-shop-1", "127.0.10.82", delay=(0.05, 0.12)),
)
ADDRESSES = {node.label: node.address for node in NODES}

US_WEST, US_CENTRAL, US_EAST = RegionCode.US_WEST, RegionCode.US_CENTRAL, RegionCode.US_EAST
EU_WEST, EU_CENTRAL, EU_EAST = RegionCode.EU_WEST, RegionCode.EU_CENTRAL, RegionCode.EU_EAST
GLOBAL, ASIA = RegionCode.GLOBAL, RegionCode.ASIA

TO_SORRY = (FailoverMode.IP, SORRY)
TO_GLOBAL = (FailoverMode.GLOBAL, "")


def to_region(code: RegionCode) -> tuple[str, str]:
    return FailoverMode.REGION, code


def to_name(fqdn: str) -> tuple[str, str]:
    return FailoverMode.CNAME, fqdn


def at(label: str, **fields: Any) -> PoolEntry:
    return PoolEntry(ADDRESSES[label], label=label, **fields)


def region(
    code: RegionCode, *entries: str | PoolEntry, to: tuple[str, str] = TO_GLOBAL, **fields: Any
) -> Region:
    """A region of these entries; a label alone is an entry with weight 1 and mode obey."""
    pool = tuple(at(entry) if isinstance(entry, str) else entry for entry in entries)
    defaults = {"ep": default_ep(len(pool)), "failover_mode": to[0], "failover_data": to[1]}
    return Region(code, pool, **{**defaults, **fields})


def filled(*codes: RegionCode) -> tuple[Region, ...]:
    """Regions that follow the global one."""
    return tuple(Region(code, autopopulate=True) for code in codes)


def service(zone: str, fqdn: str, *regions: Region, **fields: Any) -> Service:
    defaults: dict[str, Any] = {
        "monitor": http(1),
        "performance_monitor": http_time(),
        "contact_nickname": "owner",
    }
    return Service(zone, fqdn, regions, **{**defaults, **fields})


def http(interval: int, **fields: Any) -> HealthMonitor:
    asked: dict[str, Any] = {"path": "/healthz", "expected": "ok", "retries": 1}
    return HealthMonitor(Protocol.HTTP, interval, **{**asked, **fields})


def http_time() -> PerformanceMonitor:
    return PerformanceMonitor(Protocol.HTTP, 10, retries=0, path="/healthz")


SERVICES = (
    service(
        "example.com",
        "www.example.com",
        region(GLOBAL, "iad-web-1", "fra-web-1", "lon-web-1", to=TO_SORRY, serve_count=2),
        region(US_WEST, "sjc-web-1", "sjc-web-2", to=to_region(US_EAST)),
        region(
            US_EAST,
            at("iad-web-1", weight=5),
            at("iad-web-2", weight=5),
            at("ord-web-1"),
            to=to_region(US_WEST),
            ep=3,
            serve_count=2,
        ),
        region(EU_WEST, "lon-web-1", "lon-web-2", "fra-web-1", to=to_region(EU_CENTRAL)),
        region(EU_CENTRAL, "fra-web-1", "fra-web-2", to=to_region(EU_WEST)),
        region(ASIA, "nrt-web-1", "sin-web-1"),
        *filled(US_CENTRAL, EU_EAST),
        notify_events=("ip", "svc"),
    ),
    # Its second node in Frankfurt comes and goes, and is waited for: two runs up in a row.
    service(
        "example.com",
        "api.example.com",
        region(GLOBAL, "iad-api-1", "sjc-api-1", "fra-api-1", to=TO_SORRY),
        region(US_WEST, "sjc-api-1", to=to_region(US_EAST)),
        region(US_EAST, "iad-api-1", to=to_region(US_WEST)),
        region(EU_CENTRAL, at("fra-api-1", weight=10), at("fra-api-2", weight=5)),
        *filled(EU_WEST),
        recovery_delay=1,
        notify_events=("ip", "svc"),
    ),
    # Two addresses or none: the first failover lasts until somebody recovers it.
    service(
        "example.com",
        "login.example.com",
        region(GLOBAL, "iad-auth-1", "fra-auth-1", to=TO_SORRY),
        region(EU_WEST, "lon-auth-1", "fra-auth-2", to=to_region(EU_CENTRAL), apmc=2),
        region(EU_CENTRAL, "fra-auth-1"),
        auto_recover=False,
        notify_events=("svc",),
    ),
    # In Frankfurt something answers, but not what a search should answer.
    service(
        "example.com",
        "search.example.com",
        region(GLOBAL, "ord-search-1", "fra-search-1"),
        *filled(ASIA),
        monitor=http(5),
        ttl=60,
    ),
    service(
        "example.com",
        "beta.example.com",
        region(GLOBAL, "fra-web-2", "iad-web-3", to=to_name("www.example.com")),
        active=False,
    ),
    # Warsaw is out, so Central Europe buys in London.
    service(
        "example.net",
        "shop.example.net",
        region(GLOBAL, "lon-shop-1", "sin-shop-1", to=TO_SORRY),
        region(EU_CENTRAL, "waw-shop-1", "waw-shop-2", to=to_region(EU_WEST)),
        region(EU_WEST, "lon-shop-1"),
        region(ASIA, "sin-shop-1"),
        notify_events=("ip", "svc"),
    ),
    # Who fails while money moves stays out until a person has looked.
    service(
        "example.net",
        "checkout.example.net",
        region(GLOBAL, "fra-pay-1", at("lon-pay-1", serve_mode=ServeMode.REMOVE), to=TO_SORRY),
        *filled(EU_WEST, ASIA),
        notify_events=("ip", "svc", "nosrv"),
    ),
    service(
        "example.net",
        "img.example.net",
        region(GLOBAL, "iad-img-1", "nrt-img-1", to=to_name("img.cdn.example.org")),
        region(US_EAST, "iad-img-1", "iad-img-2", ep=1),
        region(ASIA, "nrt-img-1"),
        monitor=http(5, retries=0),
        ttl=150,
    ),
    service(
        "cdn.example.org",
        "eu.cdn.example.org",
        region(GLOBAL, "fra-cdn-1", "lon-cdn-1", to=to_name("cdn.example.net"), serve_count=2),
        region(EU_WEST, at("lon-cdn-1", weight=9), "fra-cdn-1", to=to_region(EU_CENTRAL)),
        region(EU_CENTRAL, at("fra-cdn-1", weight=9), "lon-cdn-1", to=to_region(EU_WEST)),
        region(EU_EAST, "waw-cdn-1", "fra-cdn-1", to=to_region(EU_CENTRAL), ep=1),
        monitor=http(5),
        ttl=60,
    ),
    # One server is being replaced: drained, and still probed.
    service(
        "cdn.example.org",
        "downloads.cdn.example.org",
        region(
            GLOBAL,
            at("iad-web-2", weight=8),
            at("ord-web-1", weight=4),
            at("iad-web-3", serve_mode=ServeMode.NO),
            ep=2,
        ),
        *filled(US_EAST, US_CENTRAL),
        monitor=http(5),
        ttl=150,
    ),
    service(
        "example.org",
        "mx.example.org",
        region(GLOBAL, "lon-mx-1", "iad-mx-1", to=to_name("mx.example.com"), serve_count=2),
        monitor=HealthMonitor(Protocol.TCP, 5),
        performance_monitor=PerformanceMonitor(Protocol.TCP, 10),
        ttl=150,
    ),
    # It must answer whatever happens, and it is served although it is down.
    service(
        "example.org",
        "status.example.org",
        region(
            GLOBAL,
            at("ord-status-1", serve_mode=ServeMode.ALWAYS),
            at("fra-web-2", serve_mode=ServeMode.ALWAYS),
        ),
        monitor=http(5),
        ttl=60,
    ),
)


def services(port: int = PORT) -> tuple[Service, ...]:
    """The services, with the port that the nodes listen on."""
    return tuple(
        replace(
            value,
            monitor=replace(value.monitor, port=port),
            performance_monitor=replace(value.performance_monitor, port=port),
        )
        for value in SERVICES
    )
