"""The row of a pool entry and its editors: every outcome is drawn in the row's place."""

import pytest

from rttm.client import calls
from rttm.models import Edit, PoolEntry
from tests.builders import pool_entry, region, service
from tests.converges import HTMX
from tests.pages import find, parse, words

ONE, TWO, NEW = "192.0.2.1", "192.0.2.2", "192.0.2.8"


@pytest.fixture
def row(mirrored):
    return mirrored(service(region=(region("global", ONE, TWO), region("Asia", ONE, TWO, apmc=2))))


@pytest.fixture
def entry(row):
    return row.regions.get(region_code="global").pool.get(address=ONE)


@pytest.fixture
def url(entry):
    return f"/pool-entries/{entry.pk}/"


@pytest.fixture
def client(client_as, operator):
    return client_as(operator)


def typed(entry, **fields):
    """What an editor opened on the entry as it is would send."""
    own = {name: getattr(entry, name) for name in ("address", "label", "weight", "serve_mode")}
    return {**own, "seen": entry.version, "service": entry.region.service_id, **fields}


def at_backend(backend, entry, address=ONE):
    region_ = entry.region
    return backend.run(calls.pool_entry(region_.service.key, region_.region_code, address))


def field(page, entry, name):
    return find(page, id=f"pool-entry-{entry.pk}-{name}")[0]


def problem(page, entry, name):
    [text] = find(page, id=f"pool-entry-{entry.pk}-{name}_error")
    return words(text)


def test_saved_edit_answers_with_the_row_as_the_backend_has_it(client, backend, entry, url):
    response = client.post(url, typed(entry, weight=9, label="nine"), headers=HTMX)
    assert response.status_code == 200
    [drawn] = find(parse(response), tag="tr", id=f"pool-entry-{entry.pk}")
    assert [words(cell) for cell in drawn][1:4] == [ONE, "nine", "9"]
    assert at_backend(backend, entry).weight == 9


def test_editor_holds_the_values_the_limits_and_the_version(client, entry, url):
    page = parse(client.get(f"{url}edit/", headers=HTMX))
    weight = field(page, entry, "weight")
    assert (weight.get("value"), weight.get("min"), weight.get("max")) == ("1", "1", "15")
    assert field(page, entry, "seen").get("value") == str(entry.version)
    assert page.xpath("//tr/@data-editor")
    assert not page.xpath("//tr/@hx-trigger")  # no refresh takes the place of an open editor


@pytest.mark.parametrize(
    ("fields", "at_fault"),
    [
        ({"weight": "16"}, "weight"),
        ({"weight": "many"}, "weight"),
        ({"weight": ""}, "weight"),
        ({"address": "192.0.2.300"}, "address"),
        ({"address": TWO}, "address"),
        ({"label": "x" * 256}, "label"),
        ({"serve_mode": "sometimes"}, "serve_mode"),
    ],
)
def test_broken_rule_is_told_beside_its_field_and_nothing_is_sent(
    client, backend, entry, url, fields, at_fault
):
    backend.transport.sent.clear()
    response = client.post(url, typed(entry, **fields), headers=HTMX)
    assert response.status_code == 422
    page = parse(response)
    assert problem(page, entry, at_fault)
    marked = field(page, entry, at_fault)
    assert marked.get("aria-invalid") == "true"
    assert marked.get("aria-describedby") == f"pool-entry-{entry.pk}-{at_fault}_error"
    assert backend.transport.sent == []


def test_what_was_typed_stays_beside_a_problem(client, entry, url):
    page = parse(client.post(url, typed(entry, weight="99", label="mine"), headers=HTMX))
    assert field(page, entry, "weight").get("value") == "99"
    assert field(page, entry, "label").get("value") == "mine"


def test_problem_that_only_the_backend_finds_is_told_beside_its_field(client, backend, entry, url):
    key = entry.region.service.key
    backend.run(calls.pool_entry_create(key, "global", pool_entry(NEW)))
    response = client.post(url, typed(entry, address=NEW), headers=HTMX)
    assert response.status_code == 422
    assert NEW in words(find(parse(response), class_="problem")[0])


