"""Tasks: what recover and recoverip still wait for."""

from typing import Any

import pytest

from rttm.core.health import ProbeResult
from rttm.core.schedule import Kind
from rttm.core.terms import EntryStatus
from rttm.engine import models, store, tasks
from tests.engine_client import ENTRY, NOW, REGION, SERVICE, WANTED, Client, logged_in, probed

ADDRESS = "192.0.2.1"
MINUTE = 60


@pytest.fixture
def client(settings, db) -> Client:
    client = logged_in(settings)
    client.does("POST", SERVICE, WANTED)
    return client


def recovered(client: Client) -> int:
    """The number of the task of a recover."""
    return int(client.does("PUT", SERVICE, {"recover": True})["task_id"])


def task(client: Client, number: int) -> dict[str, Any]:
    found: dict[str, Any] = client.does("GET", f"Task/{number}")
    return found


def test_recover_begins_a_task_and_the_probes_end_it(client):
    number = recovered(client)
    assert task(client, number) == {
        "task_id": number, "name": "RTTMRecover", "customer_name": "acme",
        "zone_name": "example.com", "status": "running", "step_count": 1, "total_steps": 3,
        "blocking": "N", "message": "Waiting for a probe of 192.0.2.1, 192.0.2.2", "debug": "",
        "created_ts": int(NOW), "modified_ts": int(NOW),
        "args": [{"name": "zone", "value": "example.com"},
                 {"name": "fqdn", "value": "www.example.com"}],
    }  # fmt: skip
    probed(_1="up")
    assert task(client, number)["step_count"] == 2
    probed(_1="up", _2="down")
    done = task(client, number)
    assert (done["status"], done["step_count"]) == ("complete", 3)
    assert done["message"] == "Every address was probed since"


def test_a_probe_that_began_before_the_recover_does_not_count(client):
    row = store.find("example.com", "www.example.com")
    number = recovered(client)
    result = store.RunResult(
        row.pk, row.version, ADDRESS, Kind.HEALTH, ProbeResult(EntryStatus.UP, "late"), NOW + 1
    )
    store.record_results([result], site_code="XXX", now=NOW + 1)
    assert task(client, number)["step_count"] == 1


def test_recoverip_waits_for_its_address_alone(client):
    done = client.does("PUT", SERVICE, {"recoverip": True, "address": ADDRESS})
    found = task(client, done["task_id"])
    assert (found["name"], found["total_steps"]) == ("RTTMRecoverIP", 2)
    assert {"name": "address", "value": ADDRESS} in found["args"]
    probed(_1="down")
    assert task(client, done["task_id"])["status"] == "complete"


def test_what_it_is_about_names_it_until_it_ends(client):
    done = client.does("PUT", SERVICE, {"recoverip": True, "address": ADDRESS})
    number = done["task_id"]
    client.does("POST", REGION, {"region_code": "Asia", "pool": [{"address": "192.0.2.7"}]})
    assert client.does("GET", SERVICE)["task_id"] == number
    assert [client.does("GET", f"{REGION}/{code}")["task_id"] for code in ("global", "Asia")] == [
        number, "",
    ]  # fmt: skip
    listed = client.does("GET", REGION, {"detail": "Y"})
    assert [region["task_id"] for region in listed] == [number, ""]
    assert client.does("GET", f"{ENTRY}/global/{ADDRESS}")["task_id"] == number
    assert client.does("GET", f"{ENTRY}/global/192.0.2.2")["task_id"] == ""
    probed(_1="up")
    assert client.does("GET", SERVICE)["task_id"] == ""
    assert client.does("GET", f"{ENTRY}/global/{ADDRESS}")["task_id"] == ""


@pytest.mark.parametrize(
    "args", [{"deactivate": True}, {"monitor": {"protocol": "NONE", "interval": 1}}]
)
def test_where_nothing_is_probed_it_is_complete_at_once(client, args):
    client.does("PUT", SERVICE, args)
    found = task(client, recovered(client))
    assert (found["status"], found["message"]) == ("complete", "The service is not probed")


@pytest.mark.parametrize(
    ("method", "args", "status"),
    [
        ("PUT", {"deactivate": True}, "canceled"),
        ("PUT", {"monitor": {"protocol": "NONE"}}, "canceled"),
        ("PUT", {"ttl": 60}, "running"),
        ("DELETE", None, "canceled"),
    ],
)
def test_a_change_of_the_service_ends_a_wait_that_would_not_end(client, method, args, status):
    number = recovered(client)
    client.does(method, SERVICE, args)
    assert task(client, number)["status"] == status


