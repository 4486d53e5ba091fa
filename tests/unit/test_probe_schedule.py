"""When addresses are probed: which, how, and where in the interval."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from rttm.core.schedule import Kind, next_due, offset, wanted
from rttm.core.schema import HealthMonitor, PerformanceMonitor
from tests.builders import region, service

MOMENTS = st.floats(min_value=0, max_value=4e9)
INTERVALS = st.sampled_from([5.0, 60.0, 300.0, 3600.0])


def test_each_address_is_probed_for_its_status_and_for_its_time():
    probes = wanted(service(region=(region("global", "192.0.2.1", "192.0.2.2"),)))
    assert set(probes) == {
        ("192.0.2.1", Kind.HEALTH),
        ("192.0.2.1", Kind.PERF),
        ("192.0.2.2", Kind.HEALTH),
        ("192.0.2.2", Kind.PERF),
    }


def test_address_in_several_regions_is_probed_once():
    regions = (region("global", "192.0.2.1"), region("Asia", "192.0.2.1", "192.0.2.3"))
    assert {address for address, _ in wanted(service(region=regions))} == {"192.0.2.1", "192.0.2.3"}
    assert len(wanted(service(region=regions))) == 4


def test_autopopulated_region_adds_nothing():
    regions = (region("global", "192.0.2.1"), region("Asia", "192.0.2.3", autopopulate=True))
    assert {address for address, _ in wanted(service(region=regions))} == {"192.0.2.1"}


def test_entry_with_mode_no_is_still_probed():
    only = region("global", "192.0.2.1")
    drained = replace(only, pool=(replace(only.pool[0], serve_mode="no"),))
    assert ("192.0.2.1", Kind.HEALTH) in wanted(service(region=(drained,)))


def test_protocol_none_is_not_probed():
    value = service(monitor=HealthMonitor("NONE", 5))
    assert {kind for _, kind in wanted(value)} == {Kind.PERF}
    value = service(performance_monitor=PerformanceMonitor("NONE", 10))
    assert {kind for _, kind in wanted(value)} == {Kind.HEALTH}


def test_http_asks_for_the_services_own_name_unless_host_is_set():
    value = service("www.example.com", performance_monitor=PerformanceMonitor("TCP", 10))
    assert wanted(value)["192.0.2.1", Kind.HEALTH].host == "www.example.com"
    assert wanted(value)["192.0.2.1", Kind.PERF].host == ""
    encrypted = replace(value, monitor=HealthMonitor("HTTPS", 5))
    assert wanted(encrypted)["192.0.2.1", Kind.HEALTH].host == "www.example.com"
    other = replace(value, monitor=HealthMonitor("HTTPS", 5, host="origin.example.com"))
    assert wanted(other)["192.0.2.1", Kind.HEALTH].host == "origin.example.com"


@given(MOMENTS, INTERVALS, st.floats(min_value=0, max_value=1, exclude_max=True))
def test_next_place_is_later_and_at_most_an_interval_away(now, interval, part):
    due = next_due(now, interval, part * interval)
    assert now < due <= now + interval


@given(MOMENTS, INTERVALS)
def test_place_stays_the_same_from_interval_to_interval(now, interval):
    place = offset(7, "192.0.2.1", Kind.HEALTH, interval)
    due = next_due(now, interval, place)
    missed = [abs(due % interval - place), interval - abs(due % interval - place)]
    assert min(missed) < 0.001


def test_addresses_of_a_service_are_spread_over_the_interval():
    places = [offset(1, f"192.0.2.{last}", Kind.HEALTH, 60) for last in range(1, 201)]
    tenths = [sum(tenth * 6 <= place < tenth * 6 + 6 for place in places) for tenth in range(10)]
    assert all(10 <= count <= 30 for count in tenths), tenths


def test_services_and_kinds_of_one_address_do_not_fall_together():
    places = {
        offset(service_id, "192.0.2.1", kind, 60) for service_id in range(1, 101) for kind in Kind
    }
    assert len(places) == 200
    assert max(places) - min(places) > 50


def test_place_is_the_same_after_a_restart():
    assert round(offset(1, "192.0.2.1", Kind.HEALTH, 60), 3) == 55.347
