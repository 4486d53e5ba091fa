"""The time span of a log report, typed in the user's zone or in UTC."""

from datetime import datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils import timezone

from rttm.core import rules

PRESETS = ((1, "Last hour"), (24, "Last 24 hours"), (168, "Last 7 days"))
FORMAT = "%Y-%m-%d %H:%M:%S"
LONGEST = timedelta(days=366)  # our decision: a backend gives no more than 1000 records anyway
EARLIEST = 1970  # the wire counts seconds since then


class MomentField(forms.DateTimeField):
    """A moment as it is written: without a zone, the form knows which one is meant."""

    def __init__(self, **kwargs: Any) -> None:
        formats = [FORMAT, "%Y-%m-%d %H:%M", "%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M"]
        attrs = {"placeholder": "YYYY-MM-DD HH:MM:SS", "class": "addr", "autocomplete": "off"}
        messages = {"invalid": "Write it as YYYY-MM-DD HH:MM:SS, for example 2026-11-23 09:30:00."}
        widget = forms.DateTimeInput(format=FORMAT, attrs=attrs)
        super().__init__(input_formats=formats, error_messages=messages, widget=widget, **kwargs)

    def to_python(self, value: Any) -> datetime | None:
        with timezone.override("UTC"):
            found = super().to_python(value)
        return found.replace(tzinfo=None) if found else None


class LogReportForm(forms.Form):
    """From when to when; `cleaned_data` has both as moments with a zone."""

    start = MomentField(label="From")
    end = MomentField(label="To")
    zone = forms.ChoiceField(label="Times are in")

    def __init__(self, *args: Any, own_zone: str, hours: int = 24, **kwargs: Any) -> None:
        zones = list(dict.fromkeys((own_zone, "UTC")))
        kwargs.setdefault("initial", _last(hours, ZoneInfo(own_zone)) | {"zone": own_zone})
        super().__init__(*args, **kwargs)
        self.fields["zone"].choices = [(name, name) for name in zones]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors:
            zone = ZoneInfo(cleaned["zone"])
            for name in ("start", "end"):
                cleaned[name] = cleaned[name].replace(tzinfo=zone)
            now = timezone.now()
            self._check(cleaned["start"], cleaned["end"], now.astimezone(zone))
            if not self.errors:
                cleaned["end"] = min(cleaned["end"], now)
        return cleaned

    def _check(self, start: datetime, end: datetime, now: datetime) -> None:
        """Refuse what no report can tell; `now` is in the zone in which the times were typed."""
        if start.year < EARLIEST + 1:
            self.add_error("start", f"There is nothing from before {EARLIEST + 1}.")
        elif start >= now:
            self.add_error("start", "This is in the future: nothing has happened yet.")
        if end <= start:
            self.add_error("end", "The end must be after the start.")
        elif end - start > LONGEST:
            self.add_error("end", f"A report spans at most {LONGEST.days} days.")
        elif end > now + timedelta(seconds=rules.CLOCK_SLACK):
            text = f"This is in the future. A report ends now at the latest: {now:{FORMAT}}."
            self.add_error("end", text)


def _last(hours: int, zone: tzinfo) -> dict[str, Any]:
    """The last hours, until now, as written in a zone."""
    end = timezone.now().astimezone(zone).replace(tzinfo=None, microsecond=0)
    start = (timezone.now() - timedelta(hours=hours)).astimezone(zone)
    return {"start": start.replace(tzinfo=None, microsecond=0), "end": end}
