"""Every endpoint of the engine's API, described: its names, its fields, a call that succeeds."""

from copy import deepcopy
from typing import Any, NamedTuple

from tests import fields
from tests.engine_client import NAMES, NOW
from tests.fields import EXISTS, UNKNOWN, Example, Field
from tests.objects import (
    ASIA,
    CODES_IN_A_LIST,
    CODES_OF_A_NEW_ONE,
    FQDN,
    GLOBAL,
    HEALTH,
    NO_CODES,
    ONE_OF_TWO,
    PERFORMANCE,
    POOL,
    SERVICE,
    SERVICE_FIELDS,
    US_EAST,
    ZONE,
    entry_fields,
    region_fields,
)

LATEST = int(NOW) + 86_400  # of times in reports: clients' clocks differ
OBJECTS = {"RTTM", "RTTMRegion", "RTTMRegionPoolEntry"}
IN_THE_REGION = "region[Asia]."
IN_THE_POOL = "pool[192.0.2.3]."


class Place(NamedTuple):
    """An object in the arguments of a call, whose fields can be anything."""

    fields: list[Field]
    args: dict[str, Any] = {}  # of a call that succeeds
    way: tuple[str | int, ...] = ()  # from the arguments to the object
    label: str = ""  # how messages say where it is

    def call(self, values: dict[str, Any]) -> dict[str, Any]:
        """The arguments with these in the object."""
        args = deepcopy(self.args)
        self.inside(args).update(values)
        return args

    @property
    def together(self) -> list[Field]:
        """What each of these takes does not depend on the others."""
        return [field for field in self.fields if not field.is_alone]

    def without(self, name: str) -> dict[str, Any]:
        args = deepcopy(self.args)
        del self.inside(args)[name]
        return args

    def inside(self, whole: Any) -> Any:
        """The object itself, in arguments or in an answer."""
        for step in self.way:
            whole = whole[step]
        return whole


class Endpoint(NamedTuple):
    """A method of a resource. `names` follow in the path, of something that is there."""

    method: str
    resource: str  # as Dyn spells it
    names: tuple[str, ...] = ()
    places: tuple[Place, ...] = ()  # without any, arguments are ignored
    is_new: bool = False  # its last name is that of something not there yet

    @property
    def sets_an_object(self) -> bool:
        """Creates or changes a service, a region or a pool entry."""
        return self.method in ("POST", "PUT") and self.resource in OBJECTS

    @property
    def path(self) -> str:
        return "/".join([self.resource, *self.names])

    @property
    def args(self) -> dict[str, Any]:
        """Of a call that succeeds."""
        return deepcopy(self.places[0].args) if self.places else {}


def _service_places(*, is_new: bool) -> tuple[Place, ...]:
    """A change names single fields; only its lists have to be whole."""
    whole = SERVICE if is_new else {}
    one = [GLOBAL, ASIA] if is_new else [{"region_code": "global"}, ASIA]
    health, performance = SERVICE["monitor"], SERVICE["performance_monitor"]
    entries = entry_fields("address", ONE_OF_TWO)
    regions = {**whole, "region": one}
    return (
        Place(SERVICE_FIELDS, whole),
        Place(HEALTH, {**whole, "monitor": health if is_new else {}}, ("monitor",), "monitor."),
        Place(
            PERFORMANCE, {**whole, "performance_monitor": performance if is_new else {}},
            ("performance_monitor",), "performance_monitor.",
        ),
        Place(
            [*region_fields(CODES_IN_A_LIST, "Asia"), POOL],
            regions, ("region", 1), IN_THE_REGION,
        ),
        Place(entries, regions, ("region", 1, "pool", 0), IN_THE_REGION + IN_THE_POOL),
    )  # fmt: skip


def _region_places(codes: list[Example], region: dict[str, Any], own: str) -> tuple[Place, ...]:
    pool = {**region, "pool": ASIA["pool"]}
    return (
        Place([*region_fields(codes, own), POOL], region),
        Place(entry_fields("address", ONE_OF_TWO), pool, ("pool", 0), IN_THE_POOL),
    )


