"""The state machine of one address, by the tables of its docstrings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rttm.core.health import RUNS_REMEMBERED, Health, ProbeResult, expire, measure, step
from rttm.core.terms import EntryStatus

UP, DOWN, UNK = EntryStatus.UP, EntryStatus.DOWN, EntryStatus.UNK
LETTERS = {"u": UP, "d": DOWN, "?": UNK}
runs_of_probes = st.text("ud?", max_size=12)


def after(probes: str, recovery_delay: int = 0) -> Health:
    """The health after these runs, one each second: u = up, d = down, ? = it told nothing."""
    health = Health()
    for at, letter in enumerate(probes, start=1):
        result = ProbeResult(LETTERS[letter], f"run {at}", 1.5 if letter == "u" else None)
        health = step(health, result, at=at, recovery_delay=recovery_delay)
    return health


@pytest.mark.parametrize(
    ("probes", "recovery_delay", "status"),
    [
        ("", 0, UNK),
        ("?", 0, UNK),
        ("u", 0, UP),
        ("u", 5, UP),
        ("d", 0, DOWN),
        ("ud", 5, DOWN),
        ("du", 0, UP),
        ("du", 1, DOWN),
        ("duu", 1, UP),
        ("duu", 2, DOWN),
        ("duuu", 2, UP),
        ("duudu", 2, DOWN),
        ("duuduuu", 2, UP),
        ("u?", 0, UP),
        ("d?", 0, DOWN),
        ("du?u", 1, UP),
    ],
)
def test_the_status_follows_the_runs(probes, recovery_delay, status):
    assert after(probes, recovery_delay).status == status


def test_since_is_when_the_status_changed_and_seen_when_it_was_last_probed():
    health = after("uudd")
    assert (health.since, health.seen_at, health.message) == (3, 4, "run 4")


def test_a_run_that_told_nothing_changes_the_words_only():
    health = after("u?")
    assert (health.seen_at, health.message, health.response_ms) == (1, "run 2", None)


@given(runs_of_probes, st.integers(0, 4))
def test_an_address_recovers_exactly_after_its_delay(probes, delay):
    assert after(probes + "d" + "u" * delay, delay).status == DOWN
    assert after(probes + "d" + "u" * (delay + 1), delay).status == UP


@given(runs_of_probes, st.integers(0, 4))
def test_one_down_run_is_enough_to_be_down(probes, delay):
    assert after(probes + "d", delay).status == DOWN


@given(runs_of_probes, st.integers(0, 4))
def test_since_moves_only_with_the_status(probes, delay):
    for length in range(len(probes)):
        before, now = after(probes[:length], delay), after(probes[: length + 1], delay)
        assert (before.since == now.since) == (before.status == now.status)


@pytest.mark.parametrize(("now", "status"), [(31, UP), (31.1, UNK)])
def test_an_address_is_unknown_again_after_three_silent_intervals(now, status):
    assert expire(after("u"), now=now, interval=10).status == status


def test_an_unknown_address_does_not_become_more_unknown():
    assert expire(Health(), now=1000, interval=1) == Health()
    expired = expire(after("u"), now=1000, interval=1)
    assert expired.since == 1000
    assert expired.message == "run 1; nothing known since"
    assert expire(expired, now=2000, interval=1) == expired


def test_up_runs_before_a_silence_do_not_count_after_it():
    expired = expire(after("duu", recovery_delay=5), now=1000, interval=1)
    assert (expired.status, expired.streak) == (UNK, 0)


def test_the_median_is_of_the_last_runs_that_told_something():
    health = Health()
    assert health.median_ms is None
    for status, ms in [(UP, 900.0), (DOWN, 5.0), (UNK, 5.0)]:
        health = measure(health, ProbeResult(status, "", ms), at=1)
    assert health.runs == (900.0, None)
    for at, ms in enumerate((10.0, 20.0, 30.0, 40.0, 1000.0), start=2):
        health = measure(health, ProbeResult(UP, "", ms), at=at)
    assert health.measured_at == 6
    assert len(health.runs) == RUNS_REMEMBERED
    assert health.median_ms == 30.0
