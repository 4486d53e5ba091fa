"""What a region serves: truth tables of modes, thresholds and failover, and what always holds."""

import random
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rttm.core import eligibility
from rttm.core.eligibility import Decision, Fact, Place, decide_service, why_out
from rttm.core.schema import Record, Region
from rttm.core.terms import Status
from tests.builders import pool_entry, region, service
from tests.unit import strategies as some

ONE, TWO, THREE, FOUR = (f"192.0.2.{number}" for number in range(1, 5))
ALL = (ONE, TWO, THREE, FOUR)
TARGET = "192.0.2.99"


def up() -> dict[str, Fact]:
    """Every address up, the first fastest."""
    return {address: Fact("up", response_ms=10.0 * n) for n, address in enumerate(ALL, start=1)}


def but(**statuses: str) -> dict[str, Fact]:
    """Every address up, but for those named: one="down"."""
    named = dict(zip(("one", "two", "three", "four"), ALL, strict=True))
    changed = {named[name]: replace(up()[named[name]], status=s) for name, s in statuses.items()}
    return up() | changed


def decided(region_: Region, facts: dict[str, Fact], held: tuple[str, ...] = ()) -> Decision:
    return decide_service(service(region=(region_,)), facts, held)["global"]


def served(decision: Decision) -> tuple[str, ...]:
    return tuple(record.value for record in decision.records)


def places(decision: Decision) -> dict[str, tuple[str, str]]:
    return {v.address: (str(v.place), v.reason) for v in decision.verdicts}


def test_the_reason_says_since_when_an_entry_is_down_where_that_is_known():
    since = datetime(2026, 11, 23, 9, 31, 5, tzinfo=UTC)
    assert (
        why_out(pool_entry(ONE), Fact("down", since=since)) == "down since 2026-11-23 09:31:05 UTC"
    )
    assert why_out(pool_entry(ONE), Fact("down")) == "down"


@pytest.mark.parametrize(
    ("serve_mode", "up_", "down", "unk", "latched"),
    [
        ("always", True, True, True, True),
        ("obey", True, False, True, True),
        ("remove", True, False, True, False),
        ("no", False, False, False, False),
        ("word of tomorrow", True, False, True, True),
    ],
)
def test_the_serve_mode_decides_whether_an_entry_is_available(serve_mode, up_, down, unk, latched):
    entry = pool_entry(serve_mode=serve_mode)
    facts = [Fact("up"), Fact("down"), Fact("unk"), Fact("up", latched=True)]
    assert [eligibility.is_available(entry, fact) for fact in facts] == [up_, down, unk, latched]


def test_only_mode_remove_latches_when_it_is_down_or_was():
    pool = (
        pool_entry(ONE, serve_mode="remove"),
        pool_entry(TWO, serve_mode="remove"),
        pool_entry(THREE, serve_mode="remove"),
        pool_entry(FOUR, serve_mode="obey"),
    )
    facts = but(one="down", four="down") | {TWO: Fact("up", latched=True)}
    assert eligibility.latches(service(region=(region(pool=pool),)), facts) == {ONE, TWO}
    ignored = region("Asia", pool=pool, autopopulate=True)
    assert eligibility.latches(service(region=(region(), ignored)), facts) == frozenset()
    assert eligibility.latches(service(region=(region(pool=pool),)), {}) == frozenset()


def test_the_fastest_ep_are_served_and_the_rest_stands_by():
    decision = decided(region("global", *ALL, ep=2), up())
    assert served(decision) == (ONE, TWO)
    assert (decision.pool, decision.available, decision.eligible) == (4, 4, 2)
    assert places(decision)[THREE] == ("standby", "slower than the fastest 2")
    assert (decision.status, decision.in_failover, decision.reason) == (Status.OK, False, "")


def test_an_entry_without_a_figure_is_the_slowest_and_ties_keep_the_pools_order():
    facts = {ONE: Fact("up"), TWO: Fact("up"), THREE: Fact("up", response_ms=900)}
    assert served(decided(region("global", ONE, TWO, THREE, ep=1), facts)) == (THREE,)
    assert served(decided(region("global", ONE, TWO, THREE, ep=2), facts)) == (ONE, THREE)


def test_a_weighted_address_and_a_name_become_records():
    pool = (pool_entry(ONE, weight=5), pool_entry("cdn.example.net", weight=15))
    decision = decided(region(pool=pool, ep=2, serve_count=2), {})
    assert decision.records == (Record("A", ONE, 5), Record("CNAME", "cdn.example.net", 15))
    assert decision.serve_count == 2


