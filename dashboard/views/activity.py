"""Who changed or did what, when, from where, and what came of it: every Edit and every Action."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import CharField, Q, QuerySet, Value
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from dashboard.access import LoggedInRequest, asked, wants_fragment
from dashboard.kept import KeptRow
from rttm import live
from rttm.models import Action, Edit

PAGE_ROWS = 50
SEARCHED = ("fqdn", "region_code", "address", "actor_name", "verb", "message", "remote_address")


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


def _rows(keys: Iterable[tuple]) -> list[KeptRow]:
    listed = list(keys)
    edits = Edit.objects.in_bulk([pk for _, kind, pk in listed if kind == "edit"])
    with_report = Action.objects.select_related("log_report").defer("log_report__rows")
    actions = with_report.in_bulk([pk for _, kind, pk in listed if kind == "action"])
    found: dict[str, dict[int, Any]] = {"edit": edits, "action": actions}
    return [KeptRow.of(found[kind][pk]) for _, kind, pk in listed if pk in found[kind]]
