"""The fields of services, monitors, regions and pool entries: limits as in `rttm.core.rules`."""

from collections.abc import Iterable

from rttm.core import rules
from rttm.core.terms import (
    SYSLOG_FACILITIES,
    NotifyEvent,
    Protocol,
    RegionCode,
    ServeMode,
    SyslogDelivery,
)
from tests import fields
from tests.fields import EXISTS, INVALID, Example, Field

ZONE, FQDN = "example.com", "www.example.com"
IP_MODE = {"failover_mode": "ip", "failover_data": "192.0.2.99"}
GLOBAL = {
    "region_code": "global",
    "pool": [{"address": "192.0.2.1", "weight": 5}, {"address": "192.0.2.2"}],
    **IP_MODE,
}
ASIA = {
    "region_code": "Asia",
    "pool": [{"address": "192.0.2.3", "label": "three"}, {"address": "192.0.2.4"}],
    **IP_MODE,
}
US_EAST = {**ASIA, "region_code": "US East"}
SERVICE = {
    "contact_nickname": "owner",
    "monitor": {"protocol": "HTTP", "interval": 5},
    "performance_monitor": {"protocol": "HTTP", "interval": 20},
    "region": [GLOBAL, ASIA],
}

FORMAT = fields.text(rules.TEXT_LENGTH)


def entry_fields(address: str, others: Iterable[str] = (), code: str = INVALID) -> list[Field]:
    """Of a pool entry, whose address has a name of its own in this call; not one of `others`."""
    taken = fields.refused(others, code)
    return [
        Field(address, [*fields.address(), *taken], is_required=True),
        Field("label", fields.line(rules.LABEL_LENGTH)),
        Field("weight", fields.number(rules.WEIGHT)),
        Field("serve_mode", fields.choice(ServeMode)),
    ]


def region_fields(codes: list[Example], own: str) -> list[Field]:
    """Of a region with the code `own` in a service that has the global one."""
    return [
        Field("region_code", codes, is_required=True),
        Field("autopopulate", fields.flag()),
        Field("ep", fields.number(rules.COUNT), beside={"epmc": 1}),
        Field("apmc", fields.number(rules.COUNT)),
        Field("epmc", fields.number(rules.COUNT), beside={"ep": rules.COUNT[-1]}),
        Field("serve_count", fields.number(rules.SERVE_COUNT)),
        *_failover(own),
    ]


def _failover(own: str) -> list[Field]:
    targets = {"ip": "192.0.2.50", "cname": "a.example.net", "region": "global", "global": ""}
    modes = [
        Field(
            "failover_mode",
            fields.choice([mode]) if mode == "ip" else fields.taken(mode),
            beside={"failover_data": data},
        )
        for mode, data in targets.items()
    ]
    wrong = {
        "ip": ["a.example.net", "192.0.2.256", "192.0.2.50/32", "::1", None, "", 5],
        "cname": ["192.0.2.50", "localhost", "a..net", "a.example.net..", "\u2603.net", None, ""],
        "region": [own, "Mars", "EU East", "Global", "192.0.2.50", None, ""],
        "global": ["x" * 254],  # which has no use for it, and keeps what it is given
    }
    forms = {"ip": " 192.0.2.50 ", "cname": "a.example.net.", "global": " 192.0.2.50 "}
    kept = {"global": "192.0.2.50"}
    return modes + [
        Field(
            "failover_data",
            [
                *fields.taken(data),
                Example(forms.get(mode, data), kept.get(mode, data)),
                *fields.refused([*wrong[mode], *(fields.NONSENSE if mode == "ip" else [{}, True])]),
            ],
            beside={"failover_mode": mode},
        )
        for mode, data in targets.items()
    ]


def monitor_fields(intervals: tuple[int, ...]) -> list[Field]:
    return [
        Field("protocol", fields.choice(Protocol), is_required=True),
        Field("interval", fields.number(intervals), is_required=True),
        Field("retries", fields.number(rules.RETRIES, may_be_unset=True)),
        Field("timeout", fields.number(rules.TIMEOUTS, may_be_unset=True)),
        Field("port", fields.number(rules.PORT, may_be_unset=True)),
        Field("path", fields.path()),
        Field("host", fields.host()),
        Field("header", fields.header()),
        Field("expected", fields.text(rules.TEXT_LENGTH)),
    ]


HEALTH = monitor_fields(rules.HEALTH_INTERVALS)
PERFORMANCE = monitor_fields(rules.PERFORMANCE_INTERVALS)
SLOW = {"monitor": {"protocol": "HTTP", "interval": 15}}  # so that every ttl fits
SERVICE_FIELDS = [
    Field("ttl", fields.number(rules.TTLS), beside=SLOW),
    Field("auto_recover", fields.flag()),
    Field("recovery_delay", fields.number(rules.RECOVERY_DELAY, may_be_unset=True)),
    Field("contact_nickname", fields.line(rules.LABEL_LENGTH, least=1), is_required=True),
    Field("notify_events", fields.events(NotifyEvent)),
    Field("syslog_server", fields.host("::1", "2001:db8::7")),
    Field("syslog_port", fields.number(rules.PORT[1:])),
    Field("syslog_ident", fields.ident()),
    Field("syslog_facility", fields.choice(SYSLOG_FACILITIES)),
    Field("syslog_delivery", fields.choice(SyslogDelivery)),
    Field("syslog_probe_fmt", FORMAT),
    Field("syslog_status_fmt", FORMAT),
    Field("syslog_rttm_fmt", FORMAT),
    Field("monitor", fields.an_object()),
    Field("performance_monitor", fields.an_object(), is_required=True),
    Field("region", fields.objects(), is_required=True),
]
POOL = Field("pool", fields.objects())
NOT_THERE = [code for code in RegionCode if code not in ("global", "Asia")]
NO_CODES = fields.choice(["US West"])[1:]  # what no region is called
CODES_OF_A_NEW_ONE = [
    *fields.taken(*map(str, NOT_THERE)),
    *fields.refused(["global", "Asia"], EXISTS),
    *NO_CODES,
]
CODES_IN_A_LIST = [
    *fields.taken(*map(str, [*NOT_THERE, "Asia"])),
    Example("global", code=INVALID, field="region"),  # twice
    *NO_CODES,
]
ONE_OF_TWO = ("192.0.2.4",)  # the other address of the pool
