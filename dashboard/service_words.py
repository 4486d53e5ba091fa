"""Sentences about a service, its monitors and its failover, for its page. They decide nothing."""

from dataclasses import dataclass

from rttm.core import rules, schema
from rttm.core.explain import target
from rttm.core.rules import Problem
from rttm.core.terms import Protocol, Status
from rttm.models import Region, Service

NAMED = 4  # names in a sentence


def summary(service: Service) -> str:
    """The status in a sentence that names what it comes from."""
    if service.gone_at:
        return "The backend no longer has this service."
    if not service.active:
        return "DNS does not answer for it, and its addresses are not probed."
    match service.status:
        case Status.FAILOVER:
            codes = [r.region_code for r in _regions_in(service, Status.FAILOVER)]
            verb = "answers" if len(codes) == 1 else "answer"
            return f"{_listed(codes)} {verb} from a failover target."
        case Status.TROUBLE:
            return "Every region still serves its own pool."
        case Status.UNK:
            return "No probe has told anything of some of its addresses yet."
        case Status.OK:
            return "Every region serves its own pool."
    return ""


def _regions_in(service: Service, status: str) -> list[Region]:
    return [region for region in service.regions_in_order() if region.status == status]


def _listed(names: list[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")


def failover_words(region: Region) -> str:
    """Where a region's answers come from while it is in failover."""
    return target(region.value)


@dataclass(frozen=True, slots=True)
class MonitorLine:
    """A monitor as the card shows it."""

    name: str
    words: str
    odd: list[Problem]


def monitors(service: Service) -> list[MonitorLine]:
    kinds = (
        ("Health", service.monitor.value, rules.HEALTH_INTERVALS),
        ("Performance", service.performance_monitor.value, rules.PERFORMANCE_INTERVALS),
    )
    return [
        MonitorLine(name, monitor_words(monitor), rules.check_monitor(monitor, intervals))
        for name, monitor, intervals in kinds
    ]


def monitor_words(monitor: schema.Monitor) -> str:
    """A monitor in one line, such as: HTTP /health on port 8080 every 1 min, 1 retry."""
    if monitor.protocol == Protocol.NONE:
        return "none: nothing is probed"
    what = [monitor.protocol, monitor.path]
    what += [f"on port {monitor.port}"] if monitor.port else []
    what += [f"as {monitor.host}"] if monitor.host else []
    words = [" ".join(filter(None, [*what, f"every {monitor.interval} min"]))]
    words.append("1 retry" if monitor.retries == 1 else f"{monitor.retries or 'no'} retries")
    words += [f"{monitor.timeout} s time-out"] if monitor.timeout else []
    words += [f"{len(monitor.header.splitlines())} extra header lines"] if monitor.header else []
    words += [f"expects “{monitor.expected}”"] if monitor.expected else []
    return ", ".join(words)
