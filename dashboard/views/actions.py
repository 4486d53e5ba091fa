"""What a person asks the workers to do: each GET says what will happen, each POST has it done."""

from collections.abc import Callable

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from dashboard import service_page
from dashboard.access import (
    LoggedInRequest,
    operator_required,
    origin,
    require_safe_or_POST,
    wants_fragment,
)
from dashboard.views.services import card_context, draw, region_url, service_url
from rttm import dispatch
from rttm.models import Action


@login_required
@require_safe
def action(request: LoggedInRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Action, pk=pk)
    return render(request, "components/action.html#action", {"action": found})


@operator_required
@require_safe_or_POST
def service_activate(request: LoggedInRequest, pk: int) -> HttpResponse:
    return _service_action(request, pk, Action.Verb.ACTIVATE, dispatch.service_activate)


@operator_required
@require_safe_or_POST
def service_deactivate(request: LoggedInRequest, pk: int) -> HttpResponse:
    return _service_action(request, pk, Action.Verb.DEACTIVATE, dispatch.service_deactivate)


@operator_required
@require_safe_or_POST
def service_recover(request: LoggedInRequest, pk: int) -> HttpResponse:
    return _service_action(request, pk, Action.Verb.RECOVER, dispatch.service_recover)


def _service_action(
    request: LoggedInRequest, pk: int, verb: Action.Verb, start: Callable[..., Action]
) -> HttpResponse:
    service = get_object_or_404(service_page.services(), pk=pk)
    if request.method != "POST":
        context = {"service": service, "verb": verb, "waiting": service_page.waiting(service)}
        context["act_url"] = f"service-{verb}"
        return draw(request, pk, "service-acts", "components/service.html#confirm", context)
    start(service=service, origin=origin(request))
    if not wants_fragment(request):
        return redirect(service_url(service))
    return render(request, "components/service.html#card", card_context(service))


@operator_required
@require_POST
def pool_entry_recover(request: LoggedInRequest, pk: int) -> HttpResponse:
    """The row follows the action: it shows its state, and the backend's own words."""
    entry = service_page.entry_or_404(pk)
    dispatch.pool_entry_recover(entry=entry, origin=origin(request))
    if not wants_fragment(request):
        return redirect(region_url(entry.region))
    context = {"row": service_page.row(entry)}
    return render(request, "components/pool_entry.html#row", context)


@operator_required
@require_POST
def sync(request: LoggedInRequest) -> HttpResponse:
    started = dispatch.mirror_sync(origin=origin(request))
    if not wants_fragment(request):
        return redirect(_referrer(request))
    return render(request, "components/action.html#action", {"action": started})


def _referrer(request: LoggedInRequest) -> str:
    """The page the button was on, if it is one of ours."""
    url = request.META.get("HTTP_REFERER", "")
    is_ours = url_has_allowed_host_and_scheme(url, {request.get_host()})
    return url if is_ours else "/"
