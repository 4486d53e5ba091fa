"""make bench: what the engine costs, beside plain alternatives in the same run. Not a test.

Absolute figures tell of this machine in this minute; the ratios tell of the program.
"""

import os
import platform
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from timeit import timeit

from rttm.core.eligibility import Fact, decide_pool
from rttm.core.schema import PoolEntry, Region

from . import all_in, answering
from .addresses import COUNT, ENTRIES, address
from .processes import nodes, told
from .table import Row, drawn


def main() -> None:
    began, cores = time.monotonic(), os.cpu_count() or 1
    rows = list(_narrated(_all(cores)))
    took = time.monotonic() - began
    print(
        f"\n{cores} cores, {platform.system()}, Python {platform.python_version()}; {took:.0f} s\n"
    )
    print(drawn(rows))
    missed = sum(row.has_passed is False for row in rows)
    print(f"\n{missed} of {sum(row.has_passed is not None for row in rows)} targets missed")


def _narrated(rows: Iterator[Row]) -> Iterator[Row]:
    """It takes minutes, so each figure is told as soon as it is there."""
    for row in rows:
        print(f"{row.what}: {row.ours}", file=sys.stderr, flush=True)
        yield row


def _all(cores: int) -> Iterator[Row]:
    with TemporaryDirectory() as name, nodes(Path(name) / "arrivals") as port:
        requests = told("sweep", "requests", port)
        yield from _swept("HTTP", told("sweep", "HTTP", port), requests, "requests, 64 threads")
        connects = told("sweep", "connect", port)
        yield from _swept("TCP", told("sweep", "TCP", port), connects, "connect, 64 threads")
    yield _decision()
    yield from answering.rows()
    yield from all_in.rows(cores, requests["cpu"] / COUNT * 1000)


def _swept(
    protocol: str, ours: dict[str, float], plain: dict[str, float], what: str
) -> Iterator[Row]:
    assert ours["well"] == plain["well"] == COUNT
    rate, plain_rate = COUNT / ours["wall"], COUNT / plain["wall"]
    yield Row(
        f"{protocol} probes", f"{rate:.0f}/s", f"{plain_rate:.0f}/s ({what})", rate / plain_rate
    )
    cpu, plain_cpu = ours["cpu"] / COUNT, plain["cpu"] / COUNT
    yield Row(
        f"CPU of one {protocol} probe", f"{cpu * 1e6:.0f} us", f"{plain_cpu * 1e6:.0f} us ({what})",
        cpu / plain_cpu,
    )  # fmt: skip


def _decision(times: int = 20_000) -> Row:
    """Against the least that any decision must do: sort what is known, and take the fastest."""
    chance = Random(1)
    pool = tuple(PoolEntry(address(number)) for number in range(ENTRIES))
    region = Region("global", pool, ep=2, failover_mode="ip", failover_data="192.0.2.99")
    facts = {entry.address: Fact("up", response_ms=chance.random() * 90) for entry in pool}
    ours = timeit(lambda: decide_pool(region, facts, held=False), number=times) / times
    plain = timeit(
        lambda: sorted(pool, key=lambda entry: facts[entry.address].response_ms)[:2], number=times
    )
    plain /= times
    what = f"{plain * 1e6:.1f} us (sorted and cut)"
    return Row(
        f"one region decision, {ENTRIES} entries", f"{ours * 1e6:.1f} us", what, ours / plain
    )


if __name__ == "__main__":
    main()
