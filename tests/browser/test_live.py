"""What others change appears by itself; an open editor keeps its draft; a lost stream is told."""

import re
from contextlib import closing

import pytest
from playwright.sync_api import Page, expect

from rttm.client import calls
from tests.proxy import Proxy

SOON = 2000  # milliseconds


def save_weight(site, page: Page, weight: str) -> None:
    """Returns with the answer of the save."""
    row = site.edited(page)
    row.get_by_label("Weight").fill(weight)
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        row.get_by_role("button", name="Save", exact=True).click()


def test_change_shows_in_another_browser_within_two_seconds(browse, site):
    mine, theirs = site.opened(browse()), site.opened(browse())
    theirs.evaluate("window.isThePageOpenedFirst = true")
    save_weight(site, mine, "9")
    expect(site.row(theirs).get_by_role("cell", name="9", exact=True)).to_be_visible(timeout=SOON)
    expect(site.history(theirs)).to_contain_text("weight 1 → 9")
    # Again: each row that was swapped in listens as the first one did.
    save_weight(site, mine, "8")
    expect(site.row(theirs).get_by_role("cell", name="8", exact=True)).to_be_visible(timeout=SOON)
    assert theirs.evaluate("window.isThePageOpenedFirst")


def test_service_that_fails_over_turns_up_on_the_board(browse, site, page):
    page.goto(f"/?text={site.fqdn}")
    row = page.locator(f"#service-row-{site.pk}")
    expect(row).to_contain_text("unknown")
    site.ask(calls.region_update(site.key, "global", {"apmc": 3}))
    expect(row).to_contain_text("failover")
    expect(row).to_contain_text("192.0.2.99")
    # Other tests have their services too, but none in failover.
    expect(page).to_have_title(re.compile(r"^1 ◆ .*Board · RTTM$"))


def test_open_editor_keeps_its_draft_and_is_refreshed_when_closed(browse, site):
    mine, theirs = site.opened(browse()), site.opened(browse())
    draft = site.edited(mine)
    draft.get_by_label("Label").fill("half a thou")
    save_weight(site, theirs, "9")
    site.ask(calls.pool_entry_delete(site.key, "global", "192.0.2.2"))
    # The page has heard of both: what holds no editor shows them.
    expect(site.history(mine)).to_contain_text("weight 1 → 9")
    expect(site.row(theirs, "192.0.2.2")).to_have_count(0)
    expect(draft.get_by_label("Label")).to_have_value("half a thou")
    draft.get_by_label("Label").press_sequentially("ght")
    expect(draft.get_by_label("Label")).to_have_value("half a thought")
    draft.get_by_role("link", name="Cancel").click()
    expect(draft.get_by_role("cell", name="9", exact=True)).to_be_visible()
    expect(site.region(mine).get_by_role("rowheader", name="192.0.2.2")).to_have_count(0)


@pytest.fixture
def way(stack):
    """The way of one browser to the dashboard; it can be cut."""
    with closing(Proxy(stack.port)) as proxy:
        yield proxy


def test_lost_stream_is_told_until_it_is_back(browse, site, way, complaints):
    complaints.expected += ["ERR_", "[object Event]", "htmx:"]
    page = site.opened(browse(base_url=way.url))
    banner = page.get_by_role("alert").filter(has_text="What you see is from")
    row = site.edited(page)
    row.get_by_label("Label").fill("typed")
    expect(banner).to_be_hidden()
    way.cut()
    expect(banner).to_be_visible()
    way.restore()
    expect(banner).to_be_hidden(timeout=20_000)
    expect(row.get_by_label("Label")).to_have_value("typed")
    row.get_by_role("button", name="Save", exact=True).click()
    expect(row.get_by_role("cell", name="typed", exact=True)).to_be_visible()
