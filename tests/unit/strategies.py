"""Hypothesis strategies for core values, in the form in which they are kept."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from rttm.core import terms
from rttm.core.eligibility import Fact
from rttm.core.schema import (
    HealthMonitor,
    LogEntry,
    Monitor,
    PerformanceMonitor,
    PoolEntry,
    Record,
    Region,
    ResponseSet,
    Service,
)
from tests.builders import service

# A busy machine must not fail a test, nor many examples make the suite slow.
settings.register_profile(
    "suite", max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("suite")

texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
words = st.text("abcdefghij-", min_size=1, max_size=8).filter(lambda word: word.strip("-"))
addresses = st.integers(1, 254).map("192.0.2.{}".format) | words.map("{}.example.net".format)
hosts = words | addresses | st.sampled_from(["", "2001:db8::7"])
names = words.map("{}.example.com".format)
counts = st.integers(0, 10**6)
statuses = st.sampled_from(terms.Status)

log_entries = st.builds(LogEntry, texts, st.sampled_from(terms.EntryStatus), texts, counts)
pool_entries = st.builds(
    PoolEntry,
    addresses,
    texts,
    counts,
    st.sampled_from(terms.ServeMode),
    st.sampled_from(terms.EntryStatus),
    st.lists(log_entries, max_size=2).map(tuple),
)


def _pools(entries: st.SearchStrategy[PoolEntry]) -> st.SearchStrategy[tuple[PoolEntry, ...]]:
    unique = st.lists(entries, min_size=1, max_size=5, unique_by=lambda entry: entry.address)
    return unique.map(tuple)


regions = st.builds(
    Region,
    region_code=st.sampled_from(terms.RegionCode),
    pool=_pools(pool_entries),
    autopopulate=st.booleans(),
    ep=counts,
    apmc=counts,
    epmc=counts,
    serve_count=counts,
    failover_mode=st.sampled_from(terms.FailoverMode),
    failover_data=addresses | st.sampled_from(terms.RegionCode).map(str) | st.just(""),
    status=statuses,
)


def monitors(kind: Callable[..., Monitor]) -> st.SearchStrategy[Monitor]:
    numbers = [st.sampled_from([1, 5, 10, 20]), *[st.integers(0, 90)] * 3]
    return st.builds(kind, st.sampled_from(terms.Protocol), *numbers, texts, hosts, texts, texts)


services = st.builds(
    Service,
    zone=st.just("example.com"),
    fqdn=names,
    region=st.lists(regions, max_size=3).map(tuple),
    monitor=monitors(HealthMonitor),
    performance_monitor=monitors(PerformanceMonitor),
    contact_nickname=texts,
    ttl=counts,
    auto_recover=st.booleans(),
    recovery_delay=counts,
    notify_events=st.lists(st.sampled_from(["ip", "svc", "nosrv"]), unique=True).map(tuple),
    syslog_server=hosts,
    syslog_port=counts,
    syslog_ident=texts,
    syslog_facility=texts,
    syslog_probe_fmt=texts,
    active=st.booleans(),
    status=statuses,
    task_id=st.sampled_from(["", "17"]),
)

records = st.builds(Record, st.sampled_from(["A", "AAAA"]), addresses, counts) | st.builds(
    Record, st.just("CNAME"), addresses
)
response_sets = st.builds(
    ResponseSet,
    region_code=st.sampled_from(terms.RegionCode),
    region_status=st.sampled_from(["up", "trouble", "failover", "unk", "reg_remove"]),
    change_ts=counts,
    change_type=st.sampled_from(terms.ChangeType),
    serve_count=counts,
    records=st.lists(records, max_size=3).map(tuple),
    serial=counts,
    user_name=texts,
)

facts = st.builds(
    Fact,
    status=st.sampled_from(terms.EntryStatus),
    latched=st.booleans(),
    response_ms=st.none() | st.floats(0.1, 1000),
)


small = st.integers(1, 4)
plain_entries = st.builds(PoolEntry, addresses, serve_mode=st.sampled_from(terms.ServeMode))
codes = st.lists(st.sampled_from(terms.RegionCode), min_size=1, max_size=4, unique=True)


@st.composite
def situations(draw: st.DrawFn) -> tuple[Service, dict[str, Fact], frozenset[str]]:
    """A service with valid counts and targets, what is known of its addresses, and what is held."""
    present = draw(codes)
    targets = {
        "ip": st.just("192.0.2.99"), "cname": st.just("cdn.example.net"),
        "global": st.sampled_from(["", "192.0.2.99"]),
    }  # fmt: skip
    parts = []
    for code in present:
        mode = draw(st.sampled_from(terms.FailoverMode))
        pool, numbers = draw(_pools(plain_entries)), [draw(small) for _ in range(3)]
        part = Region(code, pool, draw(st.booleans()), *numbers)
        data = draw(targets.get(mode, st.sampled_from(present)))
        parts.append(replace(part, failover_mode=mode, failover_data=data))
    known = {address: draw(facts) for address in sorted({e.address for p in parts for e in p.pool})}
    held = frozenset(draw(st.sets(st.sampled_from(present))))
    return service(region=tuple(parts)), known, held


ODD = (
    *(None, True, -1, 1.5, float("nan"), "", "Y", "10", "1_0", "²", "\0", "a,b", 10**30),
    *([], [None], ["x"], [[]], {}, {"x": 1}, [{}], [{"address": None}], [{"rdata_a": {}}]),
)
"""What a broken backend or client might send in place of anything."""


@st.composite
def spoiled(draw: st.DrawFn, values: st.SearchStrategy[Any]) -> Any:
    """JSON of which a few parts are replaced by odd things or missing."""
    value = draw(values)
    for _ in range(draw(st.integers(1, 3))):
        places = list(_places(value))
        holder, key = draw(st.sampled_from(places)) if places else ({}, "")
        holder[key] = deepcopy(draw(st.sampled_from(ODD)))
        if isinstance(holder, dict) and draw(st.booleans()):
            del holder[key]
    return value


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        yield value, key
        if isinstance(inner, dict | list):
            yield from _places(inner)
