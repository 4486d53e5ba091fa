"""Sentences about a service, its monitors and its failover, for its page. They decide nothing."""

from dataclasses import dataclass

from rttm.core import rules, schema
from rttm.core.failover import setting_words
from rttm.core.rules import Problem
from rttm.core.terms import Protocol, Status
from rttm.models import Region, Service
from rttm.shown import is_answer_older, source

NAMED = 4  # names in a sentence


def summary(service: Service) -> str:
    """The status in a sentence that names what it comes from."""
    if service.gone_at:
        return "The backend no longer has this service."
    if not service.active:
        return "DNS does not answer for it, and its addresses are not probed."
    match service.status:
        case Status.FAILOVER:
            return _failing(service)
        case Status.TROUBLE:
            return "Every region still serves its own pool."
        case Status.UNK:
            return "No probe has told anything of some of its addresses yet."
        case Status.OK:
            return "Every region serves its own pool."
    return ""


def _failing(service: Service) -> str:
    """What clients get of the regions in failover: nothing, one target's answer, or several."""
    failing = [r for r in service.regions_in_order() if r.status == Status.FAILOVER]
    silent = [region.region_code for region in failing if answers_nothing(region)]
    rest = [region for region in failing if region.region_code not in silent]
    told = [f"{_listed(silent)} {_answer(silent)} nothing."] if silent else []
    if len(rest) == 1:
        told.append(f"{rest[0].region_code} answers from {_source(rest[0])}.")
    elif rest:
        codes = [region.region_code for region in rest]
        told.append(f"{_listed(codes)} {_answer(codes)} from a failover target.")
    return " ".join(told)


def _answer(codes: list[str]) -> str:
    return "answers" if len(codes) == 1 else "answer"


def _source(region: Region) -> str:
    """The target, and what it answers where that is known and says more."""
    target = source_words(region)
    values = [] if is_answer_older(region) else [r.value for r in region.records or ()]
    return target if not values or values == [target] else f"{target}: {_listed(values)}"


def answers_nothing(region: Region) -> bool:
    """Clients get no record of it, as far as anybody asked since it changed."""
    return region.records == [] and not is_answer_older(region)


def _listed(names: list[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")


def failover_words(region: Region) -> str:
    """The failover target that a region's settings name."""
    return setting_words(region.region_code, region.failover_mode, region.failover_data)


def source_words(region: Region) -> str:
    """Where its answers come from while it is in failover, or would come from now."""
    return source(region).words


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
