"""Every API call as data: what goes out, and what its answer is read as."""

import json
from dataclasses import replace

import pytest

from rttm.client import Credentials, calls
from rttm.client.bounds import MANY, ONE
from rttm.core import wire
from rttm.core.schema import (
    HealthMonitor,
    LogEntry,
    PerformanceMonitor,
    PoolEntry,
    Region,
    Service,
    ServiceKey,
)
from tests.builders import pool_entry, region, service

KEY = ServiceKey("example.com", "www.example.com")
RTTM = "/REST/RTTM/example.com/www.example.com/"
REGION = "/REST/RTTMRegion/example.com/www.example.com/"
ENTRY = "/REST/RTTMRegionPoolEntry/example.com/www.example.com/US%20East/"
ENTRY_1 = f"{ENTRY}192.0.2.1/"
WHO = Credentials("acme", "ana", "s3cret")
LOG_IN = {"customer_name": "acme", "user_name": "ana", "password": "s3cret"}
NEW_ENTRY = {"address": "192.0.2.1", "label": "", "weight": 5, "serve_mode": "obey"}
DETAIL = {"detail": "Y"}
SPAN = {"zone": "example.com", "fqdn": "www.example.com", "start_ts": 10, "end_ts": 20}
AT = {"zone": "example.com", "fqdn": "www.example.com", "ts": 10}
RECOVER_ONE = {"recoverip": True, "address": "192.0.2.1"}

SAFE = [
    (calls.zones(), "GET", "/REST/Zone/", None),
    (calls.services("example.com"), "GET", "/REST/RTTM/example.com/", DETAIL),
    (calls.service(KEY), "GET", RTTM, None),
    (calls.regions(KEY), "GET", REGION, DETAIL),
    (calls.region(KEY, "US East"), "GET", f"{REGION}US%20East/", None),
    (calls.pool_entry(KEY, "US East", "192.0.2.1"), "GET", ENTRY_1, DETAIL),
    (calls.log_report(KEY, 10, 20), "POST", "/REST/RTTMLogReport/", SPAN),
    (calls.rrset_report(KEY, 10), "POST", "/REST/RTTMRRSetReport/", AT),
    (calls.job(calls.recover(KEY), "17"), "GET", "/REST/Job/17/", None),
]
CHANGING = [
    (calls.session_open(WHO), "POST", "/REST/Session/", LOG_IN),
    (calls.session_close(), "DELETE", "/REST/Session/", None),
    (calls.service_update(KEY, {"ttl": 60}), "PUT", RTTM, {"ttl": 60}),
    (calls.service_delete(KEY), "DELETE", RTTM, None),
    (calls.activate(KEY), "PUT", RTTM, {"activate": True}),
    (calls.deactivate(KEY), "PUT", RTTM, {"deactivate": True}),
    (calls.recover(KEY), "PUT", RTTM, {"recover": True}),
    (calls.recoverip(KEY, "192.0.2.1"), "PUT", RTTM, RECOVER_ONE),
    (calls.region_update(KEY, "Asia", {"ep": 3}), "PUT", f"{REGION}Asia/", {"ep": 3}),
    (calls.region_delete(KEY, "US East"), "DELETE", f"{REGION}US%20East/", None),
    (
        *(calls.pool_entry_create(KEY, "US East", pool_entry(weight=5, status="up")), "POST"),
        *(ENTRY, NEW_ENTRY),
    ),
    (calls.pool_entry_update(KEY, "US East", "192.0.2.1", {"weight": 9}), "PUT", ENTRY_1,
     {"weight": 9}),
    (calls.pool_entry_delete(KEY, "US East", "192.0.2.1"), "DELETE", ENTRY_1, None),
]  # fmt: skip


@pytest.mark.parametrize(
    ("call", "method", "path", "body"), SAFE + CHANGING, ids=lambda part: getattr(part, "name", "")
)
def test_a_call_goes_out_as_dynect_has_it(call, method, path, body):
    assert (call.method, call.path, call.body) == (method, path, body)


def test_only_reads_and_reports_are_safe_to_repeat():
    assert [call.name for call, *_ in SAFE if not call.is_safe] == []
    assert [call.name for call, *_ in CHANGING if call.is_safe] == []


