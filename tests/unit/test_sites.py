"""What several sites say together, by the tables of the docstrings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rttm.core.sites import Figure, Report, agreed, ranking_ms, vote
from rttm.core.terms import EntryStatus

UP, DOWN, UNK = EntryStatus.UP, EntryStatus.DOWN, EntryStatus.UNK
LETTERS = {"u": UP, "d": DOWN, "?": UNK}
NOW, INTERVAL = 1000.0, 10.0


@pytest.mark.parametrize(
    ("sites", "present", "status"),
    [
        ("", UP, UNK),
        ("??", UP, UNK),
        ("u", DOWN, UP),
        ("d", UP, DOWN),
        ("uud", DOWN, UP),
        ("udd?", UP, DOWN),
        ("ud", UP, UP),
        ("ud", DOWN, DOWN),
        ("ud?", UNK, UNK),
    ],
)
def test_the_majority_of_sites_decides_and_a_tie_keeps_the_status(sites, present, status):
    assert vote([LETTERS[letter] for letter in sites], present) == status


@given(st.lists(st.sampled_from(EntryStatus)), st.sampled_from(EntryStatus))
def test_the_order_of_sites_does_not_matter(statuses, present):
    assert vote(statuses, present) == vote(statuses[::-1], present)


@pytest.mark.parametrize(
    ("reports", "present", "status"),
    [
        ([], UP, UNK),
        ([(UP, 20)], DOWN, UP),
        ([(DOWN, 20.1)], UP, UP),
        ([(DOWN, 30)], UP, UP),
        ([(DOWN, 30.1)], UP, UNK),
        ([(UP, 0), (DOWN, 20)], DOWN, DOWN),
        ([(UP, 0), (DOWN, 20.1)], DOWN, UP),
        ([(UP, 0), (DOWN, 0), (DOWN, 0)], UP, DOWN),
        ([(UP, 0), (DOWN, 0), (DOWN, 25)], UP, UP),
        ([(UP, 25), (DOWN, 35)], UP, UP),
        ([(UNK, 0)], UP, UNK),
        ([(UNK, 0), (DOWN, 5)], UP, DOWN),
        ([(UNK, 0), (UP, 25)], UP, UP),
    ],
)
def test_sites_that_fell_silent_do_not_vote_and_at_last_nothing_is_known(reports, present, status):
    told = [Report(found, NOW - age) for found, age in reports]
    assert agreed(told, present, now=NOW, interval=INTERVAL) == status


@given(st.lists(st.tuples(st.sampled_from([UP, DOWN]), st.floats(0, 20))), st.sampled_from([UP]))
def test_while_all_report_the_vote_alone_decides(reports, present):
    told = [Report(found, NOW - age) for found, age in reports]
    expected = vote([found for found, _ in reports], present)
    assert agreed(told, present, now=NOW, interval=INTERVAL) == expected


def test_one_site_ranks_by_its_median():
    assert ranking_ms([Figure((10.0, 90.0, 20.0), NOW)], interval=INTERVAL) == 20.0
    assert ranking_ms([Figure((), 0)], interval=INTERVAL) is None
    assert ranking_ms([], interval=INTERVAL) is None


def test_each_site_has_one_voice_however_many_runs_it_made():
    near, far = Figure((10.0,) * 5, NOW), Figure((200.0,), NOW)
    assert ranking_ms([near, far], interval=INTERVAL) == 105.0
    assert ranking_ms([near, far, Figure((30.0,) * 5, NOW)], interval=INTERVAL) == 30.0


@pytest.mark.parametrize(("age", "ms"), [(20, 55.0), (20.1, 10.0)])
def test_site_that_stopped_measuring_does_not_rank(age, ms):
    figures = [Figure((10.0,), NOW), Figure((100.0,), NOW - age)]
    assert ranking_ms(figures, interval=INTERVAL) == ms


def test_old_times_rank_while_there_are_no_newer_ones():
    figures = [Figure((10.0,), 1), Figure((100.0,), 2)]
    assert ranking_ms(figures, interval=INTERVAL) == 55.0


@pytest.mark.parametrize(
    ("runs", "ms"),
    [
        ((10.0, None, 30.0), 30.0),
        ((10.0, None), None),
        ((None,), None),
        ((None, 10.0, None, 20.0, 30.0), 30.0),
        ((10.0, None, None, 20.0, None), None),
    ],
)
def test_a_failed_run_is_slower_than_any(runs, ms):
    assert ranking_ms([Figure(runs, NOW)], interval=INTERVAL) == ms


def test_a_site_whose_runs_fail_has_its_voice():
    failing, near = Figure((None,) * 5, NOW), Figure((10.0,), NOW)
    assert ranking_ms([near, failing], interval=INTERVAL) is None
    assert ranking_ms([near, failing, Figure((20.0,), NOW)], interval=INTERVAL) == 20.0
