"""A service in the engine's store, and a site that probes it, in the test's own process."""

from collections.abc import Sequence
from dataclasses import replace

from rttm.core.health import ProbeResult
from rttm.core.schedule import Kind
from rttm.core.schema import PoolEntry, ResponseSet, Service
from rttm.core.terms import EntryStatus
from rttm.engine import models, reports, store
from tests import builders

NOW = 1_700_000_000.0
USER = "olga"
ONE, TWO = "192.0.2.1", "192.0.2.2"
INTERVAL = 300.0  # seconds, of the builders' health monitor


class Engine:
    """One service, and a site that probes it."""

    def __init__(self, value: Service) -> None:
        self.key = value.key
        zone, _ = store.create_zone(value.zone)
        store.create(zone, value, now=NOW, user_name=USER)

    @property
    def row(self) -> models.Service:
        row = store.hold(*self.key)
        assert row
        return row

    @property
    def seen(self) -> Service:
        return store.observe([self.row])[0]

    def entry(self, address: str, region: str = "global") -> PoolEntry:
        found = self.seen.at(region)
        assert found
        entry = found.entry(address)
        assert entry
        return entry

    def change(self, wanted: Service, at: float = NOW) -> None:
        store.change(self.row, wanted, now=at, user_name=USER)

    def set_mode(self, address: str, mode: str) -> None:
        service = self.row.value
        pool = tuple(
            replace(entry, serve_mode=mode) if entry.address == address else entry
            for entry in service.region[0].pool
        )
        self.change(replace(service, region=(replace(service.region[0], pool=pool),)))

    def probe(
        self,
        at: float = NOW,
        *,
        site: str = "XXX",
        version: int = 0,
        says: str = "said",
        **runs: str,
    ) -> None:
        """Results by the last number of the address: probe(_1="down")."""
        results = [
            self.result(f"192.0.2.{name[1:]}", EntryStatus(status), at, version=version, says=says)
            for name, status in runs.items()
        ]
        store.record_results(results, site_code=site, now=at)

    def result(
        self, address: str, status: EntryStatus, at: float, *, version: int = 0, says: str = "said"
    ) -> store.RunResult:
        row = self.row
        result = ProbeResult(status, f"{says} {status}", 12.0)
        return store.RunResult(row.pk, version or row.version, address, Kind.HEALTH, result, at)

    def measure(self, at: float = NOW, *, site: str = "XXX", **times: float | None) -> None:
        """Runs by the last number of the address; those without a time failed."""
        row = self.row
        results = [
            store.RunResult(
                row.pk, row.version, f"192.0.2.{name[1:]}", Kind.PERF,
                ProbeResult(EntryStatus.UP if ms else EntryStatus.DOWN, "said", ms), at,
            )
            for name, ms in times.items()
        ]  # fmt: skip
        store.record_results(results, site_code=site, now=at)

    @property
    def log(self) -> list[ResponseSet]:
        return reports.log_report(self.key, 0, 2 * int(NOW))[0]

    @property
    def told(self) -> list[tuple[str, str, str, tuple[str, ...]]]:
        """The log in short."""
        return [(r.change_type, r.region_code, r.region_status, r.values) for r in self.log]

    def serves(self, region: str = "global", at: float = 2 * NOW) -> Sequence[str]:
        found = reports.rrset_report(self.key, int(at))
        return next(record.values for record in found if record.region_code == region)


def two_addresses() -> Engine:
    """Both eligible; below one, failover to 192.0.2.99."""
    return Engine(builders.service(region=(builders.region(ep=2),)))
