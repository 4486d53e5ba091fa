"""What the inline editors share: ids of their own, and each problem beside its field."""

import json
from collections.abc import Callable, Iterable
from typing import Any

from django import forms
from django.forms import BoundField
from django.http import QueryDict

from rttm.core.numbers import read_number
from rttm.core.rules import KEY, Problem

Choices = Iterable[str]

HIDDEN = ("seen", "was")


class VersionField(forms.Field):
    """The version of a row. What cannot be one reads as 0, which no row has: a conflict."""

    def to_python(self, value: Any) -> int:
        return read_number(str(value or ""), KEY) or 0


class DraftField(forms.JSONField):
    """What the fields said at first. Where it cannot be read, every field counts as touched."""

    def to_python(self, value: Any) -> Any:
        return _readable(super().to_python, value)

    def bound_data(self, data: Any, initial: Any) -> Any:
        return _readable(super().bound_data, data, initial)

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Nobody types in it."""
        return False


def _readable(read: Callable[..., Any], *what: Any) -> Any:
    """Return what a reader of JSON makes of this, or None if it is none, too long or too deep."""
    try:
        return read(*what)
    except (forms.ValidationError, ValueError, RecursionError):
        return None


def read_draft(text: str) -> dict[str, Any]:
    """Return what an open editor says that its fields said at first; nothing if it says no such."""
    was = DraftField(required=False).to_python(text)
    return was if isinstance(was, dict) else {}


class EditorForm(forms.Form):
    """An editor in a component's place; `element` is that element's id.

    Its fields may lie outside the <form> (a row's cells do), so they name it.
    """

    seen = VersionField(widget=forms.HiddenInput, required=False)
    was = DraftField(widget=forms.HiddenInput, required=False)

    def __init__(self, data: Any = None, *, element: str, **kwargs: Any) -> None:
        super().__init__(data, auto_id=f"{element}-%s", **kwargs)
        self.element = element
        self.initial["was"] = self.at_first
        self.form_id = f"{element}-form"
        for field in self.fields.values():
            field.widget.attrs["form"] = self.form_id

    @property
    def version(self) -> int:
        """The version that the editor was opened on."""
        return self.cleaned_data["seen"]

    @property
    def at_first(self) -> dict[str, str]:
        """What each field says when nobody has touched it, as a browser would send it."""
        return {name: _sent(value) for name, value in self.initial.items() if name not in HIDDEN}

    @property
    def contested(self) -> list[BoundField]:
        """Fields in which what was typed is not what the object has now (their `initial`)."""
        return [field for field in self.visible_fields() if field.name in self.changed_data]

    @property
    def agreed(self) -> list[BoundField]:
        return [field for field in self.visible_fields() if field.name not in self.changed_data]

    def named(self, *names: str) -> list[BoundField]:
        return [self[name] for name in names]

    def add_problems(self, problems: Iterable[Problem]) -> None:
        """Each beside its field; one that fits no field is about the whole."""
        for problem in problems:
            name = problem.field.rpartition(".")[2]
            if name in self.fields:
                self.add_error(name, problem.message)
            else:
                self.add_error(None, problem.message)


class DeleteForm(EditorForm):
    """A confirmed deletion: of what was seen at this version."""


def on_version(data: QueryDict, form: EditorForm, theirs: EditorForm) -> QueryDict:
    """What was typed, to be saved over `theirs`, an untouched editor of the present version.

    A field that was not touched says what it says now: only what was meant is saved over theirs.
    """
    typed, now = data.copy(), theirs.at_first
    was = form.cleaned_data.get("was")
    for name, value in (was if isinstance(was, dict) else {}).items():
        if name in now and typed.get(name, "") == value:
            typed[name] = now[name]
    typed["seen"], typed["was"] = str(theirs.initial["seen"]), json.dumps(now)
    return typed


def _sent(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else ""
    return str(value)


def whole_number(allowed: range, **kwargs: Any) -> forms.IntegerField:
    """The widget offers the limits of the rules; the rules judge."""
    attrs = {"min": allowed[0], "max": allowed[-1], "inputmode": "numeric"}
    return forms.IntegerField(widget=forms.NumberInput(attrs), **kwargs)


def choice(known: Choices, **kwargs: Any) -> forms.CharField:
    """A word among the known ones, judged by the rules."""
    return forms.CharField(widget=forms.Select(choices=[(word, word) for word in known]), **kwargs)


def offer_also(field: forms.Field, word: str) -> None:
    """What the backend has is on offer, even if we do not know it."""
    select = field.widget
    assert isinstance(select, forms.Select)
    if word not in dict(select.choices):
        select.choices = [*select.choices, (word, word)]