OWN_CODE = [*fields.taken("Asia"), *fields.refused(["global", "US East", "asia"]), *NO_CODES]
NEW_REGION = _region_places(CODES_OF_A_NEW_ONE, US_EAST, "US East")
A_REGION = _region_places(OWN_CODE, {}, "Asia")
OWN_ADDRESS = [
    *fields.taken("192.0.2.3"),
    Example(" 192.0.2.3. ", "192.0.2.3"),
    *fields.refused(["192.0.2.4", "192.0.2.7", *fields.NO_ADDRESSES, *fields.NONSENSE]),
]
NEW_ENTRY = entry_fields("address", ("192.0.2.3", *ONE_OF_TWO), EXISTS)
NEW_ADDRESSES = [e for e in entry_fields("new_address", ONE_OF_TWO, EXISTS)[0].examples if e.sent]
RENAMED = [
    Field("address", OWN_ADDRESS),
    Field("new_address", [*NEW_ADDRESSES, Example(None, "192.0.2.3"), Example("", "192.0.2.3")]),
]
LISTS = (Place([Field("detail", fields.detail())]),)
SESSION_TEXTS = [
    *fields.refused([None, ""], fields.MISSING),
    *fields.refused([5, 10**30, True, ["acme"], *fields.NONSENSE]),
    *fields.refused(["x", " acme", "\u2603", "a" * 5000], field="login"),
]
LOG_IN = [
    Field(name, [*fields.taken(word), *SESSION_TEXTS], is_required=True)
    for name, word in NAMES.items()
]


def _key_fields() -> list[Field]:
    """Of a report: the names come among its arguments."""
    return [
        Field(
            name,
            [
                *(Example(form, own) for form in (own, own.upper(), f"{own}.", f" {own} ")),
                *fields.refused([f"{own}..", "x", "\u2603", "a" * 5000], UNKNOWN),
                *(e for e in fields.required_text(()) if e.code),
            ],
            is_required=True,
        )
        for name, own in (("zone", ZONE), ("fqdn", FQDN))
    ]


def _report(**times: int) -> tuple[Place, ...]:
    args = {"zone": ZONE, "fqdn": FQDN, **times}
    read = [Field(name, fields.time(LATEST), is_required=True) for name in times]
    if "end_ts" in times:  # the span is whole for each example of one of the two
        read = [field._replace(beside=_span(field.name)) for field in read]
    return (Place([*_key_fields(), *read], args),)


def _span(name: str) -> dict[str, int]:
    return {"end_ts": LATEST} if name == "start_ts" else {"start_ts": 0}


TASK_FILTERS = [
    Field("name", fields.any_text()),
    Field("zone_name", fields.any_text()),
    Field("status", [e for e in fields.choice(["done", "notdone"]) if e.sent not in ("", None)]),
]
SEVERAL = ("example.com", "www.example.com", "Asia", "192.0.2.3")
NEW_FQDN = (ZONE, "new.example.com")

ENDPOINTS = (
    Endpoint("POST", "Session", (), (Place(LOG_IN, dict(NAMES)),)),
    Endpoint("GET", "Session"),
    Endpoint("PUT", "Session"),
    Endpoint("DELETE", "Session"),
    Endpoint("GET", "Job", ("1",)),
    Endpoint("GET", "Task", (), (Place(TASK_FILTERS),)),
    Endpoint("GET", "Task", ("1",)),
    Endpoint("DELETE", "Task", ("1",)),
    Endpoint("GET", "Contact", (), LISTS),
    Endpoint("GET", "Contact", ("owner",)),
    Endpoint("GET", "Zone", (), LISTS),
    Endpoint("GET", "Zone", SEVERAL[:1]),
    Endpoint("POST", "Zone", ("example.org",), is_new=True),
    Endpoint("GET", "RTTM", SEVERAL[:1], LISTS),
    Endpoint("GET", "RTTM", SEVERAL[:2]),
    Endpoint("POST", "RTTM", NEW_FQDN, _service_places(is_new=True), is_new=True),
    Endpoint("PUT", "RTTM", SEVERAL[:2], _service_places(is_new=False)),
    Endpoint("DELETE", "RTTM", SEVERAL[:2]),
    Endpoint("GET", "RTTMRegion", SEVERAL[:2], LISTS),
    Endpoint("POST", "RTTMRegion", SEVERAL[:2], NEW_REGION),
    Endpoint("GET", "RTTMRegion", SEVERAL[:3]),
    Endpoint("PUT", "RTTMRegion", SEVERAL[:3], A_REGION),
    Endpoint("DELETE", "RTTMRegion", SEVERAL[:3]),
    Endpoint("GET", "RTTMRegionPoolEntry", SEVERAL[:3], LISTS),
    Endpoint(
        "POST", "RTTMRegionPoolEntry", SEVERAL[:3],
        (Place(NEW_ENTRY, {"address": "192.0.2.5"}),),
    ),
    Endpoint("GET", "RTTMRegionPoolEntry", SEVERAL),
    Endpoint(
        "PUT", "RTTMRegionPoolEntry", SEVERAL,
        (Place([*entry_fields("address", ONE_OF_TWO)[1:], *RENAMED]),),
    ),
    Endpoint("DELETE", "RTTMRegionPoolEntry", SEVERAL),
    Endpoint("POST", "RTTMLogReport", (), _report(start_ts=0, end_ts=int(NOW))),
    Endpoint("POST", "RTTMRRSetReport", (), _report(ts=int(NOW))),
)  # fmt: skip
