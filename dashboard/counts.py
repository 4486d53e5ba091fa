"""How many services are in which state: for the header, the title and the icon of every page."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from dashboard.templatetags.rttm import SIGNS
from rttm.core.terms import WORST_FIRST
from rttm.models import Service

STATES = (*WORST_FIRST[:2], "missing", *WORST_FIRST[2:], "inactive", "gone")
"""The signs a service can have, in the order of every page."""

READ = (
    *("active", "status", "gone_at", "seen_at", "changed_at"),
    *("missing_since", "is_missing_dismissed"),
)
ALARMS = WORST_FIRST[:2]
ICONS = WORST_FIRST[:3]  # each has one of its own
TITLE_SIGNS = {"failover": "◆", "trouble": "▲"}


@dataclass(frozen=True, slots=True)
class Count:
    """One state's number, and how it is drawn."""

    state: str
    number: int

    @property
    def tone(self) -> str:
        return self.state if self.number else "none"

    @property
    def word(self) -> str:
        return SIGNS.get(self.state, ("", self.state))[1]


@dataclass(frozen=True, slots=True)
class Counts:
    """All of them, worst first."""

    shown: tuple[Count, ...]
    chosen: str = ""  # the state the board is filtered by
    missing: int = 0  # services that the backend does not list, and nobody has dismissed
    missing_since: datetime | None = None  # the first of them

    @property
    def title(self) -> str:
        """What stands in front of a page's title while something is wrong: "2 ◆ 1 ▲ "."""
        alarms = (count for count in self.shown if count.state in ALARMS and count.number)
        return "".join(f"{count.number} {TITLE_SIGNS[count.state]} " for count in alarms)

    @property
    def icon(self) -> str:
        """The icon of the worst state there is."""
        worst = next((count.state for count in self.shown if count.number), "ok")
        return f"icons/{worst if worst in ICONS else 'mark'}.svg"

    @property
    def words(self) -> str:
        """For a reader who hears the page."""
        return ", ".join(f"{count.number} {count.word}" for count in self.shown if count.number)


def read_counts(chosen: str = "") -> Counts:
    """Count the mirror's services by the one word a reader needs first, as `Service.sign` says."""
    rows = list(Service.objects.only(*READ))
    found = Counter(row.sign for row in rows)
    missing = [
        row.missing_since for row in rows if row.missing_since and not row.is_missing_dismissed
    ]
    states = (*STATES, *sorted(found.keys() - set(STATES)))
    shown = (state for state in states if state in WORST_FIRST or found[state])
    counted = tuple(Count(str(state), found[state]) for state in shown)
    return Counts(counted, chosen, len(missing), min(missing, default=None))
