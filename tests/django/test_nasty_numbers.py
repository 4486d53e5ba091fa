"""No number from outside is an error of ours: in no path, query, field or hidden field.

The test walks urls.py, and watches which parameters each view asks for. A new URL, and a new
parameter, is covered by itself.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction
from django.http import HttpResponse, QueryDict
from django.test import Client
from lxml import html

from dashboard.models import Role, User
from rttm import tasks
from rttm.models import Action, Edit, LogReport, PoolEntry, Region, Service
from tests import builders
from tests.converges import HTMX
from tests.routes import ROUTES, at

LONG, ENDLESS = "9" * 20, "9" * 5000
NUMBERS = (LONG, ENDLESS, str(2**63), f"-{LONG}", "²", "1e999")
# The last one is a number that SQLite refuses to look for.
WORST = (LONG, ENDLESS, f"[{ENDLESS}]", "[" * 10_000, "9" * 60_000)
VALUES = (*NUMBERS, *WORST, f'{{"weight": {LONG}}}', "9999-12-31 23:59:59", "\0")
WITH_PARAMETER = [route for route in ROUTES if at(route, "1") != route]
# Django answers for the rest of its admin.
WITH_QUERY = [
    route for route in ROUTES if route == "/admin/dashboard/user/" or "/admin/" not in route
]


@pytest.fixture(autouse=True)
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "wake", lambda action: None)


@pytest.fixture
def browser(backend, mirrored) -> Client:
    """An admin's, who may everything, beside one row of each kind."""
    service = mirrored(builders.service(region=(builders.region(), builders.region("Asia"))))
    ada = User.objects.create_user("ada", password="secret", role=Role.ADMIN)
    about: dict[str, Any] = {"service": service, "actor": ada, "created_at": service.seen_at}
    action = Action.objects.create(verb="log_report", fqdn=service.fqdn, **about)
    LogReport.objects.create(
        action=action, start=service.seen_at, end=service.seen_at, built_at=service.seen_at
    )
    Edit.objects.create(verb="update", **about)
    client = Client(raise_request_exception=False)
    client.force_login(ada)
    return client


def keys() -> list[str]:
    models = (Service, Region, PoolEntry, Action, LogReport, User)
    found = {row.pk for model in models for row in model.objects.all()}
    return sorted(map(str, found))


def ask(browser: Client, method: str, url: str, **how: Any) -> HttpResponse:
    """Return the answer, and undo what the request changed, a log-out included."""
    session = browser.cookies[settings.SESSION_COOKIE_NAME].value
    with transaction.atomic(), transaction.atomic("engine"):
        response = getattr(browser, method)(url, **how)
        transaction.set_rollback(True)
        transaction.set_rollback(True, "engine")
    browser.cookies[settings.SESSION_COOKIE_NAME] = session
    return response


def real_url(browser: Client, route: str) -> str:
    """The URL of a row that is there, if this route takes a key."""
    urls = [at(route, key) for key in keys()]
    is_there = (url for url in urls if ask(browser, "post", url).status_code not in (302, 404))
    return next(is_there, urls[0])


@contextmanager
def watched() -> Iterator[set[str]]:
    """The names that a view asks the query or the form for."""
    asked: set[str] = set()
    by_name = ("get", "getlist", "__getitem__", "__contains__")
    before: dict[str, Callable] = {name: getattr(QueryDict, name) for name in by_name}

    def watch(real: Callable) -> Callable:
        def look_up(self: QueryDict, key: str, *more: Any) -> Any:
            asked.add(key)
            return real(self, key, *more)

        return look_up

    with pytest.MonkeyPatch.context() as patch:
        for name, real in before.items():
            patch.setattr(QueryDict, name, watch(real))
        yield asked


def fields_by_url(browser: Client, urls: list[str]) -> dict[str, dict[str, str]]:
    """What the forms of all pages would send, by where they would send it."""
    found: dict[str, dict[str, str]] = {}
    for url in urls:
        page = ask(browser, "get", url)
        if page.status_code == 200 and page["Content-Type"].startswith("text/html"):
            tree = html.fromstring(page.content)
            for form in tree.iter("form"):
                target = form.get("hx-post") or form.get("action") or url
                inside = tree.xpath("//*[@name and @form=$id]", id=form.get("id", "-"))
                filled = {each.name: each.value or "" for each in inside if hasattr(each, "value")}
                found.setdefault(target, {}).update(dict(form.form_values()) | filled)
    return found


@pytest.mark.parametrize("route", WITH_PARAMETER)
def test_number_in_a_path_is_no_error_of_ours(browser, route):
    for number in NUMBERS:
        url = at(route, number)
        for method in ("get", "post"):
            status = ask(browser, method, url, headers=HTMX).status_code
            assert status < 500, (method, url[:80], status)


def test_number_in_a_query_or_a_field_is_no_error_of_ours(browser):
    urls = [real_url(browser, route) for route in WITH_QUERY]
    forms = fields_by_url(browser, urls)
    wrong, names = [], set()
    for url in urls:
        for method in ("get", "post"):
            sent = forms.get(url, {}) if method == "post" else {}
            asked = asked_for(browser, method, url, sent)
            names |= asked
            for data in nasty(sent, asked):
                status = ask(browser, method, url, data=data, headers=HTMX).status_code
                if status >= 500:
                    wrong.append((method, url, status, {n: v[:30] for n, v in data.items()}))
    assert wrong == []
    assert names >= {"seen", "was", "service", "weight", "ep", "start", "page", "drawn", "hours"}


def nasty(sent: dict[str, str], names: set[str]) -> Iterator[dict[str, str]]:
    """What could be sent: one wrong value among right ones, and nothing that is right."""
    yield from (sent | {name: value} for name in sorted(names) for value in WORST)
    yield from (dict.fromkeys(sorted(names), value) for value in VALUES if names)


def asked_for(browser: Client, method: str, url: str, sent: dict[str, str]) -> set[str]:
    """The parameters that a view cares for, as a page and as a fragment."""
    with watched() as asked:
        ask(browser, method, url, data=sent)
        ask(browser, method, url, data=sent, headers=HTMX)
    return (asked | sent.keys()) - {"csrfmiddlewaretoken"}
