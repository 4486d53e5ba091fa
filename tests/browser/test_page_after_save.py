"""The page after a save: every part of it, and of the board, agrees at once, before any sync."""

from collections.abc import Iterator
from threading import Event

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.site import Site
from tests.builders import region
from tests.servers import wait_until


@pytest.fixture
def lone(make_site) -> Site:
    """Two addresses, and nothing to fail over to."""
    return make_site(region=(region(failover_mode="global", failover_data=""),))


@pytest.fixture
def no_sync(backend) -> Iterator[None]:
    """As many syncs hang as ever run at once, so that none comes to an end."""
    may_go_on, asked = Event(), []

    def hang() -> None:
        asked.append("sync")
        may_go_on.wait()

    try:
        for _ in range(2):
            backend.before("GET /REST/Zone/", hang)
        wait_until(lambda: len(asked) == 2, "as many syncs hang as ever run at once")
        yield
    finally:
        may_go_on.set()  # threads wait for it


def failing(page: Page) -> Locator:
    """How many services are in failover, in the header."""
    return page.locator("#counts a[href$='status=failover'] b")


def drain(site: Site, page: Page, address: str) -> None:
    row = site.edited(page, address)
    row.get_by_label("Serve mode").select_option("no")
    row.get_by_role("button", name="Save", exact=True).click()
    expect(row.get_by_role("link", name=f"Edit {address}")).to_be_visible()


def test_save_that_empties_an_answer_is_told_everywhere_before_any_sync(browse, lone, no_sync):
    page, board = lone.opened(browse()), browse()
    board.goto(f"/?text={lone.fqdn}")
    before = int(failing(page).inner_text())
    drain(lone, page, "192.0.2.1")
    drain(lone, page, "192.0.2.2")

    head = lone.card(page).locator(".service-state")
    expect(head).to_contain_text("failover")
    expect(head).to_contain_text("global answers nothing.")
    expect(head).not_to_contain_text("Every region serves its own pool")
    expect(lone.card(page).locator(".strip")).to_contain_text("answers nothing")
    card = lone.region(page)
    expect(card.locator(".sign").first).to_have_text("failover")
    expect(card).to_contain_text("serves instead nothing")
    expect(card).to_contain_text("Serves now nothing")
    expect(card).not_to_contain_text("Nothing to spare")
    row = board.locator(f"#service-row-{lone.pk}")
    expect(row).to_contain_text("failover")
    expect(row).to_contain_text("answers nothing")
    for shown in (page, board):
        expect(failing(shown)).to_have_text(str(before + 1))
