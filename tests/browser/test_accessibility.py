"""Nothing for axe to complain of on any page and in any state of an editor: light and dark, wide
and on a phone; and a phone's page does not scroll sideways."""

from collections.abc import Callable
from itertools import product

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, ViewportSize, expect

from rttm.client import calls
from tests.browser.site import Site
from tests.builders import region
from tests.stack import OLGA, VERA

THEMES = ("light", "dark")
WIDE = ViewportSize(width=1440, height=900)
NARROW = ViewportSize(width=360, height=740)
IS_TOO_WIDE = "document.documentElement.scrollWidth > document.documentElement.clientWidth"

axe = Axe()


@pytest.fixture(scope="module")
def site(make_site: Callable[..., Site]) -> Site:
    """One for all: what these tests change of it is not what they look at."""
    return make_site(region=(region(), region("Asia", "192.0.2.1")))


def assert_accessible(page: Page) -> None:
    for size, theme in product((WIDE, NARROW), THEMES):
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        found = axe.run(page)
        where = f"{page.url}, {theme}, {size['width']} px"
        assert found.violations_count == 0, f"{where}: {found.generate_report()}"
        assert not page.evaluate(IS_TOO_WIDE), f"{where}: it scrolls sideways"


def test_log_in(browse):
    page = browse(None)
    page.goto("/login/")
    assert_accessible(page)
    page.get_by_label("User name").fill("nobody")
    page.get_by_label("Password").fill("nothing")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert_accessible(page)


def test_board(page, site):
    page.goto("/")
    expect(page.get_by_role("link", name=site.fqdn)).to_be_visible()
    assert_accessible(page)


def test_service_as_a_viewer_sees_it(browse, site):
    page = site.opened(browse(VERA))
    expect(site.region(page)).to_be_visible()
    assert_accessible(page)


def an_open_editor(site, page: Page) -> None:
    site.edited(page)


def a_refusal(site, page: Page) -> None:
    row = site.edited(page)
    row.get_by_label("Weight").fill("99")
    row.get_by_role("button", name="Save", exact=True).click()
    expect(row.get_by_label("Weight")).to_have_attribute("aria-invalid", "true")


def a_conflict(site, page: Page) -> None:
    row = site.edited(page)
    row.get_by_label("Weight").fill("9")
    site.ask(calls.pool_entry_update(site.key, "global", "192.0.2.1", {"weight": 5}))
    row.get_by_role("button", name="Save", exact=True).click()
    expect(row.get_by_role("alert")).to_be_visible()


def region_settings(site, page: Page) -> None:
    page.get_by_role("link", name="Edit the settings of Asia").click()
    expect(page.get_by_label("Fastest (ep)")).to_be_visible()


def a_new_region(site, page: Page) -> None:
    page.get_by_role("link", name="Add a region").click()
    expect(page.get_by_role("button", name="Add the region")).to_be_visible()


def a_deactivation(site, page: Page) -> None:
    page.get_by_role("link", name="Deactivate…").click()
    expect(page.get_by_role("button", name="Deactivate")).to_be_visible()


STATES = (
    an_open_editor,
    a_refusal,
    a_conflict,
    region_settings,
    a_new_region,
    a_deactivation,
)


@pytest.mark.parametrize("arrange", STATES)
def test_service_with(page, site, arrange: Callable) -> None:
    arrange(site, site.opened(page))
    assert_accessible(page)


def test_log_reports(page, site):
    page.goto(f"/log-reports/?service={site.pk}")
    assert_accessible(page)
    page.get_by_role("button", name="Build the report").click()
    expect(page.get_by_role("link", name="Download as CSV")).to_be_visible()
    assert_accessible(page)
    page.goto("/log-reports/")
    expect(page.get_by_role("link", name=site.fqdn).first).to_be_visible()
    assert_accessible(page)


def test_activity(page, site):
    site.opened(page)
    row = site.edited(page)
    row.get_by_label("Label").fill("rack 4")
    row.get_by_role("button", name="Save", exact=True).click()
    expect(row.get_by_role("link", name="Edit 192.0.2.1")).to_be_visible()
    page.goto("/activity/")
    expect(page.get_by_text("rack 4").first).to_be_visible()
    assert_accessible(page)


def test_account(page):
    page.goto("/account/")
    assert_accessible(page)


def test_an_address_that_does_not_exist(browse, complaints):
    complaints.expected.append("status of 404")
    page = browse(OLGA)
    page.goto("/services/0/")
    expect(page.get_by_role("heading", name="There is no such page")).to_be_visible()
    assert_accessible(page)
