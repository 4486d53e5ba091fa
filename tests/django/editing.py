"""An edit of a pool entry as a person saves it, and what is kept of it."""

from dataclasses import replace

from rttm import services
from rttm.edits import Origin
from rttm.models import Edit, PoolEntry


def update(entry: PoolEntry, by: Origin, **changes) -> None:
    desired = replace(entry.value, **changes)
    services.pool_entry_update(entry=entry, desired=desired, seen=entry.version, origin=by)


def the_edit() -> Edit:
    return Edit.objects.get()
