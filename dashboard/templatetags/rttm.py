"""How pages show a moment, a sign and a value: the few tags every template may use."""

import re
from dataclasses import fields
from datetime import datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from django import template
from django.template import Context
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from rttm.core.schema import HealthMonitor, PoolEntry, Region, Service

register = template.Library()

SIGNS = {
    "ok": ("ok", "ok"),
    "up": ("ok", "up"),
    "trouble": ("trouble", "trouble"),
    "failover": ("failover", "failover"),
    "down": ("down", "down"),
    "unk": ("unk", "unknown"),
    "waits": ("waits", "waits for recover"),
    "drained": ("drained", "drained"),
    "inactive": ("inactive", "inactive"),
    "missing": ("unk", "missing"),
    "gone": ("gone", "gone"),
    "reg_remove": ("gone", "removed"),
}
"""State → its shape and its word (the table of signs in the design)."""

STEPS = ((48 * 3600, 86400, "d"), (3600, 3600, "h"), (60, 60, "min"), (0, 1, "s"))
"""From how many seconds on an age is told in which unit; static/app.js has the same steps."""


_KINDS = (Service, Region, PoolEntry, HealthMonitor)
_NAMES = {field.name for kind in _KINDS for field in fields(kind) if "_" in field.name}
FIELD_NAMES = re.compile(rf"\b({'|'.join(sorted(_NAMES))})\b")

LONG_WORDS = re.compile(r"(\S{33,})")
LONG_WORD = SafeString('<span class="long">{}</span>')


def age_words(seconds: float) -> str:
    """An age for a glance: 12 s, 4 min, 3 h, 5 d."""
    seconds = max(0, int(seconds))
    _, unit, word = next(step for step in STEPS if seconds >= step[0])
    return f"{seconds // unit} {word}"


def zone_of(context: Context) -> tzinfo:
    """The zone in which the reader wants exact times."""
    return ZoneInfo(getattr(context.get("user"), "time_zone", "UTC"))


def exact_words(moment: datetime, zone: tzinfo) -> str:
    """The exact time with its zone: 2026-11-23 09:31:05 UTC."""
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M:%S %Z}"


@register.simple_tag(takes_context=True)
def ago(
    context: Context, moment: datetime | None, *, stale_after: int = 0, with_sync: bool = False
) -> SafeString | str:
    """How long ago; the exact time on hover. static/app.js keeps it ticking.

    `stale_after` seconds it is marked old. `with_sync`: seen anew with each successful sync.
    """
    if moment is None:
        return "–"
    now = timezone.now()
    moment = min(moment, now)  # a backend's clock may be ahead
    seconds = (now - moment).total_seconds()
    is_stale = bool(stale_after) and seconds > stale_after
    return format_html(
        '<time datetime="{}" title="{}" data-age{}{}{}>{}</time>',
        moment.isoformat(timespec="milliseconds"),  # rounded, the browser's age would be another
        exact_words(moment, zone_of(context)),
        format_html(' data-with-row data-stale-after="{}"', stale_after) if stale_after else "",
        SafeString(" data-with-sync") if with_sync else "",
        SafeString(' class="stale"') if is_stale else "",
        age_words(seconds),
    )


@register.simple_tag(takes_context=True)
def exact(context: Context, moment: datetime | None) -> SafeString | str:
    """The exact time in the reader's zone, the zone printed."""
    if moment is None:
        return "–"
    words = exact_words(moment, zone_of(context))
    iso = moment.isoformat(timespec="seconds")
    return format_html('<time class="nowrap" datetime="{}">{}</time>', iso, words)


@register.simple_tag
def sign(state: str, word: str | None = None) -> SafeString:
    """A state as shape, colour and word; a backend's word we do not know is shown as it is.

    `word` replaces the state's own; "" leaves it to the reader of the screen only.
    """
    shape, own = SIGNS.get(state, ("unk", state))
    text = own if word is None else word
    return format_html(
        '<span class="sign sign-{}"><svg class="shape" aria-hidden="true"><use href="#sign-{}"/>'
        '</svg><span class="{}">{}</span></span>',
        shape,
        shape,
        "word" if text else "visually-hidden",
        text or own,
    )


@register.filter
def dotted(name: str) -> SafeString:
    """A domain name that is broken after a dot where it has no room, and not within a label."""
    return format_html_join(SafeString(".<wbr>"), "{}", ((label,) for label in name.split(".")))


@register.filter
def whole(text: object) -> SafeString:
    """A text whose long words may be broken anywhere, and are scrolled where they fill a page.

    Other words stay whole: a table whose cells may break them all breaks the short ones too.
    """
    parts = LONG_WORDS.split(str(text))
    shown = (
        format_html(LONG_WORD if place % 2 else "{}", part) for place, part in enumerate(parts)
    )
    return format_html_join("", "{}", ((part,) for part in shown))


@register.filter
def state_word(state: str) -> str:
    """A state's word without its sign; a backend's own as it is."""
    return SIGNS.get(state, ("", state))[1]


@register.filter
def region_state(status: str) -> str:
    """A region's status in a log, where DynECT says `up` for what it elsewhere calls `ok`."""
    return "ok" if status == "up" else status


@register.filter
def said(message: str) -> str:
    """A backend's words without the names of its calls before them ("recoverip: …")."""
    return re.sub(r"(^|; )(?:recover|recoverip|activate|deactivate): ", r"\1", message)


@register.filter(is_safe=True)
def field_words(message: str) -> str:
    """A sentence with its fields' names as a person writes them: serve count, not serve_count."""
    return FIELD_NAMES.sub(lambda name: name[0].replace("_", " "), message)


@register.filter
def words(value: Any) -> str:
    """A stored value as a person says it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(words(item) for item in value) or "nothing"
    if value is None or value == "":
        return "nothing"
    return str(value)
