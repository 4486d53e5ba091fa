"""An open editor asks what has become of its object, and is told who changed what."""

from urllib.parse import urlencode

import pytest
from django.urls import reverse
from django.utils import timezone

from rttm import sync
from rttm.client import calls
from rttm.models import Edit
from tests.builders import region, service
from tests.converges import HTMX
from tests.django.editing import update
from tests.pages import find, parse, words


@pytest.fixture
def row(mirrored):
    return mirrored(service(region=(region("global", "192.0.2.1", "192.0.2.2"),)))


@pytest.fixture
def entry(row):
    return row.regions.get().pool.get(address="192.0.2.1")


@pytest.fixture
def client(client_as, operator):
    return client_as(operator)


def ask(client, editor_url):
    """Open the editor now; what asks later, as the page does, returns the answer."""
    drawn = parse(client.get(editor_url, headers=HTMX))
    [notice] = drawn.xpath("//*[contains(@hx-trigger, 'sse:')]")
    [was] = find(drawn, id=notice.get("hx-include").removeprefix("#"))
    query = urlencode({"was": was.get("value", "")})
    return lambda: client.get(f"{notice.get('hx-get')}&{query}", headers=HTMX)


def test_editor_is_told_who_changed_what_once(client, entry, by):
    asks = ask(client, reverse("pool-entry-edit", args=[entry.pk]))
    assert asks().status_code == 204
    update(entry, by, weight=5)
    [notice] = find(parse(asks()), class_="news")
    assert "olga changed this" in words(notice)
    assert "weight 1 → 5" in words(notice)
    assert "label" not in words(notice)
    query = urlencode({"was": '{"weight": "1"}'})
    assert client.get(f"{notice.get('hx-get')}&{query}", headers=HTMX).status_code == 204


def test_who_changed_it_is_told_once_it_is_known(client, entry, by):
    """The mirror learns of the change before its edit is closed."""
    asks = ask(client, reverse("pool-entry-edit", args=[entry.pk]))
    update(entry, by, weight=5)
    Edit.objects.update(outcome=Edit.Outcome.PENDING)
    [notice] = find(parse(asks()), class_="news")
    assert "Somebody else has changed this" in words(notice)
    assert f"sse:service-history-{entry.region.service_id}" in notice.get("hx-trigger")
    Edit.objects.update(outcome=Edit.Outcome.SAVED)
    query = urlencode({"was": '{"weight": "1"}'})
    response = client.get(f"{notice.get('hx-get')}&{query}", headers=HTMX)
    assert "olga changed this" in words(find(parse(response), class_="news")[0])


def test_probe_is_no_news_for_an_editor(client, entry):
    asks = ask(client, reverse("pool-entry-edit", args=[entry.pk]))
    type(entry).objects.filter(pk=entry.pk).update(status="down")
    assert asks().status_code == 204


def test_editor_is_told_that_its_entry_was_deleted(client, backend, entry):
    asks = ask(client, reverse("pool-entry-edit", args=[entry.pk]))
    key = entry.region.service.key
    backend.run(calls.pool_entry_delete(key, "global", entry.address))
    sync.absorb_pool_entry_gone(entry.region, entry.address, asked_at=timezone.now())
    [notice] = find(parse(asks()), class_="news")
    assert "Somebody else has deleted this" in words(notice)
    assert notice.get("hx-trigger") is None


def test_deletion_that_waits_for_its_confirmation_is_told_of_a_change(client, entry, by):
    asks = ask(client, reverse("pool-entry-delete", args=[entry.pk]))
    update(entry, by, weight=5)
    assert "changed this" in words(find(parse(asks()), class_="news")[0])


def test_editor_of_a_region_is_told_of_a_change_that_was_made_elsewhere(client, backend, row):
    found = row.regions.get()
    asks = ask(client, reverse("region-edit", args=[found.pk]))
    backend.run(calls.region_update(row.key, "global", {"apmc": 2}))
    remote = backend.run(calls.service(row.key))
    sync.absorb_service(remote, asked_at=timezone.now())
    [notice] = find(parse(asks()), class_="news")
    assert "Somebody else has changed this" in words(notice)
    assert "1 → 2" in words(notice)


@pytest.mark.parametrize("was", ["", "[]", "7", "{", '{"weight": {"a": []}}', '{"x": "y"}'])
def test_no_words_of_a_query_are_trusted(client, entry, was):
    query = {"was": was, "told": "9" * 5000}
    response = client.get(reverse("pool-entry-news", args=[entry.pk]), query, headers=HTMX)
    assert response.status_code == 200
