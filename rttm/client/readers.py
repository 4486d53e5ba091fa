"""How each answer's data becomes a value; called by what `calls` makes. No I/O.

What has lost its frame is a ValueError: an answer taken for an empty one would make the mirror
forget what the backend still has.
"""

from collections.abc import Callable
from typing import TypeVar
from urllib.parse import unquote

from rttm.core import wire
from rttm.core.schema import PoolEntry, Region, ResponseSet, Service
from rttm.core.wire import JSON

Item = TypeVar("Item")


def nothing(data: object) -> None:
    return None


def _object(data: object) -> JSON:
    if not isinstance(data, dict):
        raise ValueError("an object was expected")
    return data


def _list(data: object) -> list[object]:
    if data == {}:
        return []  # how DynECT writes "nothing"
    if not isinstance(data, list):
        raise ValueError("a list was expected")
    return data


def each(read: Callable[[object], Item]) -> Callable[[object], list[Item]]:
    return lambda data: [read(item) for item in _list(data)]


def token(data: object) -> str:
    found = wire.text(_object(data).get("token"))
    if not found:
        raise ValueError("there is no token")
    return found


def last_segments(data: object) -> list[str]:
    """The names that resource URIs end in, such as /REST/Zone/<zone>/."""
    uris = [wire.text(uri).rstrip("/") for uri in _list(data)]
    return [wire.name(unquote(uri.rpartition("/")[2])) for uri in uris]


def service(known: JSON) -> Callable[[object], Service]:
    def read(data: object) -> Service:
        value = {**known, **_object(data)}
        if not isinstance(value.get("region"), list) or not value.get("fqdn"):
            raise ValueError("there is no service")
        return wire.parse_service(value)

    return read


def region(known: JSON) -> Callable[[object], Region]:
    def read(data: object) -> Region:
        value = {**known, **_object(data)}
        found = wire.parse_region(value)
        has_pool = isinstance(value.get("pool"), list) or found.autopopulate
        if not (found.region_code and has_pool):
            raise ValueError("there is no region")
        return found

    return read


def pool_entry(data: object) -> PoolEntry:
    entry = wire.parse_pool_entry(_object(data))
    if not entry.address:
        raise ValueError("there is no pool entry")
    return entry


def response_set(data: object) -> ResponseSet:
    return wire.parse_response_set(_object(data))
