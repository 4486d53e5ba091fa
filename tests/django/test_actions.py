"""What a person asks the workers to do: said first, then queued, then followed to its end."""

import pytest
from django.utils import timezone

from rttm import services
from rttm.models import Action, PoolEntry, SyncState
from tests.builders import region, service
from tests.converges import HTMX
from tests.pages import find, parse, words

ONE, TWO = "192.0.2.1", "192.0.2.2"


@pytest.fixture
def row(mirrored):
    return mirrored(service(region=(region("global", ONE, TWO),)))


@pytest.fixture
def client(client_as, operator):
    return client_as(operator)


@pytest.fixture
def latched(row):
    """An address with mode `remove` that was down and came up again."""
    PoolEntry.objects.filter(address=ONE).update(serve_mode="remove", was_down=True, status="up")
    return PoolEntry.objects.get(address=ONE)


@pytest.mark.parametrize(
    ("verb", "told"),
    [
        ("activate", "DNS answers for www.example.com again."),
        ("deactivate", "DNS stops answering for www.example.com."),
        ("recover", "Every region decides anew. No address waits"),
    ],
)
def test_what_will_happen_is_said_before_it_is_asked_for(client, row, verb, told):
    response = client.get(f"/services/{row.pk}/{verb}/", headers=HTMX)
    assert told in words(parse(response))
    assert not Action.objects.exists()
    [button] = find(parse(response), tag="button")
    assert words(button) == f"{verb.capitalize()} www.example.com"


def test_recover_names_the_addresses_it_brings_back(client, row, latched):
    response = client.get(f"/services/{row.pk}/recover/", headers=HTMX)
    assert f"Brought back: {ONE}." in words(parse(response))


def test_head_names_the_addresses_that_wait_for_recover(client, row, latched):
    page = parse(client.get(f"/services/{row.pk}/card/", headers=HTMX))
    assert f"Waits for recover: {ONE}." in words(page)


@pytest.mark.parametrize("verb", ["activate", "deactivate", "recover"])
def test_action_is_queued_and_shown_in_place(client, operator, row, verb):
    response = client.post(f"/services/{row.pk}/{verb}/", headers=HTMX)
    action = Action.objects.get()
    assert (action.verb, action.state, action.actor) == (verb, "queued", operator)
    assert action.remote_address == "127.0.0.1"
    [drawn] = find(parse(response), id=f"action-{action.pk}")
    assert "queued" in words(drawn)
    assert "every 2s" in drawn.get("hx-trigger")


def test_button_of_an_action_under_way_is_disabled(client, row):
    client.post(f"/services/{row.pk}/deactivate/", headers=HTMX)
    page = parse(client.get(f"/services/{row.pk}/card/", headers=HTMX))
    assert [words(b) for b in page.xpath("//button[@disabled]")] == ["Deactivate…"]


def test_action_asked_for_twice_is_one(client, row):
    for _ in range(2):
        client.post(f"/services/{row.pk}/recover/", headers=HTMX)
    assert Action.objects.count() == 1


def test_finished_action_shows_the_backends_words_and_stops_polling(client, row):
    client.post(f"/services/{row.pk}/deactivate/", headers=HTMX)
    action = Action.objects.get()
    services.action_run(action_id=action.pk)
    action.refresh_from_db()
    [drawn] = find(parse(client.get(f"/actions/{action.pk}/", headers=HTMX)), class_="action")
    assert "done" in words(drawn)
    assert action.message.startswith("deactivate: ")  # as DynECT names its calls; not for people
    assert "olga Service deactivated" in words(drawn)
    assert drawn.get("hx-trigger") is None
    card = client.get(f"/services/{row.pk}/card/", headers=HTMX).content.decode()
    assert f"/services/{row.pk}/activate/" in card


def test_failed_action_says_why(client, backend, row):
    client.post(f"/services/{row.pk}/recover/", headers=HTMX)
    Action.objects.update(attempts=services.MOST_ATTEMPTS - 1)
    backend.refuses_connections()
    services.action_run(action_id=Action.objects.get().pk)
    page = parse(client.get(f"/services/{row.pk}/card/", headers=HTMX))
    told = words(find(page, class_="action-failed")[0])
    assert "failed" in told
    assert "could not be asked" in told


