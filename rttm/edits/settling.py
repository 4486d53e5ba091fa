"""Find the outcome of an edit whose answer got lost, by what was read of its object later.

    read of the object                      outcome
    as the edit wanted it                   saved
    as before, read soon after              open: the backend may still carry the edit out
    as before, read PROOF after the loss    not applied
    neither, or changed again since         cannot be told

While the backend works on the edit as a job, only the first line holds: the job's end decides.
"""

from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from django.db.models import Q, QuerySet

from rttm.models import Edit, PoolEntry, Region

from .rows import Outcome, close_edit, find_names
from .turns import close_abandoned

# A backend that has taken a call answers it within 5 s or turns it into a job, and then says so. An
# answer that got lost may have said that, too. Our decision: after two minutes such a job is over.
PROOF = timedelta(minutes=2)


class Finding(Enum):
    """How an object stands to an edit of it."""

    APPLIED = "as the edit wanted it"
    AS_BEFORE = "as it was before the edit"
    OTHER = "neither"


def settle(*, asked_at: datetime) -> None:
    """After a full sync that asked the backend at this moment: judge all open edits by it."""
    close_abandoned(Edit.objects.all())
    for edit in _find_lost().filter(finished_at__lt=asked_at).select_related("service"):
        service = edit.service
        if service is None or service.gone_at:
            close_edit(edit, Outcome.UNCLEAR, "The service is gone.", of=[Outcome.UNKNOWN])
        elif service.seen_at >= asked_at:  # else the sync did not read this service
            _judge(edit, asked_at)


def _find_lost() -> QuerySet[Edit]:
    """Edits with an open outcome that nobody is at any more."""
    return Edit.objects.filter(outcome=Outcome.UNKNOWN)


def _judge(edit: Edit, asked_at: datetime) -> None:
    found = compare(edit)
    if found is Finding.APPLIED:
        _close(edit, Outcome.SAVED, "A later reading found it saved.")
    elif edit.job_id:
        return
    elif found is Finding.OTHER:
        _close(edit, Outcome.UNCLEAR, "It was changed again since.")
    elif edit.finished_at and edit.finished_at < asked_at - PROOF:
        _close(edit, Outcome.NOT_APPLIED, "Two minutes later it was still as before.")


def settle_found(edit: Edit) -> None:
    """Right after another edit has read its object: what the reading proves of lost edits.

    Only the proof that a lost edit was carried out counts. What is not there yet may still come.
    """
    for lost in _find_lost_of_same_object(edit):
        if compare(lost) is Finding.APPLIED:
            words = f"Found saved when {edit.actor_name} changed the same object."
            _close(lost, Outcome.SAVED, words)


def settle_overwritten(edit: Edit) -> None:
    """After an edit was saved: no later reading can tell any more of lost edits it wrote over."""
    for lost in _find_lost_of_same_object(edit):
        if lost.job_id:
            continue  # the end of the job will tell
        if lost.verb == Edit.Verb.DELETE and edit.verb == Edit.Verb.CREATE:
            _close(lost, Outcome.SAVED, f"{edit.actor_name} could add it again, so it was deleted.")
        elif _writes_over(edit, lost):
            _close(lost, Outcome.UNCLEAR, f"{edit.actor_name} {edit.get_verb_display()} it since.")


def settle_job(edit: Edit, outcome: Outcome, words: str) -> None:
    """The backend's own word on the job that the edit became."""
    _close(edit, outcome, words)
    if outcome == Outcome.SAVED:
        settle_overwritten(edit)


def lose_job(edit: Edit, words: str) -> None:
    """The job cannot be asked after any more: from now on only readings can tell."""
    _close(edit, Outcome.UNKNOWN, words)


def _find_lost_of_same_object(edit: Edit) -> list[Edit]:
    there = Q(service=edit.service_id, region_code=edit.region_code, pk__lt=edit.pk)
    lost = _find_lost().filter(there)
    if not edit.address and edit.verb != Edit.Verb.UPDATE:  # the region with all its entries
        return list(lost)
    return [other for other in lost if find_names(other) & find_names(edit)]


def _writes_over(edit: Edit, lost: Edit) -> bool:
    if Edit.Verb.DELETE in (edit.verb, lost.verb):
        return edit.verb == Edit.Verb.DELETE
    return bool(edit.after.keys() & lost.after.keys())


def compare(edit: Edit) -> Finding:
    """How the mirror's row stands to an edit of it."""
    row = _find_row(edit)
    if edit.verb == Edit.Verb.DELETE:
        return Finding.APPLIED if row is None else Finding.AS_BEFORE
    if row is None:
        return Finding.AS_BEFORE if edit.verb == Edit.Verb.CREATE else Finding.OTHER
    if _has_values(row, edit.after):
        return Finding.APPLIED
    is_as_before = edit.verb == Edit.Verb.UPDATE and _has_values(row, edit.before)
    return Finding.AS_BEFORE if is_as_before else Finding.OTHER


def _has_values(row: Region | PoolEntry, values: dict[str, Any]) -> bool:
    return all(getattr(row, name) == value for name, value in values.items())


def _find_row(edit: Edit) -> Region | PoolEntry | None:
    """The mirror's row of what was edited, under its old or its new address."""
    region = Region.objects.filter(service__edits=edit, region_code=edit.region_code).first()
    if region is None or not edit.address:
        return region
    return region.pool.filter(address__in=find_names(edit)).first()


def _close(edit: Edit, outcome: Outcome, words: str) -> None:
    close_edit(edit, outcome, words, of=[Outcome.UNKNOWN])
