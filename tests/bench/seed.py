"""Fills the engine's database: python -m tests.bench.seed SERVICES INTERVAL PORT [PROBED].

With PROBED every address has health, as if it had been probed a moment ago.
"""

import os
import sys
import time

import django
from django.db import transaction

from rttm.core.health import ProbeResult
from rttm.core.schedule import Kind
from rttm.core.schema import HealthMonitor, PerformanceMonitor, PoolEntry, Region, Service
from rttm.core.terms import EntryStatus

from .addresses import ENTRIES, OF_SERVICE, REGIONS, address

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")
django.setup()

from rttm.engine import models, store  # noqa: E402  # the models need Django to be ready
from rttm.engine.router import ALIAS  # noqa: E402

ZONE = "example.com"


def region(number: int, place: int) -> Region:
    first = number * OF_SERVICE + place * ENTRIES
    pool = tuple(PoolEntry(address(first + n), label=f"node {n}") for n in range(ENTRIES))
    is_global = place == 0
    return Region(
        REGIONS[place], pool, ep=2,
        failover_mode="ip" if is_global else "global",
        failover_data="192.0.2.99" if is_global else "",
    )  # fmt: skip


def service(number: int, interval: int, port: int) -> Service:
    return Service(
        zone=ZONE,
        fqdn=f"s{number:04}.{ZONE}",
        region=tuple(region(number, place) for place in range(len(REGIONS))),
        monitor=HealthMonitor("HTTP", interval, retries=0, port=port, path="/", expected="ok"),
        performance_monitor=PerformanceMonitor("NONE", 10),
        contact_nickname="owner",
    )


def probe(row: models.Service, now: float) -> None:
    results = [
        store.RunResult(
            row.pk, row.version, found, Kind.HEALTH,
            ProbeResult(EntryStatus.UP, f"HTTP 200 in {row.pk % 90 + 10} ms", 31.5), now,
        )
        for found in store.addresses(row.value)
    ]  # fmt: skip
    store.record_results(results, site_code="XXX", now=now)


def fill(count: int, interval: int, port: int, *, probed: bool) -> None:
    zone, _ = store.create_zone(ZONE)
    with transaction.atomic(using=ALIAS):
        for number in range(count):
            value = service(number, interval, port)
            row = store.create(zone, value, now=time.time(), user_name="bench")
            if probed:
                probe(row, time.time())


if __name__ == "__main__":
    fill(*map(int, sys.argv[1:4]), probed="PROBED" in sys.argv)
