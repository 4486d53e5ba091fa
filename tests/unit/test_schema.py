"""Words and values: what DynECT spells, and what a value can be asked."""

import pytest

from rttm.core.schema import HealthMonitor, PerformanceMonitor, Record, ResponseSet
from rttm.core.terms import RegionCode, ServeMode
from tests.builders import pool_entry, region, service


def test_the_regions_are_in_the_order_every_page_shows_them():
    words = "global, US West, US Central, US East, EU West, EU Central, EU East, Asia"
    assert ", ".join(RegionCode) == words


def test_a_choice_is_its_word():
    assert f"{ServeMode.OBEY}" == "obey" == ServeMode.OBEY


def test_a_region_finds_its_entries_by_address():
    assert region().entry("192.0.2.2") == pool_entry("192.0.2.2")
    assert region().entry("192.0.2.3") is None


def test_a_service_finds_its_regions_by_code():
    value = service(region=(region("Asia"),))
    assert value.at("Asia") == region("Asia")
    assert value.global_region is None
    assert value.key == ("example.com", "www.example.com")


def test_monitors_of_both_kinds_are_never_equal():
    assert HealthMonitor("HTTP", 10) == HealthMonitor("HTTP", 10)
    assert HealthMonitor("HTTP", 10) != PerformanceMonitor("HTTP", 10)


@pytest.mark.parametrize("value", [pool_entry(), region(), service(), HealthMonitor()])
def test_values_cannot_be_changed_in_place(value):
    with pytest.raises((AttributeError, TypeError)):
        value.status = "up"


def test_a_response_set_lists_its_values():
    records = (Record("A", "192.0.2.1", 5), Record("CNAME", "cdn.example.net"))
    answer = ResponseSet("global", "up", 0, "health", 1, records)
    assert answer.values == ("192.0.2.1", "cdn.example.net")
