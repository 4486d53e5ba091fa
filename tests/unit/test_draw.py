"""Drawing DNS answers: by weight, without repeats, never more than the serve count."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rttm.core.draw import draw
from rttm.core.schema import Record

CNAME = Record("CNAME", "other.example.com")


def a(number: int, weight: int = 1) -> Record:
    return Record("A", f"192.0.2.{number}", weight)


addresses = st.lists(st.integers(1, 15), max_size=20).map(
    lambda weights: [a(number, weight) for number, weight in enumerate(weights)]
)
counts = st.integers(1, 13)
seeds = st.integers(0, 2**32)


@given(addresses, counts, seeds)
def test_an_answer_has_as_many_records_as_it_may_and_none_twice(records, count, seed):
    drawn = draw(records, count, Random(seed))
    assert len(drawn) == len(set(drawn)) == min(count, len(records))
    assert set(drawn) <= set(records)


@given(st.lists(st.sampled_from([a(1), a(2), CNAME]), unique=True), counts, seeds)
def test_a_cname_is_the_whole_answer_or_no_part_of_it(records, count, seed):
    drawn = draw(records, count, Random(seed))
    assert CNAME not in drawn or drawn == (CNAME,)
    assert bool(drawn) == bool(records)


@given(addresses, counts, seeds)
def test_the_same_seed_draws_the_same(records, count, seed):
    assert draw(records, count, Random(seed)) == draw(records, count, Random(seed))


class Chance:
    """Stands for an Rng that always says the same."""

    def __init__(self, said: float) -> None:
        self._said = said

    def random(self) -> float:
        return self._said


@pytest.mark.parametrize(("said", "number"), [(0.0, 1), (0.2499, 1), (0.25, 2), (0.9999, 2)])
def test_a_share_of_chance_begins_where_the_one_before_ends(said, number):
    assert draw([a(1, 1), a(2, 3)], 1, Chance(said)) == (a(number, [1, 3][number - 1]),)


def test_nothing_to_draw_from():
    assert draw([], 3, Random(1)) == ()


@pytest.mark.parametrize("weights", [(1, 1), (1, 15), (2, 3, 5), (7, 7, 1, 15)])
def test_the_first_is_drawn_by_its_weight(weights):
    records = [a(number, weight) for number, weight in enumerate(weights)]
    rng, draws = Random(3), 20_000
    found = Counter(draw(records, 1, rng)[0] for _ in range(draws))
    for record in records:
        share = record.weight / sum(weights)
        spread = (share * (1 - share) / draws) ** 0.5
        assert abs(found[record] / draws - share) < 4 * spread


def test_the_second_is_drawn_by_weight_among_those_that_are_left():
    records = [a(1, 1), a(2, 2), a(3, 3)]
    rng, draws = Random(5), 20_000
    found = Counter(draw(records, 2, rng) for _ in range(draws))
    for first in records:
        for second in set(records) - {first}:
            share = first.weight / 6 * second.weight / (6 - first.weight)
            spread = (share * (1 - share) / draws) ** 0.5
            assert abs(found[first, second] / draws - share) < 4 * spread


def test_a_cname_counts_like_a_weight_of_one():
    rng, draws = Random(7), 20_000
    alone = sum(draw([a(1, 3), CNAME], 2, rng) == (CNAME,) for _ in range(draws))
    assert abs(alone / draws - 1 / 4) < 4 * (1 / 4 * 3 / 4 / draws) ** 0.5


class Highest:
    """The largest number below one, where sums are rounded."""

    def random(self) -> float:
        return 1 - 2**-53


@given(st.lists(st.integers(1, 15), min_size=1, max_size=20))
def test_the_end_of_the_range_is_the_last_record(weights):
    records = [a(number, weight) for number, weight in enumerate(weights)]
    assert draw(records, 1, Highest()) == (records[-1],)