@pytest.mark.parametrize(
    ("mode", "fact", "place"),
    [
        ("obey", Fact("up"), ("served", "served")),
        ("obey", Fact("unk"), ("served", "served while unknown")),
        ("always", Fact("down"), ("served", "served although down: mode always")),
        ("obey", Fact("down"), ("out", "down")),
        ("remove", Fact("down", latched=True), ("out", "down")),
        ("remove", Fact("up", latched=True), ("out", "it was down since the last recover")),
        ("no", Fact("up"), ("out", "mode no")),
    ],
)
def test_every_entry_has_its_place_and_the_reason_in_words(mode, fact, place):
    pool = (pool_entry(ONE, serve_mode=mode), pool_entry(TWO))
    decision = decided(region(pool=pool, ep=2), {ONE: fact, TWO: Fact("up")})
    assert places(decision)[ONE] == place


@pytest.mark.parametrize(
    ("facts", "apmc", "epmc", "ep", "reason"),
    [
        (but(), 4, 1, 4, ""),
        (but(one="down"), 3, 3, 4, ""),
        (but(one="down"), 4, 1, 4, "3 available, needs 4 (apmc)"),
        (but(one="down"), 3, 4, 4, "3 in the eligibility pool, needs 4 (epmc)"),
        (but(one="down"), 1, 2, 2, ""),
        (but(one="down"), 4, 4, 4, "3 available, needs 4 (apmc)"),
        (but(one="unk"), 4, 4, 4, ""),
    ],
)
def test_a_region_fails_over_below_its_minimum_counts(facts, apmc, epmc, ep, reason):
    decision = decided(region("global", *ALL, ep=ep, apmc=apmc, epmc=epmc), facts)
    assert decision.in_failover == bool(reason)
    assert decision.reason == (f"{reason}: serves {TARGET}" if reason else "")
    assert decision.eligible == min(ep, decision.available)


def test_a_held_region_waits_for_recover_although_its_counts_are_met():
    decision = decided(region(), up(), held=("global",))
    assert (decision.status, served(decision)) == (Status.FAILOVER, (TARGET,))
    assert decision.reason.startswith("counts are met again, waits for recover")
    assert places(decision)[ONE] == ("standby", "the region is in failover")
    assert not decided(region(), up(), held=("Asia",)).in_failover


BOTH_DOWN = but(one="down", two="down")


def with_asia(asia: Region, *others: Region, facts: dict[str, Fact] = BOTH_DOWN) -> Decision:
    """Asia's decision beside a healthy global region of three and four."""
    healthy = region("global", THREE, FOUR, ep=2, serve_count=2)
    return decide_service(service(region=(healthy, asia, *others)), facts)["Asia"]


def failing(code: str, mode: str, data: str = "") -> Region:
    """A region whose own pool is down."""
    return region(code, ONE, TWO, failover_mode=mode, failover_data=data)


@pytest.mark.parametrize(
    ("mode", "data", "records", "serve_count", "target"),
    [
        ("ip", "192.0.2.9", (Record("A", "192.0.2.9", 1),), 1, "192.0.2.9"),
        ("cname", "cdn.example.net", (Record("CNAME", "cdn.example.net"),), 1, "cdn.example.net"),
        ("region", "global", (Record("A", THREE, 1), Record("A", FOUR, 1)), 2, "region global"),
        ("global", "", (Record("A", THREE, 1), Record("A", FOUR, 1)), 2, "region global"),
        ("global", ONE, (Record("A", THREE, 1), Record("A", FOUR, 1)), 2, "region global"),
    ],
)
def test_a_region_in_failover_serves_its_target(mode, data, records, serve_count, target):
    decision = with_asia(failing("Asia", mode, data))
    assert (decision.records, decision.serve_count) == (records, serve_count)
    assert decision.reason == f"0 available, needs 1 (apmc): serves {target}"
    assert decision.status == Status.FAILOVER


def test_an_entry_that_the_target_serves_too_still_stands_by_in_its_own_region():
    decision = with_asia(region("Asia", ONE, THREE, apmc=2, failover_mode="global"))
    assert THREE in served(decision)
    assert places(decision)[THREE] == ("standby", "the region is in failover")


@pytest.mark.parametrize(
    ("chain", "expected"),
    [
        ([failing("Asia", "region", "EU West"), failing("EU West", "global")], (THREE, FOUR)),
        ([failing("Asia", "region", "EU West"), failing("EU West", "ip", TARGET)], (TARGET,)),
        ([failing("Asia", "region", "EU West"), failing("EU West", "region", "Asia")], (ONE, TWO)),
        ([failing("Asia", "region", "Asia")], (ONE, TWO)),
        ([failing("Asia", "region", "US West")], (ONE, TWO)),
    ],
)
def test_a_chain_of_failing_regions_is_followed_to_its_end(chain, expected):
    assert served(with_asia(*chain)) == expected


