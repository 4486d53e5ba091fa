"""One DNS answer out of a response set: records by weight, without repeats; chance is given."""

from collections.abc import Sequence
from typing import Protocol

from .schema import Record


class Rng(Protocol):
    """What `random.Random(seed)` is."""

    def random(self) -> float: ...


def draw(records: Sequence[Record], serve_count: int, rng: Rng) -> tuple[Record, ...]:
    """At most `serve_count` of the records, the likelier drawn first.

    A CNAME stands alone in an answer (RFC 1034): drawn first it is the whole answer, later never.
    """
    left, drawn = list(records), list[Record]()
    while left and len(drawn) < serve_count:
        record = _one(left, rng)
        if _is_alone(record):
            return (record,)
        drawn.append(record)
        left = [other for other in left if other != record and not _is_alone(other)]
    return tuple(drawn)


def _one(records: Sequence[Record], rng: Rng) -> Record:
    point = rng.random() * sum(_weight(record) for record in records)
    for record in records[:-1]:
        point -= _weight(record)
        if point < 0:
            return record
    return records[-1]  # also where rounding has eaten the rest


def _weight(record: Record) -> int:
    return 1 if record.weight is None else record.weight


def _is_alone(record: Record) -> bool:
    return record.rdata_type == "CNAME"