def test_conflict_shows_theirs_and_yours_and_loses_neither(client, backend, entry, url):
    key = entry.region.service.key
    backend.run(calls.pool_entry_update(key, "global", ONE, {"weight": 7}))
    response = client.post(url, typed(entry, weight=9, label="mine"), headers=HTMX)
    assert response.status_code == 409
    page = parse(response)
    label, weight = contested(page)
    assert "7" in words(weight)
    assert field(page, entry, "weight").get("value") == "9"
    assert "nothing" in words(label)
    assert field(page, entry, "label").get("value") == "mine"
    assert at_backend(backend, entry).weight == 7
    assert Edit.objects.get().outcome == "conflict"


def test_conflict_with_an_edit_made_here_names_who_made_it(client, entry, url):
    opened = typed(entry, weight=9)
    client.post(url, typed(entry, weight=7), headers=HTMX)
    response = client.post(url, opened, headers=HTMX)
    assert response.status_code == 409
    assert "was changed by olga" in words(parse(response))


def test_conflict_with_a_change_made_elsewhere_blames_nobody(client, backend, entry, url):
    client.post(url, typed(entry, weight=7), headers=HTMX)
    entry = PoolEntry.objects.get(pk=entry.pk)
    backend.run(calls.pool_entry_update(entry.region.service.key, "global", ONE, {"weight": 5}))
    response = client.post(url, typed(entry, weight=9), headers=HTMX)
    assert "was changed by someone else while you had it open" in words(parse(response))


def test_drained_address_says_by_whom(client, entry, url):
    row = parse(client.post(url, typed(entry, serve_mode="no"), headers=HTMX))
    assert "out: mode no by olga, " in words(row)
    entry = PoolEntry.objects.get(pk=entry.pk)
    row = parse(client.post(url, typed(entry, serve_mode="obey"), headers=HTMX))
    assert "by olga" not in words(row)


def test_mine_can_be_saved_over_theirs_from_the_conflict(client, backend, entry, url):
    key = entry.region.service.key
    backend.run(calls.pool_entry_update(key, "global", ONE, {"weight": 7}))
    page = parse(client.post(url, typed(entry, weight=9, label="mine"), headers=HTMX))
    [form] = page.xpath(f"//form[@hx-post='{url}']")
    assert len(form.xpath(".//button")) == 1
    assert client.post(url, filled_in(page), headers=HTMX).status_code == 200
    found = at_backend(backend, entry)
    assert (found.weight, found.label) == (9, "mine")


def test_field_that_only_they_touched_is_not_taken_back(client, backend, entry, url):
    """The editor was opened, they changed the label, then the weight is saved from it."""
    opened = client.get(f"{url}edit/", headers=HTMX)
    backend.run(calls.pool_entry_update(entry.region.service.key, "global", ONE, {"label": "hers"}))
    response = client.post(url, filled_in(parse(opened)) | {"weight": "9"}, headers=HTMX)
    assert response.status_code == 409
    page = parse(response)
    assert [words(row)[:6] for row in contested(page)] == ["Weight"]
    assert client.post(url, filled_in(page), headers=HTMX).status_code == 200
    found = at_backend(backend, entry)
    assert (found.weight, found.label) == (9, "hers")


def contested(page):
    return find(page, class_="contested")[0].xpath(".//tbody/tr")


def filled_in(page):
    """What a browser would send from the drawn editor."""
    inputs = page.xpath("//input[@name]") + page.xpath("//select[@name]")
    return {item.get("name"): item.value or "" for item in inputs}


def test_same_change_made_by_both_leaves_nothing_to_save(client, backend, entry, url):
    key = entry.region.service.key
    backend.run(calls.pool_entry_update(key, "global", ONE, {"weight": 9}))
    response = client.post(url, typed(entry, weight=9), headers=HTMX)
    assert response.status_code == 409
    assert "Save mine" not in response.content.decode()


