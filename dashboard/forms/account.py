"""The user's own preferences."""

from typing import Any
from zoneinfo import available_timezones

from django import forms

from dashboard.models import User

NOT_OFFERED = ("Etc/GMT", "SystemV/", "posix/", "right/")  # aliases nobody looks for


class PreferencesForm(forms.ModelForm):
    """Theme and time zone; a ModelForm, because the user is ours and no mirror."""

    class Meta:
        model = User
        fields = ("theme", "time_zone")
        widgets = {"time_zone": forms.TextInput(attrs={"list": "time-zones"})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.zones = sorted(
            name for name in available_timezones() if not name.startswith(NOT_OFFERED)
        )
