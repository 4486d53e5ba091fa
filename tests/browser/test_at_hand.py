"""What somebody looks at or works on stays where it is, and what went wrong is told there."""

from contextlib import closing

import pytest
from playwright.sync_api import Page, expect

from tests.builders import pool_entry, region
from tests.proxy import Proxy

PHONE = {"width": 360, "height": 740}
HEIGHTS = "() => [...document.querySelectorAll('.pool tr')].map((row) => row.offsetHeight)"
COLUMNS = (
    "() => [...document.querySelectorAll('.pool th[scope=col]')].map((cell) => cell.offsetLeft)"
)
NAME = ".".join(["x" * 62] * 3)


def fails(page: Page, path: str, status: int, method: str = "POST") -> None:
    """The server answers this with a mistake of its own."""
    page.route(
        path,
        lambda route: (
            route.fulfill(status=status) if route.request.method == method else route.fallback()
        ),
    )


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (
            500,
            "This did not work (500). It is not known whether this was saved; "
            "the activity page shows it.",
        ),
        (403, "Your account may not do this. Nothing was changed."),
    ],
)
def test_save_that_came_to_nothing_is_told_beside_its_button(
    page, site, complaints, status, outcome
):
    complaints.expected.append(f"status of {status}")
    complaints.expected.append("Response Status Error Code")
    row = site.edited(site.opened(page))
    fails(page, "**/pool-entries/*/", status)
    row.get_by_label("Weight").fill("9")
    for _ in range(2):
        row.get_by_role("button", name="Save").click()
        expect(row.get_by_role("alert")).to_have_text(outcome)
    expect(row.get_by_label("Weight")).to_have_value("9")


def test_action_that_came_to_nothing_is_told_where_it_was_confirmed(page, site, complaints):
    complaints.expected.append("status of 500")
    complaints.expected.append("Response Status Error Code")
    card = site.card(site.opened(page))
    card.get_by_role("link", name="Deactivate…").click()
    fails(page, "**/deactivate/", 500)
    card.get_by_role("button", name=f"Deactivate {site.fqdn}").click()
    expect(card.get_by_role("alert")).to_contain_text("the activity page shows it")


def test_editor_that_opens_moves_no_row_and_no_column(page, site):
    page.set_viewport_size({"width": 1440, "height": 900})
    site.opened(page)
    expect(page.get_by_text("is not a public address")).to_have_count(3)
    expect(page.get_by_text("served while unknown")).to_have_count(2)
    expect(page.get_by_text("slower than the fastest")).to_have_count(1)
    (head, edited, *others), columns = page.evaluate(HEIGHTS), page.evaluate(COLUMNS)
    expect(site.edited(page)).to_contain_text("is not a public address")
    now = page.evaluate(HEIGHTS)
    assert page.evaluate(COLUMNS) == columns
    assert [now[0], *now[2:]] == [head, *others]
    assert now[1] <= edited


def test_edited_row_stays_under_the_pointer_until_it_is_left(page, site):
    card = site.region(site.opened(page))
    addresses = card.locator("tbody").get_by_role("rowheader")
    expect(card).to_contain_text("Serves now")
    row = site.edited(page)
    row.get_by_label("Serve mode").select_option("no")
    top = row.bounding_box()["y"]
    row.get_by_role("button", name="Save").click()
    expect(card).to_contain_text("available 1")  # the whole region was read again
    expect(row).to_contain_text("drained")
    assert abs(row.bounding_box()["y"] - top) < 2
    expect(addresses).to_have_text(["192.0.2.1", "192.0.2.2"])
    page.get_by_role("heading", name=site.fqdn).click()
    expect(addresses).to_have_text(["192.0.2.2", "192.0.2.1"])


def test_long_target_of_a_region_that_nearly_fails_over_stays_in_its_card(page, make_site):
    pool = (pool_entry("192.0.2.1", status="up"),)
    target = {"failover_mode": "cname", "failover_data": f"{NAME}.example.org"}
    site = make_site(region=(region(pool=pool, **target),))
    for width in (360, 768, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        expect(site.region(site.opened(page))).to_contain_text("One more address lost")
        root = page.evaluate("() => [document.documentElement.scrollWidth, innerWidth]")
        assert root[0] <= root[1], width


def test_lost_server_is_told_on_a_phone_wherever_the_page_was_scrolled_to(
    browse, stack, site, complaints
):
    complaints.expected += ["htmx:", "ERR_", "[object Event]"]
    with closing(Proxy(stack.port)) as way:
        page = browse(base_url=way.url)
        page.set_viewport_size(PHONE)
        site.opened(page)
        page.evaluate("() => scrollTo(0, document.body.scrollHeight)")
        way.cut()
        told = page.get_by_role("alert").filter(has_text="The server does not answer.")
        expect(told).to_contain_text("UTC or older")
        expect(told).to_be_in_viewport(ratio=1)


def test_growing_age_moves_nothing_on_a_phone(page, site):
    page.set_viewport_size(PHONE)
    site.opened(page)
    top = page.get_by_role("banner")
    heights = {
        top.evaluate(
            """(top, words) => {
              top.querySelector("#freshness").innerHTML = `<span>Synced ${words} ago</span>`;
              return top.offsetHeight;
            }""",
            words,
        )
        for words in ("1 s", "59 s", "1 min")
    }
    assert len(heights) == 1