@pytest.mark.parametrize("who", ["elsewhere", "seen by a sync"])
def test_entry_deleted_by_somebody_else_says_so_and_keeps_what_was_typed(
    client, backend, entry, url, who
):
    backend.run(calls.pool_entry_delete(entry.region.service.key, "global", ONE))
    if who == "seen by a sync":
        entry.delete()
    form = typed(entry, label="typed long")
    response = client.post(url, form, headers=HTMX)
    assert response.status_code == 409
    told = words(parse(response))
    assert "Somebody else deleted this" in told
    assert "typed long" in told


def test_backend_that_cannot_be_asked_changes_nothing_and_keeps_the_editor(
    client, backend, entry, url
):
    backend.refuses_connections()
    response = client.post(url, typed(entry, weight=9), headers=HTMX)
    assert response.status_code == 502
    page = parse(response)
    assert "Nothing was changed" in words(find(page, class_="problem")[0])
    assert field(page, entry, "weight").get("value") == "9"
    backend.is_back()
    assert at_backend(backend, entry).weight == 1


def test_lost_answer_says_that_it_is_not_known_yet(client, backend, entry, url):
    backend.loses_answers(after=2)
    response = client.post(url, typed(entry, weight=9), headers=HTMX)
    assert response.status_code == 504
    told = words(find(parse(response), class_="problem")[0])
    assert "It is not known yet whether this was carried out." in told


def test_form_without_a_version_never_overwrites(client, backend, entry, url):
    form = typed(entry, weight=9)
    del form["seen"]
    assert client.post(url, form, headers=HTMX).status_code == 409
    assert at_backend(backend, entry).weight == 1


def test_added_entry_comes_with_the_button_for_the_next(client, backend, entry):
    add = f"/regions/{entry.region_id}/pool-entries/add/"
    form = {"address": NEW, "label": "new", "weight": 3, "serve_mode": "obey"}
    response = client.post(add, form, headers=HTMX)
    assert response.status_code == 200
    ids = [drawn.get("id") for drawn in find(parse(response), tag="tr")]
    added = PoolEntry.objects.get(region=entry.region, address=NEW)
    assert ids == [f"pool-entry-{added.pk}", f"pool-entry-add-{entry.region_id}"]
    assert at_backend(backend, entry, NEW).weight == 3


def test_entry_that_is_in_the_pool_already_is_not_added(client, entry):
    add = f"/regions/{entry.region_id}/pool-entries/add/"
    form = {"address": TWO, "weight": 1, "serve_mode": "obey"}
    response = client.post(add, form, headers=HTMX)
    assert response.status_code == 422
    assert f"{TWO} is already in this pool." in response.content.decode()


@pytest.mark.parametrize("action", ["add", "edit"])
def test_the_services_own_name_is_no_address_for_it(client, entry, url, action):
    add = f"/regions/{entry.region_id}/pool-entries/add/"
    own = {"address": entry.region.service.fqdn, "weight": 1, "serve_mode": "obey"}
    form = own if action == "add" else typed(entry, **own)
    response = client.post(add if action == "add" else url, form, headers=HTMX)
    assert response.status_code == 422
    assert "its answer would point to itself" in response.content.decode()


def test_deletion_is_asked_for_and_done(client, entry, url):
    asked = client.get(f"{url}delete/", headers=HTMX).content.decode()
    assert f"Delete {ONE}" in asked
    response = client.post(f"{url}delete/", typed(entry), headers=HTMX)
    assert (response.status_code, response.content) == (200, b"")
    assert not PoolEntry.objects.filter(pk=entry.pk).exists()


def test_deletion_that_puts_the_region_into_failover_says_so(client, row):
    [entry] = PoolEntry.objects.filter(region__region_code="Asia", address=ONE)
    asked = words(parse(client.get(f"/pool-entries/{entry.pk}/delete/", headers=HTMX)))
    assert "This puts Asia into failover: 1 available, needs 2 (apmc)." in asked
    assert "It then serves 192.0.2.99." in asked


