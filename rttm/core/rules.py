"""Every validation rule and limit, in one home: each check returns the list of broken rules.

Sources: help.dyn.com's RTTM pages and the SDK's lists, and where those are silent our decision.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from ipaddress import AddressValueError, IPv4Address, ip_address

from .schema import Monitor, PoolEntry, Region, Service
from .terms import (
    SYSLOG_FACILITIES,
    FailoverMode,
    NotifyEvent,
    Protocol,
    RegionCode,
    ServeMode,
    SyslogDelivery,
)

WEIGHT = range(1, 16)
SERVE_COUNT = range(1, 14)  # a node holds at most 13 A records (error codes page)
COUNT = range(1, 1001)  # ep, apmc, epmc: our decision, well above any pool
TTLS = (30, 60, 150, 300, 450)  # seconds
HEALTH_INTERVALS = (1, 5, 10, 15)  # minutes
PERFORMANCE_INTERVALS = (10, 20, 30, 60)  # minutes
RETRIES = range(11)  # our decision
TIMEOUTS = (0, 10, 15, 25, 30)  # seconds (SDK); 0 is unset
PORT = range(65536)  # 0 is unset
RECOVERY_DELAY = range(101)  # our upper end
LABEL_LENGTH = 255  # our decision
TEXT_LENGTH = 1024  # paths, headers, expected texts and formats: our decision
NAME_LENGTH = 253  # RFC 1035
SEARCH_LENGTH = 255  # no name or label is longer, so nothing longer is looked for
DEFAULT_EP = 2  # with a pool of one entry: 1
REPORTS_AT_ONCE = 5  # unfinished log reports of one person (our decision)
# Seconds by which the end of a log report may lie ahead of our clock, because the clock of whoever
# types it may go fast (our decision). What is asked for ends now all the same.
CLOCK_SLACK = 60
KEY = range(1, 2**63)  # of a row, and the version of one: what databases can hold

# How many wrong log-ins are allowed in how many seconds (our decision). Further attempts are
# refused before their password is checked, and do not count.
LOG_INS_HERE = (5, 300)  # for one account, from one address or from one browser it was used in
LOG_INS_ADDRESS = (30, 300)  # from one address, for all accounts
LOG_INS_ACCOUNT = (30, 3600)  # for one account, from all addresses
# Checking a password takes a core about half a second (our decision).
LOG_INS_WAITING = 20  # attempts that may wait for their turn
LOG_IN_PATIENCE = 10  # seconds that one may wait

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # a header's name (RFC 9110)
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)", re.ASCII)
# Control characters, the separators of lines and paragraphs, and the marks that put text in another
# order than it is written in: what a person reads would not be what stands there.
_DECEPTIVE = re.compile("[\0-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class Problem:
    """One broken rule."""

    field: str  # as on the wire, with where it is: "weight", "region[Asia].ep"; "" for the whole
    code: str  # stable and greppable: forms, API replies and tests all name it
    message: str  # a sentence for a person

    def under(self, prefix: str) -> "Problem":
        """The same problem, seen from the object that contains this one."""
        return replace(self, field=f"{prefix}.{self.field}" if self.field else prefix)


def default_ep(pool_size: int) -> int:
    """How many addresses are eligible when nobody said (our decision)."""
    return min(DEFAULT_EP, max(pool_size, 1))


def is_ip(text: str) -> bool:
    """Of either kind, without a zone such as %eth0."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return "%" not in text


def is_ipv4(text: str) -> bool:
    try:
        IPv4Address(text)
    except AddressValueError:
        return False
    return True


def is_name(text: str) -> bool:
    """A DNS name without trailing dot; a name of digits alone is a mistyped address."""
    labels = text.lower().split(".")
    fits = len(text) <= NAME_LENGTH and all(_LABEL.fullmatch(label) for label in labels)
    return fits and not labels[-1].isdigit()


def check_line(field: str, text: str, title: str) -> list[Problem]:
    """A line of free text for people, as what a contact is called."""
    return list(_line(field, text, title))


