"""Who changed or did what, when, from where, and what came of it: every Edit and every Action."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import CharField, Q, QuerySet, Value
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from dashboard.access import LoggedInRequest, asked, wants_fragment
from rttm import live
from rttm.models import Action, Edit, Kept

PAGE_ROWS = 50
SEARCHED = ("fqdn", "region_code", "address", "actor_name", "verb", "message", "remote_address")
GOOD = {Edit.Outcome.SAVED, Edit.Outcome.UNCHANGED, Action.State.SUCCEEDED}
BAD = {
    Edit.Outcome.REJECTED,
    Edit.Outcome.CONFLICT,
    Edit.Outcome.UNAVAILABLE,
    Edit.Outcome.NOT_APPLIED,
    Action.State.FAILED,
}


@dataclass(frozen=True, slots=True)
class Change:
    """One field, before and after."""

    name: str
    before: object
    after: object


@dataclass(frozen=True, slots=True)
class Row:
    """One thing somebody did, edit or action alike."""

    kept: Edit | Action
    outcome: str
    words: str
    changes: tuple[Change, ...]

    @property
    def tone(self) -> str:
        """Good, bad, or still open."""
        if self.outcome in GOOD:
            return "good"
        return "bad" if self.outcome in BAD else "open"

    @classmethod
    def of(cls, kept: Edit | Action) -> "Row":
        changes = tuple(_changes(kept))
        if isinstance(kept, Edit):
            return cls(kept, kept.outcome, kept.get_outcome_display(), changes)
        return cls(kept, kept.state, kept.get_state_display(), changes)


def _changes(kept: Kept) -> Iterator[Change]:
    """The fields that differ, in the order they were kept; all of them for an edit."""
    names = dict.fromkeys((*kept.before, *kept.after))
    for name in names:
        before, after = kept.before.get(name), kept.after.get(name)
        if before != after:
            yield Change(name.replace("_", " "), before, after)


@login_required
@require_safe
def activity(request: LoggedInRequest) -> HttpResponse:
    position = live.position()
    text = asked(request, "text")
    page = Paginator(_keys(text), PAGE_ROWS).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "rows": _rows(page.object_list),
        "text": text,
        "query": urlencode({"text": text}) if text else "",
        "section": "activity",
        "live_position": position,
    }
    name = "components/activity.html#list" if wants_fragment(request) else "activity.html"
    return render(request, name, context)


def _keys(text: str) -> QuerySet:
    """Kind and key of every edit and action, newest first: one query for both tables."""
    found = Q()
    for name in SEARCHED if text else ():
        found |= Q(**{f"{name}__icontains": text})
    edits, actions = (
        model.objects.filter(found)
        .annotate(kind=Value(kind, output_field=CharField()))
        .values_list("created_at", "kind", "pk")
        .order_by()
        for model, kind in ((Edit, "edit"), (Action, "action"))
    )
    return edits.union(actions, all=True).order_by("-created_at", "-pk")


def _rows(keys: Iterable[tuple]) -> list[Row]:
    listed = list(keys)
    edits = Edit.objects.in_bulk([pk for _, kind, pk in listed if kind == "edit"])
    reports = Action.objects.select_related("log_report")
    actions = reports.in_bulk([pk for _, kind, pk in listed if kind == "action"])
    found: dict[str, dict[int, Any]] = {"edit": edits, "action": actions}
    return [Row.of(found[kind][pk]) for _, kind, pk in listed if pk in found[kind]]
