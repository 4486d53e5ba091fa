"""Log reports: asked for with a time span, built by a worker, shown as a table, sent on as CSV."""

import re
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_safe

from dashboard.access import LoggedInRequest, origin, require_safe_or_POST, wants_fragment
from dashboard.forms.log_reports import PRESETS, LogReportForm
from rttm import dispatch, live, reports
from rttm.core.numbers import read_key
from rttm.models import Action, LogReport, Service

PAGE_ROWS = 50


def _reports() -> QuerySet[LogReport]:
    return LogReport.objects.select_related("action")


@login_required
@require_safe
def log_reports(request: LoggedInRequest) -> HttpResponse:
    """All of them, newest first; with a service chosen, on to its form."""
    position = live.position()
    if chosen := read_key(request.GET.get("service", "")):
        return redirect("log-report-add", chosen)
    page = Paginator(_reports().defer("rows"), PAGE_ROWS).get_page(request.GET.get("page"))
    context: dict[str, Any] = {"page": page, "section": "reports", "live_position": position}
    context["services"] = Service.objects.filter(gone_at=None).only("pk", "fqdn")
    if wants_fragment(request):
        return render(request, "components/log_report.html#list", context)
    return render(request, "log_reports.html", context)


@login_required
@require_safe_or_POST
def log_report_add(request: LoggedInRequest, pk: int) -> HttpResponse:
    """Everyone may ask: a report changes nothing."""
    position = live.position()
    service = get_object_or_404(Service, pk=pk)
    zone, hours = request.user.time_zone, _hours(request)
    form = LogReportForm(request.POST or None, own_zone=zone, hours=hours)
    status = 422 if form.is_bound else 200
    if form.is_valid():
        span = {name: form.cleaned_data[name] for name in ("start", "end")}
        try:
            report = dispatch.log_report_create(service=service, origin=origin(request), **span)
        except dispatch.TooManyReports as error:
            form.add_error(None, str(error))
            status = 429
        else:
            return redirect("log-report", report.pk)
    context: dict[str, Any] = {"service": service, "form": form, "presets": PRESETS}
    context |= {"section": "reports", "live_position": position, "hours": hours}
    return render(request, "log_report_add.html", context, status=status)


def _hours(request: LoggedInRequest) -> int:
    """One of the offered spans; what else stands in the URL is none."""
    asked = request.GET.get("hours", "")
    return next((hours for hours, _ in PRESETS if str(hours) == asked), 24)


@login_required
@require_safe
def log_report(request: LoggedInRequest, pk: int) -> HttpResponse:
    position = live.position()
    context = _table(get_object_or_404(_reports(), pk=pk))
    context |= {"section": "reports", "live_position": position}
    return render(request, "log_report.html", context)


@login_required
@require_safe
def log_report_table(request: LoggedInRequest, pk: int) -> HttpResponse:
    context = _table(get_object_or_404(_reports(), pk=pk))
    return render(request, "components/log_report.html#table", context)


def _table(report: LogReport) -> dict[str, Any]:
    is_failed = report.action.state == Action.State.FAILED
    rows = reports.rows(report) if report.built_at else []
    return {"report": report, "action": report.action, "rows": rows, "is_failed": is_failed}


@login_required
@require_safe
def log_report_csv(request: LoggedInRequest, pk: int) -> HttpResponse:
    """The file, named for what is in it; there is none before the report is built."""
    report = get_object_or_404(_reports().filter(built_at__isnull=False), pk=pk)
    fqdn = re.sub(r"[^\w.-]", "_", report.action.fqdn, flags=re.ASCII)
    name = f"log-{fqdn}-{report.start:%Y%m%dT%H%M%SZ}-{report.end:%Y%m%dT%H%M%SZ}.csv"
    text = "".join(reports.csv_lines(report))
    response = HttpResponse(text, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
