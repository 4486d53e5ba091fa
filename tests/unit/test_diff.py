"""What changed between two values, by field and in words."""

from dataclasses import replace

from hypothesis import given

from rttm.core import diff
from rttm.core.schema import HealthMonitor, PoolEntry, Region, Service
from tests.builders import pool_entry, region, service
from tests.unit import strategies as some


@given(some.pool_entries, some.pool_entries)
def test_changes_lead_from_one_entry_to_the_other_but_for_what_was_observed(old, new):
    observed = {name: getattr(new, name) for name in ("status", "log", "task_id")}
    assert replace(old, **diff.changed(old, new), **observed) == new


@given(some.services)
def test_nothing_differs_from_itself(value):
    assert diff.changes(value, value) == []
    assert diff.changed(value, value) == {}


def test_only_configured_fields_count_as_an_edit():
    old = pool_entry(weight=1, status="up")
    new = pool_entry(weight=5, status="down", task_id="17")
    assert diff.changed(old, new) == {"weight": 5}


def test_configured_fields_are_neither_observed_nor_contained():
    assert diff.configured(PoolEntry) == ["address", "label", "weight", "serve_mode"]
    assert diff.configured(Region)[:3] == ["region_code", "autopopulate", "ep"]
    assert not {"region", "monitor", "active", "status"} & set(diff.configured(Service))


def test_changes_of_a_service_read_in_order():
    old = service(region=(region(), region("Asia")), active=True)
    new = replace(
        old,
        active=False,
        ttl=60,
        monitor=HealthMonitor("TCP", 5),
        region=(
            region(
                pool=(pool_entry("192.0.2.1", weight=9), pool_entry("192.0.2.3")),
                apmc=2,
                failover_data="",
            ),
            region("EU West"),
        ),
        notify_events=("ip", "svc"),
    )
    assert [str(change) for change in diff.changes(old, new)] == [
        "~ ttl: 30 → 60",
        "~ notify_events: none → ip, svc",
        "~ active: yes → no",
        "~ monitor protocol: HTTP → TCP",
        "~ global apmc: 1 → 2",
        "~ global failover_data: 192.0.2.99 → none",
        "~ global 192.0.2.1 weight: 1 → 9",
        "- global 192.0.2.2",
        "+ global 192.0.2.3",
        "- region Asia",
        "+ region EU West",
    ]


def test_probe_logs_and_tasks_are_no_news_of_a_service():
    old = service()
    seen = replace(old.region[0].pool[0], log=(object(),), task_id="9")  # type: ignore[arg-type]
    new = service(region=(region(pool=(seen, old.region[0].pool[1])),), task_id="9")
    assert diff.changes(old, new) == []
