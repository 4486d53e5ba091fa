"""The card of a region and its editors: settings, delete, add; every outcome in its place."""

import pytest

from rttm.client import calls
from rttm.models import Region
from tests.builders import region, service
from tests.converges import HTMX
from tests.pages import find, parse, words

ONE, TWO, NEW = "192.0.2.1", "192.0.2.2", "192.0.2.8"
SETTINGS = ("ep", "apmc", "epmc", "serve_count", "failover_mode", "failover_data")


@pytest.fixture
def row(mirrored):
    return mirrored(service(region=(region(ep=2), region("Asia", ONE, TWO, ep=2))))


@pytest.fixture
def asia(row):
    return row.regions.get(region_code="Asia")


@pytest.fixture
def url(asia):
    return f"/regions/{asia.pk}/"


@pytest.fixture
def client(client_as, operator):
    return client_as(operator)


def typed(found, **fields):
    own = {name: getattr(found, name) for name in SETTINGS}
    return {**own, "seen": found.version, "service": found.service_id, **fields}


def at_backend(backend, found):
    return backend.run(calls.region(found.service.key, found.region_code))


def field(page, found, name):
    return find(page, id=f"region-settings-{found.pk}-{name}")[0]


def test_saved_settings_close_the_editor_and_reach_the_backend(client, backend, asia, url):
    form = typed(asia, apmc=2, failover_mode="region", failover_data="global")
    response = client.post(url, form, headers=HTMX)
    assert response.status_code == 200
    [drawn] = find(parse(response), id=f"region-settings-{asia.pk}")
    assert words(drawn).startswith("Fails over to region global")
    assert drawn.get("data-editor") is None
    assert (at_backend(backend, asia).apmc, at_backend(backend, asia).failover_data) == (
        2,
        "global",
    )


def test_settings_that_fail_over_to_global_keep_the_target_of_another_mode(
    client, backend, asia, url
):
    target = asia.failover_data
    assert client.post(url, typed(asia, failover_mode="global"), headers=HTMX).status_code == 200
    there = at_backend(backend, asia)
    assert (target, there.failover_mode, there.failover_data) == ("192.0.2.99", "global", target)
    asia.refresh_from_db()
    response = client.post(url, typed(asia, failover_mode="ip"), headers=HTMX)
    assert response.status_code == 200
    [drawn] = find(parse(response), id=f"region-settings-{asia.pk}")
    assert words(drawn).startswith(f"Fails over to {target}")


@pytest.mark.parametrize(
    ("fields", "at_fault"),
    [
        ({"epmc": 3}, "epmc"),
        ({"serve_count": 14}, "serve_count"),
        ({"ep": 0}, "ep"),
        ({"apmc": "few"}, "apmc"),
        ({"failover_mode": "ip", "failover_data": "no-ip"}, "failover_data"),
        ({"failover_mode": "region", "failover_data": "EU West"}, "failover_data"),
        ({"failover_mode": "region", "failover_data": "Asia"}, "failover_data"),
        ({"failover_mode": "hope"}, "failover_mode"),
    ],
)
def test_broken_rule_is_told_beside_its_field_and_nothing_is_sent(
    client, backend, asia, url, fields, at_fault
):
    backend.transport.sent.clear()
    response = client.post(url, typed(asia, **fields), headers=HTMX)
    assert response.status_code == 422
    assert field(parse(response), asia, at_fault).get("aria-invalid") == "true"
    assert find(parse(response), id=f"region-settings-{asia.pk}-{at_fault}_error")
    assert backend.transport.sent == []


def test_value_of_the_pool_that_breaks_a_rule_does_not_block_the_settings(client, asia, url):
    asia.pool.update(weight=40)
    assert client.post(url, typed(asia, ep=1), headers=HTMX).status_code == 200


def test_region_can_be_filled_from_the_global_one_whatever_else_is_typed(
    client, backend, asia, url
):
    response = client.post(url, typed(asia, autopopulate="on", ep="many"), headers=HTMX)
    assert response.status_code == 200
    assert at_backend(backend, asia).autopopulate


