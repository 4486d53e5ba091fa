"""An open service page that re-reads what the topics name is the page a newcomer gets."""

from dataclasses import replace

import pytest
from django.utils import timezone

from rttm import dispatch, services, sync
from rttm.core.schema import HealthMonitor, LogEntry, PoolEntry, Record, Region, ResponseSet
from rttm.models import Action, Service
from rttm.models import PoolEntry as Entry
from tests.builders import pool_entry, region, service
from tests.converges import assert_converges
from tests.found import absorb, answers

ONE, TWO, THREE, NEW = "192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.8"


@pytest.fixture
def row(mirrored) -> Service:
    first = region("global", ONE, TWO, THREE, ep=2, apmc=3)
    return mirrored(service(region=(first, region("Asia", ONE, TWO))))


def probes_find_an_address_down(row, by):
    absorb(row, entries={TWO: {"status": "down"}}, status="trouble")


def probes_bring_new_evidence(row, by):
    log = (LogEntry("XXX", "up", "HTTP 200", 1_790_000_000),)
    absorb(row, entries={ONE: {"log": log}})


def answers_change(row, by):
    answers(row, "global", TWO, status="failover")


def latched_address_comes_up(row, by):
    absorb(row, entries={TWO: {"serve_mode": "remove", "status": "down"}})
    absorb(row, entries={TWO: {"status": "up"}})


def entry_is_changed(row, by):
    entry = the_entry(row)
    desired = replace(entry.value, weight=9, label="nine")
    services.pool_entry_update(entry=entry, desired=desired, seen=entry.version, origin=by)


def entry_is_added(row, by):
    the_region = row.regions.get(region_code="global")
    services.pool_entry_create(region=the_region, desired=pool_entry(NEW), origin=by)


def entry_is_deleted(row, by):
    entry = the_entry(row)
    services.pool_entry_delete(entry=entry, seen=entry.version, origin=by)


def region_is_changed(row, by):
    found = row.regions.get(region_code="Asia")
    desired = replace(found.value, apmc=2, failover_mode="global", failover_data="")
    services.region_update(region=found, desired=desired, seen=found.version, origin=by)


def region_is_added(row, by):
    desired = Region("EU West", (PoolEntry(NEW),))
    services.region_create(service=row, desired=desired, origin=by)


def region_is_deleted(row, by):
    found = row.regions.get(region_code="Asia")
    services.region_delete(region=found, seen=found.version, origin=by)


def service_is_changed_elsewhere(row, by):
    absorb(row, ttl=60, contact_nickname="other", monitor=HealthMonitor("TCP", 10))


def service_is_deactivated_elsewhere(row, by):
    absorb(row, active=False)


def service_goes(row, by):
    sync.absorb_gone(row.key, asked_at=timezone.now())


def action_is_asked_for(row, by):
    dispatch.service_deactivate(service=row, origin=by)


def action_is_done(row, by):
    services.action_run(action_id=dispatch.service_deactivate(service=row, origin=by).pk)


def recover_is_asked_for(row, by):
    absorb(row, entries={ONE: {"status": "down"}})
    dispatch.pool_entry_recover(entry=the_entry(row), origin=by)


def recover_is_done(row, by):
    recover_is_asked_for(row, by)
    services.action_run(action_id=Action.objects.get().pk)


def log_grows(row, by):
    record = ResponseSet("Asia", "up", 1_790_000_000, "user", 1, (Record("A", ONE, 1),), 7)
    sync.absorb_log(row, [record])


def the_entry(row):
    return Entry.objects.get(region__service=row, region__region_code="global", address=ONE)


CHANGES = [
    probes_find_an_address_down,
    probes_bring_new_evidence,
    answers_change,
    latched_address_comes_up,
    entry_is_changed,
    entry_is_added,
    entry_is_deleted,
    region_is_changed,
    region_is_added,
    region_is_deleted,
    service_is_changed_elsewhere,
    service_is_deactivated_elsewhere,
    service_goes,
    action_is_asked_for,
    action_is_done,
    recover_is_asked_for,
    recover_is_done,
    log_grows,
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_open_page_converges_after(change, client_as, operator, row, by, topics):
    assert_converges(client_as(operator), f"/services/{row.pk}/", topics, lambda: change(row, by))
