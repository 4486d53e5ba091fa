"""Everything together: the real engine probes 2,000 addresses every 12 s, decides and records."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from rttm.core.schedule import Kind, offset
from tests.contract.engine_server import EngineServer

from .addresses import COUNT, OF_SERVICE, address
from .processes import busy_cores, cpu_seconds, nodes, told
from .table import Row

INTERVAL = 12.0  # seconds
FIRST_SWEEP = 14.0  # seconds until all have been probed and are in their places
WATCHED = 2 * INTERVAL
LATE = 2.0  # seconds
CPU_TARGET = 0.45  # seconds for 1,000 probes
PLAIN = "requests in 64 threads: probing alone"


@dataclass(frozen=True, slots=True)
class Watched:
    """What one scenario showed."""

    probes: int
    cpu: float
    latest: float  # seconds after its place that a probe began; inf when it never did

    @property
    def cpu_per_1000(self) -> float:
        return self.cpu / self.probes * 1000


def rows(cores: int, plain_cpu: float) -> Iterator[Row]:
    """`plain_cpu`: seconds for 1,000 probes of the alternative."""
    yield from _rows("all well", watched(nullcontext()), plain_cpu)
    busy = watched(busy_cores(max(cores - 1, 1)))
    yield from _rows("the other cores busy", busy, plain_cpu)
    yield from _rows("a tenth hangs", watched(nullcontext(), hang_every=10), plain_cpu)


def _rows(what: str, seen: Watched, plain_cpu: float) -> Iterator[Row]:
    yield Row(
        f"all in, {what}: CPU s per 1,000 probes",
        f"{seen.cpu_per_1000:.3f}",
        f"{plain_cpu:.3f} ({PLAIN})",
        seen.cpu_per_1000 / plain_cpu,
        f"< {CPU_TARGET}",
        seen.cpu_per_1000 < CPU_TARGET,
    )
    late, target = f"{seen.latest:.2f} s", f"<= {LATE:g} s"
    what = f"all in, {what}: latest of {seen.probes} probes"
    yield Row(what, late, f"every {INTERVAL:g} s", None, target, seen.latest <= LATE)


def watched(burden: AbstractContextManager[None], hang_every: int = 0) -> Watched:
    with TemporaryDirectory() as name:
        arrivals = Path(name) / "arrivals"
        with nodes(arrivals, hang_every) as port, _engine(Path(name), port) as pid, burden:
            time.sleep(FIRST_SWEEP)
            began, cpu = time.time(), cpu_seconds(pid)
            time.sleep(WATCHED)
            ended, cpu = time.time(), cpu_seconds(pid) - cpu
            time.sleep(LATE)  # what was due at the end may still begin
        seen = json.loads(arrivals.read_text())
    probes = sum(began <= at < ended for found in seen.values() for at in found)
    return Watched(probes, cpu, latest(seen, began, ended))


@contextmanager
def _engine(directory: Path, port: int) -> Iterator[int]:
    """Its process id; it has just started to probe."""
    server = EngineServer(directory, SECONDS_PER_MINUTE=f"{INTERVAL:g}")
    server.kill()
    told("seed", COUNT // OF_SERVICE, 1, port, env=server.env)
    server.start()
    try:
        yield server.pid
    finally:
        server.stop()


def latest(seen: Mapping[str, Sequence[float]], began: float, ended: float) -> float:
    return max(
        _lateness(seen.get(address(number), ()), due)
        for number in range(COUNT)
        for due in _due(number, began, ended)
    )


def _due(number: int, began: float, ended: float) -> Iterator[float]:
    """The moments between at which this address has its place; services count from one."""
    place = offset(number // OF_SERVICE + 1, address(number), Kind.HEALTH, INTERVAL)
    due = began + (place - began) % INTERVAL
    while due < ended:
        yield due
        due += INTERVAL


def _lateness(arrivals: Sequence[float], due: float) -> float:
    return min((at - due for at in arrivals if at >= due - 0.01), default=float("inf"))
