"""Strings to a pool entry's value, and back to the person if the rules object; saves nothing."""

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from django import forms

from rttm.core import rules
from rttm.core.schema import PoolEntry
from rttm.core.terms import ServeMode

from .editors import EditorForm, choice, offer_also, whole_number

FIELDS = ("address", "label", "weight", "serve_mode")


class PoolEntryForm(EditorForm):
    address = forms.CharField()
    label = forms.CharField(required=False)
    weight = whole_number(rules.WEIGHT)
    serve_mode = choice(ServeMode)

    def __init__(
        self,
        data: Any = None,
        *,
        current: PoolEntry,
        others: Collection[str],
        fqdn: str,
        **kwargs: Any,
    ) -> None:
        """`others` are the addresses that the pool has besides, `fqdn` is the service's name."""
        initial = {name: getattr(current, name) for name in FIELDS}
        super().__init__(data, initial=initial | kwargs.pop("initial", {}), **kwargs)
        self.current, self.others, self.fqdn = current, others, fqdn
        offer_also(self.fields["serve_mode"], current.serve_mode)

    def clean(self) -> None:
        if self.errors:
            return
        edits = {name: self.cleaned_data[name] for name in FIELDS}
        edits["address"] = edits["address"].lower().rstrip(".")
        self.desired = replace(self.current, **edits)
        problems = rules.check_pool_entry(self.desired, self.others, fqdn=self.fqdn)
        # A label that the backend has already is shown harmlessly, and must hinder no other edit.
        is_kept = self.desired.label == self.current.label
        self.add_problems(p for p in problems if not (is_kept and p.field == "label"))
