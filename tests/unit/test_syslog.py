"""Messages for syslog servers: tokens, formats, frames, and which changes make one."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rttm.core.health import Health, ProbeResult
from rttm.core.notify import AddressChange, News, RegionNow
from rttm.core.schema import Service
from rttm.core.syslog import (
    DATAGRAM_BYTES,
    TOKENS,
    Probed,
    Speaker,
    change_messages,
    fill,
    framed,
    is_told,
    probe_message,
)
from rttm.core.terms import SYSLOG_FACILITIES, EntryStatus
from tests.builders import region, service
from tests.unit import strategies as some

ONE, TWO = "192.0.2.1", "192.0.2.2"
MOMENT = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
HERE = Speaker("rttm-1.example.com", "FRA")
EVERY_TOKEN = "|".join(f"%{token}" for token in TOKENS)
FRAME = re.compile(
    r"<(\d{1,3})>(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ 123]\d "
    r"[012]\d:[0-5]\d:[0-5]\d \S+ dynect: .*"
)


def logging(**fields: Any) -> Service:
    return service(**{"syslog_server": "192.0.2.7", **fields})


def probed(before: str = "up", after: str = "down", **fields: Any) -> Probed:
    defaults = {"message": "connect timed out", "response_ms": None} | fields
    runs = defaults.pop("runs", ())
    result = ProbeResult(EntryStatus(after), **defaults)
    return Probed(ONE, result, Health(EntryStatus(before)), Health(EntryStatus(after), runs=runs))


def message(of: Probed, value: Service) -> str:
    return probe_message(of, value, moment=MOMENT, serial=17, speaker=HERE)


@pytest.mark.parametrize(
    ("server", "delivery", "before", "after", "expected"),
    [
        ("", "all", "up", "down", False),
        ("", "change", "up", "down", False),
        ("192.0.2.7", "all", "up", "up", True),
        ("192.0.2.7", "all", "up", "down", True),
        ("192.0.2.7", "change", "up", "up", False),
        ("192.0.2.7", "change", "down", "down", False),
        ("192.0.2.7", "change", "up", "down", True),
        ("192.0.2.7", "change", "unk", "up", True),
    ],
)
def test_delivery_decides_which_probes_are_told(server, delivery, before, after, expected):
    value = service(syslog_server=server, syslog_delivery=delivery)
    assert is_told(probed(before, after), value) is expected


def test_a_site_that_still_waits_for_more_up_runs_has_not_changed():
    waiting = Probed(
        ONE, ProbeResult(EntryStatus.UP, "HTTP 200"), Health(EntryStatus.DOWN),
        Health(EntryStatus.DOWN, streak=1),
    )  # fmt: skip
    assert not is_told(waiting, logging(syslog_delivery="change"))
    assert is_told(waiting, logging(syslog_delivery="all"))


def test_a_probe_without_a_format_of_the_service_has_ours():
    assert message(probed(), logging()) == (
        "<28>Feb  3 04:05:06 rttm-1 dynect: "
        f"www.example.com {ONE} is down from FRA after - ms: connect timed out"
    )


def test_every_token_of_a_probe():
    value = logging(
        syslog_probe_fmt=EVERY_TOKEN, region=(region(), region("Asia", ONE), region("EU West", TWO))
    )
    text = message(probed("down", "up", response_ms=31.4, runs=(30.0, 50.0, 31.4)), value)
    assert text.partition(": ")[2].split("|") == [
        "www.example.com", "2026-02-03T04:05:06Z", "global,Asia", "up", "17", ONE, "FRA", "31",
        "connect timed out", ONE, "31", "30,50,31",
    ]  # fmt: skip


def test_a_region_that_is_filled_from_global_has_the_addresses_of_global():
    asleep = region("EU West", TWO, autopopulate=True)
    value = logging(syslog_probe_fmt="%reg", region=(region("global", ONE), asleep))
    assert message(probed(), value).endswith(": global,EU West")
    elsewhere = replace(probed(), address=TWO)
    assert message(elsewhere, value).endswith(": -")


def changed(value: Service, **fields: Any) -> News:
    defaults: dict[str, Any] = {
        "service": value,
        "moment": MOMENT,
        "change_type": "health",
        "serial": 18,
        "before": "ok",
        "after": "failover",
        "regions": (
            RegionNow("global", "ok", "failover", ("192.0.2.99",), (ONE, TWO), "0 available"),
            RegionNow("Asia", "ok", "ok", (TWO,), (TWO,)),
        ),
        "addresses": (AddressChange(ONE, "up", "down", "timed out"), AddressChange(TWO, "", "up")),
    }
    return News(**{**defaults, **fields})


def test_a_change_is_told_for_each_region_and_for_the_service():
    assert change_messages(changed(logging()), {}, speaker=HERE) == [
        "<27>Feb  3 04:05:06 rttm-1 dynect: www.example.com global is failover, "
        f"serves 192.0.2.99, serial 18: 0 available; {ONE}: timed out",
        "<27>Feb  3 04:05:06 rttm-1 dynect: www.example.com service is failover, "
        f"serves 192.0.2.99,{TWO}, serial 18: 0 available; {ONE}: timed out",
    ]


def test_every_token_of_a_status():
    news = changed(logging(syslog_status_fmt=EVERY_TOKEN), user_name="olga", change_type="user")
    first, *_ = change_messages(news, {}, speaker=HERE)
    assert first.partition(": ")[2].split("|") == [
        "www.example.com", "2026-02-03T04:05:06Z", "global", "failover", "18", "192.0.2.99", "FRA",
        "-", f"0 available; olga changed it; {ONE}: timed out", f"{ONE},{TWO}", "-", "-",
    ]  # fmt: skip


def test_without_a_server_or_a_change_nothing_is_told():
    assert change_messages(changed(service()), {}, speaker=HERE) == []
    same = changed(logging(), before="ok", after="ok", regions=(), addresses=())
    assert change_messages(same, {}, speaker=HERE) == []


FASTER = changed(
    logging(syslog_rttm_fmt=EVERY_TOKEN),
    change_type="perf",
    before="ok",
    after="ok",
    addresses=(),
    regions=(
        RegionNow("global", "ok", "ok", (TWO, ONE), (ONE, "192.0.2.3")),
        RegionNow("Asia", "ok", "ok", (TWO, ONE), (ONE, TWO)),
    ),
)


def test_every_token_of_another_eligibility_pool():
    [text] = change_messages(FASTER, {TWO: (20.0, 30.0, 22.0)}, speaker=HERE)
    assert text.startswith("<30>")
    assert text.partition(": ")[2].split("|") == [
        "www.example.com", "2026-02-03T04:05:06Z", "global", "ok", "18", f"{TWO},{ONE}", "FRA",
        "22", f"other fastest addresses, before {ONE},192.0.2.3", f"{TWO},{ONE}", "22,-",
        "20,30,22/-",
    ]  # fmt: skip


def test_the_same_addresses_after_a_health_change_are_no_performance_message():
    assert change_messages(replace(FASTER, change_type="health"), {}, speaker=HERE) == []


def test_a_region_that_served_nothing_before_still_has_a_sentence():
    before = replace(FASTER.regions[0], served_before=())
    news = replace(FASTER, service=logging(), regions=(before,))
    [text] = change_messages(news, {}, speaker=HERE)
    assert text.endswith("medians -,- ms, serial 18: other fastest addresses, before -")


def test_where_no_address_has_a_time_there_is_no_fastest():
    news = replace(FASTER, service=logging(syslog_rttm_fmt="%rti %med"))
    [text] = change_messages(news, {TWO: (None,)}, speaker=HERE)
    assert text.endswith(": - -,-")


@pytest.mark.parametrize(
    ("facility", "status", "priority"),
    [
        *(("kern", "failover", 3), ("daemon", "failover", 27), ("daemon", "trouble", 28)),
        *(
            ("daemon", "down", 28),
            ("daemon", "unk", 29),
            ("daemon", "ok", 30),
            ("daemon", "up", 30),
        ),
        *(("user", "up", 14), ("console", "up", 14 * 8 + 6), ("local0", "up", 16 * 8 + 6)),
        *(("local7", "up", 23 * 8 + 6), ("ntp", "up", 12 * 8 + 6), ("security", "up", 110)),
        ("a word of tomorrow", "a word of tomorrow", 29),
    ],
)
def test_the_priority_is_the_services_facility_and_the_severity_of_the_status(
    facility, status, priority
):
    value = logging(syslog_facility=facility)
    assert framed("x", value, status, moment=MOMENT, speaker=HERE).startswith(f"<{priority}>Feb")


@pytest.mark.parametrize(
    ("host", "ident", "head"),
    [
        ("a.b.c", "dynect", "a dynect: x"),
        ("", "", "- -: x"),
        ("two words", "one\ntwo", "two-words one-two: x"),
    ],
)
def test_host_and_ident_are_one_word_each(host, ident, head):
    value = logging(syslog_ident=ident)
    text = framed("x", value, "ok", moment=MOMENT, speaker=Speaker(host, "FRA"))
    assert text == f"<30>Feb  3 04:05:06 {head}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("%sta", "down"),
        ("%status", "downtus"),
        ("%%sta%", "%down%"),
        ("%STA %xyz %", "%STA %xyz %"),
        ("%msg", "%hos %sta"),
        ("%rti", "-"),
        ("", ""),
    ],
)
def test_tokens_are_filled_in_once(text, expected):
    assert fill(text, {"sta": "down", "hos": "x", "msg": "%hos %sta", "rti": ""}) == expected


odd = st.text(st.characters(exclude_categories=[]), max_size=300) | st.sampled_from(
    ["a\r\n<0>Jan  1 00:00:00 forged root: hello", "\x00", "\u2028", "\ud800", "ü" * 2000]
)
moments = st.integers(0, 2**31).map(lambda s: datetime.fromtimestamp(0, UTC) + timedelta(seconds=s))


@given(odd, odd, odd, moments, st.sampled_from(SYSLOG_FACILITIES), st.sampled_from(EntryStatus))
def test_every_message_is_one_framed_line_that_fits(text, said, host, moment, facility, status):
    value = logging(syslog_probe_fmt=f"{text} %msg", syslog_facility=facility)
    of = Probed(ONE, ProbeResult(status, said), Health(), Health(status))
    speaker = Speaker(host, "FRA")
    whole = probe_message(of, value, moment=moment, serial=1, speaker=speaker)
    assert len(whole.encode()) <= DATAGRAM_BYTES
    assert whole.isprintable()
    found = FRAME.fullmatch(whole)
    assert found
    assert int(found[1]) < 192


@given(some.services, st.sampled_from(["user", "health", "perf"]))
def test_any_service_makes_messages_that_can_be_sent(value, change_type):
    news = changed(replace(value, syslog_server="192.0.2.7"), change_type=change_type)
    for text in change_messages(news, {ONE: (1.0,)}, speaker=HERE):
        assert text.isprintable()
        assert len(text.encode()) <= DATAGRAM_BYTES