def _line(field: str, text: str, title: str) -> Iterator[Problem]:
    if len(text) > LABEL_LENGTH:
        yield Problem(field, "too_long", f"{title} must be at most {LABEL_LENGTH} characters.")
    if found := _DECEPTIVE.search(text):
        said = (
            f"{title} must be one line of plain text: the character U+{ord(found[0]):04X} is not."
        )
        yield Problem(field, "deceptive", said)


def is_fqdn(text: str) -> bool:
    return "." in text and is_name(text)


# An alias of itself: resolvers give up (our decision; DynECT's documents do not say).
OWN_NAME = "This is the service's own name: its answer would point to itself."


def check_pool_entry(
    entry: PoolEntry, others: Collection[str] = (), *, fqdn: str = ""
) -> list[Problem]:
    """A pool entry of the service at `fqdn`, among the `others`, the addresses in its pool."""
    return list(_pool_entry(entry, others, fqdn))


def _pool_entry(entry: PoolEntry, others: Collection[str], fqdn: str) -> Iterator[Problem]:
    if not (is_ipv4(entry.address) or is_fqdn(entry.address)):
        yield Problem("address", "not_an_address", "Address must be an IPv4 address or an FQDN.")
    elif entry.address in others:
        yield Problem("address", "duplicate", f"{entry.address} is already in this pool.")
    elif entry.address == fqdn:
        yield Problem("address", "own_name", OWN_NAME)
    yield from _line("label", entry.label, "Label")
    yield from _within("weight", entry.weight, WEIGHT)
    yield from _one_of("serve_mode", entry.serve_mode, ServeMode)


def check_region(region: Region, codes: Collection[str], *, fqdn: str = "") -> list[Problem]:
    """A region of the service at `fqdn` with regions of these `codes`, its own among them or not.

    An autopopulated region is filled from the global one, so only its code matters.
    """
    if region.autopopulate:
        return list(_autopopulated(region))
    return [*_region(region), *_failover(region, codes, fqdn), *_pool(region, fqdn)]


def _autopopulated(region: Region) -> Iterator[Problem]:
    yield from _one_of("region_code", region.region_code, RegionCode)
    if region.region_code == RegionCode.GLOBAL:
        yield Problem("autopopulate", "global", "The global region cannot be filled from itself.")


def _region(region: Region) -> Iterator[Problem]:
    yield from _one_of("region_code", region.region_code, RegionCode)
    yield from _within("ep", region.ep, COUNT)
    yield from _within("apmc", region.apmc, COUNT)
    yield from _within("epmc", region.epmc, COUNT)
    if region.ep in COUNT and region.epmc > region.ep:
        yield Problem("epmc", "above_ep", f"epmc must be at most ep, which is {region.ep}.")
    yield from _within("serve_count", region.serve_count, SERVE_COUNT)


def _pool(region: Region, fqdn: str) -> Iterator[Problem]:
    if not region.pool:
        yield Problem("pool", "empty", "A region needs at least one pool entry.")
    seen: set[str] = set()
    for entry in region.pool:
        for problem in _pool_entry(entry, seen, fqdn):
            yield problem.under(f"pool[{entry.address}]")
        seen.add(entry.address)


def _failover(region: Region, codes: Collection[str], fqdn: str) -> Iterator[Problem]:
    data = region.failover_data
    match region.failover_mode:
        case FailoverMode.IP if not is_ipv4(data):
            yield Problem("failover_data", "not_ipv4", "Failover mode ip needs an IPv4 address.")
        case FailoverMode.CNAME if not is_fqdn(data):
            yield Problem("failover_data", "not_fqdn", "Failover mode cname needs an FQDN.")
        case FailoverMode.CNAME if data.lower() == fqdn:
            yield Problem("failover_data", "own_name", OWN_NAME)
        case FailoverMode.REGION if data == region.region_code:
            yield Problem("failover_data", "itself", "A region cannot fail over to itself.")
        case FailoverMode.REGION if data not in codes:
            text = "Failover mode region needs the code of another region of this service."
            yield Problem("failover_data", "no_such_region", text)
        case FailoverMode.GLOBAL if len(data) > NAME_LENGTH:
            # It is kept for the modes that want it, and says nothing in this one.
            text = f"Failover data must be at most {NAME_LENGTH} characters."
            yield Problem("failover_data", "too_long", text)
        case _:
            yield from _one_of("failover_mode", region.failover_mode, FailoverMode)


