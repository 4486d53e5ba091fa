"""Changed by another worker while a page is drawn: its queries are not of one moment."""

import pytest

from dashboard.models import User
from rttm.models import Region
from tests.builders import region, service
from tests.converges import HTMX
from tests.meanwhile import changed_before_each_query

ONE, TWO, NEW = "192.0.2.1", "192.0.2.2", "192.0.2.8"
CALM = {200, 204, 302, 404, 409}


@pytest.fixture
def asia(mirrored):
    row = mirrored(service(region=(region("global", ONE, TWO), region("Asia", ONE, TWO))))
    return row.regions.get(region_code="Asia")


@pytest.fixture
def entry(asia):
    return asia.pool.get(address=ONE)


@pytest.fixture
def urls(asia, entry):
    return {
        "service": f"/services/{asia.service_id}/",
        "region": f"/regions/{asia.pk}/",
        "entry": f"/pool-entries/{entry.pk}/",
    }


PAGES = [
    "{service}", "{service}card/", "{service}row/", "{service}log/", "{service}history/",
    "{service}regions/add/", "{region}", "{region}edit/", "{region}delete/",
    "{region}pool-entries/add/", "{entry}", "{entry}edit/", "{entry}delete/",
    "/", "/counts/", "/order/", "/activity/",
]  # fmt: skip
CHANGES = {
    "address deleted": lambda asia: asia.pool.filter(address=ONE).delete(),
    "address changed": lambda asia: asia.pool.filter(address=ONE).update(address=NEW),
    "region deleted": lambda asia: Region.objects.filter(pk=asia.pk).delete(),
}


@pytest.fixture(params=CHANGES)
def change(request, asia):
    return lambda: CHANGES[request.param](asia)


@pytest.mark.parametrize("headers", [HTMX, {}], ids=["fragment", "whole"])
@pytest.mark.parametrize("page", PAGES)
def test_page_is_drawn_whatever_changes_meanwhile(client_as, operator, urls, page, change, headers):
    client, url = client_as(operator), page.format(**urls)
    answers = changed_before_each_query("default", lambda: client.get(url, headers=headers), change)
    for query, response in answers:
        assert response.status_code in CALM, f"changed before query {query}"


ENTRY = {"address": ONE, "label": "", "weight": "9", "serve_mode": "obey", "seen": "1"}
REGION = {
    "ep": "2", "apmc": "1", "epmc": "1", "serve_count": "1", "failover_mode": "global",
    "failover_data": "", "autopopulate": "N", "seen": "1",
}  # fmt: skip
SAVES = [
    ("{entry}", ENTRY, 200),
    ("{entry}", ENTRY | {"weight": "99"}, 422),
    ("{entry}", ENTRY | {"seen": "7"}, 409),
    ("{entry}delete/", {"seen": "1"}, 200),
    ("{entry}delete/", {"seen": "7"}, 409),
    ("{entry}recover/", {}, 200),
    ("{region}", REGION, 200),
    ("{region}", REGION | {"seen": "7"}, 409),
    ("{region}delete/", {"seen": "1"}, 200),
    ("{region}delete/", {"seen": "7"}, 409),
    ("{region}pool-entries/add/", ENTRY | {"address": "192.0.2.9"}, 200),
]


@pytest.mark.parametrize(("page", "typed", "undisturbed"), SAVES)
def test_save_is_answered_whatever_changes_meanwhile(
    client_as, operator, asia, urls, page, typed, undisturbed, change
):
    client, url = client_as(operator), page.format(**urls)
    typed = typed | {"service": asia.service_id}
    for query, response in changed_before_each_query(
        "default", lambda: client.post(url, typed, headers=HTMX), change
    ):
        assert response.status_code in CALM | {422}, f"changed before query {query}"
    assert response.status_code == undisturbed


TYPED = {"new_password1": "a-long-new-secret", "new_password2": "a-long-new-secret"}
ACCOUNT = {
    "none": {},
    "preferences": {"theme": "dark", "time_zone": "UTC"},
    "password": {"old_password": "secret", **TYPED},
}


@pytest.fixture(params=ACCOUNT)
def own_settings(request, client_as, operator):
    client, typed = client_as(operator), ACCOUNT[request.param]
    return lambda: client.post("/account/", typed) if typed else client.get("/account/")


def test_own_settings_do_not_undo_what_an_admin_sets_meanwhile(own_settings):
    def shut_out() -> None:
        User.objects.update(role="viewer", is_active=False)

    found = [
        User.objects.values_list("role", "is_active").get()
        for _ in changed_before_each_query("default", own_settings, shut_out)
    ]
    assert set(found[:-1]) == {("viewer", False)}
    assert found[-1] == ("operator", True)


def test_user_deleted_meanwhile_stays_deleted(own_settings):
    found = [
        (response.status_code in CALM, User.objects.exists())
        for _, response in changed_before_each_query(
            "default", own_settings, User.objects.all().delete
        )
    ]
    assert set(found[:-1]) == {(True, False)}
    assert found[-1] == (True, True)
