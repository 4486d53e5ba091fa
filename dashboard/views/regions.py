"""The card of a region and its editors: settings, delete, add. Every outcome is drawn in place."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.views.decorators.http import require_safe

from dashboard import service_page
from dashboard.access import (
    LoggedInRequest,
    operator_required,
    origin,
    require_safe_or_POST,
    wants_fragment,
)
from dashboard.editor_news import News, draw_news
from dashboard.forms.editors import DeleteForm, EditorForm, on_version
from dashboard.forms.regions import SETTINGS, RegionAddForm, RegionForm
from dashboard.outcomes import Outcome, save
from dashboard.views.services import draw, gone, region_url, saved, service_url
from dashboard.whose import last_change
from rttm import services
from rttm.core import rules
from rttm.models import Region, Service

TEMPLATE = "components/region.html"


@login_required
@require_safe_or_POST
def region(request: LoggedInRequest, pk: int) -> HttpResponse:
    """GET: the card. POST: save what the editor of its settings says."""
    if request.method == "POST":
        return region_save(request, pk)
    found = get_object_or_404(service_page.regions(), pk=pk)
    if not wants_fragment(request):
        return redirect(region_url(found))
    return render(request, f"{TEMPLATE}#card", _context(found))


@operator_required
def region_save(request: LoggedInRequest, pk: int) -> HttpResponse:
    found = service_page.region(pk)
    return _save(request, found) if found else _gone(request, pk)


def _save(request: LoggedInRequest, found: Region) -> HttpResponse:
    form = _form(found, request.POST)
    outcome = save(
        form,
        lambda: services.region_update(
            region=found, desired=form.desired, seen=form.version, origin=origin(request)
        ),
    )
    now = service_page.region(found.pk)
    if outcome is Outcome.GONE or now is None:
        return _gone(request, found.pk)
    if outcome is Outcome.SAVED:
        return _saved(request, now)
    if outcome is Outcome.CONFLICT:
        form = _form(now, on_version(request.POST, form, _form(now)))
        theirs = last_change(now, of=[field.name for field in form.contested])
        return _draw(request, now, "conflict", form, status=outcome.status, theirs=theirs)
    return _draw(request, now, "edit", form, status=outcome.status)


@operator_required
@require_safe
def region_edit(request: LoggedInRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(service_page.regions(), pk=pk)
    return _draw(request, found, "edit", _form(found))


@login_required
@require_safe
def region_news(request: LoggedInRequest, pk: int) -> HttpResponse:
    """For the open editor of its settings: what somebody else changed."""
    found = service_page.region(pk)
    return draw_news(request, found, _form(found) if found else None)


@operator_required
@require_safe_or_POST
def region_delete(request: LoggedInRequest, pk: int) -> HttpResponse:
    """GET: what will happen. POST: delete it."""
    found = service_page.region(pk)
    if request.method == "POST":
        return _delete(request, found) if found else _gone(request, pk)
    if found is None:
        raise Http404
    return _draw_delete(request, found, _delete_form(found))


def _delete(request: LoggedInRequest, found: Region) -> HttpResponse:
    form = DeleteForm(request.POST, element=f"region-settings-{found.pk}")
    outcome = save(
        form,
        lambda: services.region_delete(region=found, seen=form.version, origin=origin(request)),
    )
    now = service_page.region(found.pk)
    if outcome in (Outcome.SAVED, Outcome.GONE) or now is None:
        answer = saved(request, found)
        answer["HX-Retarget"] = f"#region-{found.pk}"
        return answer
    if outcome is Outcome.CONFLICT:
        form = _delete_form(now)
    is_conflict = outcome is Outcome.CONFLICT
    return _draw_delete(request, now, form, status=outcome.status, is_conflict=is_conflict)


@operator_required
@require_safe_or_POST
def region_add(request: LoggedInRequest, pk: int) -> HttpResponse:
    """GET: what a new region needs. POST: add it to the service."""
    service = get_object_or_404(service_page.services(), pk=pk)
    form = _add_form(service, request.POST or None)
    if request.method != "POST":
        return _draw_add(request, service, form)
    outcome = save(
        form,
        lambda: services.region_create(
            service=service, desired=form.desired, origin=origin(request)
        ),
    )
    if outcome is Outcome.SAVED:
        return _added(request, service, form.desired.region_code)
    return _draw_add(request, service, form, status=outcome.status)


def _codes(service: Service) -> list[str]:
    return [found.region_code for found in service.regions_in_order()]


def _form(found: Region, data: Any = None) -> RegionForm:
    return RegionForm(
        data,
        element=f"region-settings-{found.pk}",
        current=found.value,
        codes=_codes(found.service),
        fqdn=found.service.fqdn,
        initial={"seen": found.version},
    )


def _delete_form(found: Region) -> DeleteForm:
    return DeleteForm(element=f"region-settings-{found.pk}", initial={"seen": found.version})


def _add_form(service: Service, data: Any) -> RegionAddForm:
    return RegionAddForm(
        data,
        element=f"region-add-{service.pk}",
        codes=_codes(service),
        missing=service_page.missing_codes(service),
        fqdn=service.fqdn,
    )


def _context(found: Region) -> dict[str, Any]:
    return {"card": service_page.card(found), "service": found.service}


def _draw(
    request: LoggedInRequest,
    found: Region,
    state: str,
    form: EditorForm,
    *,
    status: int = 200,
    **more: Any,
) -> HttpResponse:
    service, place = found.service_id, f"region-settings-{found.pk}"
    context = {**_context(found), "form": form, "news": News.none(found, form), **more}
    return draw(request, service, place, f"{TEMPLATE}#{state}", context, status=status)


def _draw_delete(
    request: LoggedInRequest, found: Region, form: DeleteForm, *, status: int = 200, **more: Any
) -> HttpResponse:
    """What will happen, or the rules that are against it."""
    service = service_page.services().get(pk=found.service_id).value
    more["forbidden"] = rules.check_region_delete(service, found.region_code)
    return _draw(request, found, "delete", form, status=status, **more)


def _saved(request: LoggedInRequest, found: Region) -> HttpResponse:
    """The settings closed again; the card around them is announced to every page."""
    if not wants_fragment(request):
        return redirect(region_url(found))
    return render(request, f"{TEMPLATE}#settings", _context(found))


def _draw_add(
    request: LoggedInRequest, service: Service, form: RegionAddForm, *, status: int = 200
) -> HttpResponse:
    context = {"service": service, "form": form}
    return draw(request, service.pk, "region-add", f"{TEMPLATE}#add", context, status=status)


def _added(request: LoggedInRequest, service: Service, code: str) -> HttpResponse:
    """The new card, and the button below it again; other open editors are left alone."""
    found = service_page.regions().filter(service=service, region_code=code).first()
    if not wants_fragment(request):
        return redirect(region_url(found) if found else service_url(service))
    parts = [render_to_string(f"{TEMPLATE}#card", _context(found), request)] if found else []
    service = service_page.services().get(pk=service.pk)
    context = {"service": service, "missing": service_page.missing_codes(service)}
    parts.append(render_to_string(f"{TEMPLATE}#add_button", context, request))
    return HttpResponse("".join(parts))


def _gone(request: LoggedInRequest, pk: int) -> HttpResponse:
    fields = (*SETTINGS, "autopopulate")
    return gone(request, f"region-settings-{pk}", f"{TEMPLATE}#gone", fields)
