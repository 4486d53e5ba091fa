"""A session that ends while a page is open: what htmx is told, and how the page goes on."""

import pytest
from django.test import Client
from django.urls import reverse

from dashboard.views.account import BROWSER
from tests.pages import find, parse, words

HTMX = {"HX-Request": "true"}
PASSWORD = {"password": "secret"}


@pytest.mark.parametrize("name", ["board", "counts", "freshness", "activity", "log-reports"])
def test_htmx_is_told_by_a_401_that_there_is_no_session(client_as, name):
    response = client_as(None).get(reverse(name), headers=HTMX)
    assert (response.status_code, response["X-Session-User"]) == (401, "")


def test_change_without_a_session_is_a_401_for_htmx(client_as):
    response = client_as(None).post(reverse("sync"), headers=HTMX)
    assert response.status_code == 401


def test_browser_without_scripts_is_led_to_the_log_in_page(client_as):
    response = client_as(None).get(reverse("board"))
    assert response["Location"] == f"{reverse('login')}?next=/"


def test_each_answer_to_htmx_names_the_user_of_its_session(client_as, viewer):
    response = client_as(viewer).get(reverse("counts"), headers=HTMX)
    assert (response.status_code, response["X-Session-User"]) == (200, str(viewer.pk))


@pytest.fixture
def strict() -> Client:
    """A browser whose tokens are checked."""
    return Client(enforce_csrf_checks=True)


def token_in(page) -> str:
    return page.xpath("(//input[@name='csrfmiddlewaretoken'])[1]/@value")[0]


def test_person_logs_in_within_the_page_which_gets_a_token_that_holds(strict, operator):
    drawn = parse(strict.get(reverse("session"), headers=HTMX))
    names = {"username": "olga", "csrfmiddlewaretoken": token_in(drawn)} | PASSWORD
    response = strict.post(reverse("session"), names, headers=HTMX)
    [now] = find(parse(response), data_session_user="")
    assert response.status_code == 200
    assert (now.get("data-session-user"), now.get("data-name")) == (str(operator.pk), "olga")
    assert now.get("data-role") == "operator"
    token = {"X-CSRFToken": now.get("data-token")}
    old = strict.post(reverse("sync"), headers=HTMX | {"X-CSRFToken": names["csrfmiddlewaretoken"]})
    assert old.status_code == 401
    assert strict.get(reverse("counts"), headers=HTMX | token).status_code == 200
    preferences = {"theme": "dark", "time_zone": "UTC"}
    assert strict.post(reverse("account"), preferences, headers=token).status_code == 302


def test_wrong_password_within_the_page_is_told_in_the_form(client_as, viewer):
    names = {"username": "vera", "password": "x"}
    response = client_as(None).post(reverse("session"), names, headers=HTMX)
    assert response.status_code == 422
    drawn = parse(response)
    assert "is wrong" in words(find(drawn, id="login-problem")[0])
    assert find(drawn, id="session-heading")


def test_page_that_asks_is_told_whose_session_it_is_now(client_as, viewer):
    drawn = parse(client_as(viewer).get(reverse("session"), headers=HTMX))
    assert find(drawn, data_session_user=str(viewer.pk))
    assert "vera" in words(find(drawn, id="account")[0])


def test_log_in_form_within_the_page_works_without_scripts_too(client_as, viewer):
    drawn = parse(client_as(None).get(reverse("session"), headers=HTMX))
    assert drawn.forms[0].get("action") == reverse("login")


def test_limits_of_logging_in_hold_within_the_page_too(client_as, viewer):
    client = client_as(None)
    wrong = {"username": "vera", "password": "x"}
    codes = [client.post(reverse("session"), wrong, headers=HTMX).status_code for _ in range(40)]
    assert codes[0] == 422
    assert codes[-1] == 429


def test_browser_is_known_to_the_limits_after_a_log_in_within_the_page(client_as, viewer):
    response = client_as(None).post(
        reverse("session"), {"username": "vera"} | PASSWORD, headers=HTMX
    )
    path = response.cookies[BROWSER]["path"]
    assert reverse("session").startswith(path)
    assert reverse("login").startswith(path)
