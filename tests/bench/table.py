"""The bench's result: one row for each figure, beside a plain alternative of the same run."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """A figure; with a target it passes or misses."""

    what: str
    ours: str
    plain: str = ""  # the alternative's figure, and what it is
    ratio: float | None = None  # ours / plain
    target: str = ""
    has_passed: bool | None = None

    @property
    def cells(self) -> tuple[str, ...]:
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        verdict = {True: "PASS", False: "MISSED", None: ""}[self.has_passed]
        return self.what, self.ours, self.plain, ratio, self.target, verdict


HEAD = ("figure", "ours", "plain alternative", "ratio", "target", "")


def drawn(rows: Iterable[Row]) -> str:
    """As Markdown, so that it can be pasted where it is talked about."""
    table = [HEAD, *(row.cells for row in rows)]
    widths = [max(len(cells[column]) for cells in table) for column in range(len(HEAD))]
    lines = [
        "| " + " | ".join(cell.ljust(w) for cell, w in zip(cells, widths, strict=True)) + " |"
        for cells in table
    ]
    ruler = "| " + " | ".join("-" * width for width in widths) + " |"
    return "\n".join([lines[0], ruler, *lines[1:]])
