"""Who is told what: the events in a change, and the mail about it."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rttm.core.moments import stamp
from rttm.core.notify import AddressChange, News, RegionNow, clean, events, mail
from rttm.core.schema import Service
from tests.builders import pool_entry, region, service
from tests.unit import strategies as some

ONE, TWO = "192.0.2.1", "192.0.2.2"
MOMENT = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
ALL_EVENTS = ("ip", "svc", "nosrv")


def told(**fields: Any) -> News:
    """A change of a service whose contact wants to know everything."""
    defaults: dict[str, Any] = {
        "service": service(notify_events=ALL_EVENTS),
        "moment": MOMENT,
        "change_type": "health",
        "serial": 17,
        "before": "ok",
        "after": "ok",
    }
    return News(**{**defaults, **fields})


def address(before: str = "up", after: str = "down", **fields: Any) -> AddressChange:
    return AddressChange(fields.pop("address", ONE), before, after, **fields)


def with_modes(*modes: str) -> Service:
    """The same address, with one of these modes in each region."""
    codes = ("global", "Asia", "EU West")
    regions = (region(code, pool=(pool_entry(ONE, serve_mode=mode),))
               for code, mode in zip(codes, modes, strict=False))  # fmt: skip
    return service(region=tuple(regions), notify_events=ALL_EVENTS)


@pytest.mark.parametrize(
    ("before", "after", "modes", "expected"),
    [
        ("up", "down", ["obey"], {"ip"}),
        ("up", "down", ["always"], {"ip"}),
        ("up", "down", ["remove"], {"ip"}),
        ("up", "down", ["no"], {"nosrv"}),
        ("up", "down", ["no", "obey"], {"nosrv", "ip"}),
        ("down", "up", ["obey", "always"], {"ip"}),
        ("down", "unk", ["obey"], {"ip"}),
        ("unk", "up", ["obey"], {"ip"}),
        ("", "down", ["obey"], {"ip"}),
        ("", "down", ["no"], {"nosrv"}),
        ("", "up", ["obey"], set()),
        ("", "up", ["no"], set()),
        ("up", "down", [], set()),
    ],
)
def test_an_address_makes_the_event_of_its_modes(before, after, modes, expected):
    news = told(service=with_modes(*modes), addresses=(address(before, after),))
    assert events(news) == expected


def test_the_sleeping_pool_of_an_autopopulated_region_makes_no_event():
    asleep = region("Asia", pool=(pool_entry(ONE, serve_mode="no"),), autopopulate=True)
    news = told(service=service(region=(region(), asleep)), addresses=(address(),))
    assert events(news) == {"ip"}


@pytest.mark.parametrize(
    ("before", "after", "is_new", "address_before", "expected"),
    [
        ("ok", "ok", False, "up", False),
        ("ok", "trouble", False, "up", True),
        ("trouble", "ok", False, "up", True),
        ("ok", "unk", False, "up", True),
        ("unk", "ok", False, "", True),
        ("unk", "ok", True, "unk", True),
        ("unk", "ok", True, "", False),
        ("unk", "trouble", True, "", True),
        ("", "unk", True, "", False),
        ("", "ok", False, "", False),
        ("", "failover", True, "", True),
        ("", "trouble", False, "", True),
    ],
)
@pytest.mark.parametrize("of", ["service", "region"])
def test_a_status_of_service_or_region_is_an_event_unless_new_and_well(
    before, after, is_new, address_before, expected, of
):
    seen = address(address_before, "up", address="192.0.2.250")  # in no pool: no event of its own
    news = told(is_new=is_new, addresses=(seen,))
    if of == "service":
        news = replace(news, before=before, after=after)
    else:
        news = replace(news, regions=(RegionNow("Asia", before, after, (ONE,)),))
    assert ("svc" in events(news)) is expected


@pytest.mark.parametrize(
    ("wanted", "is_sent"),
    [((), False), (("svc",), False), (("nosrv",), False), (("ip",), True), (ALL_EVENTS, True)],
)
def test_the_contact_hears_of_the_events_it_asked_for(wanted, is_sent):
    news = told(service=service(notify_events=wanted), addresses=(address(),))
    assert bool(mail(news)) is is_sent


IN_FAILOVER = told(
    before="ok",
    after="failover",
    regions=(
        RegionNow("global", "ok", "failover", ("192.0.2.99",), (ONE, TWO), "0 available: sorry"),
        RegionNow("Asia", "ok", "ok", ("192.0.2.7", "192.0.2.8")),
    ),
    addresses=(address(message="connect timed out"), address(address=TWO)),
)


def test_a_mail_says_what_changed_since_when_why_and_what_is_served():
    pool = (pool_entry(ONE, label="fra-web-1"), pool_entry(TWO))
    value = service(region=(region(pool=pool),), notify_events=("svc",))
    sent = mail(replace(IN_FAILOVER, service=value))
    assert sent
    assert sent.subject == "[RTTM] www.example.com failover"
    assert sent.headline == "www.example.com is failover since 2026-02-03 04:05:06 UTC; it was ok."
    assert sent.body.splitlines() == [
        sent.headline,
        "",
        "What changed:",
        "  region global: failover, was ok",
        f"  {ONE} (fra-web-1): down, was up",
        f"  {TWO}: down, was up",
        "",
        "Why:",
        "  global: 0 available: sorry",
        f"  {ONE}: connect timed out",
        "",
        "What is served now:",
        "  global: 192.0.2.99",
        "  Asia: 192.0.2.7, 192.0.2.8",
        "",
        "Zone example.com, serial 17.",
    ]


@pytest.mark.parametrize(
    ("changes", "subject"),
    [
        ({"addresses": (address(),)}, f"{ONE} down"),
        ({"addresses": (address("down", "unk"),)}, f"{ONE} unknown"),
        ({"addresses": (address(), address(address=TWO))}, "2 addresses changed"),
        ({"before": "failover", "after": "ok"}, "ok"),
        ({"before": "ok", "after": "unk"}, "unknown"),
        (
            {
                "before": "failover",
                "after": "failover",
                "regions": (
                    RegionNow("EU East", "ok", "a word of tomorrow", (ONE,)),
                    RegionNow("Asia", "ok", "trouble", (ONE,)),
                    RegionNow("EU West", "ok", "failover", (ONE,)),
                ),
            },
            "EU West failover",
        ),
    ],
)
def test_the_subject_names_the_worst_that_changed(changes, subject):
    sent = mail(told(**changes))
    assert sent
    assert sent.subject == f"[RTTM] www.example.com {subject}"


def test_an_address_is_named_by_the_label_that_it_has_in_any_region():
    regions = (region("global", ONE), region("Asia", pool=(pool_entry(ONE, label="sin-web-1"),)))
    value = service(region=regions, notify_events=("ip",))
    sent = mail(told(service=value, addresses=(address(),)))
    assert sent
    assert f"  {ONE} (sin-web-1): down, was up\n" in sent.body


def test_a_label_of_a_pool_that_sleeps_names_nothing():
    asleep = region("Asia", pool=(pool_entry(ONE, label="retired"),), autopopulate=True)
    value = service(region=(region("global", ONE), asleep), notify_events=("ip",))
    sent = mail(told(service=value, addresses=(address(),)))
    assert sent
    assert f"  {ONE}: down, was up\n" in sent.body


def test_a_deleted_service_is_called_so_also_when_it_was_inactive():
    value = service(active=False, notify_events=("svc",))
    sent = mail(told(service=value, before="unk", after="deleted"))
    assert sent
    assert sent.subject == "[RTTM] www.example.com deleted"


def test_a_change_that_leaves_the_service_as_it_was_says_so():
    sent = mail(told(after="trouble", before="trouble", addresses=(address(),)))
    assert sent
    assert sent.headline.startswith("www.example.com is trouble; something in it changed at 2026-")


def test_who_changed_it_and_who_waits_for_recover_are_named():
    sent = mail(told(user_name="olga", addresses=(address("down", "up", waits=True),)))
    assert sent
    assert "  olga changed it\n" in sent.body
    assert f"  {ONE}: waits for recover, because it was down (mode remove)\n" in sent.body


def test_a_deactivated_service_is_called_inactive():
    value = service(active=False, notify_events=("svc",))
    empty = (RegionNow("global", "ok", "unk", (), (ONE,)),)
    sent = mail(told(service=value, before="ok", after="unk", regions=empty, user_name="olga"))
    assert sent
    assert sent.subject == "[RTTM] www.example.com inactive"
    assert sent.headline.endswith("it answers nothing.")
    assert "  global: nothing\n" in sent.body


odd = st.text(st.characters(exclude_categories=[]), max_size=40) | st.sampled_from(
    ["a\r\nBcc: b", "x\n\nWhy:\n  y", "\u2028z", "\x00", "\x1b[2J", "\ud800", "a\tb"]
)


@given(odd, odd, odd, odd)
def test_nothing_that_others_wrote_can_forge_a_line(label, message, user_name, reason):
    pool = (pool_entry(ONE, label=label), pool_entry(TWO, label=label))
    value = service(region=(region(pool=pool),), notify_events=ALL_EVENTS)
    news = replace(
        IN_FAILOVER,
        service=value,
        user_name=user_name,
        regions=(replace(IN_FAILOVER.regions[0], reason=reason),),
        addresses=(address(message=message),),
    )
    sent = mail(news)
    assert sent
    assert sent.subject.isprintable()
    assert all(line.isprintable() for line in sent.body.split("\n"))
    plain = replace(
        news,
        user_name="x" if user_name else "",
        regions=(replace(news.regions[0], reason="x" if reason else ""),),
        addresses=(address(message="x" if message else ""),),
    )
    expected = mail(plain)
    assert expected
    assert sent.body.count("\n") == expected.body.count("\n")
    sent.body.encode()


statuses = st.sampled_from(["", "unk", "ok", "trouble", "failover"])
changes = st.builds(
    AddressChange, some.addresses, st.sampled_from(["", "unk", "up", "down"]),
    st.sampled_from(["unk", "up", "down"]),
)  # fmt: skip
regions_now = st.builds(RegionNow, st.just("global"), statuses, statuses, st.just((ONE,)))
any_news = st.builds(
    News,
    service=some.services,
    moment=st.just(MOMENT),
    change_type=st.sampled_from(["user", "health", "perf"]),
    serial=some.counts,
    before=statuses,
    after=statuses,
    regions=st.lists(regions_now, max_size=3).map(tuple),
    addresses=st.lists(changes, max_size=3).map(tuple),
    user_name=some.texts,
    is_new=st.booleans(),
)


@given(any_news)
def test_a_mail_is_sent_exactly_when_a_wanted_event_happened(news):
    wanted = events(news) & set(news.service.notify_events)
    assert (mail(news) is not None) == bool(wanted)


@given(any_news)
def test_what_did_not_change_makes_no_event(news):
    same = replace(
        news,
        after=news.before or "ok",
        regions=tuple(replace(part, after=part.before or "ok") for part in news.regions),
        addresses=(),
    )
    assert events(same) == frozenset()


@given(odd)
def test_clean_text_is_one_printable_line_and_stays_so(text):
    line = clean(text)
    assert line.isprintable()
    assert clean(line) == line
    assert clean("a b") == "a b"


def test_a_moment_is_written_with_its_zone():
    assert stamp(MOMENT) == "2026-02-03 04:05:06 UTC"
