"""Django's models: the mirror of the backend, and our own rows about what people did."""

from .kept import Action, Edit, Kept, LogReport
from .mirror import (
    HealthMonitor,
    LogRecord,
    Mirrored,
    PerformanceMonitor,
    PoolEntry,
    Region,
    Service,
)
from .sync_state import SyncState

__all__ = [
    "Action",
    "Edit",
    "HealthMonitor",
    "Kept",
    "LogRecord",
    "LogReport",
    "Mirrored",
    "PerformanceMonitor",
    "PoolEntry",
    "Region",
    "Service",
    "SyncState",
]