def test_an_address_that_is_gone_is_not_waited_for(client):
    number = recovered(client)
    probed(_1="up")
    client.does("DELETE", f"{ENTRY}/global/192.0.2.2")
    assert task(client, number)["status"] == "complete"


def test_without_probes_for_long_it_is_stalled(client):
    number = recovered(client)
    client.now = NOW + 3 * 5 * MINUTE
    assert task(client, number)["status"] == "running"
    client.now += 1
    assert task(client, number)["status"] == "stalled"


def test_it_is_stalled_by_the_address_that_nobody_probes(client):
    number = recovered(client)
    progress = NOW + 5 * MINUTE
    for at in (progress, progress + 5 * MINUTE, progress + 10 * MINUTE):
        probed(_1="up", at=at)
    client.now = progress + 3 * 5 * MINUTE
    assert task(client, number)["status"] == "running"
    client.now += 1
    assert task(client, number)["status"] == "stalled"
    assert task(client, number)["modified_ts"] == int(progress)


def test_a_time_taken_is_no_probe_that_it_waits_for(client):
    number = recovered(client)
    probed(kind=Kind.PERF, _1="up", _2="up")
    assert task(client, number)["step_count"] == 1


def test_of_two_the_newest_names_what_they_are_about(client):
    first, second = recovered(client), recovered(client)
    assert client.does("GET", SERVICE)["task_id"] == str(second)
    assert [one["task_id"] for one in client.does("GET", "Task/")] == [second, first]


def test_those_of_another_customer_are_nobodys(client):
    number = recovered(client)
    models.Task.objects.update(customer_name="other")
    assert client.does("GET", "Task/") == []
    assert client.fails("GET", f"Task/{number}") == (404, "NOT_FOUND")


@pytest.mark.parametrize("path", ["Task/{}/", "Task/{}", "task/{}"])
def test_it_is_canceled_once(client, path):
    number = recovered(client)
    client.now = NOW + 7
    canceled = client.does("DELETE", path.format(number))
    assert (canceled["task_id"], canceled["status"]) == (number, "canceled")
    assert canceled["modified_ts"] == int(NOW) + 7
    assert client.fails("DELETE", path.format(number)) == (400, "ILLEGAL_OPERATION")
    assert client.said == "task: The task is canceled already"
    probed(_1="up", _2="up")
    assert task(client, number)["status"] == "canceled"
    assert client.does("GET", SERVICE)["task_id"] == ""


@pytest.mark.parametrize(
    ("args", "count"),
    [
        ({}, 2),
        ({"status": "done"}, 1),
        ({"status": "notdone"}, 1),
        ({"name": "RTTMRecover"}, 2),
        ({"name": "RTTMRecoverIP"}, 0),
        ({"name": "blocking"}, 0),
        ({"zone_name": "Example.com."}, 2),
        ({"zone_name": "example.org"}, 0),
    ],
)
def test_all_are_listed_by_name_zone_and_status(client, args, count):
    client.does("DELETE", f"Task/{recovered(client)}")
    recovered(client)
    assert len(client.does("GET", "Task/", args)) == count
    assert len(client.does("GET", "Task", query=args)) == count


def test_what_cannot_be_asked(client):
    assert client.fails("GET", "Task/", {"status": "maybe"}) == (400, "INVALID_DATA")
    for number in ("0", "7x", "9" * 18, "9" * 30):
        assert client.fails("GET", f"Task/{number}") == (404, "NOT_FOUND")
        assert client.fails("DELETE", f"Task/{number}") == (404, "NOT_FOUND")


def test_finished_ones_are_dropped_after_a_day(client):
    client.does("DELETE", f"Task/{recovered(client)}")
    running = recovered(client)
    tasks.prune(NOW + tasks.KEPT + 1)
    assert models.Task.objects.get().pk == running


def test_services_are_listed_with_them_in_as_many_queries(client, django_assert_max_num_queries):
    recovered(client)
    rows = [store.find("example.com", "www.example.com")]
    with django_assert_max_num_queries(4, using="engine"):
        assert store.observe(rows)[0].task_id