def test_no_call_can_leave_its_path():
    strange = ServiceKey("example.com", "a/../b?c#d%.example.com")
    assert (
        calls.service(strange).path == "/REST/RTTM/example.com/a%2F..%2Fb%3Fc%23d%25.example.com/"
    )


def test_the_password_is_in_no_repr():
    assert "s3cret" not in repr(WHO)
    assert "s3cret" not in repr(calls.session_open(WHO))


def test_a_new_service_leaves_out_what_is_unset():
    value = service(
        monitor=HealthMonitor("HTTP", 5, retries=0, path="/up"),
        performance_monitor=PerformanceMonitor("PING", 10),
        region=(region("global", "192.0.2.1", failover_mode="global", failover_data=""),),
    )
    body = calls.service_create(value).body
    assert body["monitor"] == {"protocol": "HTTP", "interval": 5, "retries": 0, "path": "/up"}
    assert body["performance_monitor"] == {"protocol": "PING", "interval": 10, "retries": 1}
    assert not {"syslog_server", "syslog_probe_fmt", "zone", "status", "active"} & body.keys()
    assert (body["auto_recover"], body["recovery_delay"]) == ("Y", 0)


def test_a_new_service_is_understood_as_it_was_meant():
    value = service(
        region=(region(), region("Asia", autopopulate=True)), notify_events=("ip", "svc")
    )
    call = calls.service_create(value)
    assert (call.method, call.path) == ("POST", RTTM)
    assert wire.read_service(call.body, *value.key) == (value, [])


def test_single_fields_of_monitors_are_changed_under_their_names():
    call = calls.service_update(
        KEY, {"auto_recover": False}, monitor={"interval": 1}, performance_monitor={"path": "/"}
    )
    assert call.body == {
        "auto_recover": "N", "monitor": {"interval": 1}, "performance_monitor": {"path": "/"},
    }  # fmt: skip


def test_a_new_region_goes_to_its_service_with_its_pool():
    call = calls.region_create(KEY, region("US East", "192.0.2.1"))
    assert (call.method, call.path) == ("POST", REGION)
    assert wire.read_region(call.body) == (region("US East", "192.0.2.1"), [])


def test_a_region_can_be_given_a_new_pool():
    call = calls.region_update(KEY, "Asia", {"autopopulate": True}, pool=(pool_entry(weight=5),))
    assert call.body == {"autopopulate": "Y", "pool": [NEW_ENTRY]}


def test_a_changed_address_is_sent_as_new_address():
    call = calls.pool_entry_update(KEY, "US East", "192.0.2.1", {"address": "192.0.2.8"})
    assert (call.path, call.body) == (ENTRY_1, {"new_address": "192.0.2.8"})


def test_every_call_names_its_object_for_people():
    assert calls.service(KEY).subject == "service www.example.com"
    assert calls.region(KEY, "Asia").subject == "region Asia of www.example.com"
    entry = calls.pool_entry_delete(KEY, "Asia", "192.0.2.1")
    assert entry.subject == "pool entry 192.0.2.1 in Asia of www.example.com"
    assert calls.recoverip(KEY, "192.0.2.1").subject == "address 192.0.2.1 of www.example.com"
    assert calls.log_report(KEY, 1, 2).subject == "the log report of www.example.com"


def test_zones_are_read_out_of_resource_uris():
    uris = ["/REST/Zone/Example.com/", "/REST/Zone/example.net", "/REST/Zone/a%2Eb.example.net/"]
    assert calls.zones().read(uris) == ["example.com", "example.net", "a.b.example.net"]


def test_a_service_is_read_back_as_it_is():
    value = service(status="trouble", active=False)
    assert calls.activate(KEY).read(wire.render_service(value)) == value
    assert calls.services("example.com").read([wire.render_service(value)]) == [value]


def test_a_service_whose_answer_lacks_its_names_has_those_we_asked_for():
    data = wire.render_service(service())
    del data["zone"], data["fqdn"]
    assert calls.service(KEY).read(data) == service()


