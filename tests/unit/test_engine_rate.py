"""How many calls an account may make in a minute."""

import pytest

from rttm.engine.rate import WINDOW, Rate

NOW, ACCOUNT, LIMIT = 1_700_000_000.0, "acme", 3


@pytest.fixture
def spent() -> Rate:
    """An account that has made all its calls in one second."""
    rate = Rate()
    for _ in range(LIMIT):
        assert rate.wait(ACCOUNT, NOW, limit=LIMIT) == 0
        rate.count(ACCOUNT, NOW)
    return rate


@pytest.mark.parametrize(("later", "seconds"), [(0, 60), (0.5, 60), (30, 30), (59.5, 1), (60, 0)])
def test_who_used_the_minute_up_waits_for_its_end(spent, later, seconds):
    assert spent.wait(ACCOUNT, NOW + later, limit=LIMIT) == seconds


def test_the_next_minute_begins_with_its_first_call(spent):
    for second in (WINDOW + 50, WINDOW + 51, WINDOW + 52):
        assert spent.wait(ACCOUNT, NOW + second, limit=LIMIT) == 0
        spent.count(ACCOUNT, NOW + second)
    assert spent.wait(ACCOUNT, NOW + WINDOW + 100, limit=LIMIT) == 10


def test_other_accounts_have_their_own(spent):
    assert spent.wait("other", NOW, limit=LIMIT) == 0


def test_no_limit_is_none(spent):
    assert spent.wait(ACCOUNT, NOW, limit=0) == 0


def test_a_clock_that_was_set_back_keeps_nobody_out(spent):
    assert spent.wait(ACCOUNT, NOW - 3600, limit=LIMIT) == 0