def test_filled_region_can_have_its_own_pool_again(client, backend, asia, url):
    client.post(url, typed(asia, autopopulate="on"), headers=HTMX)
    asia.refresh_from_db()
    assert client.post(url, typed(asia), headers=HTMX).status_code == 200
    assert not at_backend(backend, asia).autopopulate


def test_global_region_is_offered_neither_autopopulate_nor_deletion(client, row):
    first = row.regions.get(region_code="global")
    page = parse(client.get(f"/regions/{first.pk}/edit/", headers=HTMX))
    assert not page.xpath("//*[@name='autopopulate']")
    card = client.get(f"/regions/{first.pk}/", headers=HTMX).content.decode()
    assert f"/regions/{first.pk}/delete/" not in card


def test_conflict_shows_theirs_and_yours_and_mine_can_be_saved(client, backend, asia, url):
    backend.run(calls.region_update(asia.service.key, "Asia", {"apmc": 2}))
    response = client.post(url, typed(asia, apmc=1, serve_count=2), headers=HTMX)
    assert response.status_code == 409
    page = parse(response)
    assert field(page, asia, "apmc").get("value") == "1"
    inputs = page.xpath("//input[@name and not(@type='checkbox')]") + page.xpath("//select[@name]")
    sent = {item.get("name"): item.value for item in inputs}
    assert client.post(url, sent, headers=HTMX).status_code == 200
    found = at_backend(backend, asia)
    assert (found.apmc, found.serve_count, found.autopopulate) == (1, 2, False)


@pytest.mark.parametrize("who", ["elsewhere", "seen by a sync"])
def test_region_deleted_by_somebody_else_says_so_and_keeps_what_was_typed(
    client, backend, asia, url, who
):
    backend.run(calls.region_delete(asia.service.key, "Asia"))
    form = typed(asia, failover_data="198.51.100.77")
    if who == "seen by a sync":
        asia.delete()
    response = client.post(url, form, headers=HTMX)
    assert response.status_code == 409
    assert "198.51.100.77" in words(parse(response))


def test_backend_that_cannot_be_asked_changes_nothing(client, backend, asia, url):
    backend.refuses_connections()
    response = client.post(url, typed(asia, apmc=2), headers=HTMX)
    assert response.status_code == 502
    assert field(parse(response), asia, "apmc").get("value") == "2"
    asia.refresh_from_db()
    assert asia.apmc == 1


def test_lost_answer_says_that_it_is_not_known_yet(client, backend, asia, url):
    backend.loses_answers(after=2)
    response = client.post(url, typed(asia, apmc=2), headers=HTMX)
    assert response.status_code == 504
    assert "It is not known yet" in response.content.decode()


def test_region_is_deleted_with_its_card(client, asia, url):
    asked = words(parse(client.get(f"{url}delete/", headers=HTMX)))
    assert "Its pool of 2 goes with it" in asked
    response = client.post(f"{url}delete/", typed(asia), headers=HTMX)
    assert (response.status_code, response.content) == (200, b"")
    assert response["HX-Retarget"] == f"#region-{asia.pk}"
    assert not Region.objects.filter(pk=asia.pk).exists()


def test_region_that_another_fails_over_to_is_not_offered_for_deletion(client, mirrored):
    leaning = region("US East", ONE, failover_mode="region", failover_data="Asia")
    row = mirrored(service("lean.example.com", region=(region(), region("Asia"), leaning)))
    asia = row.regions.get(region_code="Asia")
    response = client.get(f"/regions/{asia.pk}/delete/", headers=HTMX)
    assert "Region US East fails over to it." in response.content.decode()
    assert b"<button" not in response.content


def test_region_changed_since_the_confirmation_is_not_deleted(client, backend, asia, url):
    backend.run(calls.region_update(asia.service.key, "Asia", {"apmc": 2}))
    response = client.post(f"{url}delete/", typed(asia), headers=HTMX)
    assert response.status_code == 409
    assert at_backend(backend, asia).apmc == 2


