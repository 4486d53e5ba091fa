"""Whatever the width of the window, nothing has to be scrolled sideways: not the page, no table."""

import json

import pytest
from playwright.sync_api import Page, expect

from rttm.core.schema import HealthMonitor
from rttm.core.terms import RegionCode
from tests.builders import pool_entry, region

GLOBAL = RegionCode.GLOBAL
WIDTHS = (360, 640, 641, 768, 900, 1024, 1180, 1280, 1380, 1440, 1920)
# The page and its tables that are wider than what is shown of them.
TOO_WIDE = """
() => [document.documentElement, ...document.querySelectorAll(".scroll")]
  .filter((part) => part.scrollWidth > part.clientWidth)
  .map((part) => part.ariaLabel ?? "page")
"""
LONG = "an-edge-server-with-a-long-name.frankfurt.cdn.example.org"


@pytest.fixture(scope="module")
def site(make_site):
    pool = (
        pool_entry("192.0.2.101", label="behind the blue door, second rack", weight=15),
        pool_entry("192.0.2.102", serve_mode="remove"),
        pool_entry(LONG, label=LONG),
    )
    return make_site(region=(region(pool=pool, ep=3, serve_count=3),))


def assert_fits(page: Page) -> None:
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate(TOO_WIDE) == [], f"{page.url} at {width} px"


def test_service_page(page, site):
    assert_fits(site.opened(page))


def test_service_page_with_an_open_editor(page, site):
    site.edited(site.opened(page), "192.0.2.102")
    assert_fits(page)


def test_service_page_with_a_deletion(page, site):
    site.opened(page).get_by_role("link", name="Delete 192.0.2.101").click()
    expect(page.get_by_role("button", name="Delete 192.0.2.101")).to_be_visible()
    assert_fits(page)


def test_board_of_a_service_with_a_long_name_whose_regions_fail_over_to_global(page, make_site):
    monitor = HealthMonitor("HTTP", 1, retries=0, port=1, path="/")  # nobody listens there
    served = pool_entry("127.0.0.77", serve_mode="always")
    elsewhere = {"failover_mode": "global", "failover_data": ""}
    others = [region(code, "127.0.0.77", **elsewhere) for code in RegionCode if code != GLOBAL]
    site = make_site(
        fqdn="a-service-whose-name-somebody-thought-about-for-long.eu-central-1.example.com",
        region=(region(GLOBAL, pool=(served,)), *others),
        monitor=monitor,
    )
    page.goto("/")
    row = page.get_by_role("row", name=site.fqdn)
    expect(row.get_by_text("→global", exact=True)).to_have_count(len(others))
    for cell in row.locator(".cell").all():
        assert cell.evaluate("cell => cell.scrollWidth - cell.clientWidth") == 0
    assert_fits(page)


@pytest.mark.parametrize("path", ["/", "/activity/", "/log-reports/"])
def test_list(page, site, path):
    row = site.edited(site.opened(page), "192.0.2.101")
    row.get_by_label("Weight").fill("9")
    row.get_by_role("button", name="Save", exact=True).click()
    expect(row.get_by_role("link", name="Edit 192.0.2.101")).to_be_visible()
    page.goto(path)
    assert_fits(page)


WORD = "w" * 10_000


@pytest.fixture
def endless(make_site, stack, page, backend):
    """A service whose every text is one word that fills a page, as a backend may tell it."""
    site = make_site(region=(region(pool=(pool_entry("192.0.2.1"), pool_entry("192.0.2.2"))),))
    row = site.edited(site.opened(page))
    row.get_by_label("Weight").fill("9")
    row.get_by_role("button", name="Save", exact=True).click()
    expect(row.get_by_role("link", name="Edit 192.0.2.1")).to_be_visible()
    backend.cut()
    expect(page.locator("#freshness")).to_contain_text("Old data since")  # no sync undoes this
    say_endlessly(stack, site)
    yield site
    backend.restore()


def say_endlessly(stack, site) -> None:
    log = json.dumps([["XXX", "down", WORD, 1_790_000_000]])
    here = "WHERE region_id = ?"
    stack.sql(f"UPDATE rttm_poolentry SET label = ?, log = ? {here}", WORD, log, site.region_pk())
    here, after = "WHERE service_id = ?", json.dumps({"label": WORD})
    kept = "SET actor_name = ?, message = ?, after = ?"
    stack.sql(f"UPDATE rttm_edit {kept} {here}", WORD, WORD, after, site.pk)
    stack.sql(f"UPDATE rttm_healthmonitor SET path = ?, expected = ? {here}", WORD, WORD, site.pk)
    stack.sql("UPDATE rttm_service SET contact_nickname = ? WHERE id = ?", WORD, site.pk)
    stack.sql("UPDATE rttm_syncstate SET message = ?", WORD)


def test_endless_word_breaks_no_page_and_is_whole_to_be_read(page, endless):
    for path in (endless.path, f"/activity/?text={endless.fqdn}", f"/?text={WORD[:2000]}"):
        for width in (360, 1440):
            page.set_viewport_size({"width": width, "height": 900})
            page.goto(path)
            assert page.evaluate(TOO_WIDE) == [], f"{path[:40]} at {width} px"
    page.goto(endless.path)
    for place in (endless.row(page).get_by_text(WORD), endless.history(page).get_by_text(WORD)):
        for box in place.all():
            box.evaluate("box => box.scrollTo(0, box.scrollHeight)")
            assert box.evaluate("box => box.scrollTop") > 0
            assert box.bounding_box()["height"] < 120
