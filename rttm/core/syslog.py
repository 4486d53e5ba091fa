"""Messages for a service's syslog server: its three formats, their tokens, and the frame. Pure.

The tokens (help page of create-rttm-api). What a message has no value for is a "-", so that the
place of each word stays the same.

        probe: one result of a site    status: region or service   rttm: other fastest addresses
  %hos  the FQDN of the service        the same                    the same
  %tim  the time, in UTC               the same                    the same
  %reg  the regions of the address     the region, or `service`    the region
  %sta  up, down, unk                  its status                  its status
  %ser  serial of the zone             the same                    the same
  %rda  the address                    what is served              what is served
  %sit  the site that probed           the site that decided       the same
  %rti  response time, ms              -                           that of the fastest address
  %msg  the evidence                   the reason                  what changed
  %adr  the address                    the addresses that changed  the addresses served
  %med  median, ms                     -                           that of each, as in %adr
  %rts  the last response times, ms    -                           those of each, with / between
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from .eligibility import effective
from .health import Health, Milliseconds, ProbeResult, middle
from .moments import Moment, stamp
from .notify import News, RegionNow, changed_regions, clean, is_service_changed
from .schema import Service
from .terms import SYSLOG_FACILITIES, ChangeType, EntryStatus, Status, SyslogDelivery

TOKENS = ("hos", "tim", "reg", "sta", "ser", "rda", "sit", "rti", "msg", "adr", "med", "rts")
_TOKEN = re.compile(f"%({'|'.join(TOKENS)})")
NOTHING = "-"

# Used where a service has no format of its own. Dyn's texts are not known.
PROBE_FORMAT = "%hos %adr is %sta from %sit after %rti ms: %msg"
STATUS_FORMAT = "%hos %reg is %sta, serves %rda, serial %ser: %msg"
RTTM_FORMAT = "%hos %reg serves %rda, medians %med ms, serial %ser: %msg"
WHOLE_SERVICE = "service"  # the region code of a message about no region

ERROR, WARNING, NOTICE, INFO = 3, 4, 5, 6  # RFC 3164, section 4.1.1
SEVERITIES: Mapping[str, int] = {
    Status.FAILOVER: ERROR,
    Status.TROUBLE: WARNING,
    EntryStatus.DOWN: WARNING,
    Status.UNK: NOTICE,
    Status.OK: INFO,
    EntryStatus.UP: INFO,
}
LOCAL0 = 16  # local0 to local7 follow each other; 15 is a clock's, and has no name here
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
DATAGRAM_BYTES = 1024  # RFC 3164, section 4.1
HOST_LENGTH = 63

Times = Mapping[str, tuple[Milliseconds, ...]]
"""The last response times in ms of each address, oldest first."""


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who speaks: the host, and the monitoring site whose results were handed in."""

    host: str
    site_code: str


@dataclass(frozen=True, slots=True)
class Probed:
    """One result of this site, and what the site makes of the address before and after it."""

    address: str
    result: ProbeResult
    before: Health
    after: Health

    @property
    def is_changed(self) -> bool:
        return self.before.status != self.after.status


def is_told(probed: Probed, service: Service) -> bool:
    """Whether a probe makes a message.

    delivery  message
    all       for every result
    change    when the status that the site sees is another one
    """
    if not service.syslog_server:
        return False
    if service.syslog_delivery == SyslogDelivery.ALL:
        return True
    return probed.is_changed


def probe_message(
    probed: Probed, service: Service, *, moment: Moment, serial: int, speaker: Speaker
) -> str:
    """The datagram for one result."""
    result = probed.result
    regions = (effective(region, service) for region in service.region)
    values = {
        **_common(service, moment, serial, speaker),
        "reg": ",".join(r.region_code for r in regions if r.entry(probed.address)),
        "sta": str(result.status),
        "rda": probed.address,
        "rti": _ms(result.response_ms),
        "msg": result.message,
        "adr": probed.address,
        "med": _ms(probed.after.median_ms),
        "rts": _list(probed.after.runs),
    }
    text = fill(service.syslog_probe_fmt or PROBE_FORMAT, values)
    return framed(text, service, str(result.status), moment=moment, speaker=speaker)


def change_messages(news: News, times: Times, *, speaker: Speaker) -> list[str]:
    """The datagrams for a change of the service: its status, its regions', its fastest."""
    if not news.service.syslog_server:
        return []
    return [*_status_messages(news, speaker), *_rttm_messages(news, times, speaker)]


