"""A list with details is filled in as text: what it says is what each service alone says."""

import json
from dataclasses import replace

import pytest

from rttm.core import wire
from rttm.core.health import ProbeResult
from rttm.core.schedule import Kind
from rttm.core.schema import Region
from rttm.core.terms import EntryStatus
from rttm.engine import store
from tests import builders

NOW = 1_700_000_000.0
UP, DOWN = EntryStatus.UP, EntryStatus.DOWN


@pytest.fixture
def zone():
    return store.create_zone("example.com")[0]


def create(zone, fqdn="www.example.com", **fields):
    value = builders.service(fqdn, **fields)
    return store.create(zone, value, now=NOW, user_name="olga")


def probe(row, address, status, message="said", *, site="XXX", at=NOW, kind=Kind.HEALTH):
    result = ProbeResult(status, message, 12.5)
    run = store.RunResult(row.pk, row.version, address, kind, result, at)
    store.record_results([run], site_code=site, now=at)


def one_by_one(zone):
    return [wire.render_service(value) for value in store.observe(store.in_zone(zone))]


def listed(zone):
    """What the list says, and each service when it is read alone."""
    rows = store.in_zone(zone)
    found = json.loads(store.details(rows))
    assert found == [json.loads(store.detail(row)) for row in rows]
    return found


def test_a_zone_without_services(zone):
    assert listed(zone) == []


def test_before_the_first_probe(zone):
    create(zone)
    create(zone, "api.example.com")
    assert listed(zone) == one_by_one(zone)
    assert [found["fqdn"] for found in listed(zone)] == ["api.example.com", "www.example.com"]


def test_what_several_sites_said_in_odd_words(zone):
    row = create(zone)
    probe(row, "192.0.2.1", DOWN, 'body “\u2603” \\ "%s" %d {0} \U0001f600\n', site="LHR")
    probe(row, "192.0.2.1", UP, "", site="XXX", at=NOW + 1.75)
    probe(row, "192.0.2.2", UP, site="XXX")
    probe(row, "192.0.2.2", UP, kind=Kind.PERF)
    log = listed(zone)[0]["region"][0]["pool"][0]["log"]
    assert [entry["site_code"] for entry in log] == ["LHR", "XXX"]
    assert listed(zone) == one_by_one(zone)


@pytest.mark.parametrize("text", ["\\u0000", "%s", '"', "{}", "\x7f", "987654321", "\u2603"])
def test_texts_that_look_like_gaps(zone, text):
    pool = (builders.pool_entry(label=text[:8]), builders.pool_entry("192.0.2.2"))
    row = create(zone, region=(builders.region(pool=pool),), contact_nickname=text)
    probe(row, "192.0.2.1", UP, text)
    assert listed(zone) == one_by_one(zone)


def test_a_latch_shows_where_the_mode_is_remove_only(zone):
    removed = builders.pool_entry("192.0.2.1", serve_mode="remove")
    regions = (builders.region(pool=(removed,)), builders.region("Asia"))
    row = create(zone, region=regions, recovery_delay=2)
    probe(row, "192.0.2.1", DOWN)
    probe(row, "192.0.2.1", UP, at=NOW + 1)
    shown = listed(zone)
    told = [region["pool"][0]["log"][0]["message"] for region in shown[0]["region"]]
    assert told[0] == "said; up 1 of 3 times in a row; waits for recover"
    assert told[1] == "said; up 1 of 3 times in a row"
    assert shown == one_by_one(zone)


def test_an_address_of_mode_remove_that_is_well_waits_for_nothing(zone):
    pool = (builders.pool_entry("192.0.2.1", serve_mode="remove"), builders.pool_entry("192.0.2.2"))
    row = create(zone, region=(builders.region(pool=pool),))
    probe(row, "192.0.2.1", UP)
    assert listed(zone)[0]["region"][0]["pool"][0]["log"][0]["message"] == "said"
    assert listed(zone) == one_by_one(zone)


def test_autopopulated_regions_and_inactive_services(zone):
    asleep = Region("Asia", autopopulate=True, pool=(builders.pool_entry("192.0.2.7"),))
    row = create(zone, region=(builders.region(), asleep))
    probe(row, "192.0.2.1", DOWN)
    assert listed(zone) == one_by_one(zone)
    store.deactivate(store.hold("example.com", row.fqdn), now=NOW, user_name="olga")
    assert listed(zone) == one_by_one(zone)


def test_what_a_recover_waits_for(zone):
    row = create(zone)
    probe(row, "192.0.2.1", DOWN)
    store.recover(store.hold("example.com", row.fqdn), now=NOW, user_name="olga")
    assert listed(zone) == one_by_one(zone)


def test_a_changed_configuration_is_seen_at_once(zone):
    row = create(zone)
    listed(zone)
    held = store.hold("example.com", row.fqdn)
    store.change(held, replace(held.value, ttl=60), now=NOW, user_name="olga")
    assert listed(zone)[0]["ttl"] == 60
    assert listed(zone) == one_by_one(zone)


def test_a_list_costs_as_many_queries_for_many_services_as_for_one(
    zone, django_assert_max_num_queries
):
    for number in range(20):
        create(zone, f"s{number}.example.com")
    with django_assert_max_num_queries(5, using="engine"):
        store.details(store.in_zone(zone))
