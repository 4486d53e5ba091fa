"""The only writer of the mirror: make our rows say what the backend said, and announce it.

Every absorb takes the moment its request was sent and leaves alone what was told later, so a
slow full sync cannot undo a fresh edit. Of a change it takes the moment of its answer instead: a
sync that asked meanwhile may not know of it yet.
"""

from .answers import absorb_answers, absorb_log
from .clock import absorb_present
from .missing import absorb_confirmed_gone, absorb_missing, absorb_missing_dismissed
from .pool_entries import absorb_pool_entry, absorb_pool_entry_gone, absorb_recovered
from .regions import absorb_region, absorb_region_gone
from .services import absorb_gone, absorb_service, absorb_unchanged, absorb_unread_change
from .since import absorb_since
from .state import absorb_failure, absorb_success

__all__ = [
    "absorb_answers",
    "absorb_confirmed_gone",
    "absorb_failure",
    "absorb_gone",
    "absorb_log",
    "absorb_missing",
    "absorb_missing_dismissed",
    "absorb_pool_entry",
    "absorb_pool_entry_gone",
    "absorb_present",
    "absorb_recovered",
    "absorb_region",
    "absorb_region_gone",
    "absorb_service",
    "absorb_since",
    "absorb_success",
    "absorb_unchanged",
    "absorb_unread_change",
]
