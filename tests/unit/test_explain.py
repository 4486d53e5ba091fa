"""The funnel of a region, told from statuses and served records alone."""

import pytest
from hypothesis import given

from rttm.core.eligibility import Fact, decide_service
from rttm.core.explain import Funnel, explain
from rttm.core.failover import Origin, Source
from rttm.core.schema import Region
from tests.builders import pool_entry, region, service
from tests.unit.strategies import regions

ONE, TWO, THREE = "192.0.2.1", "192.0.2.2", "192.0.2.3"
UP = {address: Fact("up") for address in (ONE, TWO, THREE)}


def places(funnel: Funnel) -> list[tuple[str, str, str]]:
    return [(verdict.address, str(verdict.place), verdict.reason) for verdict in funnel.verdicts]


def test_the_funnel_counts_from_the_pool_to_each_answer():
    pool = (pool_entry(ONE), pool_entry(TWO), pool_entry(THREE, serve_mode="no"))
    funnel = explain(region(pool=pool, ep=5, serve_count=3), UP, served=(ONE,))
    assert (funnel.pool, funnel.available, funnel.eligible, funnel.serve_count) == (3, 2, 2, 3)
    assert explain(region(pool=pool, ep=1), UP, served=()).eligible == 1


def test_entries_come_in_the_order_served_standby_out_with_their_reasons():
    pool = (pool_entry(ONE, serve_mode="no"), pool_entry(TWO), pool_entry(THREE))
    funnel = explain(region(pool=pool, ep=1), UP, served=(THREE,))
    assert places(funnel) == [
        (THREE, "served", "served"),
        (TWO, "standby", "slower than the fastest 1"),
        (ONE, "out", "mode no"),
    ]


def test_inactive_service_stands_by_whatever_its_counts_are():
    pool = (pool_entry(ONE), pool_entry(TWO, serve_mode="no"))
    funnel = explain(region(pool=pool), UP, served=(), is_active=False)
    assert places(funnel) == [
        (ONE, "standby", "the service is inactive"),
        (TWO, "out", "mode no"),
    ]
    assert not funnel.breaks_next
    assert explain(region(pool=pool), UP, served=(ONE,)).breaks_next


def test_before_anybody_asked_nothing_is_said_to_be_served():
    funnel = explain(region("global", ONE, TWO), UP | {TWO: Fact("down")}, served=None)
    assert places(funnel) == [
        (ONE, "standby", "may be served: not asked yet"),
        (TWO, "out", "down"),
    ]


def test_an_address_of_which_nothing_is_known_is_unknown():
    funnel = explain(region("global", ONE), {}, served=(ONE,))
    assert places(funnel) == [(ONE, "served", "served while unknown")]


FAILED = {"status": "failover", "apmc": 2}


ELSEWHERE = Source("global", Origin.REGION, "Asia")
OWN_POOL = Source("global", Origin.LAST_RESORT, "global")


@pytest.mark.parametrize(
    ("served", "source", "reasons"),
    [
        (("192.0.2.99",), ELSEWHERE, {ONE: "the region is in failover", TWO: "down"}),
        (
            (ONE, TWO),
            OWN_POOL,
            {ONE: "served as the last resort", TWO: "served as the last resort"},
        ),
        (
            (ONE, TWO),  # the target has the same pool
            ELSEWHERE,
            {ONE: "the failover target has it too", TWO: "the failover target has it too"},
        ),
        ((ONE, THREE), ELSEWHERE, {ONE: "the failover target has it too", TWO: "down"}),
        (None, ELSEWHERE, {ONE: "the region is in failover", TWO: "down"}),
    ],
)
def test_in_failover_each_entry_says_whether_it_is_served_after_all(served, source, reasons):
    failing = region("global", ONE, TWO, **FAILED)
    funnel = explain(failing, UP | {TWO: Fact("down")}, served, source=source)
    assert {address: reason for address, _, reason in places(funnel)} == reasons


def test_older_answer_explains_no_entry_against_its_status():
    facts = UP | {TWO: Fact("down")}
    pool = region("global", ONE, TWO)
    assert places(explain(pool, facts, (ONE, TWO), is_older=True)) == [
        (ONE, "served", "served"),
        (TWO, "out", "down"),
    ]
    failing = region("global", ONE, TWO, **FAILED)
    for served in (None, (ONE, TWO)):
        assert places(explain(failing, facts, served, is_older=True)) == [
            (ONE, "standby", "the region is in failover"),
            (TWO, "out", "down"),
        ]


def test_in_failover_the_funnel_ends_in_its_source():
    failing = region("Asia", ONE, status="failover")
    assert explain(failing, UP, served=(), source=ELSEWHERE).target == "region Asia"
    healthy = region("Asia", ONE, status="ok")
    assert explain(healthy, UP, served=(), source=ELSEWHERE).target == ""


@pytest.mark.parametrize(
    ("fields", "breaks_next"),
    [
        ({"ep": 3, "apmc": 2}, False),
        ({"ep": 3, "apmc": 3}, True),
        ({"ep": 3, "epmc": 3}, True),
        ({"ep": 3, "apmc": 3, "status": "failover"}, False),
    ],
)
def test_a_threshold_that_breaks_with_the_next_address_is_marked(fields, breaks_next):
    funnel = explain(region("global", ONE, TWO, THREE, **fields), UP, served=())
    assert funnel.breaks_next == breaks_next


@given(regions)
def test_every_entry_has_exactly_one_place(value: Region):
    funnel = explain(value, {}, served=())
    assert sorted(v.address for v in funnel.verdicts) == sorted(e.address for e in value.pool)


def test_the_funnel_agrees_with_the_decision_it_explains():
    pool = tuple(pool_entry(address) for address in (ONE, TWO, THREE))
    value = region(pool=pool, ep=2)
    facts = {a: Fact("up", response_ms=ms) for a, ms in [(ONE, 30.0), (TWO, 20.0), (THREE, 10.0)]}
    decision = decide_service(service(region=(value,)), facts)["global"]
    funnel = explain(value, facts, {record.value for record in decision.records})
    assert (funnel.available, funnel.eligible) == (decision.available, decision.eligible)
    assert set(funnel.verdicts) == set(decision.verdicts)
