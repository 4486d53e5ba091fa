"""Everything by keys alone: the focus is always somewhere sensible."""

import pytest
from playwright.sync_api import Page, expect

from rttm.client import calls

MOST_STOPS = 80  # keys until what was looked for should have had the focus


def go_to(page: Page, role: str, name: str) -> None:
    """Press Tab until it has the focus."""
    wanted = page.get_by_role(role, name=name, exact=True).first
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        if wanted.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"{MOST_STOPS} times Tab did not come to {name}")


def test_entry_is_edited_by_keys_and_the_focus_returns(page, site):
    site.opened(page)
    row = site.row(page)
    go_to(page, "link", "Edit 192.0.2.1")
    page.keyboard.press("Enter")
    expect(row.get_by_label("Address")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.type("by keys")
    page.keyboard.press("Tab")
    expect(row.get_by_label("Weight")).to_be_focused()
    page.keyboard.type("99")
    page.keyboard.press("Enter")
    expect(row.get_by_label("Weight")).to_have_attribute("aria-invalid", "true")
    expect(row.get_by_label("Weight")).to_be_focused()
    page.keyboard.press("Control+a")
    page.keyboard.type("9")
    page.keyboard.press("Enter")
    expect(row).to_contain_text("by keys")
    expect(row.get_by_role("link", name="Edit 192.0.2.1")).to_be_focused()
    assert site.entry_there().weight == 9


def test_focus_goes_to_the_field_that_was_refused(page, site):
    row = site.edited(site.opened(page))
    row.get_by_label("Weight").fill("99")
    row.get_by_role("button", name="Save", exact=True).click()
    expect(row.get_by_label("Weight")).to_have_attribute("aria-invalid", "true")
    expect(row.get_by_label("Weight")).to_be_focused()


def test_cancelled_editor_gives_the_focus_back(page, site):
    site.opened(page)
    card = site.region(page)
    go_to(page, "link", "Edit the settings of global")
    page.keyboard.press("Enter")
    expect(card.get_by_label("Fastest (ep)")).to_be_focused()
    go_to(page, "link", "Cancel")
    page.keyboard.press("Enter")
    expect(card.get_by_role("link", name="Edit the settings of global")).to_be_focused()


def test_escape_closes_an_editor_in_which_nothing_was_typed(page, site):
    row = site.edited(site.opened(page))
    page.keyboard.press("Escape")
    expect(row.get_by_role("link", name="Edit 192.0.2.1")).to_be_focused()
    page.keyboard.press("Enter")
    row.get_by_label("Weight").fill("99")
    page.keyboard.press("Escape")
    expect(row.get_by_label("Weight")).to_have_value("99")
    row.get_by_role("button", name="Save", exact=True).click()
    expect(row.get_by_label("Weight")).to_have_attribute("aria-invalid", "true")
    page.keyboard.press("Escape")  # what was refused is still a draft
    expect(row.get_by_label("Weight")).to_have_value("99")
    row.get_by_label("Weight").fill("1")
    page.keyboard.press("Escape")
    expect(row.get_by_role("link", name="Edit 192.0.2.1")).to_be_visible()


def test_escape_closes_what_asks_for_a_confirmation(page, site):
    card = site.card(site.opened(page))
    card.get_by_role("link", name="Deactivate…").click()
    expect(card.get_by_role("button", name=f"Deactivate {site.fqdn}")).to_be_visible()
    page.keyboard.press("Escape")
    expect(card.get_by_role("link", name="Deactivate…")).to_be_visible()


def test_content_is_one_key_away(page, site):
    site.opened(page)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()


@pytest.mark.parametrize(("address", "heir"), [("192.0.2.1", "192.0.2.2"), ("192.0.2.2", "")])
def test_focus_goes_to_the_row_beside_after_its_own_was_deleted(page, site, address, heir):
    row = site.row(site.opened(page), address)
    go_to(page, "link", f"Delete {address}")
    page.keyboard.press("Enter")
    go_to(page, "button", f"Delete {address}")
    page.keyboard.press("Enter")
    expect(row).to_have_count(0)
    name = f"Edit {heir}" if heir else "Add an address to global"
    # Still so after the whole region was read again.
    expect(site.region(page)).to_contain_text("pool 1")
    expect(site.region(page).get_by_role("link", name=name)).to_be_focused()


def test_focus_goes_to_the_region_beside_after_its_own_was_deleted(page, site):
    site.opened(page)
    go_to(page, "link", "Delete region Asia")
    page.keyboard.press("Enter")
    go_to(page, "button", "Delete region Asia")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Asia")).to_have_count(0)
    expect(page.get_by_role("link", name="Add a region")).to_be_focused()


def test_refresh_leaves_the_focus_in_its_row(page, site):
    site.opened(page)
    go_to(page, "link", "Edit 192.0.2.2")
    site.ask(calls.region_update(site.key, "global", {"failover_data": "192.0.2.98"}))
    expect(site.region(page)).to_contain_text("Fails over to 192.0.2.98")
    expect(site.region(page).get_by_role("link", name="Edit 192.0.2.2")).to_be_focused()