def warn_region(region: Region) -> list[Problem]:
    """What is allowed, because pools grow and shrink, but keeps the region from doing its best."""
    return [] if region.autopopulate else list(_warnings(region))


def _warnings(region: Region) -> Iterator[Problem]:
    size = len(region.pool)
    if region.apmc > size:
        text = f"apmc {region.apmc} is more than the pool's {size}: always in failover."
        yield Problem("apmc", "above_pool", text)
    if region.epmc > size:
        text = f"epmc {region.epmc} is more than the pool's {size}: always in failover."
        yield Problem("epmc", "above_pool", text)
    if region.ep > size:
        text = f"ep {region.ep} is more than the pool's {size}."
        yield Problem("ep", "above_pool", text)
    if region.serve_count > region.ep:
        text = f"Serve count {region.serve_count} is more than ep, so answers hold {region.ep}."
        yield Problem("serve_count", "above_ep", text)


def check_monitor(monitor: Monitor, intervals: Collection[int]) -> list[Problem]:
    """A health or performance monitor, told apart by the `intervals` it may have."""
    return list(_monitor(monitor, intervals))


def _monitor(monitor: Monitor, intervals: Collection[int]) -> Iterator[Problem]:
    yield from _one_of("protocol", monitor.protocol, Protocol)
    yield from _one_of("interval", monitor.interval, intervals)
    yield from _within("retries", monitor.retries, RETRIES)
    yield from _one_of("timeout", monitor.timeout, TIMEOUTS)
    yield from _within("port", monitor.port, PORT)
    for name in ("path", "host", "header", "expected"):
        if len(getattr(monitor, name)) > TEXT_LENGTH:
            yield Problem(name, "too_long", f"{name} must be at most {TEXT_LENGTH} characters.")
    if monitor.path and not monitor.path.isprintable():
        yield Problem("path", "unprintable", "path must be on one line.")
    if monitor.host and not (is_name(monitor.host) or is_ipv4(monitor.host)):
        yield Problem("host", "not_a_host", "host must be a host name or an IPv4 address.")
    for line in monitor.header.splitlines():
        name, colon, value = line.partition(":")
        if not (colon and _TOKEN.fullmatch(name) and value.isprintable()):
            text = f"Header line “{line[:40]}” is not of the form Name: value."
            yield Problem("header", "not_a_header", text)
            break


def check_key(zone: str, fqdn: str) -> list[Problem]:
    """The names a service lives at."""
    if not is_fqdn(zone):
        return [Problem("zone", "not_a_zone", "Zone must be a DNS name such as example.com.")]
    if not is_fqdn(fqdn) or not (fqdn == zone or fqdn.endswith(f".{zone}")):
        return [Problem("fqdn", "not_in_zone", f"FQDN must be {zone} or a name below it.")]
    return []


def check_service(service: Service) -> list[Problem]:
    """A whole service with its monitors and regions."""
    return [
        *check_key(service.zone, service.fqdn),
        *_service(service),
        *_timing(service),
        *_syslog(service),
        *_monitors(service),
        *_regions(service),
    ]


def _service(service: Service) -> Iterator[Problem]:
    if not service.contact_nickname or len(service.contact_nickname) > LABEL_LENGTH:
        text = f"Contact nickname must have 1 to {LABEL_LENGTH} characters."
        yield Problem("contact_nickname", "no_contact", text)
    else:
        yield from _line("contact_nickname", service.contact_nickname, "Contact nickname")
    yield from _within("recovery_delay", service.recovery_delay, RECOVERY_DELAY)
    for event in service.notify_events:
        yield from _one_of("notify_events", event, NotifyEvent)


