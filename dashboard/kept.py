"""One edit or action as a row: on the activity page, and in the history of its service."""

from collections.abc import Iterator
from dataclasses import dataclass

from rttm.models import Action, Edit, Kept

GOOD = {Edit.Outcome.SAVED, Edit.Outcome.UNCHANGED, Action.State.SUCCEEDED}
BAD = {
    Edit.Outcome.REJECTED,
    Edit.Outcome.CONFLICT,
    Edit.Outcome.UNAVAILABLE,
    Edit.Outcome.NOT_APPLIED,
    Edit.Outcome.UNCLEAR,
    Action.State.FAILED,
    Action.State.STILL_OUT,
}


@dataclass(frozen=True, slots=True)
class Change:
    """One field, before and after."""

    name: str
    before: object
    after: object


@dataclass(frozen=True, slots=True)
class KeptRow:
    """One thing somebody did, edit or action alike."""

    kept: Edit | Action
    outcome: str
    words: str
    changes: tuple[Change, ...]

    @property
    def tone(self) -> str:
        """Good, bad, or still open."""
        if self.outcome in GOOD:
            return "good"
        return "bad" if self.outcome in BAD else "open"

    @classmethod
    def of(cls, kept: Edit | Action) -> "KeptRow":
        changes = tuple(_changes(kept))
        if isinstance(kept, Edit):
            return cls(kept, kept.outcome, kept.get_outcome_display(), changes)
        return cls(kept, kept.state, kept.get_state_display(), changes)


def _changes(kept: Kept) -> Iterator[Change]:
    """The fields that differ, in the order they were kept; all of them for an edit."""
    names = dict.fromkeys((*kept.before, *kept.after))
    for name in names:
        before, after = kept.before.get(name), kept.after.get(name)
        if before != after:
            yield Change(name.replace("_", " "), before, after)
