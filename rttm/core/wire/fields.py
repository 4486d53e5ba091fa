"""The fields of each object as DynECT names them, and how leniently each is read."""

import re
from collections.abc import Callable, Mapping
from typing import Any

JSON = dict[str, Any]


def name(raw: object) -> str:
    """A DNS name or address as we keep it: lower case, no trailing dot."""
    return text(raw).strip().lower().rstrip(".")


def text(raw: object) -> str:
    return raw if isinstance(raw, str) else "" if raw is None else str(raw)


def is_true(raw: object) -> bool:
    """Flags come as true, "Y", "true" or 1, by client and call."""
    return raw is True or text(raw).strip().lower() in ("y", "yes", "true", "1")


def number(raw: object) -> int:
    """A whole number, also as a string ("10"); anything else is a ValueError."""
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


def _flag(raw: object) -> bool:
    if raw is True or raw is False:
        return raw
    if text(raw).strip().lower() in ("y", "n", "true", "false", "1", "0"):
        return is_true(raw)
    raise ValueError


def _text(raw: object) -> str:
    if not isinstance(raw, str | int | None) or isinstance(raw, bool):
        raise ValueError  # a list or an object in place of a text
    if "\0" in text(raw):
        raise ValueError
    return text(raw)


def _name(raw: object) -> str:
    return name(_text(raw))


def _target(raw: object) -> str:
    """Failover data: a name or address without its trailing dot, or a region code as it is."""
    return _text(raw).strip().rstrip(".")


def _words(raw: object) -> tuple[str, ...]:
    """A comma list, or a JSON list of words."""
    parts = raw if isinstance(raw, list) else _text(raw).split(",")
    return tuple(word for part in parts if (word := _text(part).strip()))


Reader = Callable[[object], Any]

ENTRY: Mapping[str, Reader] = {
    "address": _name, "label": _text, "weight": number, "serve_mode": _text,
}  # fmt: skip
REGION: Mapping[str, Reader] = {
    "region_code": _text, "autopopulate": _flag, "ep": number, "apmc": number,
    "epmc": number, "serve_count": number, "failover_mode": _text, "failover_data": _target,
}  # fmt: skip
MONITOR: Mapping[str, Reader] = {
    "protocol": _text, "interval": number, "retries": _unset_or_number,
    "timeout": _unset_or_number, "port": _unset_or_number, "path": _text, "host": _text,
    "header": _text, "expected": _text,
}  # fmt: skip
SERVICE: Mapping[str, Reader] = {
    "ttl": number, "auto_recover": _flag, "recovery_delay": _unset_or_number,
    "contact_nickname": _text, "notify_events": _words, "syslog_server": _text,
    "syslog_port": number, "syslog_ident": _text, "syslog_facility": _text,
    "syslog_delivery": _text, "syslog_probe_fmt": _text, "syslog_status_fmt": _text,
    "syslog_rttm_fmt": _text,
}  # fmt: skip

WANTED: Mapping[Reader, str] = {
    number: "a whole number",
    _unset_or_number: "a whole number",
    _flag: "Y or N",
    _text: "a text",
    _name: "an address",
    _target: "a text",
    _words: "a comma list",
}
