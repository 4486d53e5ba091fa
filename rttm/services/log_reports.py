"""Ask the backend what happened to a service in a span of time."""

from django.utils import timezone

from rttm.backend import WORK_BUDGET, ask
from rttm.client import calls
from rttm.core.wire import render_response_set
from rttm.models import LogReport, Service

MOST_RECORDS = 1000  # as many as a report ever holds (RTTM logs help page)


def log_report_build(*, report: LogReport, service: Service) -> str:
    """Fill a report with the backend's records; returns what came of it in words."""
    start, end = (int(moment.timestamp()) for moment in (report.start, report.end))
    records = ask(calls.log_report(service.key, start, end), budget=WORK_BUDGET).value
    report.rows = [render_response_set(record) for record in records]
    report.is_cut = len(records) >= MOST_RECORDS
    report.built_at = timezone.now()
    report.save(update_fields=["rows", "is_cut", "built_at"])
    return f"{len(records)} records."
