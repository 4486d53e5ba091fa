"""What changed between two values: the fields of one object, or a whole service in words."""

from collections.abc import Iterator
from dataclasses import fields
from typing import Any, NamedTuple, TypeVar

from .schema import CONTAINERS, OBSERVED, Monitor, PoolEntry, Region, Service

Value = TypeVar("Value", Monitor, PoolEntry, Region, Service)


class Change(NamedTuple):
    """One difference; `before` or `after` is None where the object was not there."""

    path: str  # such as "US East 192.0.2.1 weight"
    before: Any
    after: Any

    def __str__(self) -> str:
        if self.before is None:
            return f"+ {self.path}"
        if self.after is None:
            return f"- {self.path}"
        return f"~ {self.path}: {words(self.before)} → {words(self.after)}"


def words(value: Any) -> str:
    """A value as a person reads it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple | list):
        return ", ".join(map(str, value)) or "none"
    return str(value) if value != "" else "none"


def changed(old: Value, new: Value) -> dict[str, Any]:
    """The configured fields of `new` that differ from `old`, by name."""
    return _differing(old, new, skip=OBSERVED | CONTAINERS)


def configured(kind: type[Any]) -> list[str]:
    """The names of a kind's own settings: no observed fields, no contained objects."""
    return [f.name for f in fields(kind) if f.name not in OBSERVED | CONTAINERS]


def changes(old: Service, new: Service) -> list[Change]:
    """Every difference of two services in reading order; `log` and `task_id` are left out."""
    found = [*_fields("", old, new)]
    found += _fields("monitor ", old.monitor, new.monitor)
    found += _fields("performance_monitor ", old.performance_monitor, new.performance_monitor)
    before = {region.region_code: region for region in old.region}
    after = {region.region_code: region for region in new.region}
    for code in {**before, **after}:
        found += _region(code, before.get(code), after.get(code))
    return found


def _region(code: str, old: Region | None, new: Region | None) -> Iterator[Change]:
    if old is None or new is None:
        yield Change(f"region {code}", old, new)
        return
    yield from _fields(f"{code} ", old, new)
    before = {entry.address: entry for entry in old.pool}
    after = {entry.address: entry for entry in new.pool}
    for address in {**before, **after}:
        was, now = before.get(address), after.get(address)
        if was is None or now is None:
            yield Change(f"{code} {address}", was, now)
        else:
            yield from _fields(f"{code} {address} ", was, now)


def _fields(prefix: str, old: Value, new: Value) -> Iterator[Change]:
    for name, value in _differing(old, new, skip=CONTAINERS | {"log", "task_id"}).items():
        yield Change(prefix + name, getattr(old, name), value)


def _differing(old: Value, new: Value, skip: frozenset[str]) -> dict[str, Any]:
    names = (f.name for f in fields(new) if f.name not in skip)
    return {name: getattr(new, name) for name in names if getattr(old, name) != getattr(new, name)}
