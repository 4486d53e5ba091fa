"""What a loop logs of the other loops, and that it says each thing once."""

import pytest

from rttm.engine.neighbours import Neighbourhood, Neighbours

OURS = "ours"


@pytest.fixture
def logged(caplog):
    """What is logged when a loop meets these, a minute apart."""

    caplog.set_level("INFO", "rttm.engine")

    def logged(*met: Neighbourhood) -> list[str]:
        neighbours = Neighbours(OURS, 60)
        for minute, seen in enumerate(met):
            neighbours.look(seen, minute * 60, "LHR")
        return [record.getMessage() for record in caplog.records]

    return logged


def test_a_loop_that_starts_again_is_no_double(logged):
    assert logged(Neighbourhood({}, last_loop="before"), Neighbourhood({}, last_loop=OURS)) == []


def test_two_loops_under_one_code_are_named_once(logged):
    theirs, ours = Neighbourhood({}, last_loop="theirs"), Neighbourhood({}, last_loop=OURS)
    [said] = logged(ours, theirs, theirs)
    assert said.startswith("another loop reports in as site LHR too")
    assert len(logged(ours, theirs, ours, theirs)) == 1 + 2


def test_a_site_is_silent_after_three_minutes_and_a_forgotten_one_does_not_return(logged):
    theirs = {"EWR": 0.0}
    met = [Neighbourhood(theirs, last_loop=OURS)] * 4  # the last of them after three minutes
    assert logged(*met) == []
    [said] = logged(*met, met[0], Neighbourhood({}, last_loop=OURS))
    assert said.startswith("site EWR has not reported since 1970-01-01 00:00:00 UTC")


@pytest.mark.parametrize(
    ("ahead", "words"), [(12.4, "12 s ahead of"), (-90, "90 s behind"), (4.9, ""), (-4.9, "")]
)
def test_a_clock_that_is_off_is_named_once(logged, ahead, words):
    said = logged(*[Neighbourhood({}, last_loop=OURS, clock_ahead=ahead)] * 3)
    assert len(said) == bool(words)
    assert words in "".join(said)
