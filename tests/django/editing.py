"""An edit of a pool entry as a person saves it, and what is kept of it."""

from dataclasses import replace

from django.utils import timezone

from rttm import services
from rttm.edits import Origin, turns
from rttm.models import Edit, PoolEntry, Service


def update(entry: PoolEntry, by: Origin, **changes) -> None:
    desired = replace(entry.value, **changes)
    services.pool_entry_update(entry=entry, desired=desired, seen=entry.version, origin=by)


def the_edit() -> Edit:
    return Edit.objects.get()


def under_way(row: Service, by: Origin, **columns) -> Edit:
    """An edit in another process, which has yet to hear of its outcome: weight 1 becomes 5."""
    named = {"verb": "update", "region_code": "global", "address": "192.0.2.1"}
    named |= {"before": {"weight": 1}, "after": {"weight": 5}}
    lease = {"turn_until": timezone.now() + turns.LEASE}
    named |= {"service": row, "fqdn": row.fqdn} | by.columns | lease
    return Edit.objects.create(**named | columns)


def lost(row: Service, by: Origin, **columns) -> Edit:
    """The same edit when its answer got lost a moment ago."""
    now = timezone.now()
    ended = {"outcome": "unknown", "sent_at": now, "finished_at": now}
    return under_way(row, by, **ended | columns)
