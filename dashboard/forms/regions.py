"""Strings to a region's value, and back to the person if the rules object; saves nothing."""

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from django import forms
from django.forms import BoundField

from rttm.core import rules
from rttm.core.schema import PoolEntry, Region
from rttm.core.terms import FailoverMode, RegionCode, ServeMode

from .editors import EditorForm, choice, offer_also, whole_number

AUTOPOPULATE = "Fill from the global region: its pool and its settings (autopopulate)"
SETTINGS = ("ep", "apmc", "epmc", "serve_count", "failover_mode", "failover_data")


class RegionForm(EditorForm):
    """A region's own settings; its pool has editors of its own."""

    autopopulate = forms.BooleanField(required=False, label=AUTOPOPULATE)
    ep = whole_number(rules.COUNT, label="Fastest (ep)")
    apmc = whole_number(rules.COUNT, label="Needs available (apmc)")
    epmc = whole_number(rules.COUNT, label="Needs fastest (epmc)")
    serve_count = whole_number(rules.SERVE_COUNT, label="Each answer (serve count)")
    failover_mode = choice(FailoverMode, label="Failover mode")
    failover_data = forms.CharField(required=False, label="Failover data")

    def __init__(
        self,
        data: Any = None,
        *,
        current: Region,
        codes: Collection[str],
        fqdn: str,
        **kwargs: Any,
    ) -> None:
        """`codes` are those of the service's regions, `fqdn` is its name."""
        initial = {name: getattr(current, name) for name in ("autopopulate", *SETTINGS)}
        super().__init__(data, initial=initial | kwargs.pop("initial", {}), **kwargs)
        self.current, self.codes, self.fqdn = current, codes, fqdn
        self.targets = [code for code in codes if code != current.region_code]
        self.fields["failover_data"].widget.attrs["list"] = f"{self.element}-targets"
        offer_also(self.fields["failover_mode"], current.failover_mode)
        if current.region_code == RegionCode.GLOBAL:
            del self.fields["autopopulate"]

    @property
    def settings(self) -> list[BoundField]:
        return self.named(*SETTINGS)

    def clean(self) -> None:
        if self.cleaned_data.get("autopopulate"):
            # Filled from the global region: what the other fields say is not asked for.
            self.errors.clear()
            self.desired = replace(self.current, autopopulate=True)
        elif self.errors:
            return
        else:
            edits = {name: self.cleaned_data[name] for name in SETTINGS}
            edits["failover_data"] = edits["failover_data"].rstrip(".")
            self.desired = replace(self.current, autopopulate=False, **edits)
        problems = rules.check_region(self.desired, self.codes, fqdn=self.fqdn)
        self.add_problems(p for p in problems if not p.field.startswith("pool"))


class RegionAddForm(EditorForm):
    """A new region: filled from the global one, or with its first pool entry."""

    region_code = choice((), label="Region")
    autopopulate = forms.BooleanField(required=False, label=AUTOPOPULATE)
    address = forms.CharField(required=False)
    label = forms.CharField(required=False)
    weight = whole_number(rules.WEIGHT, initial=PoolEntry("").weight)
    serve_mode = choice(ServeMode, initial=PoolEntry("").serve_mode)

    def __init__(
        self,
        data: Any = None,
        *,
        codes: Collection[str],
        missing: Collection[str],
        fqdn: str,
        **kwargs: Any,
    ) -> None:
        """`codes` are those of the service's regions, `missing` those it has no region for."""
        super().__init__(data, **kwargs)
        self.codes, self.fqdn = codes, fqdn
        for code in missing:
            offer_also(self.fields["region_code"], code)

    @property
    def first_entry(self) -> list[BoundField]:
        return self.named("address", "label", "weight", "serve_mode")

    def clean(self) -> None:
        if self.errors:
            return
        given = self.cleaned_data
        self.desired = Region(
            given["region_code"],
            pool=() if given["autopopulate"] else (_first_entry(given),),
            autopopulate=given["autopopulate"],
            ep=rules.default_ep(1),
        )
        self.add_problems(rules.check_region(self.desired, self.codes, fqdn=self.fqdn))


def _first_entry(given: dict[str, Any]) -> PoolEntry:
    address = given["address"].lower().rstrip(".")
    return PoolEntry(address, given["label"], given["weight"], given["serve_mode"])
