"""How a save went, the same for every editor: which state of it to draw, with which status."""

from collections.abc import Callable
from enum import Enum

from django.db import DatabaseError

from dashboard.forms.editors import EditorForm
from rttm.client import DynectError, Rejected
from rttm.edits import Conflict, Gone
from rttm.storage import describe_refusal_to_write

NOT_KNOWN_YET = (
    "It is not known yet whether this was carried out. The history of the service says so as soon "
    "as it is known."
)


class Outcome(Enum):
    """What became of it, with the status code of the answer."""

    SAVED = (200, "saved")
    PROBLEMS = (422, "problems")
    CONFLICT = (409, "changed by someone else first")
    GONE = (409, "deleted by someone else")
    NOT_SENT = (502, "nothing was changed")
    UNKNOWN = (504, "not known yet")

    @property
    def status(self) -> int:
        return self.value[0]


def save(form: EditorForm, verb: Callable[[], None]) -> Outcome:
    """Run the verb if the form is in order; problems come back in the form, beside their fields."""
    if not form.is_valid():
        return Outcome.PROBLEMS
    try:
        verb()
    except Gone:
        return Outcome.GONE
    except Conflict:
        return Outcome.CONFLICT
    except Rejected as error:
        form.add_problems(error.problems)
        if not error.problems:
            form.add_error(None, str(error))
        return Outcome.PROBLEMS
    except DynectError as error:
        return _unanswered(form, error)
    except DatabaseError as error:  # after the edit: what keep_edit guards is a DynectError
        if not (reason := describe_refusal_to_write(error)):
            raise
        form.add_error(None, f"{NOT_KNOWN_YET} The dashboard cannot write, because {reason}.")
        return Outcome.UNKNOWN
    return Outcome.SAVED


def _unanswered(form: EditorForm, error: DynectError) -> Outcome:
    if error.may_have_changed:
        form.add_error(None, f"{NOT_KNOWN_YET} {error}")
        return Outcome.UNKNOWN
    form.add_error(None, str(error))
    return Outcome.NOT_SENT
