"""Zone: list, read and create. Nothing else of zones is offered: this is no DNS host."""

from rttm.core import rules
from rttm.core.wire import JSON, name
from rttm.engine import store
from rttm.engine.models import Zone

from .envelope import Answer, Message, exists, not_found, refuse
from .request import Request, optional_flag


def list_all(request: Request) -> Answer:
    found = store.zones()
    told = (Message(f"get: Your {len(found)} zones"),)
    if optional_flag(request.args, "detail"):
        return Answer([_render(zone) for zone in found], told)
    return Answer([f"/REST/Zone/{zone.name}/" for zone in found], told)


def read(request: Request, zone_name: str) -> Answer:
    zone = known(zone_name)
    return Answer(_render(zone), (Message(f"get: Your zone, {zone.name}"),))


def create(request: Request, zone_name: str) -> Answer:
    wanted = name(zone_name)
    refuse([problem for problem in rules.check_key(wanted, wanted) if problem.field == "zone"])
    zone, is_new = store.create_zone(wanted)
    if not is_new:
        raise exists("name: Name already exists", closing="create: You already have this zone.")
    text = f"create: New zone {zone.name} created.  Publish it to put it on our server."
    return Answer(_render(zone), (Message(text),))


def known(zone_name: str) -> Zone:
    zone = store.find_zone(name(zone_name))
    if zone is None:
        raise not_found("zone: No such zone", source="API-B")
    return zone


def _render(zone: Zone) -> JSON:
    return {
        "zone": zone.name, "zone_type": "Primary", "serial": zone.serial,
        "serial_style": "increment",
    }  # fmt: skip
