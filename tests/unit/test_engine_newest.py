"""The engine's cache of what is dear to make."""

from rttm.engine.newest import Newest


def test_a_value_is_made_once_for_what_it_is_made_of():
    made = []
    kept = Newest(2)

    def value(of):
        return kept.get("www", of, lambda: made.append(of) or of * 2)

    assert [value(of) for of in (1, 1, 2, 2, 1)] == [2, 2, 4, 4, 2]
    assert made == [1, 2, 1]


def test_it_keeps_one_version_of_each_and_so_many_of_all():
    kept = Newest(2)
    for version in range(100):
        kept.get("www", version, lambda: "any")
    for key in "abc":
        kept.get(key, 1, lambda: "any")
    assert len(kept) == 2
    assert kept.get("c", 1, lambda: "made anew") == "any"
    assert kept.get("a", 1, lambda: "made anew") == "made anew"
