"""The fields of each object as DynECT names them, and how leniently each is read."""

import re
from collections.abc import Callable, Mapping
from typing import Any

JSON = dict[str, Any]

YES, NO = ("y", "yes", "true", "1"), ("n", "no", "false", "0")


def name(raw: object) -> str:
    """A DNS name or address as we keep it: lower case, no trailing dot."""
    return text(raw).strip().lower().removesuffix(".")


def text(raw: object) -> str:
    """What is no text has none; a list or an object may be too deep to be written out."""
    if isinstance(raw, str):
        return raw
    return "" if raw is None or isinstance(raw, list | dict) else str(raw)


def is_true(raw: object) -> bool:
    """Flags come as true, "Y", "true" or 1, by client and call."""
    return raw is True or text(raw).strip().lower() in YES


def flag(raw: object) -> bool:
    """Yes or no in any of these forms; anything else is a ValueError."""
    if is_true(raw):
        return True
    if text(raw).strip().lower() in NO:
        return False
    raise ValueError


def number(raw: object) -> int:
    """A whole number of at most 18 digits, also as a string ("10"); else a ValueError."""
    if isinstance(raw, bool) or not isinstance(raw, int | str):
        raise ValueError
    if isinstance(raw, str) and not _NUMBER.fullmatch(raw.strip()):
        raise ValueError
    if abs(found := int(raw)) >= TOO_LARGE:
        raise ValueError
    return found


_NUMBER = re.compile(r"[+-]?[0-9]{1,18}")
TOO_LARGE = 10**18  # such numbers are never right, and no database takes them


def _unset_or_number(raw: object) -> int:
    return 0 if raw in ("", None) else number(raw)


def plain_text(raw: object) -> str:
    """A text, for which a number may stand; anything else is a ValueError."""
    if not isinstance(raw, str | int | None) or isinstance(raw, bool):
        raise ValueError  # a list or an object in place of a text
    if "\0" in text(raw):
        raise ValueError
    return text(raw)


def _name(raw: object) -> str:
    return name(plain_text(raw))


def _target(raw: object) -> str:
    """A name or address without its trailing dot; in failover data also a region code as it is."""
    return plain_text(raw).strip().removesuffix(".")


def _words(raw: object) -> tuple[str, ...]:
    """A comma list, or a JSON list of words."""
    parts = raw if isinstance(raw, list) else plain_text(raw).split(",")
    if not all(isinstance(part, str) for part in parts):
        raise ValueError
    return tuple(word for part in parts if (word := plain_text(part).strip()))


Reader = Callable[[object], Any]

ENTRY: Mapping[str, Reader] = {
    "address": _name, "label": plain_text, "weight": number, "serve_mode": plain_text,
}  # fmt: skip
REGION: Mapping[str, Reader] = {
    "region_code": plain_text, "autopopulate": flag, "ep": number, "apmc": number,
    "epmc": number, "serve_count": number, "failover_mode": plain_text, "failover_data": _target,
}  # fmt: skip
MONITOR: Mapping[str, Reader] = {
    "protocol": plain_text, "interval": number, "retries": _unset_or_number,
    "timeout": _unset_or_number, "port": _unset_or_number, "path": plain_text, "host": _target,
    "header": plain_text, "expected": plain_text,
}  # fmt: skip
SERVICE: Mapping[str, Reader] = {
    "ttl": number, "auto_recover": flag, "recovery_delay": _unset_or_number,
    "contact_nickname": plain_text, "notify_events": _words, "syslog_server": _target,
    "syslog_port": number, "syslog_ident": plain_text, "syslog_facility": plain_text,
    "syslog_delivery": plain_text, "syslog_probe_fmt": plain_text, "syslog_status_fmt": plain_text,
    "syslog_rttm_fmt": plain_text,
}  # fmt: skip

WANTED: Mapping[Reader, str] = {
    number: "a whole number",
    _unset_or_number: "a whole number",
    flag: "Y or N",
    plain_text: "a text",
    _name: "an address",
    _target: "a text",
    _words: "a comma list",
}
