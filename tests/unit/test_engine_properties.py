"""What holds for every service, whatever is known of its addresses and whoever recovers it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from hypothesis import given
from hypothesis import strategies as st

from rttm.core.eligibility import (
    Decision,
    Fact,
    Place,
    decide_service,
    effective,
    latches,
)
from rttm.core.schema import Service
from rttm.core.terms import EntryStatus, ServeMode
from tests.unit import strategies as some

Facts = Mapping[str, Fact]


@dataclass(frozen=True)
class State:
    """A service as the engine goes on with it: what is known, what waits, what is decided."""

    service: Service
    facts: Facts
    held: frozenset[str]
    decisions: Mapping[str, Decision]


def settled(service: Service, facts: Facts, held: frozenset[str]) -> State:
    """One turn of the engine: latches first, then the decision, which may hold regions back."""
    latched = latches(service, facts)
    known = {address: replace(fact, latched=address in latched) for address, fact in facts.items()}
    waiting = frozenset() if service.auto_recover else held
    decisions = decide_service(service, known, waiting)
    failed = {code for code, decision in decisions.items() if decision.in_failover}
    return State(service, known, frozenset(failed), decisions)


def recovered(state: State) -> State:
    facts = {address: replace(fact, latched=False) for address, fact in state.facts.items()}
    return settled(state.service, facts, frozenset())


@st.composite
def states(draw: st.DrawFn) -> State:
    service, facts, held = draw(some.situations())
    return settled(replace(service, auto_recover=draw(st.booleans())), facts, held)


@st.composite
def steps(draw: st.DrawFn) -> tuple[State, State]:
    """A state, and the one after news of some of its addresses."""
    before = draw(states())
    news = draw(st.dictionaries(st.sampled_from(sorted(before.facts)), some.facts, min_size=1))
    heard = {a: replace(fact, latched=before.facts[a].latched) for a, fact in news.items()}
    return before, settled(before.service, {**before.facts, **heard}, before.held)


def served(decision: Decision) -> set[str]:
    return {record.value for record in decision.records}


@given(states())
def test_the_eligibility_pool_never_holds_more_than_ep(state):
    for code, decision in state.decisions.items():
        region = effective(state.service.at(code), state.service)
        assert decision.eligible <= min(region.ep, decision.available)
        assert decision.available <= decision.pool == len(region.pool)
        if not decision.in_failover:
            assert len(decision.records) == decision.eligible >= region.epmc
            assert decision.available >= region.apmc


@given(states())
def test_mode_always_is_served_outside_failover_unless_ep_faster_ones_are(state):
    for code, decision in state.decisions.items():
        region = effective(state.service.at(code), state.service)
        places = {verdict.address: verdict.place for verdict in decision.verdicts}
        for entry in region.pool:
            if entry.serve_mode != ServeMode.ALWAYS:
                continue
            assert places[entry.address] != Place.OUT
            if not decision.in_failover and region.ep >= decision.available:
                assert entry.address in served(decision)


@given(states())
def test_mode_no_is_served_in_no_region_that_answers_from_its_own_pool(state):
    for code, decision in state.decisions.items():
        region = effective(state.service.at(code), state.service)
        drained = {e.address for e in region.pool if e.serve_mode == ServeMode.NO}
        out = {v.address for v in decision.verdicts if v.place == Place.OUT}
        assert drained <= out
        if not decision.in_failover:
            assert not drained & served(decision)


@given(states())
def test_an_answer_is_empty_only_where_every_entry_has_mode_no(state):
    for code, decision in state.decisions.items():
        region = effective(state.service.at(code), state.service)
        drained = all(entry.serve_mode == ServeMode.NO for entry in region.pool)
        assert decision.records or drained
        assert decision.serve_count >= 1


@given(states())
def test_recover_twice_is_recover_once(state):
    once = recovered(state)
    assert recovered(once) == once


@given(states())
def test_after_recover_only_what_is_still_short_is_in_failover(state):
    after = recovered(state)
    free = decide_service(after.service, after.facts)
    assert after.decisions == free
    assert {a for a, fact in after.facts.items() if fact.latched} <= {
        a for a, fact in after.facts.items() if fact.status == EntryStatus.DOWN
    }


@given(states())
def test_settling_again_without_news_changes_nothing(state):
    again = settled(state.service, state.facts, state.held)
    assert again.decisions == state.decisions
    assert again.facts == state.facts


@given(steps())
def test_what_waits_for_a_person_waits_whatever_is_heard(step):
    before, after = step
    latched = {a for a, fact in before.facts.items() if fact.latched}
    assert latched <= {a for a, fact in after.facts.items() if fact.latched}
    if not before.service.auto_recover:
        failed = {code for code, decision in before.decisions.items() if decision.in_failover}
        assert failed <= {c for c, decision in after.decisions.items() if decision.in_failover}


@given(steps())
def test_what_was_heard_of_one_address_does_not_change_regions_without_it(step):
    before, after = step
    heard = {a for a, fact in after.facts.items() if fact != before.facts.get(a)}
    for region in before.service.region:
        own = effective(region, before.service)
        code = region.region_code
        if before.decisions[code].in_failover or heard & {entry.address for entry in own.pool}:
            continue
        assert after.decisions[code] == before.decisions[code]
