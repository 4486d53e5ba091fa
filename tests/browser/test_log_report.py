"""A log report: asked for with a span, built by a worker, read as a table, taken as a file."""

import csv
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import expect

from rttm.client import calls


def test_log_report_is_built_shown_and_downloaded(page, site):
    for mode in ("no", "obey", "always"):
        change = {"serve_mode": mode}
        site.ask(calls.pool_entry_update(site.key, "global", "192.0.2.1", change))
    page.goto("/log-reports/")
    page.get_by_label("What happened to").select_option(site.fqdn)
    page.get_by_role("button", name="Choose the time span").click()
    page.get_by_role("link", name="Last hour").click()
    start, end = (moment(page.get_by_label(name).input_value()) for name in ("From", "To"))
    page.get_by_label("To").fill("2100-01-01 00:00:00")
    page.get_by_role("button", name="Build the report").click()
    expect(page.get_by_text("A report spans at most 366 days.")).to_be_visible()
    page.get_by_label("To").fill(f"{end:%Y-%m-%d %H:%M:%S}")
    page.get_by_role("button", name="Build the report").click()

    table = page.get_by_role("region", name="Records, oldest first")
    expect(table).to_be_visible()
    records = site.ask(calls.log_report(site.key, int(start.timestamp()), int(end.timestamp())))
    assert len(records) >= 3
    expect(table.get_by_role("row")).to_have_count(1 + len(records))
    with page.expect_download() as download:
        page.get_by_role("link", name="Download as CSV").click()
    assert download.value.suggested_filename.startswith(f"log-{site.fqdn}-")
    assert rows(download.value.path()) == [
        {
            "time_utc": f"{datetime.fromtimestamp(record.change_ts, UTC):%Y-%m-%d %H:%M:%S}",
            "region": record.region_code,
            "change": record.change_type,
            "status": record.region_status,
            "served": ", ".join(record.values),
            "serve_count": str(record.serve_count),
            "user": record.user_name,
            "serial": str(record.serial),
        }
        for record in records
    ]


def moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))
