"""A session that ends while an editor is open: the draft stays, one logs in again there."""

from contextlib import closing

import pytest
from playwright.sync_api import Page, expect

from rttm.client import calls
from tests.stack import OLGA, VERA, Account


@pytest.fixture
def session(stack) -> str:
    """A session of the operator that is this test's alone."""
    with closing(stack.visitor(OLGA)) as visitor:
        return visitor.session


@pytest.fixture
def page(browse, stack, session, complaints) -> Page:
    complaints.expected += ["status of 401", "Response Status Error Code 401"]
    page = browse(None)
    page.context.add_cookies([{"name": "sessionid", "value": session, "url": stack.url}])
    return page


@pytest.fixture
def ended(stack, session):
    """End the session, as a log-out elsewhere or its age does."""
    return lambda: stack.sql("DELETE FROM django_session WHERE session_key = ?", session)


def draft(site, page: Page):
    row = site.edited(site.opened(page))
    row.get_by_label("Label").fill("half a thought")
    return row


def log_in(page: Page, account: Account) -> None:
    dialog = page.get_by_role("dialog", name="Log in")
    dialog.get_by_label("User name").fill(account.username)
    dialog.get_by_label("Password").fill(account.password)
    dialog.get_by_role("button", name="Log in", exact=True).click()
    expect(dialog).to_be_hidden()


def test_save_without_a_session_asks_to_log_in_there_and_goes_on(page, site, ended):
    row = draft(site, page)
    ended()
    row.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("dialog", name="Log in")).to_be_visible()
    expect(row.get_by_label("Label")).to_have_value("half a thought")
    log_in(page, OLGA)
    expect(row.get_by_role("alert")).to_contain_text("logged in as olga now: try again")
    assert site.entry_there().label == ""
    row.get_by_role("button", name="Save", exact=True).click()
    expect(row.get_by_role("cell", name="half a thought", exact=True)).to_be_visible()
    assert site.entry_there().label == "half a thought"


def test_refresh_without_a_session_says_so_and_leaves_the_page_alone(page, site, ended):
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    row = draft(site, page)
    ended()
    site.ask(calls.region_update(site.key, "Asia", {"failover_data": "192.0.2.98"}))
    told = page.get_by_role("alert").filter(has_text="Your session has ended")
    expect(told).to_be_visible()
    # The person is typing: nothing takes the focus away.
    expect(page.get_by_role("dialog", name="Log in")).to_be_hidden()
    expect(row.get_by_label("Label")).to_be_focused()
    told.get_by_role("button", name="Log in here").click()
    log_in(page, OLGA)
    expect(told).to_be_hidden()
    # What was missed meanwhile is read.
    expect(site.region(page, "Asia")).to_contain_text("Fails over to 192.0.2.98")
    expect(row.get_by_label("Label")).to_have_value("half a thought")
    assert asked == []


def test_draft_stays_when_somebody_else_logs_in_and_is_judged_by_that_role(
    page, site, ended, complaints
):
    complaints.expected += ["status of 403", "Response Status Error Code 403"]
    row = draft(site, page)
    ended()
    row.get_by_role("button", name="Save", exact=True).click()
    log_in(page, VERA)
    told = page.get_by_role("alert").filter(has_text="This is now the session of vera (viewer)")
    expect(told).to_contain_text("opened by olga")
    expect(page.get_by_role("button", name="Account of vera")).to_be_visible()
    expect(page.get_by_role("button", name="Sync", exact=True)).to_have_count(0)
    expect(site.row(page, "192.0.2.2")).not_to_contain_text("Edit")
    expect(row.get_by_label("Label")).to_have_value("half a thought")
    row.get_by_role("button", name="Save", exact=True).click()
    expect(row.get_by_role("alert")).to_contain_text("Your account may not do this")
    expect(row.get_by_label("Label")).to_have_value("half a thought")
    assert site.entry_there().label == ""


def test_log_in_of_another_tab_is_taken_over(page, site, ended):
    row = draft(site, page)
    ended()
    other = page.context.new_page()
    site.opened(other)
    other.get_by_label("User name").fill(OLGA.username)
    other.get_by_label("Password").fill(OLGA.password)
    other.get_by_role("button", name="Log in").click()
    expect(other.get_by_role("heading", name=site.fqdn)).to_be_visible()
    # The token of this page is that of the old session.
    row.get_by_role("button", name="Save", exact=True).click()
    expect(row.get_by_role("alert")).to_contain_text("logged in as olga now: try again")
    row.get_by_role("button", name="Save", exact=True).click()
    expect(row.get_by_role("cell", name="half a thought", exact=True)).to_be_visible()
