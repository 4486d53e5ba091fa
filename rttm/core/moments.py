"""Points in time as they come in from outside, for the core reads no clock; and in words. Pure."""

from typing import Protocol


class Moment(Protocol):
    """A point in time, in UTC; a datetime is one."""

    @property
    def year(self) -> int: ...
    @property
    def month(self) -> int: ...
    @property
    def day(self) -> int: ...
    @property
    def hour(self) -> int: ...
    @property
    def minute(self) -> int: ...
    @property
    def second(self) -> int: ...


def stamp(moment: Moment) -> str:
    """As people write it, with the zone."""
    date = f"{moment.year:04}-{moment.month:02}-{moment.day:02}"
    return f"{date} {moment.hour:02}:{moment.minute:02}:{moment.second:02} UTC"
