"""Numbers from outside: digits, within what is allowed, however long the text is."""

import pytest

from rttm.core.numbers import read_key, read_number


@pytest.mark.parametrize("text", ["1", "7", "٣", str(2**63 - 1)])
def test_key_is_what_a_database_can_hold(text):
    assert read_key(text) == int(text)


@pytest.mark.parametrize(
    "text", ["", "0", "-1", " 1", "1.5", "1e3", "²", "x", "NaN", str(2**63), "9" * 20, "9" * 5000]
)
def test_what_no_row_can_have_is_no_key(text):
    assert read_key(text) is None


def test_number_is_one_of_those_allowed():
    found = [read_number(text, range(3, 12)) for text in ("2", "3", "11", "12", "111")]
    assert found == [None, 3, 11, None, None]
