"""Many services with what is observed of them, as JSON text: what `observe` gives, rendered.

A list of a thousand services is twenty thousand pool entries. What is configured changes seldom,
so its text is kept, with gaps that only have to be filled in.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from json.encoder import encode_basestring_ascii as quoted

from rttm.core import wire
from rttm.core.eligibility import effective, worst
from rttm.core.schema import LogEntry, Region, ServiceKey
from rttm.core.schema import Service as ServiceValue
from rttm.core.terms import ServeMode
from rttm.core.wire.render import render_log
from rttm.engine import tasks
from rttm.engine.models import (
    IN_MEMORY,
    UNKNOWN,
    AddressState,
    Health,
    RegionState,
    Service,
)
from rttm.engine.newest import Newest

from .observed import observe, said

GAP = "\0"  # in no configured text
GAP_TEXT = json.dumps(GAP)
NO_TIME = 987_654_321  # stands where a number has to: %d cannot be written as JSON
LOG_GAP = (LogEntry(GAP, GAP, GAP, NO_TIME),)
LOG_TEXT = json.dumps([render_log(entry) for entry in LOG_GAP])
# To be filled with site code, status, message and time; all but the last are quoted already.
LOG_FORMAT = LOG_TEXT[1:-1].replace(GAP_TEXT, "%s").replace(str(NO_TIME), "%d")

Places = tuple[str, tuple[tuple[str, bool], ...]]  # region code; addresses, with mode remove


@dataclass(frozen=True, slots=True)
class Template:
    """A service's JSON around its gaps, which are in this order:

    its status; then for each region the status and the log of each entry, and its own status.
    """

    pieces: tuple[str, ...]
    regions: tuple[Places, ...]


templates: Newest[ServiceKey, Template] = Newest(IN_MEMORY)


@dataclass(slots=True)
class ObservedTexts:
    """What is observed of one service; logs are JSON lists without their brackets."""

    recovery_delay: int
    regions: dict[str, str] = field(default_factory=dict)  # statuses, by code
    addresses: dict[str, str] = field(default_factory=dict)  # statuses
    logs: dict[str, str] = field(default_factory=dict)  # by address
    waiting: dict[str, str] = field(default_factory=dict)  # logs of those that wait for recover


def details(rows: Sequence[Service]) -> str:
    """A JSON list; a few queries, however many services there are."""
    return f"[{', '.join(_texts(rows))}]"


def detail(row: Service) -> str:
    """One service, as a JSON object."""
    return next(_texts([row]))


def _texts(rows: Sequence[Service]) -> Iterator[str]:
    seen, running = _seen(rows), tasks.unfinished()
    for row in rows:
        yield _told(row) if row.pk in running else _filled(row, seen[row.pk])


def _told(row: Service) -> str:
    """What is being recovered names its tasks: few are, so they need not be fast."""
    return json.dumps(wire.render_service(observe([row])[0]))


def _seen(rows: Sequence[Service]) -> dict[int, ObservedTexts]:
    seen = {row.pk: ObservedTexts(row.value.recovery_delay) for row in rows}
    regions = RegionState.objects.filter(service__in=list(seen))
    for pk, code, status in regions.values_list("service_id", "region_code", "status"):
        seen[pk].regions[code] = status
    states = AddressState.objects.filter(service__in=list(seen))
    for pk, address, status, latched in states.values_list(
        "service_id", "address", "status", "latched"
    ):
        seen[pk].addresses[address] = status
        if latched:
            seen[pk].waiting[address] = ""
    _read_logs(seen)
    return seen


def _read_logs(seen: Mapping[int, ObservedTexts]) -> None:
    healths = Health.objects.filter(service__in=list(seen), ran_at__gt=0).order_by("site_code")
    for pk, address, site, status, message, streak, ran_at in healths.values_list(
        "service_id", "address", "site_code", "status", "message", "streak", "ran_at"
    ):
        of = seen[pk]
        for logs, waits in ((of.logs, False), (of.waiting, True)):
            if waits and address not in logs:
                continue
            text = said(message, streak, of.recovery_delay, waits=waits)
            told = LOG_FORMAT % (quoted(site), quoted(status), quoted(text), ran_at)
            before = logs.get(address)
            logs[address] = f"{before}, {told}" if before else told


def _template(service: ServiceValue) -> Template:
    regions = tuple(effective(region, service) for region in service.region)
    gapped = tuple(
        replace(r, status=GAP, pool=tuple(replace(e, status=GAP, log=LOG_GAP) for e in r.pool))
        for r in regions
    )
    text = json.dumps(wire.render_service(replace(service, region=gapped, status=GAP)))
    pieces = tuple(text.replace(LOG_TEXT, GAP_TEXT).split(GAP_TEXT))
    return Template(pieces, tuple(_places(region) for region in regions))


def _places(region: Region) -> Places:
    return region.region_code, tuple(
        (entry.address, entry.serve_mode == ServeMode.REMOVE) for entry in region.pool
    )


def _filled(row: Service, seen: ObservedTexts) -> str:
    made_of = row.active, row.document
    template = templates.get(row.key, made_of, lambda: _template(row.value))
    statuses = [seen.regions.get(code, UNKNOWN) for code, _ in template.regions]
    fillings = [quoted(worst(statuses) if row.active else UNKNOWN)]
    for status, (_, entries) in zip(statuses, template.regions, strict=True):
        for address, may_wait in entries:
            logs = seen.waiting if may_wait and address in seen.waiting else seen.logs
            fillings.append(quoted(seen.addresses.get(address, UNKNOWN)))
            fillings.append(f"[{logs.get(address, '')}]")
        fillings.append(quoted(status))
    parts = [""] * (len(fillings) + len(template.pieces))
    parts[::2], parts[1::2] = template.pieces, fillings
    return "".join(parts)
