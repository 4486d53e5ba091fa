"""RTTMLogReport and RTTMRRSetReport: what was served, and since when."""

from rttm.core import wire
from rttm.core.schema import ServiceKey
from rttm.engine import reports, store

from . import zones
from .envelope import Answer, Message, invalid, not_found
from .request import Request, required_text, required_time

# The SDK counts local time as UTC, so its "now" is ahead in the eastern half of the world.
AHEAD = 86_400


def log_report(request: Request) -> Answer:
    key = _key(request)
    latest = request.now + AHEAD
    start = required_time(request.args, "start_ts", latest=latest)
    end = required_time(request.args, "end_ts", latest=latest)
    if end < start:
        raise invalid("end_ts: end_ts must not be before start_ts")
    found, is_cut = reports.log_report(key, start, end)
    told = [Message(f"get: Found {len(found)} records")]
    if is_cut:
        text = f"log: Only the first {reports.LOG_CAP} records fit: go on at the last one's time"
        told.append(Message(text, level="WARN"))
    return Answer([wire.render_response_set(record) for record in found], tuple(told))


def rrset_report(request: Request) -> Answer:
    key = _key(request)
    at = required_time(request.args, "ts", latest=request.now + AHEAD)
    found = reports.rrset_report(key, at, now=request.now)
    told = (Message(f"get: Found {len(found)} records"),)
    return Answer([wire.render_response_set(record) for record in found], told)


def _key(request: Request) -> ServiceKey:
    """Of a service that is there, or that has left its records."""
    zone, fqdn = (required_text(request.args, field) for field in ("zone", "fqdn"))
    key = ServiceKey(zones.known(zone).name, wire.name(fqdn))
    if store.find(*key) is None and not reports.has_records(key):
        raise not_found("fqdn: No such service")
    return key
