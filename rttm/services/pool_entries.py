"""Add, change and delete pool entries: read afresh, compare, ask, absorb."""

from contextlib import AbstractContextManager

from django.utils import timezone

from rttm import sync
from rttm.backend import Answer, ask, found_out
from rttm.client import Call, Rejected, Unavailable, calls
from rttm.core import diff, schema
from rttm.edits import Conflict, Gone, Origin, kept
from rttm.models import Edit, PoolEntry, Region

from .mirror import answers_refresh_soon


def pool_entry_update(
    *, entry: PoolEntry, desired: schema.PoolEntry, seen: int, origin: Origin
) -> None:
    """Ask for what differs from the entry as the editor saw it, at version `seen`.

    The entry is read from the backend first, so that a change made elsewhere since the last sync
    is a Conflict too. The reply, never our request, becomes the mirror.
    """
    region, current = entry.region, entry.value
    with _kept(origin, region, Edit.Verb.UPDATE, current, desired):
        _unchanged_since(entry, seen)
        wanted = diff.changed(current, desired)
        if not wanted:
            return
        key, code = region.service.key, region.region_code
        answer = _sure(calls.pool_entry_update(key, code, current.address, wanted), region, desired)
        sync.absorb_pool_entry(region, answer.value, asked_at=answer.asked_at, was=current.address)
    answers_refresh_soon(service=region.service)


def pool_entry_create(*, region: Region, desired: schema.PoolEntry, origin: Origin) -> None:
    """Add an entry to a region's pool."""
    with _kept(origin, region, Edit.Verb.CREATE, None, desired):
        call = calls.pool_entry_create(region.service.key, region.region_code, desired)
        answer = _sure(call, region, desired)
        sync.absorb_pool_entry(region, answer.value, asked_at=answer.asked_at)
    answers_refresh_soon(service=region.service)


def pool_entry_delete(*, entry: PoolEntry, seen: int, origin: Origin) -> None:
    """Delete an entry that is still as the person who confirmed it saw it."""
    region, address = entry.region, entry.address
    with _kept(origin, region, Edit.Verb.DELETE, entry.value, None):
        _unchanged_since(entry, seen)
        answer = ask(calls.pool_entry_delete(region.service.key, region.region_code, address))
        sync.absorb_pool_entry_gone(region, address, asked_at=answer.asked_at)
    answers_refresh_soon(service=region.service)


def _kept(
    origin: Origin,
    region: Region,
    verb: str,
    before: schema.PoolEntry | None,
    after: schema.PoolEntry | None,
) -> AbstractContextManager[Edit]:
    address = (before or after or schema.PoolEntry("")).address
    return kept(origin, region.service, verb, before, after, region.region_code, address=address)


def _unchanged_since(entry: PoolEntry, seen: int) -> None:
    """Absorb the entry as the backend has it now; a Conflict when it is not at `seen`."""
    region, asked_at = entry.region, timezone.now()
    call = calls.pool_entry(region.service.key, region.region_code, entry.address)
    try:
        answer = ask(call)
    except Rejected as error:
        if error.not_found:
            sync.absorb_pool_entry_gone(region, entry.address, asked_at=asked_at)
            raise Gone from error
        raise
    sync.absorb_pool_entry(region, answer.value, asked_at=answer.asked_at)
    entry.refresh_from_db()
    if entry.version != seen:
        raise Conflict


def _sure(
    call: Call[schema.PoolEntry], region: Region, desired: schema.PoolEntry
) -> Answer[schema.PoolEntry]:
    """The answer; when it got lost after sending, whether the entry is as desired all the same."""
    try:
        return ask(call)
    except Unavailable as error:
        if not error.sent:
            raise
        lookup = calls.pool_entry(region.service.key, region.region_code, desired.address)
        found = found_out(lookup, error)
        if diff.changed(found.value, desired):
            raise
        return found
