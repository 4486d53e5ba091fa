"""What a contact is told of a change: which events it makes, and the mail in plain words. Pure.

The messages for a syslog server are in core.syslog. Times come in as moments, which are UTC.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from .moments import Moment, stamp
from .schema import Service
from .terms import WORST_FIRST, EntryStatus, NotifyEvent, ServeMode, Status

NOT_YET = ""  # the status of before, of what was not known at all
DELETED = "deleted"  # the status of a service after its end

WORDS = {EntryStatus.UNK.value: "unknown", NOT_YET: "not known yet"}
WELL = (Status.OK, Status.UNK)


@dataclass(frozen=True, slots=True)
class AddressChange:
    """One address whose status over all monitoring sites has changed."""

    address: str
    before: str
    after: str
    message: str = ""  # the evidence
    waits: bool = False  # it is up, but waits for recover


@dataclass(frozen=True, slots=True)
class RegionNow:
    """One region as it is now, with the status it had."""

    region_code: str
    before: str
    after: str
    served: tuple[str, ...]
    served_before: tuple[str, ...] = ()
    reason: str = ""  # why it is in failover, and what it serves instead


@dataclass(frozen=True, slots=True)
class News:
    """What came of one change of a service: everything that messages are made of."""

    service: Service
    moment: Moment
    change_type: str
    serial: int
    before: str  # status of the service
    after: str  # or DELETED
    regions: tuple[RegionNow, ...] = ()
    addresses: tuple[AddressChange, ...] = ()
    user_name: str = ""
    is_new: bool = False  # nobody has changed the service since it was created


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail to a contact; the headline alone is for a pager."""

    subject: str
    headline: str
    body: str


def clean(text: str) -> str:
    """On one line, whatever a label or an answer contains: nobody forges a line of ours."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def events(news: News) -> frozenset[NotifyEvent]:
    """The events in a change.

    ip     an address changed its status, and a region has it with another mode than `no`
    nosrv  an address changed its status, and a region has it with the mode `no`
    svc    the service or one of its regions changed its status, or the service was deleted
    none   what is seen for the first time, and well
    """
    found = {event for change in news.addresses for event in _of_address(change, news.service)}
    if is_service_changed(news) or changed_regions(news):
        found.add(NotifyEvent.SVC)
    return frozenset(found)


def is_service_changed(news: News) -> bool:
    """Whether the service has another status that is worth a message."""
    return _is_worth_telling(news, news.before, news.after)


def changed_regions(news: News) -> tuple[RegionNow, ...]:
    """The regions with another status that is worth a message."""
    return tuple(r for r in news.regions if _is_worth_telling(news, r.before, r.after))


def _of_address(change: AddressChange, service: Service) -> Iterator[NotifyEvent]:
    if change.before == NOT_YET and change.after == EntryStatus.UP:
        return
    modes = {
        entry.serve_mode
        for region in service.region
        if not region.autopopulate and (entry := region.entry(change.address))
    }
    if ServeMode.NO in modes:
        yield NotifyEvent.NOSRV
    if modes - {ServeMode.NO}:
        yield NotifyEvent.IP


def _is_worth_telling(news: News, before: str, after: str) -> bool:
    """False of something new that is well, and of the first good results of a new service."""
    if before == NOT_YET:
        return after not in WELL
    if (before, after) == (Status.UNK, Status.OK) and news.is_new:
        return any(change.before != NOT_YET for change in news.addresses)
    return before != after


def mail(news: News) -> Mail | None:
    """The mail about a change, if the service's contact wants to be told of its events."""
    if not events(news) & set(news.service.notify_events):
        return None
    return Mail(
        subject=f"[RTTM] {news.service.fqdn} {_in_short(news)}",
        headline=_headline(news),
        body="\n".join(_body(news)),
    )


def _in_short(news: News) -> str:
    if not news.service.active and news.after != DELETED:
        return "inactive"
    if is_service_changed(news):
        return word(news.after)
    if changed := changed_regions(news):
        worst = min(changed, key=lambda region: _rank(region.after))
        return f"{worst.region_code} {word(worst.after)}"
    if len(news.addresses) == 1:
        return f"{news.addresses[0].address} {word(news.addresses[0].after)}"
    return f"{len(news.addresses)} addresses changed"


def _rank(status: str) -> int:
    words = [str(known) for known in WORST_FIRST]
    return words.index(status) if status in words else len(words)


def word(status: str) -> str:
    """A status for a person."""
    return WORDS.get(status, status)


def _headline(news: News) -> str:
    if news.after == DELETED:
        return f"{news.service.fqdn} was deleted at {stamp(news.moment)}: it answers nothing."
    if not news.service.active:
        return f"{news.service.fqdn} is inactive since {stamp(news.moment)}: it answers nothing."
    now, since = word(news.after), stamp(news.moment)
    if is_service_changed(news):
        return f"{news.service.fqdn} is {now} since {since}; it was {word(news.before)}."
    return f"{news.service.fqdn} is {now}; something in it changed at {since}."


def _body(news: News) -> Iterator[str]:
    yield _headline(news)
    yield from _part("What changed", [*_regions(news), *_addresses(news)])
    yield from _part("Why", _reasons(news))
    yield from _part("What is served now", _served(news))
    yield ""
    yield f"Zone {news.service.zone}, serial {news.serial}."


def _part(title: str, lines: list[str]) -> Iterator[str]:
    if lines:
        yield from ("", f"{title}:", *(f"  {line}" for line in lines))


def _regions(news: News) -> list[str]:
    return [
        f"region {region.region_code}: {word(region.after)}, was {word(region.before)}"
        for region in changed_regions(news)
    ]


def _addresses(news: News) -> list[str]:
    return [
        f"{_named(change.address, news.service)}: {word(change.after)}, was {word(change.before)}"
        for change in news.addresses
    ]


def _named(address: str, service: Service) -> str:
    """With its label, where it has one."""
    pools = (region.pool for region in service.region if not region.autopopulate)
    labels = (clean(e.label) for pool in pools for e in pool if e.address == address)
    label = next((label for label in labels if label), "")
    return f"{address} ({label})" if label else address


def _reasons(news: News) -> list[str]:
    lines = [f"{news.user_name} changed it"] if news.user_name else []
    lines += [f"{region.region_code}: {region.reason}" for region in news.regions if region.reason]
    for change in news.addresses:
        if change.message:
            lines.append(f"{change.address}: {change.message}")
        if change.waits:
            lines.append(f"{change.address}: waits for recover, because it was down (mode remove)")
    return [clean(line) for line in lines]


def _served(news: News) -> list[str]:
    return [
        f"{region.region_code}: {', '.join(region.served) or 'nothing'}" for region in news.regions
    ]
