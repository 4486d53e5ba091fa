"""All tabs of a browser share one stream: each stays live and can edit, whichever tab ends."""

from collections.abc import Iterator
from contextlib import closing

import pytest
from playwright.sync_api import Page, expect

from rttm.client import calls
from tests.browser.tabs import Announcer, Tabs

MANY = 12  # twice as many as the connections that a browser opens to one server


@pytest.fixture
def announcer(stack) -> Iterator[Announcer]:
    with closing(Announcer(stack.redis_url)) as announcer:
        yield announcer


@pytest.fixture
def tabs(page: Page) -> Tabs:
    return Tabs(page)


def edit(site, page: Page, weight: str) -> None:
    row = site.edited(page)
    row.get_by_label("Weight").fill(weight)
    row.get_by_role("button", name="Save", exact=True).click()
    expect(row.get_by_role("cell", name=weight, exact=True)).to_be_visible()


def test_twelve_tabs_all_stay_live_and_can_edit_also_after_the_one_with_the_stream_ended(
    tabs, site, announcer
):
    for _ in range(MANY):
        tabs.open(site.path)
    assert tabs.streams == 1
    announcer.start()
    announcer.wait_until_said(5)
    tabs.close_leader()
    announcer.wait_until_said(5)
    tabs.wait_until_streams(2)
    tabs.crash_leader()
    announcer.wait_until_said(5)
    tabs.wait_until_streams(3)
    announcer.stop()
    tabs.wait_until_heard(announcer.said)
    for number, page in enumerate((tabs.all[0], tabs.all[-1])):
        edit(site, page, str(8 + number))
    site.ask(calls.region_update(site.key, "Asia", {"failover_data": "192.0.2.98"}))
    for page in tabs.all:
        expect(site.row(page).get_by_role("cell", name="9", exact=True)).to_be_visible()
        expect(site.region(page, "Asia")).to_contain_text("Fails over to 192.0.2.98")


def test_tab_whose_renderer_stands_still_gives_the_stream_to_another(tabs, site, announcer):
    for _ in range(3):
        tabs.open(site.path)
    tabs.stop_leader()
    announcer.start()
    tabs.wait_until_streams(2)
    announcer.stop()
    tabs.wait_until_heard(announcer.said)


def test_tab_that_missed_touches_hears_of_them_from_the_others(tabs, site, announcer):
    """A tab that opens was drawn before the newest touches that the others know."""
    first = tabs.open(site.path)
    drawn_at = first.locator("[data-live]").get_attribute("data-live")
    for _ in range(5):
        announcer.tick()
    tabs.wait_until_heard(announcer.said)
    answer = first.request.get(site.path).text()
    now = first.evaluate(
        "html => new DOMParser().parseFromString(html, 'text/html').querySelector('[data-live]')"
        ".dataset.live",
        answer,
    )
    first.context.route(
        f"**{site.path}",
        lambda route: route.fulfill(body=answer.replace(now, drawn_at), content_type="text/html"),
    )
    tabs.open(site.path)
    tabs.wait_until_heard(announcer.said)
    assert tabs.streams == 1


ADD_PART = """
document.querySelector("main").insertAdjacentHTML("beforeend",
  '<div id="part" hx-get="/counts/?of=part" hx-trigger="sse:part" hx-swap="none"></div>');
htmx.process(document.getElementById("part"));
"""


def test_touch_is_asked_for_once(tabs, site, announcer):
    """By a part of its own, of which nobody else announces anything."""
    page = tabs.open(site.path)
    page.evaluate(ADD_PART)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    with page.expect_response("**/counts/?of=part"):
        announcer.announce("part", scope=site.pk)
    with page.expect_response("**/freshness/"):
        announcer.announce("freshness")
    assert len([url for url in asked if url.endswith("of=part")]) == 1


WITHOUT_LOCKS = """
Object.defineProperty(Navigator.prototype, "locks", { value: undefined });
"""
VISIBILITY = """state => {
  Object.defineProperty(document, "hidden", { value: state === "hidden", configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


def test_without_web_locks_a_hidden_tab_closes_its_stream_and_catches_up(
    page, tabs, site, announcer
):
    """Browsers offer them over https:// and on loopback alone; a stand-in for another name."""
    page.context.add_init_script(WITHOUT_LOCKS)
    first = tabs.open(site.path)
    tabs.open(site.path)
    announcer.tick()
    tabs.wait_until_heard(announcer.said)
    assert tabs.streams == 2
    with first.expect_event("requestfailed"):
        first.evaluate(VISIBILITY, "hidden")
    for _ in range(5):
        announcer.tick()
    tabs.wait_until_heard(announcer.said, but=first)
    first.evaluate(VISIBILITY, "visible")
    tabs.wait_until_heard(announcer.said)