def test_region_is_added_with_its_first_entry(client, backend, row):
    form = {"region_code": "EU West", "address": NEW, "weight": 2, "serve_mode": "obey"}
    response = client.post(f"/services/{row.pk}/regions/add/", form, headers=HTMX)
    assert response.status_code == 200
    added = row.regions.get(region_code="EU West")
    drawn = parse(response)
    assert find(drawn, id=f"region-{added.pk}")
    assert find(drawn, id=f"region-add-{row.pk}")
    assert [entry.weight for entry in at_backend(backend, added).pool] == [2]


def test_region_is_added_filled_from_the_global_one(client, backend, row):
    form = {"region_code": "EU West", "autopopulate": "on", "weight": 1, "serve_mode": "obey"}
    response = client.post(f"/services/{row.pk}/regions/add/", form, headers=HTMX)
    assert response.status_code == 200
    assert at_backend(backend, row.regions.get(region_code="EU West")).autopopulate


@pytest.mark.parametrize("address", ["", "192.0.2.300"])
def test_region_without_a_good_first_entry_is_not_added(client, row, address):
    form = {"region_code": "EU West", "address": address, "weight": 1, "serve_mode": "obey"}
    response = client.post(f"/services/{row.pk}/regions/add/", form, headers=HTMX)
    assert response.status_code == 422
    assert find(parse(response), id=f"region-add-{row.pk}-address_error")


def test_only_missing_regions_are_offered(client, row):
    page = parse(client.get(f"/services/{row.pk}/regions/add/", headers=HTMX))
    offered = page.xpath("//select[@name='region_code']/option/@value")
    assert offered == ["US West", "US Central", "US East", "EU West", "EU Central", "EU East"]


def test_region_that_came_in_the_meantime_is_refused_beside_its_field_or_at_the_foot(
    client, backend, row
):
    backend.run(calls.region_create(row.key, region("EU West")))
    form = {"region_code": "EU West", "address": NEW, "weight": 1, "serve_mode": "obey"}
    response = client.post(f"/services/{row.pk}/regions/add/", form, headers=HTMX)
    assert response.status_code == 422
    assert find(parse(response), class_="problem")


@pytest.mark.parametrize("path", ["", "delete/", "pool-entries/add/"])
def test_viewer_and_stranger_change_nothing(client_as, viewer, asia, url, path):
    form = typed(asia, apmc=2)
    assert client_as(viewer).post(url + path, form, headers=HTMX).status_code == 403
    assert client_as(None).post(url + path, form).status_code == 302
    asia.refresh_from_db()
    assert asia.apmc == 1


@pytest.mark.parametrize("path", ["edit/", "delete/", "pool-entries/add/"])
def test_viewer_gets_no_editor(client_as, viewer, url, path):
    assert client_as(viewer).get(url + path, headers=HTMX).status_code == 403


# Without htmx the same outcomes come as whole pages.


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/regions/{asia}/edit/", "region-settings-{asia}"),
        ("/regions/{asia}/delete/", "region-settings-{asia}"),
        ("/regions/{asia}/pool-entries/add/", "pool-entry-add-{asia}"),
        ("/services/{row}/regions/add/", "region-add-{row}"),
    ],
)
def test_plain_editor_is_the_page_with_it_in_its_place(client, row, asia, path, place):
    keys = {"asia": asia.pk, "row": row.pk}
    page = parse(client.get(path.format(**keys)))
    [drawn] = find(page, id=place.format(**keys))
    assert drawn.get("data-editor") is not None
    assert len(find(page, tag="h1")) == 1


def test_plain_problem_is_the_page_with_the_status(client, asia, url):
    response = client.post(url, typed(asia, ep=0))
    assert response.status_code == 422
    assert find(parse(response), id=f"region-settings-{asia.pk}-ep_error")


def test_plain_save_and_delete_go_back_to_the_service_page(client, asia, url):
    saved = client.post(url, typed(asia, apmc=2))
    assert saved["Location"] == f"/services/{asia.service_id}/#region-{asia.pk}"
    asia.refresh_from_db()
    assert client.post(f"{url}delete/", typed(asia)).status_code == 302
