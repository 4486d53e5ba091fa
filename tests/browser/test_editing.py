"""Editing in place: saved, refused beside the field, changed by two at once, backend away."""

import pytest
from playwright.sync_api import Locator, expect

from rttm.client import calls


def save(row: Locator) -> None:
    row.get_by_role("button", name="Save", exact=True).click()


def test_entry_is_edited_in_its_row(page, site):
    site.opened(page)
    row = site.edited(page)
    row.get_by_label("Weight").fill("9")
    row.get_by_label("Label").fill("rack 4")
    row.get_by_label("Serve mode").select_option("no")
    save(row)
    expect(row.get_by_role("link", name="Edit 192.0.2.1")).to_be_visible()
    expect(row).to_contain_text("rack 4")
    expect(row).to_contain_text("drained")
    there = site.entry_there()
    assert (there.weight, there.label, there.serve_mode) == (9, "rack 4", "no")
    expect(site.history(page)).to_contain_text("olga")
    expect(site.history(page)).to_contain_text("weight 1 → 9")


def test_region_is_edited_in_its_card(page, site):
    site.opened(page)
    card = site.region(page)
    card.get_by_role("link", name="Edit the settings of global").click()
    card.get_by_label("Fastest (ep)").fill("1")
    card.get_by_label("Failover mode").select_option("region")
    card.get_by_label("Failover data").fill("Asia")
    card.get_by_role("button", name="Save settings").click()
    expect(card).to_contain_text("Fails over to region Asia")
    expect(card).to_contain_text("of 1 (ep)")
    there = site.region_there()
    assert (there.ep, there.failover_mode, there.failover_data) == (1, "region", "Asia")


def test_refusal_stands_beside_its_field_and_keeps_what_was_typed(page, site):
    site.opened(page)
    row = site.edited(page)
    row.get_by_label("Label").fill("typed")
    weight = row.get_by_label("Weight")
    weight.fill("16")
    save(row)
    expect(weight).to_have_attribute("aria-invalid", "true")
    expect(weight).to_have_value("16")
    expect(weight).to_have_accessible_description("weight must be a whole number from 1 to 15.")
    expect(row.get_by_text("weight must be a whole number from 1 to 15.")).to_be_visible()
    expect(row.get_by_label("Label")).to_have_value("typed")
    assert site.entry_there().weight == 1
    weight.fill("15")
    save(row)
    expect(row.get_by_role("link", name="Edit 192.0.2.1")).to_be_visible()
    assert (site.entry_there().weight, site.entry_there().label) == (15, "typed")


def test_second_of_two_editors_sees_theirs_and_keeps_its_own(browse, site):
    first, second = site.opened(browse()), site.opened(browse())
    mine, theirs = site.edited(second), site.edited(first)
    theirs.get_by_label("Weight").fill("5")
    save(theirs)
    expect(theirs.get_by_role("link", name="Edit 192.0.2.1")).to_be_visible()
    mine.get_by_label("Weight").fill("9")
    save(mine)
    expect(mine.get_by_role("alert")).to_contain_text("was changed by olga")
    field = mine.get_by_role("row", name="Weight")
    expect(field.get_by_role("cell").first).to_have_text("5")
    expect(field.get_by_label("Weight")).to_have_value("9")
    assert site.entry_there().weight == 5
    mine.get_by_role("button", name="Save mine over theirs").click()
    expect(mine.get_by_role("link", name="Edit 192.0.2.1")).to_be_visible()
    assert site.entry_there().weight == 9
    expect(theirs.get_by_role("cell", name="9", exact=True)).to_be_visible()


