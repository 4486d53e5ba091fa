"""RTTM: list, read, create, change and delete services, and the actions on them."""

from collections.abc import Callable
from dataclasses import replace

from django.conf import settings
from django.db import IntegrityError

from rttm.core import rules, wire
from rttm.core.schema import Service as ServiceValue
from rttm.core.wire import JSON, name
from rttm.engine import store
from rttm.engine.models import Service, Zone

from . import contacts, recovery, wanted, zones
from .envelope import Answer, Message, Text, exists, invalid, not_found, refuse
from .request import Request, optional_flag

UPDATED = Message("update: Update successful")


def list_all(request: Request, zone_name: str) -> Answer:
    """The capital letters of its message, and the plural in that of `read`, are Dyn's."""
    rows = store.in_zone(zones.known(zone_name))
    told = (Message(f"GET: Found {len(rows)} services"),)
    if optional_flag(request.args, "detail"):
        return Answer(Text(store.details(rows)), told)
    return Answer([f"/REST/RTTM/{row.zone.name}/{row.fqdn}/" for row in rows], told)


def read(request: Request, zone_name: str, fqdn: str) -> Answer:
    row = found(zone_name, fqdn)
    return Answer(Text(store.detail(row)), (Message("get: Here are your services"),))


def found(zone_name: str, fqdn: str) -> Service:
    return _known(store.find(name(zone_name), name(fqdn)), zone_name)


def held(zone_name: str, fqdn: str) -> Service:
    """The service, to be changed within this call's transaction."""
    return _known(store.hold(name(zone_name), name(fqdn)), zone_name)


def _known(row: Service | None, zone_name: str) -> Service:
    if row is None:
        zones.known(zone_name)
        raise not_found("fqdn: No such service")
    return row


def observed(row: Service) -> ServiceValue:
    return store.observe([row])[0]


def _answer(row: Service, *told: Message) -> Answer:
    return Answer(wire.render_service(observed(row)), told)


def create(request: Request, zone_name: str, fqdn: str) -> Answer:
    key = name(zone_name), name(fqdn)
    refuse(rules.check_key(*key))
    zone = _zone(key[0])
    if store.find(*key):
        raise exists("fqdn: There is a service at this node already")
    service, problems = wanted.service_from(request.args, *key)
    refuse(problems)
    try:
        row = store.create(zone, service, now=request.now, user_name=request.user_name)
    except IntegrityError:  # another process was faster
        raise exists("fqdn: There is a service at this node already") from None
    told = Message("add_node: New node added to zone"), Message("add: Service added")
    return _answer(row, *told, *_warnings(service))


def _zone(zone_name: str) -> Zone:
    """With the setting off, a zone has to be there before its services, as at Dyn."""
    if settings.ENGINE_CREATE_ZONES:
        return store.create_zone(zone_name)[0]
    return zones.known(zone_name)


def _warnings(service: ServiceValue) -> list[Message]:
    of_regions = [
        Message(f"region[{region.region_code}].{problem.field}: {problem.message}", level="WARN")
        for region in service.region
        for problem in rules.warn_region(region)
    ]
    return [*contacts.warnings(service.contact_nickname), *of_regions]


def change(request: Request, zone_name: str, fqdn: str) -> Answer:
    """Any subset of the configuration, or one action."""
    row = held(zone_name, fqdn)
    asked = [action for action in ACTIONS if recovery.is_asked(action, request.args.get(action))]
    if not asked:
        return _configure(request, row)
    if asked == ["recover", "recoverip"]:
        asked = ["recoverip"]  # the SDK sends both; the address is the more specific order
    if len(asked) > 1 or wanted.has_changes(request.args):
        raise invalid(f"{asked[0]}: An action comes alone in a call")
    return ACTIONS[asked[0]](request, row)


def _configure(request: Request, row: Service) -> Answer:
    service, problems = wanted.service_over(request.args, row.value)
    refuse(problems)
    store.change(row, service, now=request.now, user_name=request.user_name)
    return _answer(row, UPDATED, *_warnings(service))


def _activate(request: Request, row: Service) -> Answer:
    if row.active:
        return _answer(row, Message("activate: Service is active already"))
    store.activate(row, now=request.now, user_name=request.user_name)
    return _answer(row, Message("activate: Service activated"))


def _deactivate(request: Request, row: Service) -> Answer:
    if not row.active:
        return _answer(row, Message("deactivate: Service is inactive already"))
    store.deactivate(row, now=request.now, user_name=request.user_name)
    return _answer(row, Message("deactivate: Service deactivated"))


def _recover(request: Request, row: Service) -> Answer:
    if "address" in request.args:
        raise invalid("address: An address is for recoverip; recover is for the whole service")
    done = store.recover(row, now=request.now, user_name=request.user_name)
    service = _recovered(row, done)
    return Answer(wire.render_service(service), recovery.of_service(done, service))


def _recover_address(request: Request, row: Service) -> Answer:
    address = recovery.address_of(request, row)
    done = store.recover_address(row, address, now=request.now, user_name=request.user_name)
    service = _recovered(row, done)
    return Answer(wire.render_service(service), recovery.of_address(address, done, service))


def _recovered(row: Service, done: store.Recovered) -> ServiceValue:
    """With its task, also when that waits for nothing."""
    return replace(observed(row), task_id=done.task_id)


ACTIONS: dict[str, Callable[[Request, Service], Answer]] = {
    "activate": _activate,
    "deactivate": _deactivate,
    "recover": _recover,
    "recoverip": _recover_address,
}


def delete(request: Request, zone_name: str, fqdn: str) -> Answer:
    row = held(zone_name, fqdn)
    store.delete(row, now=request.now, user_name=request.user_name)
    return Answer({}, (Message("delete: Service deleted"),))


def located(data: JSON, service: ServiceValue, **more: str) -> JSON:
    """Regions and pool entries that are answered alone say where they belong."""
    return {"zone": service.zone, "fqdn": service.fqdn, **more, **data}
