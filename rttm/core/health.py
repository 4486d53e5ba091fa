"""One address's health at one monitoring site: fold a probe result into it. Pure, no clock."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import inf
from statistics import median

from .terms import EntryStatus

SILENT_INTERVALS = 3  # nothing reported for so long: unknown (semantics, our decision)
SILENT = "nothing known since"  # the last run's evidence is no longer to be relied on
RUNS_REMEMBERED = 5  # performance runs whose median ranks an address

Milliseconds = float | None  # None: the run failed


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """The outcome of one run: an attempt and its retries."""

    status: EntryStatus
    message: str  # one sentence of evidence for a person
    response_ms: float | None = None  # milliseconds; None when nothing answered


@dataclass(frozen=True, slots=True)
class Health:
    """What is known of one address; `since` and `seen_at` are UNIX seconds, 0 before any probe."""

    status: EntryStatus = EntryStatus.UNK
    streak: int = 0  # consecutive up runs while down
    since: float = 0
    seen_at: float = 0
    message: str = ""
    response_ms: float | None = None
    runs: tuple[Milliseconds, ...] = ()  # the last performance runs, oldest first
    measured_at: float = 0  # the newest of them

    @property
    def median_ms(self) -> float | None:
        return middle(self.runs)


def middle(times: Iterable[Milliseconds]) -> float | None:
    """Their median, to which what failed is slower than any time; None without a figure."""
    known = [inf if ms is None else ms for ms in times]
    found = median(known) if known else inf
    return found if found < inf else None


def step(health: Health, result: ProbeResult, *, at: float, recovery_delay: int) -> Health:
    """Fold one health run, which ended `at` (UNIX seconds), into an address's health.

    present  run   next
    unk      up    up
    unk      down  down
    up       down  down
    down     up    up with the (recovery_delay + 1)th up run in a row
    any      unk   unchanged: the run told nothing, so `expire` will have its say
    """
    if result.status == EntryStatus.UNK:
        return replace(health, message=result.message, response_ms=None)
    known = replace(health, seen_at=at, message=result.message, response_ms=result.response_ms)
    if result.status == health.status:
        return replace(known, streak=0)
    if health.status == EntryStatus.DOWN and health.streak < recovery_delay:
        return replace(known, streak=health.streak + 1)
    return replace(known, status=result.status, streak=0, since=at)


def expire(health: Health, *, now: float, interval: float) -> Health:
    """Unknown again when nothing was reported for three intervals (of `interval` seconds)."""
    if health.status == EntryStatus.UNK or now - health.seen_at <= SILENT_INTERVALS * interval:
        return health
    message = f"{health.message}; {SILENT}" if health.message else SILENT
    return replace(health, status=EntryStatus.UNK, streak=0, since=now, message=message)


def measure(health: Health, result: ProbeResult, *, at: float) -> Health:
    """Fold one performance run in; one that told nothing of the address is left out."""
    if result.status == EntryStatus.UNK:
        return health
    took = result.response_ms if result.status == EntryStatus.UP else None
    return replace(health, runs=(*health.runs, took)[-RUNS_REMEMBERED:], measured_at=at)