def test_a_global_region_that_fails_over_to_itself_serves_its_pool_as_the_last_resort():
    pool = (pool_entry(ONE), pool_entry(TWO, serve_mode="no"), pool_entry(THREE))
    decision = decided(
        region(pool=pool, failover_mode="global", apmc=3), but(one="down", three="up")
    )
    assert served(decision) == (ONE, THREE)
    assert decision.reason.endswith("serves its own pool as the last resort")
    assert places(decision) == {
        ONE: ("served", "served as the last resort; down"),
        TWO: ("out", "mode no"),
        THREE: ("served", "served as the last resort; slower than the fastest 1"),
    }


def test_only_a_pool_of_mode_no_leaves_the_last_resort_empty():
    pool = (pool_entry(ONE, serve_mode="no"),)
    decision = decided(region(pool=pool, failover_mode="global"), up())
    assert (decision.records, decision.status) == ((), Status.FAILOVER)


@pytest.mark.parametrize(
    ("mode", "data", "source"), [("global", "", "global"), ("region", "EU West", "EU West")]
)
def test_a_drained_region_at_the_end_of_its_chain_serves_the_pool_of_the_next(mode, data, source):
    drained = region(
        "Asia", pool=(pool_entry(FOUR, serve_mode="no"),), failover_mode=mode, failover_data=data
    )
    behind = region(
        "EU West", pool=(pool_entry(TWO),), failover_mode="region", failover_data="Asia",
        serve_count=3,
    )  # fmt: skip
    world = region("global", pool=(pool_entry(ONE),), failover_mode="global", serve_count=2)
    value = service(region=(world, behind, drained))
    decision = decide_service(value, but(one="down", two="down"))["Asia"]
    assert served(decision) == ((ONE,) if source == "global" else (TWO,))
    assert decision.serve_count == {"global": 2, "EU West": 3}[source]
    assert decision.reason.endswith(f"serves the pool of {source} as the last resort")
    assert places(decision) == {FOUR: ("out", "mode no")}


def test_an_autopopulated_region_decides_as_the_global_one_does():
    own = region("Asia", FOUR, autopopulate=True, ep=9, failover_data="192.0.2.9")
    value = service(region=(region("global", ONE, TWO, ep=1), own))
    decisions = decide_service(value, up())
    assert served(decisions["Asia"]) == served(decisions["global"]) == (ONE,)
    assert decisions["Asia"].region_code == "Asia"
    assert eligibility.effective(own, value).autopopulate
    failed = decide_service(value, BOTH_DOWN)
    assert served(failed["Asia"]) == (TARGET,)


def test_what_is_observed_of_an_autopopulated_region_is_its_own():
    own = Region("Asia", autopopulate=True, status="failover", task_id="7")
    value = service(region=(region("global", status="ok"), own))
    filled = eligibility.effective(own, value)
    assert (filled.status, filled.task_id) == ("failover", "7")


def test_an_autopopulated_region_without_a_global_one_has_its_own_pool():
    value = service(region=(region("Asia", FOUR, autopopulate=True),))
    assert served(decide_service(value, up())["Asia"]) == (FOUR,)


@pytest.mark.parametrize(
    ("statuses", "modes", "expected"),
    [
        (("up", "up"), ("obey", "obey"), Status.OK),
        (("up", "unk"), ("obey", "obey"), Status.OK),
        (("unk", "unk"), ("obey", "obey"), Status.UNK),
        (("up", "down"), ("obey", "obey"), Status.TROUBLE),
        (("up", "down"), ("obey", "always"), Status.TROUBLE),
        (("up", "down"), ("obey", "no"), Status.OK),
        (("unk", "up"), ("obey", "no"), Status.UNK),
        (("down", "down"), ("obey", "obey"), Status.FAILOVER),
    ],
)
def test_a_regions_status_is_composed_of_its_entries(statuses, modes, expected):
    pool = tuple(pool_entry(a, serve_mode=mode) for a, mode in zip((ONE, TWO), modes, strict=True))
    facts = {a: Fact(status) for a, status in zip((ONE, TWO), statuses, strict=True)}
    assert decided(region(pool=pool, ep=2), facts).status == expected


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        (["ok", "unk", "trouble", "failover"], "failover"),
        (["ok", "trouble", "unk"], "trouble"),
        (["ok", "unk"], "unk"),
        (["ok"], "ok"),
        ([], "unk"),
        (["a word of tomorrow"], "unk"),
    ],
)
def test_the_worst_region_gives_the_service_its_status(statuses, expected):
    assert eligibility.worst(statuses) == expected


