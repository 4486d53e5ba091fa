"""What the engine owns: configuration, health, what is served, and who is waiting to hear of it."""

from .callers import (
    Counter,
    Job,
    Session,
    Task,
)
from .messages import (
    Contact,
    Notification,
)
from .services import (
    CODE_LENGTH,
    IN_MEMORY,
    REGION_REMOVED,
    UNKNOWN,
    AddressState,
    Health,
    RegionState,
    ResponseRecord,
    Service,
    Site,
    Zone,
)

__all__ = [
    "AddressState",
    "CODE_LENGTH",
    "Contact",
    "Counter",
    "Health",
    "IN_MEMORY",
    "Job",
    "Notification",
    "REGION_REMOVED",
    "RegionState",
    "ResponseRecord",
    "Service",
    "Session",
    "Site",
    "Task",
    "UNKNOWN",
    "Zone",
]
