"""RTTMRegion: list, read, create, change and delete the regions of a service."""

from dataclasses import replace
from urllib.parse import quote

from rttm.core import rules, wire
from rttm.core.schema import Region
from rttm.core.schema import Service as ServiceValue
from rttm.core.terms import RegionCode
from rttm.core.wire import JSON
from rttm.engine import store

from . import services, wanted
from .envelope import Answer, Message, exists, forbid, not_found, refuse
from .request import Request, optional_flag

PATH = "/REST/RTTMRegion"
IGNORED = Message(
    "autopopulate: The region is filled from global, so its other options are ignored",
    level="WARN",
)


def list_all(request: Request, zone_name: str, fqdn: str) -> Answer:
    service = services.observed(services.found(zone_name, fqdn))
    told = (Message(f"get: Found {len(service.region)} regions"),)
    if optional_flag(request.args, "detail"):
        return Answer([_render(region, service) for region in service.region], told)
    paths = [
        f"{PATH}/{service.zone}/{service.fqdn}/{quote(region.region_code)}/"
        for region in service.region
    ]
    return Answer(paths, told)


def read(request: Request, zone_name: str, fqdn: str, code: str) -> Answer:
    service = services.observed(services.found(zone_name, fqdn))
    return Answer(_render(known(service, code), service), (Message("get: Here is your region"),))


def known(service: ServiceValue, code: str) -> Region:
    region = service.at(code)
    if region is None:
        raise not_found("region_code: No such region in this service")
    return region


def create(request: Request, zone_name: str, fqdn: str) -> Answer:
    row = services.held(zone_name, fqdn)
    service = row.value
    region, problems = wanted.region_from(request.args, service)
    if service.at(region.region_code):
        raise exists("region_code: The service has this region already")
    refuse(problems)
    whole = replace(service, region=tuple(sorted((*service.region, region), key=_place)))
    store.change(row, whole, now=request.now, user_name=request.user_name)
    after = services.observed(row)
    told = Message("add: Region added"), *_remarks(region, request.args)
    return Answer(_render(known(after, region.region_code), after), told)


def _place(region: Region) -> int:
    """Regions are kept in the order every page shows them."""
    return list(RegionCode).index(RegionCode(region.region_code))


def change(request: Request, zone_name: str, fqdn: str, code: str) -> Answer:
    row = services.held(zone_name, fqdn)
    service = row.value
    region, problems = wanted.region_over(request.args, known(service, code), service)
    refuse(problems)
    store.change(row, replaced(service, region), now=request.now, user_name=request.user_name)
    after = services.observed(row)
    told = services.UPDATED, *_remarks(region, request.args)
    return Answer(_render(known(after, code), after), told)


def replaced(service: ServiceValue, region: Region) -> ServiceValue:
    """The service with another region in place of the one with its code."""
    regions = tuple(region if r.region_code == region.region_code else r for r in service.region)
    return replace(service, region=regions)


def _remarks(region: Region, args: JSON) -> list[Message]:
    if region.autopopulate:
        options = set(wire.render_region(region, observed=False)) - set(wanted.OBEYED)
        return [IGNORED] if options & set(args) else []
    return [
        Message(f"{problem.field}: {problem.message}", level="WARN")
        for problem in rules.warn_region(region)
    ]


def delete(request: Request, zone_name: str, fqdn: str, code: str) -> Answer:
    row = services.held(zone_name, fqdn)
    service = row.value
    gone = known(service, code)
    forbid(rules.check_region_delete(service, gone.region_code))
    rest = tuple(region for region in service.region if region is not gone)
    whole = replace(service, region=rest)
    store.change(row, whole, now=request.now, user_name=request.user_name)
    return Answer({}, (Message("delete: Region deleted"),))


def _render(region: Region, service: ServiceValue) -> JSON:
    data = {**wire.render_region(region), "task_id": region.task_id}
    return services.located(data, service)
