"""RTTMRegionPoolEntry: list, read, create, change and delete the addresses of a region."""

from dataclasses import replace
from urllib.parse import quote

from rttm.core import rules, wire
from rttm.core.rules import Problem
from rttm.core.schema import PoolEntry, Region
from rttm.core.schema import Service as ServiceValue
from rttm.core.wire import JSON, name
from rttm.engine import store
from rttm.engine.models import Service

from . import regions, services
from .envelope import Answer, Message, forbid, not_found, refuse
from .request import Request, optional_flag

PATH = "/REST/RTTMRegionPoolEntry"


def list_all(request: Request, zone_name: str, fqdn: str, code: str) -> Answer:
    service = services.observed(services.found(zone_name, fqdn))
    region = regions.known(service, code)
    told = (Message(f"get: Found {len(region.pool)} pool entries"),)
    if optional_flag(request.args, "detail"):
        return Answer([_render(entry, region, service) for entry in region.pool], told)
    base = f"{PATH}/{service.zone}/{service.fqdn}/{quote(region.region_code)}"
    return Answer([f"{base}/{entry.address}/" for entry in region.pool], told)


def read(request: Request, zone_name: str, fqdn: str, code: str, address: str) -> Answer:
    row = services.found(zone_name, fqdn)
    return _answer(row, code, name(address), Message("get: Here is your pool entry"))


def create(request: Request, zone_name: str, fqdn: str, code: str) -> Answer:
    row, region = _editable(zone_name, fqdn, code)
    entry, problems = wire.read_pool_entry(request.args)
    _check(entry, problems, region.pool, row.fqdn, called="address")
    _put(request, row, replace(region, pool=(*region.pool, entry)))
    return _answer(row, code, entry.address, Message("add: Pool entry added"))


def change(request: Request, zone_name: str, fqdn: str, code: str, address: str) -> Answer:
    row, region = _editable(zone_name, fqdn, code)
    present = _known(region, address)
    entry, problems = wire.read_pool_entry(request.args, present)
    others = tuple(other for other in region.pool if other is not present)
    _check(entry, problems, others, row.fqdn, called="new_address")
    pool = tuple(entry if other is present else other for other in region.pool)
    _put(request, row, replace(region, pool=pool))
    return _answer(row, code, entry.address, services.UPDATED)


def delete(request: Request, zone_name: str, fqdn: str, code: str, address: str) -> Answer:
    row, region = _editable(zone_name, fqdn, code)
    gone = _known(region, address)
    forbid(rules.check_pool_entry_delete(region))
    _put(request, row, replace(region, pool=tuple(e for e in region.pool if e is not gone)))
    return Answer({}, (Message("delete: Pool entry deleted"),))


def _editable(zone_name: str, fqdn: str, code: str) -> tuple[Service, Region]:
    row = services.held(zone_name, fqdn)
    region = regions.known(row.value, code)
    forbid(rules.check_pool_editable(region))
    return row, region


def _known(region: Region, address: str) -> PoolEntry:
    entry = region.entry(name(address))
    if entry is None:
        raise not_found("address: No such address in this region")
    return entry


def _check(
    entry: PoolEntry,
    problems: list[Problem],
    others: tuple[PoolEntry, ...],
    fqdn: str,
    *,
    called: str,
) -> None:
    """Its address is `called` differently where it may change."""
    unread = {problem.field for problem in problems}
    addresses = [other.address for other in others]
    broken = [
        replace(problem, field=called) if problem.field == "address" else problem
        for problem in rules.check_pool_entry(entry, addresses, fqdn=fqdn)
    ]
    refuse(problems + [problem for problem in broken if problem.field not in unread])


def _put(request: Request, row: Service, region: Region) -> None:
    whole = regions.replaced(row.value, region)
    store.change(row, whole, now=request.now, user_name=request.user_name)


def _answer(row: Service, code: str, address: str, told: Message) -> Answer:
    service = services.observed(row)
    region = regions.known(service, code)
    return Answer(_render(_known(region, address), region, service), (told,))


def _render(entry: PoolEntry, region: Region, service: ServiceValue) -> JSON:
    data = {**wire.render_pool_entry(entry), "task_id": entry.task_id}
    return services.located(data, service, region_code=region.region_code)
