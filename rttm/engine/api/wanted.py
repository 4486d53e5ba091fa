"""The configuration a request asks for, over the present one; pure.

What autopopulate means for a request: the region's other options are ignored, its own settings
sleep unchanged; one that never had a pool of its own wakes up with a copy of the global pool.
"""

from collections.abc import Iterable
from dataclasses import replace

from rttm.core import rules, wire
from rttm.core.rules import Problem
from rttm.core.schema import Region, Service
from rttm.core.wire import JSON

MASTERS = {"failover_data": "failover_mode", "epmc": "ep", "ttl": "monitor.interval"}
OBEYED = ("region_code", "autopopulate")  # of the options of an autopopulated region

Problems = list[Problem]


def service_from(args: JSON, zone: str, fqdn: str) -> tuple[Service, Problems]:
    """A new service, and what is wrong with it."""
    read, problems = wire.read_service(args, zone, fqdn)
    wanted = replace(read, region=tuple(_asleep(region, None) for region in read.region))
    return wanted, _joined(_of_obeyed(problems, wanted), rules.check_service(wanted))


def service_over(args: JSON, present: Service) -> tuple[Service, Problems]:
    """A service with the changes of a request."""
    base = replace(present, region=tuple(_filled(r, present) for r in present.region))
    read, problems = wire.read_service(args, present.zone, present.fqdn, base)
    regions = tuple(_asleep(region, present.at(region.region_code)) for region in read.region)
    wanted = replace(read, region=regions)
    return wanted, _joined(_of_obeyed(problems, wanted), rules.check_service(wanted))


def region_from(args: JSON, service: Service) -> tuple[Region, Problems]:
    """A further region of a service."""
    read, problems = wire.read_region(args)
    return _checked(_asleep(read, None), problems, service)


def region_over(args: JSON, present: Region, service: Service) -> tuple[Region, Problems]:
    """A region with the changes of a request."""
    read, problems = wire.read_region(args, _filled(present, service))
    return _checked(_asleep(read, present), problems, service)


def _checked(wanted: Region, problems: Problems, service: Service) -> tuple[Region, Problems]:
    if wanted.autopopulate:
        problems = [problem for problem in problems if problem.field in OBEYED]
    codes = [region.region_code for region in service.region]
    return wanted, _joined(problems, rules.check_region(wanted, codes, fqdn=service.fqdn))


def _asleep(region: Region, present: Region | None) -> Region:
    """An autopopulated region keeps what it had, whatever else was asked."""
    if not region.autopopulate:
        return region
    return replace(present or Region(region.region_code), autopopulate=True)


def _filled(region: Region, service: Service) -> Region:
    """What an autopopulated region without a pool of its own starts from when it wakes up."""
    source = service.global_region
    if not region.autopopulate or region.pool or source is None:
        return region
    return replace(
        region, pool=source.pool, ep=source.ep, apmc=source.apmc, epmc=source.epmc,
        serve_count=source.serve_count,
    )  # fmt: skip


def _of_obeyed(problems: Problems, wanted: Service) -> Problems:
    """Without those about options that are ignored."""
    ignored = tuple(f"region[{r.region_code}]." for r in wanted.region if r.autopopulate)
    return [
        problem
        for problem in problems
        if not problem.field.startswith(ignored) or problem.field.endswith(OBEYED)
    ]


def _joined(read: Problems, checked: Iterable[Problem]) -> Problems:
    """A field that made no sense is not judged once more, nor is what is in it or depends on it."""
    fields = {problem.field for problem in read}
    inside = tuple(field + mark for field in fields for mark in ".[")
    return read + [
        problem
        for problem in checked
        if not {problem.field, _master(problem.field)} & fields
        and not problem.field.startswith(inside)
    ]


def _master(field: str) -> str:
    """The field that says what this one may be."""
    place, dot, own = field.rpartition(".")
    return place + dot + MASTERS.get(own, own)


def has_changes(args: JSON) -> bool:
    """Whether a request names any field that can be configured."""
    own = wire.render_service(Service("", ""), observed=False)
    return any(field in args for field in own)
