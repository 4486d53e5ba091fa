"""Add, change and delete regions: read afresh, compare, ask, absorb."""

from django.utils import timezone

from rttm import sync
from rttm.backend import Answer, ask, found_out
from rttm.client import Call, Rejected, Unavailable, calls
from rttm.core import diff, schema
from rttm.edits import Conflict, Gone, Origin, kept
from rttm.models import Edit, Region, Service

from .mirror import answers_refresh_soon


def region_update(*, region: Region, desired: schema.Region, seen: int, origin: Origin) -> None:
    """Ask for what differs from the region's settings as the editor saw them, at `seen`."""
    service, current = region.service, region.value
    with kept(origin, service, Edit.Verb.UPDATE, current, desired, region.region_code):
        _unchanged_since(region, seen)
        wanted = diff.changed(current, desired)
        if not wanted:
            return
        call = calls.region_update(service.key, region.region_code, wanted)
        answer = _sure(call, service, desired)
        sync.absorb_region(service, answer.value, asked_at=answer.asked_at)
    answers_refresh_soon(service=service)


def region_create(*, service: Service, desired: schema.Region, origin: Origin) -> None:
    """Add a region with its first pool entries, or filled from the global one."""
    with kept(origin, service, Edit.Verb.CREATE, None, desired, desired.region_code):
        answer = _sure(calls.region_create(service.key, desired), service, desired)
        sync.absorb_region(service, answer.value, asked_at=answer.asked_at)
    answers_refresh_soon(service=service)


def region_delete(*, region: Region, seen: int, origin: Origin) -> None:
    """Delete a region that is still as the person who confirmed it saw it."""
    service, code = region.service, region.region_code
    with kept(origin, service, Edit.Verb.DELETE, region.value, None, code):
        _unchanged_since(region, seen)
        answer = ask(calls.region_delete(service.key, code))
        sync.absorb_region_gone(service, code, asked_at=answer.asked_at)
    answers_refresh_soon(service=service)


def _unchanged_since(region: Region, seen: int) -> None:
    """Absorb the region as the backend has it now; a Conflict when it is not at `seen`."""
    asked_at = timezone.now()
    try:
        answer = ask(calls.region(region.service.key, region.region_code))
    except Rejected as error:
        if error.not_found:
            sync.absorb_region_gone(region.service, region.region_code, asked_at=asked_at)
            raise Gone from error
        raise
    sync.absorb_region(region.service, answer.value, asked_at=answer.asked_at)
    region.refresh_from_db()
    if region.version != seen:
        raise Conflict


def _sure(
    call: Call[schema.Region], service: Service, desired: schema.Region
) -> Answer[schema.Region]:
    """The answer; when it got lost after sending, whether the region is as desired all the same."""
    try:
        return ask(call)
    except Unavailable as error:
        if not error.sent:
            raise
        found = found_out(calls.region(service.key, desired.region_code), error)
        if diff.changed(found.value, desired):
            raise
        return found
