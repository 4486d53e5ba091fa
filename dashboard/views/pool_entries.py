"""The row of a pool entry and its editors: change, delete, add. Every outcome is drawn in place."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.views.decorators.http import require_safe

from dashboard import service_page, service_words
from dashboard.access import (
    LoggedInRequest,
    operator_required,
    origin,
    require_safe_or_POST,
    wants_fragment,
)
from dashboard.editor_news import News, draw_news
from dashboard.forms.editors import DeleteForm, EditorForm, on_version
from dashboard.forms.pool_entries import FIELDS, PoolEntryForm
from dashboard.outcomes import Outcome, save
from dashboard.views.services import draw, gone, region_url, saved
from dashboard.whose import last_change
from rttm import services
from rttm.core import rules, schema
from rttm.models import PoolEntry, Region

TEMPLATE = "components/pool_entry.html"


@login_required
@require_safe_or_POST
def pool_entry(request: LoggedInRequest, pk: int) -> HttpResponse:
    """GET: the row. POST: save what its editor says."""
    if request.method == "POST":
        return pool_entry_save(request, pk)
    return _row(request, service_page.entry_or_404(pk))


@operator_required
def pool_entry_save(request: LoggedInRequest, pk: int) -> HttpResponse:
    entry = service_page.entry(pk)
    return _save(request, entry) if entry else _gone(request, pk)


def _save(request: LoggedInRequest, entry: PoolEntry) -> HttpResponse:
    form = _form(entry, request.POST)
    outcome = save(
        form,
        lambda: services.pool_entry_update(
            entry=entry, desired=form.desired, seen=form.version, origin=origin(request)
        ),
    )
    now = service_page.entry(entry.pk)
    if outcome is Outcome.GONE or now is None:
        return _gone(request, entry.pk)
    if outcome is Outcome.SAVED:
        return _row(request, now)
    if outcome is Outcome.CONFLICT:
        form = _form(now, on_version(request.POST, form, _form(now)))
        theirs = last_change(now, of=[field.name for field in form.contested])
        return _draw(request, now, "conflict", form, status=outcome.status, theirs=theirs)
    return _draw(request, now, "edit", form, status=outcome.status)


@operator_required
@require_safe
def pool_entry_edit(request: LoggedInRequest, pk: int) -> HttpResponse:
    entry = service_page.entry_or_404(pk)
    return _draw(request, entry, "edit", _form(entry))


@login_required
@require_safe
def pool_entry_news(request: LoggedInRequest, pk: int) -> HttpResponse:
    """For its open editor: what somebody else changed."""
    entry = service_page.entry(pk)
    return draw_news(request, entry, _form(entry) if entry else None)


@operator_required
@require_safe_or_POST
def pool_entry_delete(request: LoggedInRequest, pk: int) -> HttpResponse:
    """GET: what will happen. POST: delete it."""
    entry = service_page.entry(pk)
    if request.method == "POST":
        return _delete(request, entry) if entry else _gone(request, pk)
    if entry is None:
        raise Http404
    return _draw_delete(request, entry, _delete_form(entry))


def _delete(request: LoggedInRequest, entry: PoolEntry) -> HttpResponse:
    form = DeleteForm(request.POST, element=f"pool-entry-{entry.pk}")
    outcome = save(
        form,
        lambda: services.pool_entry_delete(entry=entry, seen=form.version, origin=origin(request)),
    )
    now = service_page.entry(entry.pk)
    if outcome in (Outcome.SAVED, Outcome.GONE) or now is None:
        return saved(request, entry.region)
    if outcome is Outcome.CONFLICT:
        form = _delete_form(now)
    is_conflict = outcome is Outcome.CONFLICT
    return _draw_delete(request, now, form, status=outcome.status, is_conflict=is_conflict)


@operator_required
@require_safe_or_POST
def pool_entry_add(request: LoggedInRequest, pk: int) -> HttpResponse:
    """GET: an empty row at the foot of the pool. POST: add what it says."""
    region = get_object_or_404(service_page.regions(), pk=pk)
    form = _add_form(region, request.POST or None)
    if request.method != "POST":
        return _draw_add(request, region, form)
    outcome = save(
        form,
        lambda: services.pool_entry_create(
            region=region, desired=form.desired, origin=origin(request)
        ),
    )
    if outcome is Outcome.SAVED:
        return _added(request, region, form.desired.address)
    return _draw_add(request, region, form, status=outcome.status)


def _form(entry: PoolEntry, data: Any = None) -> PoolEntryForm:
    pool = entry.region.pool.all()
    return PoolEntryForm(
        data,
        element=f"pool-entry-{entry.pk}",
        current=entry.value,
        others=[other.address for other in pool if other.pk != entry.pk],
        fqdn=entry.region.service.fqdn,
        initial={"seen": entry.version},
    )


def _delete_form(entry: PoolEntry) -> DeleteForm:
    return DeleteForm(element=f"pool-entry-{entry.pk}", initial={"seen": entry.version})


def _add_form(region: Region, data: Any) -> PoolEntryForm:
    return PoolEntryForm(
        data,
        element=f"pool-entry-add-{region.pk}",
        current=schema.PoolEntry(""),
        others=[entry.address for entry in region.pool.all()],
        fqdn=region.service.fqdn,
    )


def _row(request: LoggedInRequest, entry: PoolEntry) -> HttpResponse:
    if not wants_fragment(request):
        return redirect(region_url(entry.region))
    return render(request, f"{TEMPLATE}#row", {"row": service_page.row(entry)})


def _draw(
    request: LoggedInRequest,
    entry: PoolEntry,
    state: str,
    form: EditorForm,
    *,
    status: int = 200,
    **more: Any,
) -> HttpResponse:
    service, place = entry.region.service_id, f"pool-entry-{entry.pk}"
    context = {"row": service_page.row(entry), "form": form, **more}
    context["news"] = News.none(entry, form)
    return draw(request, service, place, f"{TEMPLATE}#{state}", context, status=status)


def _draw_delete(
    request: LoggedInRequest, entry: PoolEntry, form: DeleteForm, *, status: int = 200, **more: Any
) -> HttpResponse:
    """What will happen, or the rules that are against it."""
    region = entry.region.value
    forbidden = [*rules.check_pool_editable(region), *rules.check_pool_entry_delete(region)]
    more |= {"forbidden": forbidden, "without": service_page.without(entry)}
    more |= {"target": service_words.source_words(entry.region)}
    return _draw(request, entry, "delete", form, status=status, **more)


def _draw_add(
    request: LoggedInRequest, region: Region, form: PoolEntryForm, *, status: int = 200
) -> HttpResponse:
    context = {"region": region, "service": region.service, "form": form}
    place = f"pool-entry-add-{region.pk}"
    return draw(request, region.service_id, place, f"{TEMPLATE}#add", context, status=status)


def _added(request: LoggedInRequest, region: Region, address: str) -> HttpResponse:
    """The new row, and the button below it again; other open rows are left alone."""
    if not wants_fragment(request):
        return redirect(region_url(region))
    known = region.pool.filter(address=address).first()
    entry = service_page.entry(known.pk) if known else None
    row = {"row": service_page.row(entry)} if entry else {}
    parts = [render_to_string(f"{TEMPLATE}#row", row, request)] if entry else []
    context = {"region": region, "service": region.service}
    parts.append(render_to_string(f"{TEMPLATE}#add_button", context, request))
    return HttpResponse("".join(parts))


def _gone(request: LoggedInRequest, pk: int) -> HttpResponse:
    return gone(request, f"pool-entry-{pk}", f"{TEMPLATE}#gone", FIELDS)
