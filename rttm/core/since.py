"""Since when a state holds, told from the records of its changes. Pure.

Records come newest first, each with its moment and what held from then on.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from .eligibility import worst
from .moments import Moment

M = TypeVar("M", bound=Moment)
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Run(Generic[M]):
    """The latest records that all say the same."""

    start: M
    is_whole: bool  # an older record says otherwise; without one it may have begun earlier


def latest_run(records: Iterable[tuple[M, V]], value: V) -> Run[M] | None:
    """The run of `value`; None where the newest record says otherwise, or there is none."""
    start: M | None = None
    for moment, said in records:
        if said != value:
            return Run(start, is_whole=True) if start is not None else None
        start = moment
    return Run(start, is_whole=False) if start is not None else None


def after_last(records: Sequence[tuple[M, V]], values: Iterable[V]) -> M | None:
    """The moment at which the last of these values ended; None where none of them has."""
    ended = set(values)
    next_newer: M | None = None
    for moment, said in records:
        if said in ended:
            return next_newer
        next_newer = moment
    return None


def worst_of_all(records: Sequence[tuple[M, str, str]], removed: str) -> list[tuple[M, str]]:
    """What a service's status was, newest first, from its regions' records: moment, code, status.

    A region whose status is `removed` counts no more.
    """
    statuses: dict[str, str] = {}
    found: list[tuple[M, str]] = []
    for moment, code, status in reversed(records):
        statuses[code] = status
        if found and found[-1][0] == moment:
            found.pop()
        found.append((moment, _worst(statuses, removed)))
    return found[::-1]


def _worst(statuses: Mapping[str, str], removed: str) -> str:
    present = {status for status in statuses.values() if status != removed}
    return str(worst(present)) if present else removed
