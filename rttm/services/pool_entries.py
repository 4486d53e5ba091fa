"""Add, change and delete pool entries: read afresh, compare, ask, absorb."""

from rttm import sync
from rttm.client import calls
from rttm.core import diff, schema
from rttm.edits import Gone, Origin, Turn, keep_edit, settle_found
from rttm.models import PoolEntry, Region

from .asking import ask_afresh, ask_in_turn, ask_surely, refuse_other_version
from .reading import followed_if_refused, read_anew


def pool_entry_update(
    *, entry: PoolEntry, desired: schema.PoolEntry, seen: int, origin: Origin
) -> None:
    """Ask for what differs from the entry as the editor saw it, at version `seen`.

    The entry is read from the backend first, so that a change made elsewhere since the last sync
    is a Conflict too. The reply, never our request, becomes the mirror.
    """
    region, current = entry.region, entry.value
    key, code, address = region.service.key, region.region_code, current.address
    with keep_edit(origin, region.service, code, address, before=current, after=desired) as turn:
        _refuse_changed(turn, entry, seen)
        wanted = diff.changed(current, desired)
        if not wanted:
            return
        change = calls.pool_entry_update(key, code, address, wanted)
        answer = ask_surely(turn, change, calls.pool_entry(key, code, desired.address), desired)
        with read_anew(region.service):
            sync.absorb_pool_entry(region, answer.value, asked_at=answer.as_of, was=address)


def pool_entry_create(*, region: Region, desired: schema.PoolEntry, origin: Origin) -> None:
    """Add an entry to a region's pool."""
    key, code, address = region.service.key, region.region_code, desired.address
    with keep_edit(origin, region.service, code, address, after=desired) as turn:
        change = calls.pool_entry_create(key, code, desired)
        answer = ask_surely(turn, change, calls.pool_entry(key, code, address), desired)
        with read_anew(region.service):
            sync.absorb_pool_entry(region, answer.value, asked_at=answer.as_of)


def pool_entry_delete(*, entry: PoolEntry, seen: int, origin: Origin) -> None:
    """Delete an entry that is still as the person who confirmed it saw it."""
    region, address = entry.region, entry.address
    key, code = region.service.key, region.region_code
    with keep_edit(origin, region.service, code, address, before=entry.value) as turn:
        _refuse_changed(turn, entry, seen)
        answer = ask_in_turn(turn, calls.pool_entry_delete(key, code, address))
        with read_anew(region.service):
            sync.absorb_pool_entry_gone(region, address, asked_at=answer.as_of)


def _refuse_changed(turn: Turn, entry: PoolEntry, seen: int) -> None:
    """Absorb the entry as the backend has it now; a Conflict when it is not at `seen`."""
    region, address = entry.region, entry.address
    now = ask_afresh(calls.pool_entry(region.service.key, region.region_code, address))
    if now.value is None:
        with read_anew(region.service):
            sync.absorb_pool_entry_gone(region, address, asked_at=now.asked_at)
        settle_found(turn.edit)
        raise Gone
    sync.absorb_pool_entry(region, now.value, asked_at=now.asked_at)
    settle_found(turn.edit)
    with followed_if_refused(region.service):
        refuse_other_version(entry, seen)