def test_last_entry_of_a_pool_is_not_offered_for_deletion(client, mirrored):
    single = mirrored(service("single.example.com", region=(region("global", ONE),)))
    [entry] = PoolEntry.objects.filter(region__service=single)
    response = client.get(f"/pool-entries/{entry.pk}/delete/", headers=HTMX)
    assert "It is the last entry of global" in response.content.decode()
    assert b"<button" not in response.content


def test_entry_changed_since_the_confirmation_is_not_deleted(client, backend, entry, url):
    backend.run(calls.pool_entry_update(entry.region.service.key, "global", ONE, {"weight": 7}))
    response = client.post(f"{url}delete/", typed(entry), headers=HTMX)
    assert response.status_code == 409
    assert "It is now: weight 7" in words(parse(response))
    assert at_backend(backend, entry).weight == 7


def test_deletion_fails_in_place_when_the_backend_cannot_be_asked(client, backend, entry, url):
    backend.refuses_connections()
    response = client.post(f"{url}delete/", typed(entry), headers=HTMX)
    assert response.status_code == 502
    assert "Nothing was changed" in response.content.decode()
    assert PoolEntry.objects.filter(pk=entry.pk).exists()


@pytest.mark.parametrize("path", ["edit/", "delete/"])
def test_viewer_gets_no_editor(client_as, viewer, url, path):
    assert client_as(viewer).get(url + path, headers=HTMX).status_code == 403


@pytest.mark.parametrize("path", ["", "delete/", "recover/"])
def test_viewer_and_stranger_change_nothing(client_as, viewer, entry, url, path):
    form = typed(entry, weight=9)
    assert client_as(viewer).post(url + path, form, headers=HTMX).status_code == 403
    assert client_as(None).post(url + path, form).status_code == 302
    entry.refresh_from_db()
    assert entry.weight == 1


# Without htmx the same outcomes come as whole pages.


def test_plain_save_goes_back_to_the_service_page(client, entry, url):
    response = client.post(url, typed(entry, weight=9))
    assert response.status_code == 302
    page = f"/services/{entry.region.service_id}/#region-{entry.region_id}"
    assert response["Location"] == page


@pytest.mark.parametrize("path", ["edit/", "delete/"])
def test_plain_editor_is_the_page_with_it_in_the_rows_place(client, entry, url, path):
    page = parse(client.get(url + path))
    [drawn] = find(page, id=f"pool-entry-{entry.pk}")
    assert drawn.getparent().tag == "tbody"
    assert drawn.get("data-editor") is not None
    assert len(find(page, tag="h1")) == 1


def test_plain_problem_is_the_page_with_the_status_and_the_editor(client, entry, url):
    response = client.post(url, typed(entry, weight="99"))
    assert response.status_code == 422
    assert problem(parse(response), entry, "weight")


def test_plain_post_on_a_deleted_entry_tells_it_on_top_of_the_page(client, entry, url):
    form = typed(entry, label="typed long")
    entry.delete()
    response = client.post(url, form)
    assert response.status_code == 409
    told = words(parse(response).xpath("//main")[0])
    assert told.startswith("Somebody else deleted this")
    assert "typed long" in told


def test_mode_the_backend_has_and_we_do_not_know_stays_on_offer(client, entry, url):
    PoolEntry.objects.filter(pk=entry.pk).update(serve_mode="maybe")
    page = parse(client.get(f"{url}edit/", headers=HTMX))
    assert field(page, entry, "serve_mode").value == "maybe"


def test_own_absorbed_change_is_no_conflict_for_the_next_edit(client, entry, url):
    client.post(url, typed(entry, weight=9), headers=HTMX)
    entry = PoolEntry.objects.get(pk=entry.pk)
    assert client.post(url, typed(entry, weight=8), headers=HTMX).status_code == 200