def _status_messages(news: News, speaker: Speaker) -> Iterator[str]:
    for region in changed_regions(news):
        yield _status_message(news, region.region_code, region.after, (region,), speaker)
    if is_service_changed(news):
        yield _status_message(news, WHOLE_SERVICE, news.after, news.regions, speaker)


def _status_message(
    news: News, code: str, status: str, regions: tuple[RegionNow, ...], speaker: Speaker
) -> str:
    values = {
        **_common(news.service, news.moment, news.serial, speaker),
        "reg": code,
        "sta": status,
        "rda": ",".join(dict.fromkeys(value for region in regions for value in region.served)),
        "msg": _why(news, regions),
        "adr": ",".join(change.address for change in news.addresses),
    }
    text = fill(news.service.syslog_status_fmt or STATUS_FORMAT, values)
    return framed(text, news.service, status, moment=news.moment, speaker=speaker)


def _why(news: News, regions: Iterable[RegionNow]) -> str:
    reasons = [region.reason for region in regions if region.reason]
    if news.user_name:
        reasons.append(f"{news.user_name} changed it")
    reasons += [f"{one.address}: {one.message}" for one in news.addresses if one.message]
    return "; ".join(dict.fromkeys(reasons))


def _rttm_messages(news: News, times: Times, speaker: Speaker) -> Iterator[str]:
    if news.change_type != ChangeType.PERF:
        return
    for region in news.regions:
        if set(region.served) != set(region.served_before):
            yield _rttm_message(news, region, times, speaker)


def _rttm_message(news: News, region: RegionNow, times: Times, speaker: Speaker) -> str:
    runs = [times.get(address, ()) for address in region.served]
    medians = [middle(some) for some in runs]
    values = {
        **_common(news.service, news.moment, news.serial, speaker),
        "reg": region.region_code,
        "sta": region.after,
        "rda": ",".join(region.served),
        "rti": _ms(min((ms for ms in medians if ms is not None), default=None)),
        "msg": f"other fastest addresses, before {','.join(region.served_before) or NOTHING}",
        "adr": ",".join(region.served),
        "med": ",".join(map(_ms, medians)),
        "rts": "/".join(map(_list, runs)),
    }
    text = fill(news.service.syslog_rttm_fmt or RTTM_FORMAT, values)
    return framed(text, news.service, region.after, moment=news.moment, speaker=speaker)


def _common(service: Service, moment: Moment, serial: int, speaker: Speaker) -> dict[str, str]:
    return {
        "hos": service.fqdn,
        "tim": stamp(moment).removesuffix(" UTC").replace(" ", "T") + "Z",
        "ser": str(serial),
        "sit": speaker.site_code,
    }


def _ms(milliseconds: float | None) -> str:
    return NOTHING if milliseconds is None else f"{milliseconds:.0f}"


def _list(runs: Iterable[Milliseconds]) -> str:
    return ",".join(map(_ms, runs)) or NOTHING


def fill(text: str, values: Mapping[str, str]) -> str:
    """In one go: a token within a value stays what it is, a piece of text."""

    def value(found: re.Match[str]) -> str:
        return clean(values.get(found[1], "")) or NOTHING

    return _TOKEN.sub(value, text)


def framed(text: str, service: Service, status: str, *, moment: Moment, speaker: Speaker) -> str:
    """`<PRI>Mmm dd hh:mm:ss host ident: text`, one line of at most 1,024 bytes."""
    priority = 8 * _facility(service.syslog_facility) + SEVERITIES.get(status, NOTICE)
    time = f"{moment.hour:02}:{moment.minute:02}:{moment.second:02}"
    date = f"{MONTHS[moment.month - 1]} {moment.day:2}"
    host = speaker.host.partition(".")[0][:HOST_LENGTH]  # without its domain
    head = f"<{priority}>{date} {time} {_one_word(host)} {_one_word(service.syslog_ident)}: "
    whole = (head + clean(text)).encode()
    return whole[:DATAGRAM_BYTES].decode(errors="ignore")


def _facility(name: str) -> int:
    if name not in SYSLOG_FACILITIES:
        return SYSLOG_FACILITIES.index("daemon")
    place = SYSLOG_FACILITIES.index(name)
    first = SYSLOG_FACILITIES.index("local0")
    return place if place < first else LOCAL0 + place - first


def _one_word(name: str) -> str:
    return clean(name).replace(" ", "-") or NOTHING