def test_open_editor_says_at_once_who_changed_what(browse, site):
    first, second = site.opened(browse()), site.opened(browse())
    mine, theirs = site.edited(second), site.edited(first)
    mine.get_by_label("Label").fill("half a thought")
    theirs.get_by_label("Weight").fill("5")
    save(theirs)
    told = mine.get_by_role("status").filter(has_text="olga changed this")
    expect(told).to_contain_text("weight 1 → 5")
    expect(mine.get_by_label("Label")).to_have_value("half a thought")
    expect(mine.get_by_label("Label")).to_be_focused()
    expect(mine.get_by_label("Weight")).to_have_value("1")
    site.ask(calls.pool_entry_delete(site.key, "global", "192.0.2.1"))
    expect(mine.get_by_text("Somebody else has deleted this.")).to_be_visible()
    expect(mine.get_by_label("Label")).to_have_value("half a thought")


def test_open_settings_say_at_once_what_was_changed_elsewhere(page, site):
    card = site.region(site.opened(page))
    card.get_by_role("link", name="Edit the settings of global").click()
    card.get_by_label("Failover data").fill("192.0.2.97")
    site.ask(calls.region_update(site.key, "global", {"failover_data": "192.0.2.98"}))
    told = card.get_by_role("status").filter(has_text="Somebody else has changed this")
    expect(told).to_contain_text("failover data 192.0.2.99 → 192.0.2.98")
    expect(card.get_by_label("Failover data")).to_have_value("192.0.2.97")


def test_entry_deleted_meanwhile_is_told_with_what_was_typed(page, site):
    site.opened(page)
    row = site.edited(page)
    row.get_by_label("Label").fill("too late")
    site.ask(calls.pool_entry_delete(site.key, "global", "192.0.2.1"))
    save(row)
    expect(page.get_by_role("alert")).to_contain_text("deleted")
    expect(page.get_by_role("alert")).to_contain_text("too late")


def test_entry_is_added_and_deleted(page, site):
    site.opened(page)
    card = site.region(page)
    card.get_by_role("link", name="Add an address to global").click()
    card.get_by_label("Address").fill("192.0.2.3")
    card.get_by_role("button", name="Add", exact=True).click()
    expect(card.get_by_role("rowheader", name="192.0.2.3")).to_be_visible()
    assert site.entry_there("192.0.2.3").weight == 1
    card.get_by_role("link", name="Delete 192.0.2.3").click()
    card.get_by_role("button", name="Delete 192.0.2.3").click()
    expect(card.get_by_text("192.0.2.3")).to_have_count(0)
    assert [entry.address for entry in site.region_there().pool] == ["192.0.2.1", "192.0.2.2"]


def test_region_is_added_and_deleted(page, site):
    site.opened(page)
    page.get_by_role("link", name="Add a region").click()
    page.get_by_label("Region", exact=True).select_option("EU West")
    page.get_by_label("Address").fill("192.0.2.7")
    page.get_by_role("button", name="Add the region").click()
    expect(page.get_by_role("heading", name="EU West")).to_be_visible()
    assert [entry.address for entry in site.region_there("EU West").pool] == ["192.0.2.7"]
    page.get_by_role("link", name="Delete region EU West").click()
    page.get_by_role("button", name="Delete region EU West").click()
    expect(page.get_by_role("heading", name="EU West")).to_have_count(0)
    codes = [region.region_code for region in site.ask(calls.regions(site.key))]
    assert codes == ["global", "Asia"]


@pytest.fixture
def barred(backend):
    """The backend is out of reach until the test is over."""
    yield backend.cut
    backend.restore()


def test_backend_away_changes_nothing_and_says_so(page, site, barred, backend):
    site.opened(page)
    row = site.edited(page)
    row.get_by_label("Weight").fill("7")
    barred()
    save(row)
    expect(row.get_by_role("alert")).to_contain_text("Nothing was changed")
    expect(row.get_by_label("Weight")).to_have_value("7")
    expect(page.locator("#freshness")).to_contain_text("Old data since")
    backend.restore()
    assert site.entry_there().weight == 1
    save(row)
    expect(row.get_by_role("link", name="Edit 192.0.2.1")).to_be_visible()
    assert site.entry_there().weight == 7
    expect(page.locator("#freshness")).to_contain_text("Synced")
