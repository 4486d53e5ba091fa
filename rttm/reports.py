"""Turn a log report into rows for a table, and into a file to send on."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from .core.schema import ResponseSet
from .core.wire import parse_response_set
from .models import LogReport

COLUMNS = (
    "time_utc", "region", "change", "status", "served", "serve_count", "user", "serial",
)  # fmt: skip
# What a formula may begin with in a spreadsheet, also in the full-width forms of East Asia, and the
# white space that a spreadsheet drops before it.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


@dataclass(frozen=True, slots=True)
class Row:
    """One change of a region's response set, ready to be shown."""

    at: datetime
    region_code: str
    change_type: str
    status: str
    served: str
    serve_count: int
    user_name: str
    serial: int


def rows(report: LogReport) -> list[Row]:
    """A report's rows in the backend's order, oldest first."""
    return [_row(parse_response_set(raw)) for raw in report.rows]


def _row(record: ResponseSet) -> Row:
    return Row(
        at=datetime.fromtimestamp(record.change_ts, UTC),
        region_code=record.region_code,
        change_type=record.change_type,
        status=record.region_status,
        served=", ".join(record.values),
        serve_count=record.serve_count,
        user_name=record.user_name,
        serial=record.serial,
    )


def csv_lines(report: LogReport) -> Iterator[str]:
    """The report as CSV with a heading; times in UTC as a spreadsheet reads them."""
    yield _line(COLUMNS)
    for row in rows(report):
        yield _line((
            f"{row.at:%Y-%m-%d %H:%M:%S}", row.region_code, row.change_type, row.status,
            row.served, row.serve_count, row.user_name, row.serial,
        ))  # fmt: skip


def _line(values: tuple[object, ...]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow([_safe(value) for value in values])
    return out.getvalue()


def _safe(value: object) -> object:
    """A text that a spreadsheet would take for a formula gets a quote in front."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value