def test_row_of_an_address_that_waits_offers_its_recover(client, latched):
    [drawn] = find(parse(client.get(f"/pool-entries/{latched.pk}/", headers=HTMX)), tag="tr")
    assert "waits for recover" in words(drawn)
    assert [words(button) for button in drawn.iter("button")] == [f"Recover {ONE}"]


def test_address_that_is_well_offers_no_recover(client, row):
    entry = PoolEntry.objects.get(address=TWO)
    response = client.get(f"/pool-entries/{entry.pk}/", headers=HTMX)
    assert b"<button" not in response.content


def test_recover_of_an_address_is_followed_in_its_row_to_its_end(client, latched):
    response = client.post(f"/pool-entries/{latched.pk}/recover/", headers=HTMX)
    [drawn] = find(parse(response), id=f"pool-entry-{latched.pk}")
    assert "queued" in words(drawn)
    assert drawn.xpath(".//button/@disabled")
    assert "every 2s" in drawn.get("hx-trigger")
    services.action_run(action_id=Action.objects.get(verb="recoverip", address=ONE).pk)
    [drawn] = find(parse(client.get(f"/pool-entries/{latched.pk}/", headers=HTMX)), tag="tr")
    assert "waits" not in words(drawn)
    assert "every 2s" not in drawn.get("hx-trigger")


def test_recover_that_did_not_help_is_told_in_the_row(client, latched):
    client.post(f"/pool-entries/{latched.pk}/recover/", headers=HTMX)
    now = timezone.now()
    Action.objects.update(state="failed", message="No such node.", finished_at=now)
    response = client.get(f"/pool-entries/{latched.pk}/", headers=HTMX)
    assert "failed" in words(parse(response))
    assert "No such node." in words(parse(response))


def test_recover_of_an_earlier_outage_is_not_told_again(client, latched):
    client.post(f"/pool-entries/{latched.pk}/recover/", headers=HTMX)
    now = timezone.now()
    Action.objects.update(state="succeeded", message="Recovered.", finished_at=now)
    PoolEntry.objects.update(status="down", status_since=timezone.now())
    response = client.get(f"/pool-entries/{latched.pk}/", headers=HTMX)
    assert "Recovered." not in words(parse(response))


def test_sync_is_queued_by_its_button(client):
    response = client.post("/sync/", headers=HTMX)
    action = Action.objects.get()
    assert (action.verb, action.service) == ("sync", None)
    assert find(parse(response), id=f"action-{action.pk}")


@pytest.mark.parametrize(
    ("referrer", "lands"),
    [
        ("http://testserver/activity/", "http://testserver/activity/"),
        ("https://elsewhere.example/", "/"),
        ("", "/"),
    ],
)
def test_plain_sync_goes_back_to_the_page_it_came_from(client, referrer, lands):
    assert client.post("/sync/", headers={"Referer": referrer})["Location"] == lands


@pytest.mark.parametrize("verb", ["activate", "deactivate", "recover"])
def test_plain_action_is_asked_and_done_on_the_page(client, row, verb):
    page = parse(client.get(f"/services/{row.pk}/{verb}/"))
    [asked] = find(page, id=f"service-acts-{row.pk}")
    assert asked.get("data-editor") is not None
    response = client.post(f"/services/{row.pk}/{verb}/")
    assert response["Location"] == f"/services/{row.pk}/"


@pytest.mark.parametrize("verb", ["activate", "deactivate", "recover"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_viewer_may_not_act(client_as, viewer, row, verb, method):
    response = getattr(client_as(viewer), method)(f"/services/{row.pk}/{verb}/", headers=HTMX)
    assert response.status_code == 403
    assert not Action.objects.exists()


def test_viewer_and_stranger_may_not_sync(client_as, viewer):
    assert client_as(viewer).post("/sync/").status_code == 403
    assert client_as(None).post("/sync/").status_code == 302
    assert not Action.objects.exists()


def test_viewer_follows_an_action_and_a_stranger_does_not(client_as, client, viewer, row):
    client.post(f"/services/{row.pk}/recover/", headers=HTMX)
    path = f"/actions/{Action.objects.get().pk}/"
    assert client_as(viewer).get(path, headers=HTMX).status_code == 200
    assert client_as(None).get(path).status_code == 302


def test_acting_needs_a_post(client, latched):
    assert client.get(f"/pool-entries/{latched.pk}/recover/").status_code == 405
    assert client.get("/sync/").status_code == 405
    assert SyncState.now().succeeded_at is None