def _timing(service: Service) -> Iterator[Problem]:
    half = service.monitor.interval * 60 // 2
    yield from _one_of("ttl", service.ttl, TTLS)
    if service.ttl in TTLS and service.monitor.interval in HEALTH_INTERVALS and service.ttl > half:
        text = f"ttl must be at most half of the health interval, which is {half} s."
        yield Problem("ttl", "above_half_interval", text)


def _syslog(service: Service) -> Iterator[Problem]:
    server = service.syslog_server
    if server and not (is_ip(server) or is_name(server)):
        text = "syslog_server must be a host name or an IP address."
        yield Problem("syslog_server", "not_a_host", text)
    yield from _within("syslog_port", service.syslog_port, PORT[1:])
    if not re.fullmatch(r"[!-~]{1,32}", service.syslog_ident):
        text = "syslog_ident must be 1 to 32 visible characters."
        yield Problem("syslog_ident", "not_an_ident", text)
    yield from _one_of("syslog_facility", service.syslog_facility, SYSLOG_FACILITIES)
    yield from _one_of("syslog_delivery", service.syslog_delivery, SyslogDelivery)
    for name in ("syslog_probe_fmt", "syslog_status_fmt", "syslog_rttm_fmt"):
        if len(getattr(service, name)) > TEXT_LENGTH:
            yield Problem(name, "too_long", f"{name} must be at most {TEXT_LENGTH} characters.")


def _monitors(service: Service) -> Iterator[Problem]:
    for problem in check_monitor(service.monitor, HEALTH_INTERVALS):
        yield problem.under("monitor")
    for problem in check_monitor(service.performance_monitor, PERFORMANCE_INTERVALS):
        yield problem.under("performance_monitor")


def _regions(service: Service) -> Iterator[Problem]:
    codes = [region.region_code for region in service.region]
    if RegionCode.GLOBAL not in codes:
        yield Problem("region", "no_global", "A service needs the global region.")
    for code in sorted({code for code in codes if codes.count(code) > 1}):
        yield Problem("region", "duplicate", f"Region {code} is given twice.")
    for region in service.region:
        for problem in check_region(region, codes, fqdn=service.fqdn):
            yield problem.under(f"region[{region.region_code}]")


def check_region_delete(service: Service, region_code: str) -> list[Problem]:
    """Whether a region can go: never the global one, nor one that another fails over to."""
    if region_code == RegionCode.GLOBAL:
        text = "The global region cannot be deleted: the others fall back on it."
        return [Problem("region_code", "global", text)]
    return [
        Problem("region_code", "in_use", f"Region {region.region_code} fails over to it.")
        for region in service.region
        if region.failover_mode == FailoverMode.REGION
        and region.failover_data == region_code
        and not region.autopopulate
    ]


def check_pool_editable(region: Region) -> list[Problem]:
    """A pool that is filled from the global region cannot be edited (pool entry help page)."""
    if not region.autopopulate:
        return []
    text = f"The pool of {region.region_code} is filled from the global region: edit that one."
    return [Problem("", "autopopulated", text)]


def check_pool_entry_delete(region: Region) -> list[Problem]:
    """The last entry stays: without it the region has nothing to answer (our decision)."""
    if len(region.pool) > 1:
        return []
    text = f"It is the last entry of {region.region_code}: delete the region, or add another first."
    return [Problem("address", "last_entry", text)]


def _within(field: str, value: int, allowed: range) -> Iterator[Problem]:
    if value not in allowed:
        text = f"{field} must be a whole number from {allowed[0]} to {allowed[-1]}."
        yield Problem(field, "out_of_range", text)


def _one_of(field: str, value: str | int, allowed: Iterable[object]) -> Iterator[Problem]:
    if value not in tuple(allowed):
        text = f"{field} must be one of {', '.join(map(str, allowed))}."
        yield Problem(field, "not_a_choice", text)
