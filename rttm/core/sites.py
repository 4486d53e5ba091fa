"""What several monitoring sites together say of one address. Pure, no clock."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from .health import SILENT_INTERVALS, Milliseconds, middle
from .terms import EntryStatus

REPORTED_INTERVALS = 2  # a site that was silent for longer does not vote
SILENT_MINUTES = 3  # a site reports in once a minute; silent for so long, it is not at work


class Report(NamedTuple):
    """What one site found, and when it found it last (UNIX seconds)."""

    status: EntryStatus
    seen_at: float


class Figure(NamedTuple):
    """The times of a site's last performance runs, and when the newest was."""

    runs: Sequence[Milliseconds]
    measured_at: float


def agreed(
    reports: Iterable[Report], present: EntryStatus, *, now: float, interval: float
) -> EntryStatus:
    """The status over all sites; `interval` is that of the health monitor, in seconds.

    newest report of any site    next
    at most two intervals ago    what `vote` makes of the sites that reported since then
    at most three intervals ago  present
    older, or none               unk
    """
    ages = [(now - r.seen_at, r.status) for r in reports if r.status != EntryStatus.UNK]
    voting = [status for age, status in ages if age <= REPORTED_INTERVALS * interval]
    if voting:
        return vote(voting, present)
    is_silent = all(age > SILENT_INTERVALS * interval for age, _ in ages)
    return EntryStatus.UNK if is_silent else present


def vote(statuses: Sequence[EntryStatus], present: EntryStatus) -> EntryStatus:
    """The status that the sites which reported agree on; a tie keeps the present one.

    up  down  next
    0   0     unk
    n   m<n   up
    n   m>n   down
    n   n     present
    """
    up, down = statuses.count(EntryStatus.UP), statuses.count(EntryStatus.DOWN)
    if up == down:
        return present if up else EntryStatus.UNK
    return EntryStatus.UP if up > down else EntryStatus.DOWN


def ranking_ms(figures: Iterable[Figure], *, interval: float) -> float | None:
    """By what an address ranks: the median over the sites of the median of each site's runs.

    So every site has one voice, however many runs it has made, and one site that is far away
    from an address does not move it by more than its voice. A site whose newest run is more than
    two intervals (seconds, of the performance monitor) older than the newest of all is left out:
    it stopped measuring. None when nobody ever measured it, or half of the runs failed.
    """
    measured = [figure for figure in figures if figure.runs]
    if len(measured) == 1:  # the usual case, and the loop is full of it
        return middle(measured[0].runs)
    oldest = max((f.measured_at for f in measured), default=0) - REPORTED_INTERVALS * interval
    return middle(middle(figure.runs) for figure in measured if figure.measured_at >= oldest)