@given(some.situations())
def test_outside_failover_never_more_than_ep_are_served(situation):
    value, facts, held = situation
    for code, decision in decide_service(value, facts, held).items():
        if not decision.in_failover:
            part = eligibility.effective(value.at(code), value)
            assert 1 <= len(decision.records) <= part.ep
            assert set(served(decision)) <= {entry.address for entry in part.pool}


@given(some.facts)
def test_mode_always_is_always_available_and_mode_no_never(fact):
    assert eligibility.is_available(pool_entry(serve_mode="always"), fact)
    assert not eligibility.is_available(pool_entry(serve_mode="no"), fact)


@given(some.situations())
def test_an_entry_of_mode_no_is_never_served_in_its_region(situation):
    value, facts, held = situation
    for code, decision in decide_service(value, facts, held).items():
        for entry in eligibility.effective(value.at(code), value).pool:
            if entry.serve_mode == "no":
                assert places(decision)[entry.address] == ("out", "mode no")
                assert decision.in_failover or entry.address not in served(decision)


@given(some.situations())
def test_an_answer_is_never_empty_unless_every_entry_has_mode_no(situation):
    value, facts, held = situation
    decisions = decide_service(value, facts, held)
    for code, decision in decisions.items():
        modes = {entry.serve_mode for entry in eligibility.effective(value.at(code), value).pool}
        assert decision.records or modes == {"no"}
        goes_on = eligibility.effective(value.at(code), value).failover_mode == "global"
        if decision.in_failover and goes_on and "global" in decisions:
            assert decision.records or not decisions["global"].records


@given(some.situations())
def test_the_verdicts_agree_with_what_is_served(situation):
    value, facts, held = situation
    for code, decision in decide_service(value, facts, held).items():
        pool = eligibility.effective(value.at(code), value).pool
        assert [verdict.address for verdict in decision.verdicts] == [e.address for e in pool]
        placed = {v.address for v in decision.verdicts if v.place == Place.SERVED}
        if not decision.in_failover or placed:
            assert placed == set(served(decision))


@given(some.situations(), st.randoms(use_true_random=False))
def test_the_order_of_regions_does_not_matter(situation, chance: random.Random):
    value, facts, held = situation
    mixed = list(value.region)
    chance.shuffle(mixed)
    assert decide_service(replace(value, region=tuple(mixed)), facts, held) == decide_service(
        value, facts, held
    )


@given(some.situations(), st.randoms(use_true_random=False))
def test_the_order_of_a_pool_decides_only_between_equally_fast_entries(situation, chance):
    value, facts, held = situation
    addresses = sorted({entry.address for part in value.region for entry in part.pool})
    facts = {
        address: replace(facts.get(address, Fact()), response_ms=float(number))
        for number, address in enumerate(addresses)
    }

    def mixed(part: Region) -> Region:
        return replace(part, pool=tuple(chance.sample(part.pool, len(part.pool))))

    shuffled = replace(value, region=tuple(map(mixed, value.region)))
    before, now = decide_service(value, facts, held), decide_service(shuffled, facts, held)
    assert {c: set(served(d)) for c, d in before.items()} == {
        c: set(served(d)) for c, d in now.items()
    }
    assert {c: d.status for c, d in before.items()} == {c: d.status for c, d in now.items()}


@given(some.situations())
def test_an_address_that_comes_up_never_brings_its_region_into_failover(situation):
    value, facts, held = situation
    before = decide_service(value, facts, held)
    for address in facts:
        better = facts | {address: replace(facts[address], status="up", latched=False)}
        for code, decision in decide_service(value, better, held).items():
            assert before[code].in_failover or not decision.in_failover


@given(some.situations())
def test_a_latch_holds_until_recover_and_then_only_where_an_address_is_down(situation):
    value, facts, _ = situation
    latched = eligibility.latches(value, facts)
    kept = {a: replace(fact, status="up", latched=a in latched) for a, fact in facts.items()}
    assert eligibility.latches(value, kept) == latched
    recovered = {address: replace(fact, latched=False) for address, fact in facts.items()}
    down = {address for address, fact in recovered.items() if fact.status == "down"}
    assert eligibility.latches(value, recovered) == latched & down
