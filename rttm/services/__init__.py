"""Layer 4, the verbs: keyword-only, named `<noun>_<verb>`; no request in, no response out."""

from .actions import MOST_ATTEMPTS, action_run, actions_expired, actions_with_jobs
from .jobs import jobs_follow
from .mirror import mirror_sync
from .missing import missing_confirm, missing_dismiss
from .pool_entries import pool_entry_create, pool_entry_delete, pool_entry_update
from .reading import Awaited, answers_refresh, service_follow, service_refresh_soon
from .regions import region_create, region_delete, region_update

__all__ = [
    "MOST_ATTEMPTS",
    "Awaited",
    "action_run",
    "actions_expired",
    "actions_with_jobs",
    "answers_refresh",
    "jobs_follow",
    "mirror_sync",
    "missing_confirm",
    "missing_dismiss",
    "pool_entry_create",
    "pool_entry_delete",
    "pool_entry_update",
    "region_create",
    "region_delete",
    "region_update",
    "service_follow",
    "service_refresh_soon",
]
