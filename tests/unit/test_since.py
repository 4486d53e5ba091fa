"""Since when a state holds, told from records, newest first."""

from datetime import UTC, datetime, timedelta

import pytest

from rttm.core.since import Run, after_last, latest_run, worst_of_all

START = datetime(2026, 1, 1, tzinfo=UTC)


def at(minute: int) -> datetime:
    return START + timedelta(minutes=minute)


def records(*statuses: str) -> list[tuple[datetime, str]]:
    """One a minute, given oldest first."""
    return [(at(minute), status) for minute, status in enumerate(statuses)][::-1]


@pytest.mark.parametrize(
    ("statuses", "run"),
    [
        ((), None),
        (("failover",), None),
        (("ok", "failover"), None),
        (("ok",), Run(at(0), is_whole=False)),
        (("ok", "ok", "ok"), Run(at(0), is_whole=False)),
        (("failover", "ok"), Run(at(1), is_whole=True)),
        (("ok", "failover", "ok", "ok"), Run(at(2), is_whole=True)),
    ],
)
def test_the_run_is_as_long_as_the_records_say_the_same(statuses, run):
    assert latest_run(records(*statuses), "ok") == run


@pytest.mark.parametrize(
    ("statuses", "moment"),
    [
        ((), None),
        (("ok", "ok"), None),
        (("ok", "unk"), None),  # it has not ended
        (("unk", "ok"), at(1)),
        (("unk", "ok", "unk", "trouble", "ok"), at(3)),
    ],
)
def test_the_end_of_the_last_of_some_values_is_found(statuses, moment):
    assert after_last(records(*statuses), {"unk"}) == moment


def test_a_service_is_the_worst_of_its_regions_at_each_moment():
    told = [
        (at(5), "Asia", "reg_remove"),
        (at(4), "Asia", "failover"),
        (at(3), "global", "ok"),
        (at(2), "global", "trouble"),
        (at(2), "Asia", "ok"),
        (at(1), "global", "ok"),
    ]
    assert worst_of_all(told, "reg_remove") == [
        (at(5), "ok"),
        (at(4), "failover"),
        (at(3), "ok"),
        (at(2), "trouble"),
        (at(1), "ok"),
    ]
    assert worst_of_all([(at(1), "global", "reg_remove")], "reg_remove") == [(at(1), "reg_remove")]
