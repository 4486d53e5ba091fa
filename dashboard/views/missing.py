"""Services that the backend does not list: look at them, confirm that they are gone, dismiss."""

from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from dashboard.access import (
    LoggedInRequest,
    admin_required,
    operator_required,
    origin,
    wants_fragment,
)
from rttm import live, services
from rttm.models import Action, Service


@login_required
@require_safe
def missing(request: LoggedInRequest) -> HttpResponse:
    """The page; for htmx its list."""
    position = live.position()
    context = {"section": "board", "live_position": position, "services": _read_missing()}
    page = "components/missing.html#list" if wants_fragment(request) else "missing.html"
    return render(request, page, context)


def _read_missing() -> list[Service]:
    found = Service.objects.filter(Service.has_sign("missing"))
    return list(found.order_by("is_missing_dismissed", "missing_since", "fqdn"))


@admin_required
@require_POST
def missing_confirm(request: LoggedInRequest) -> HttpResponse:
    return _carry_out(request, services.missing_confirm)


@operator_required
@require_POST
def missing_dismiss(request: LoggedInRequest) -> HttpResponse:
    return _carry_out(request, services.missing_dismiss)


def _carry_out(request: LoggedInRequest, verb: Callable[..., Action]) -> HttpResponse:
    """For the services that were on the page when the button was pressed, and no others."""
    action = verb(pks=_seen(request), origin=origin(request))
    if not wants_fragment(request):
        messages.info(request, action.message)
        return redirect("missing")
    context = {"services": _read_missing(), "outcome": action}
    return render(request, "components/missing.html#list", context)


def _seen(request: LoggedInRequest) -> list[int]:
    """Only keys that there are: a number of any length may have been sent."""
    named = set(request.POST.getlist("seen"))
    return [pk for pk in Service.objects.values_list("pk", flat=True) if str(pk) in named]
