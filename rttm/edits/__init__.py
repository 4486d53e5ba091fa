"""Every edit a person makes is kept: opened before the backend is asked, closed by its outcome.

keeping     one edit from its opening to its outcome
turns       edits of one region take turns, so that no edit undoes another one unseen
settling    finds the outcome of an edit later, where the backend's answer got lost
"""

from .keeping import Conflict, Gone, NotWritten, Origin, keep_edit
from .settling import lose_job, settle, settle_found, settle_job
from .turns import Turn

__all__ = [
    "Conflict",
    "Gone",
    "NotWritten",
    "Origin",
    "Turn",
    "keep_edit",
    "lose_job",
    "settle",
    "settle_found",
    "settle_job",
]
