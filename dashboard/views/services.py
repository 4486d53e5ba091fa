"""The service page, its components, and the place where every editor on it is drawn."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from dashboard import service_page, service_words
from dashboard.access import LoggedInRequest, wants_fragment
from dashboard.forms.log_reports import PRESETS
from dashboard.kept import KeptRow
from dashboard.strip import strip
from rttm import live
from rttm.core.numbers import read_key
from rttm.models import Region, Service

GONE_PLACE = "gone"  # what is deleted has no place on the page any more: it is told on top


@dataclass(frozen=True, slots=True)
class Opened:
    """A part of the page drawn beforehand, in place of the element with this id."""

    id: str
    html: SafeString


@login_required
@require_safe
@vary_on_headers("HX-Request")
def service(request: LoggedInRequest, pk: int) -> HttpResponse:
    """The page. For htmx its list of regions, or 204 while the one on the page still holds."""
    if not wants_fragment(request):
        return page(request, pk)
    found = get_object_or_404(service_page.services(), pk=pk)
    if request.GET.get("drawn") == service_page.drawn(found):
        return HttpResponse(status=204)
    context = regions_context(found)
    return render(request, "components/service.html#regions", context)


@login_required
@require_safe
def service_card(request: LoggedInRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(service_page.services(), pk=pk)
    return render(request, "components/service.html#card", card_context(found))


@login_required
@require_safe
def service_log(request: LoggedInRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Service, pk=pk)
    context = {"service": found, "log": service_page.log_records(found), "presets": PRESETS}
    return render(request, "components/log.html#log", context)


@login_required
@require_safe
def service_history(request: LoggedInRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Service, pk=pk)
    context = {"service": found, "history": _history(found)}
    return render(request, "components/history.html#history", context)


def card_context(found: Service) -> dict[str, Any]:
    actions = service_page.actions_shown(found)
    return {
        "service": found,
        "summary": service_words.summary(found),
        "odd": service_page.odd_service(found),
        "monitors": service_words.monitors(found),
        "down": service_page.down(found),
        "waiting": service_page.waiting(found),
        "held": service_page.held(found),
        "strip": strip(found),
        "actions": actions,
        "busy": {action.verb for action in actions if not action.is_finished},
    }


def regions_context(found: Service) -> dict[str, Any]:
    return {
        "service": found,
        "cards": service_page.cards(found),
        "missing": service_page.missing_codes(found),
        "drawn": service_page.drawn(found),
    }


def _history(found: Service) -> list[KeptRow]:
    return [KeptRow.of(kept) for kept in service_page.history(found)]


def page(
    request: LoggedInRequest, pk: int, *, opened: Opened | None = None, status: int = 200
) -> HttpResponse:
    """The whole page, with an editor opened in it where a browser without htmx asked for one."""
    position = live.position()
    found = get_object_or_404(service_page.services(), pk=pk)
    context = card_context(found) | regions_context(found)
    context |= {"log": service_page.log_records(found), "presets": PRESETS}
    context |= {"history": _history(found), "opened": opened, "section": "board"}
    context |= {"live_position": position, "live_service": found.pk}
    return render(request, "service_detail.html", context, status=status)


def draw(
    request: LoggedInRequest,
    service_pk: int,
    place: str,
    partial: str,
    context: dict[str, Any],
    *,
    status: int = 200,
) -> HttpResponse:
    """A state of a component; without htmx, the page with it in its place."""
    if wants_fragment(request):
        return render(request, partial, context, status=status)
    html = SafeString(render_to_string(partial, context, request))
    return page(request, service_pk, opened=Opened(place, html), status=status)


def saved(request: LoggedInRequest, region: Region) -> HttpResponse:
    """Nothing is left to draw here; what else changed is announced to every page."""
    if wants_fragment(request):
        return HttpResponse()
    return redirect(region_url(region))


def service_url(service: Service) -> str:
    return reverse("service", args=[service.pk])


def region_url(region: Region) -> str:
    return f"{service_url(region.service)}#region-{region.pk}"


def gone(
    request: LoggedInRequest, element: str, partial: str, fields: Iterable[str]
) -> HttpResponse:
    """Somebody deleted what was being edited: say so, and keep readable what was typed."""
    typed = {name: request.POST[name] for name in fields if request.POST.get(name)}
    found = get_object_or_404(Service, pk=read_key(request.POST.get("service", "")))
    context = {"element": element, "service": found, "typed": typed}
    name = partial if wants_fragment(request) else "components/conflict.html#gone"
    return draw(request, found.pk, GONE_PLACE, name, context, status=409)
