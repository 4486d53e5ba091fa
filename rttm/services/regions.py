"""Add, change and delete regions: read afresh, compare, ask, absorb."""

from rttm import sync
from rttm.client import calls
from rttm.core import diff, schema
from rttm.edits import Gone, Origin, Turn, keep_edit, settle_found
from rttm.models import Region, Service

from .asking import ask_afresh, ask_in_turn, ask_surely, refuse_other_version
from .reading import followed_if_refused, read_anew


def region_update(*, region: Region, desired: schema.Region, seen: int, origin: Origin) -> None:
    """Ask for what differs from the region's settings as the editor saw them, at version `seen`."""
    service, code, current = region.service, region.region_code, region.value
    with keep_edit(origin, service, code, before=current, after=desired) as turn:
        _refuse_changed(turn, region, seen)
        wanted = diff.changed(current, desired)
        if not wanted:
            return
        change = calls.region_update(service.key, code, wanted)
        answer = ask_surely(turn, change, calls.region(service.key, code), desired)
        with read_anew(service):
            sync.absorb_region(service, answer.value, asked_at=answer.as_of)


def region_create(*, service: Service, desired: schema.Region, origin: Origin) -> None:
    """Add a region with its first pool entries, or filled from the global one."""
    code = desired.region_code
    with keep_edit(origin, service, code, after=desired) as turn:
        change = calls.region_create(service.key, desired)
        answer = ask_surely(turn, change, calls.region(service.key, code), desired)
        with read_anew(service):
            sync.absorb_region(service, answer.value, asked_at=answer.as_of)


def region_delete(*, region: Region, seen: int, origin: Origin) -> None:
    """Delete a region that is still as the person who confirmed it saw it."""
    service, code = region.service, region.region_code
    with keep_edit(origin, service, code, before=region.value) as turn:
        _refuse_changed(turn, region, seen)
        answer = ask_in_turn(turn, calls.region_delete(service.key, code))
        with read_anew(service):
            sync.absorb_region_gone(service, code, asked_at=answer.as_of)


def _refuse_changed(turn: Turn, region: Region, seen: int) -> None:
    """Absorb the region as the backend has it now; a Conflict when it is not at `seen`."""
    service, code = region.service, region.region_code
    now = ask_afresh(calls.region(service.key, code))
    if now.value is None:
        with read_anew(service):
            sync.absorb_region_gone(service, code, asked_at=now.asked_at)
        settle_found(turn.edit)
        raise Gone
    sync.absorb_region(service, now.value, asked_at=now.asked_at)
    settle_found(turn.edit)
    with followed_if_refused(service):
        refuse_other_version(region, seen)
