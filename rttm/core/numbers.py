"""Whole numbers as they come in from outside, judged before anything is done with them. Pure."""

from .rules import KEY


def read_number(text: str, allowed: range) -> int | None:
    """The number that a text of digits says; None if it is none, or not among those allowed."""
    if not text.isdecimal() or len(text) > len(str(allowed[-1])):
        return None
    number = int(text)
    return number if number in allowed else None


def read_key(text: str) -> int | None:
    """The key of a row; None for what no row can have, which a database would choke on."""
    return read_number(text, KEY)
