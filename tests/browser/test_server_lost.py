"""A server that is lost, or says no, is told on every page; what a page missed comes later."""

import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

import pytest
import requests
from playwright.sync_api import Locator, Page, expect

from dashboard.live_door import STREAMS_PER_ACCOUNT
from tests.browser.tabs import Announcer, Tabs
from tests.servers import PATIENCE, wait_until
from tests.stack import OLGA, VERA

NOTICED_WITHIN = 10.0  # seconds
TRIES = 4  # a machine that was busy for a moment is not slow each time


@pytest.fixture
def announcer(stack) -> Iterator[Announcer]:
    with closing(Announcer(stack.redis_url, pace=0.5)) as announcer:
        yield announcer


def banner(page: Page) -> Locator:
    return page.locator("[data-lost]")


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def seconds_to_notice(stack, pages: list[Page]) -> float:
    """How long the last page took; afterwards the server goes on, and every page with it."""
    with frozen(stack.pid_of("dashboard.asgi")):
        started_at = time.monotonic()
        for page in pages:
            expect(banner(page)).to_contain_text("The server does not answer.")
        seconds = time.monotonic() - started_at
    for page in pages:
        expect(banner(page)).to_be_empty()
    return seconds


def test_frozen_server_is_told_on_every_page_within_ten_seconds_and_nothing_is_lost(
    browse, stack, site, announcer
):
    tabs, other = Tabs(browse()), Tabs(browse(VERA))
    for _ in range(4):
        tabs.open(site.path)
    other.open("/")
    pages = [*tabs.all, *other.all]
    for page in pages:
        page.evaluate("window.isThePageOpenedFirst = true")
    row = site.edited(tabs.all[1])
    row.get_by_label("Label").fill("half a thought")
    announcer.start()
    assert any(seconds_to_notice(stack, pages) < NOTICED_WITHIN for _ in range(TRIES))
    announcer.stop()
    for browser in (tabs, other):
        browser.wait_until_heard(announcer.said)
    assert all(page.evaluate("window.isThePageOpenedFirst") for page in pages)
    expect(row.get_by_label("Label")).to_have_value("half a thought")


def test_server_decides_what_a_page_says_not_the_network_of_the_machine(page, site, announcer):
    """A browser whose machine has only loopback believes to be offline."""
    page.add_init_script(
        "Object.defineProperty(Navigator.prototype, 'onLine', { get: () => false })"
    )
    tabs = Tabs(page)
    tabs.open(site.path)
    announcer.tick()
    tabs.wait_until_heard(announcer.said)
    page.evaluate("tick()")
    expect(banner(page)).to_be_empty()


@contextmanager
def streams(url: str, session: str, count: int) -> Iterator[list[int]]:
    """As many streams as somebody's script opens; how each was answered."""
    with ExitStack() as opened:
        yield [
            opened.enter_context(
                requests.get(
                    f"{url}/live/", cookies={"sessionid": session}, stream=True, timeout=PATIENCE
                )
            ).status_code
            for _ in range(count)
        ]


@pytest.fixture
def own_session(stack) -> Iterator[str]:
    """A session that ends with the test."""
    with closing(stack.visitor(VERA)) as visitor:
        yield visitor.session


def test_page_over_the_limit_says_so_and_reads_itself_again(
    browse, stack, sessions, site, complaints
):
    complaints.expected += ["429"]
    page = browse(OLGA)
    page.clock.install()
    with streams(stack.url, sessions[OLGA], STREAMS_PER_ACCOUNT + 5) as answers:
        assert answers.count(200) <= STREAMS_PER_ACCOUNT
        assert answers[-1] == 429
        site.opened(page)
        expect(banner(page)).to_contain_text("as many live pages open as it may")
        with page.expect_navigation():
            page.clock.fast_forward(31_000)
        expect(banner(page)).to_contain_text("as many live pages open as it may")

    def comes_back() -> bool:
        page.clock.fast_forward(31_000)
        return not banner(page).text_content()

    wait_until(comes_back, "the page is live again")


def test_session_that_ends_is_told_to_every_tab(browse, stack, site, own_session):
    page = browse(None)
    page.context.add_cookies([{"name": "sessionid", "value": own_session, "url": stack.url}])
    # Its refreshes are not the matter here: they would leave for the log-in page.
    page.context.route(
        re.compile(r"/(freshness|counts|regions|pool-entries|services/\d+/\w+)/"),
        lambda route: route.fulfill(status=204),
    )
    page.context.add_init_script(
        "document.addEventListener('live:logged-out', () => { window.isLoggedOut = true; })"
    )
    tabs = Tabs(page)
    tabs.open(site.path)
    tabs.open(site.path)
    stack.sql("DELETE FROM django_session WHERE session_key = ?", own_session)
    for tab in tabs.all:
        wait_until(lambda tab=tab: tab.evaluate("window.isLoggedOut"), "the tab hears of it")
        told = tab.get_by_role("alert").filter(has_text="Your session has ended")
        expect(told).to_be_visible()
    with closing(stack.visitor(VERA)) as visitor:
        page.context.add_cookies(
            [{"name": "sessionid", "value": visitor.session, "url": stack.url}]
        )
        tabs.all[1].evaluate("document.dispatchEvent(new Event('live:retry'))")
        for tab in tabs.all:
            expect(banner(tab)).to_be_empty()
