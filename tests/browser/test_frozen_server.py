"""A web process that is frozen or gone: whatever a person asks for ends in a stated outcome."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from playwright.sync_api import Locator, Page, expect

from rttm.client import calls
from tests.proxy import Proxy

SECONDS = 4  # that the page waits for an answer here, instead of longer than the longest edit
UNKNOWN = "It is not known whether this was {}; the activity page shows it."
SPOILT = ["htmx:", "ERR_", "[object Event]"]


@pytest.fixture
def freeze(stack) -> Iterator[Callable[[], None]]:
    """Stop the web process as it stands: its connections stay open, and nothing answers."""
    web = stack.pid_of("uvicorn")
    yield lambda: os.kill(web, signal.SIGSTOP)
    os.kill(web, signal.SIGCONT)


def opened(site, page: Page) -> Page:
    site.opened(page)
    page.evaluate(
        """seconds => {
          Object.assign(document.body.dataset, { answerWithin: seconds, readWithin: seconds });
        }""",
        SECONDS,
    )
    return page


def expect_unknown(place: Locator, done: str) -> None:
    told = place.get_by_role("alert").filter(has_text=UNKNOWN.format(done))
    expect(told).to_be_visible()
    expect(told.get_by_role("link", name="the activity page")).to_have_attribute("target", "_blank")


def test_save_against_a_frozen_server_is_told_from_its_first_moment_to_its_end(
    page, site, freeze, complaints
):
    complaints.expected += SPOILT
    row = site.edited(opened(site, page))
    row.get_by_label("Weight").fill("9")
    row.get_by_label("Label").fill("half a thought")
    save = row.get_by_role("button", name="Save", exact=True)
    posts: list[str] = []
    page.on("request", lambda asked: posts.append(asked.method) if asked.method == "POST" else 0)
    freeze()
    save.click()
    expect(row.get_by_role("status").filter(has_text="Saving…")).to_be_visible()
    expect(save).to_be_disabled()
    save.dispatch_event("click")  # a second time, and once more by the key
    row.get_by_label("Weight").press("Enter")
    expect(row.get_by_role("status").filter(has_text="No answer yet.")).to_be_visible()
    expect_unknown(row, "saved")
    expect(save).to_be_enabled()
    expect(row.get_by_label("Weight")).to_have_value("9")
    expect(row.get_by_label("Label")).to_have_value("half a thought")
    assert posts == ["POST"]


def test_actions_against_a_frozen_server_end_in_a_stated_outcome(page, site, freeze, complaints):
    complaints.expected += SPOILT
    card, top = site.card(opened(site, page)), page.get_by_role("banner")
    card.get_by_role("link", name="Recover service…").click()
    recover = card.get_by_role("button", name=f"Recover {site.fqdn}")
    recover.wait_for()
    freeze()
    recover.click()
    top.get_by_role("button", name="Sync", exact=True).click()
    for place in (card, top):
        expect(place.get_by_role("status").filter(has_text="Sending…")).to_be_visible()
    for place in (card, top):
        expect_unknown(place, "carried out")
    expect(recover).to_be_enabled()


def test_editor_that_does_not_open_is_told(page, site, freeze, complaints):
    complaints.expected += SPOILT
    row = site.row(opened(site, page))
    freeze()
    edit = row.get_by_role("link", name="Edit 192.0.2.1")
    edit.click()
    expect(row.get_by_role("status").filter(has_text="No answer yet.")).to_be_visible()
    expect(row.get_by_role("alert")).to_have_text("The server did not answer. Nothing was changed.")


def test_change_that_could_not_be_read_shows_when_the_server_is_back(page, site, complaints):
    complaints.expected += SPOILT
    opened(site, page)
    asia = site.region(page, "Asia")
    page.route("**/regions/*/", lambda route: route.abort(), times=1)
    site.ask(calls.region_update(site.key, "Asia", {"failover_data": "192.0.2.98"}))
    expect(asia).to_contain_text("Fails over to 192.0.2.98")


@pytest.fixture
def way(stack) -> Iterator[Proxy]:
    with closing(Proxy(stack.port)) as proxy:
        yield proxy


def test_save_without_a_server_is_told_at_once_and_can_be_saved_again(
    browse, site, way, complaints
):
    complaints.expected += SPOILT
    row = site.edited(site.opened(browse(base_url=way.url)))
    row.get_by_label("Weight").fill("9")
    way.cut()
    row.get_by_role("button", name="Save", exact=True).click()
    expect_unknown(row, "saved")
    way.restore()
    row.get_by_role("button", name="Save", exact=True).click()
    expect(row.get_by_role("link", name="Edit 192.0.2.1")).to_be_visible()
    assert site.entry_there().weight == 9