def test_a_region_and_an_entry_are_read_back_as_they_are():
    value = region("US East", status="failover")
    data = {**wire.render_region(value), "zone": "example.com", "fqdn": "www.example.com"}
    assert calls.region(KEY, "US East").read(data) == value
    assert calls.regions(KEY).read([data]) == [value]
    entry = pool_entry(weight=9, status="up")
    assert (
        calls.pool_entry(KEY, "US East", "192.0.2.1").read(wire.render_pool_entry(entry)) == entry
    )


def test_an_autopopulated_region_may_come_without_a_pool():
    found = calls.region(KEY, "Asia").read({"autopopulate": "Y"})
    assert (found.region_code, found.autopopulate, found.pool) == ("Asia", True, ())


def test_a_report_is_read_as_response_sets():
    answer = wire.parse_response_set({"region_code": "global", "change_ts": "17"})
    assert calls.rrset_report(KEY, 10).read([wire.render_response_set(answer)]) == [answer]


LOG = tuple(
    LogEntry("XXX", "up", f"HTTP 200 in {n} ms from 192.0.2.1 port 80", n) for n in range(5)
)


def answer(*pools: int) -> bytes:
    """A service whose regions have pools of these sizes, each entry with a log."""
    regions = [
        Region("global", tuple(PoolEntry(f"192.0.2.{n}", log=LOG) for n in range(size)))
        for size in pools
    ]
    return json.dumps(wire.render_service(service(region=tuple(regions)))).encode()


def test_the_largest_service_that_we_know_of_may_come():
    body = answer(*[1000] * 8)
    assert calls.service(KEY).bound.excess(body) == ""
    assert calls.service(KEY).bound.excess(body * 2) != ""


def test_five_thousand_services_may_come():
    body = answer(4, 4, 4, 3) * 5000
    assert len(body) > 23_000_000
    assert calls.services("example.com").bound.excess(body) == ""


@pytest.mark.parametrize("item", [b'{"a":1}', b"[]", b"1", b"{}"])
def test_small_values_are_too_many_before_they_are_too_long(item):
    """However few bytes each is: parsed, each takes 8 to 250."""
    body = (item + b",") * (ONE.size // (len(item) + 1))
    assert "more than" in ONE.excess(body)
    assert MANY.marks / MANY.size < ONE.marks / ONE.size


@pytest.mark.parametrize("call", [call for call, *_ in SAFE + CHANGING])
def test_only_lists_may_be_long(call):
    is_list = call.path.rstrip("/") in ("/REST/Zone", "/REST/RTTM/example.com") or (
        call.is_safe and call.method == "POST"
    )
    assert (call.bound.size > 2**24) == is_list


def test_the_token_is_read_and_a_log_out_reads_nothing():
    assert calls.session_open(WHO).read({"token": "T", "version": "3.7.13"}) == "T"
    assert calls.session_close().read(None) is None


@pytest.mark.parametrize("call", [calls.services("example.com"), calls.zones(), calls.regions(KEY)])
@pytest.mark.parametrize("nothing", [[], {}])
def test_an_empty_list_may_come_as_an_empty_object(call, nothing):
    assert call.read(nothing) == []


@pytest.mark.parametrize(
    ("call", "data"),
    [
        (calls.services("example.com"), None),
        (calls.services("example.com"), {"zone": "example.com"}),
        (calls.services("example.com"), ["/REST/RTTM/example.com/www.example.com/"]),
        (calls.services("example.com"), [{"zone": "example.com", "region": []}]),
        (calls.service(KEY), {}),
        (calls.service(KEY), None),
        (calls.service(KEY), []),
        (calls.region(KEY, "Asia"), {}),
        (calls.region(KEY, "Asia"), {"region_code": None, "pool": []}),
        (calls.pool_entry(KEY, "Asia", "192.0.2.1"), {}),
        (calls.log_report(KEY, 1, 2), {"csv": "a,b"}),
        (calls.session_open(WHO), {}),
    ],
)
def test_an_answer_that_lost_its_frame_is_not_taken_for_an_empty_one(call, data):
    with pytest.raises(ValueError, match="expected|there is no"):
        call.read(data)


def test_a_jobs_answer_is_read_as_the_calls_own():
    value = replace(service(), status="ok")
    call = calls.job(calls.recover(KEY), "17/../Session")
    assert call.path == "/REST/Job/17%2F..%2FSession/"
    found = call.read(wire.render_service(value))
    assert isinstance(found, Service)
    assert found == value
