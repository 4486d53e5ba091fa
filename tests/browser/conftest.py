"""Chromium, the one stack that all browser tests look at, and the people who look."""

import re
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from rttm.core.schema import HealthMonitor, PerformanceMonitor
from tests.browser import chromium
from tests.browser.site import Site
from tests.builders import region, service
from tests.contract.engine_server import EngineServer
from tests.proxy import Proxy
from tests.servers import PATIENCE
from tests.stack import ADA, FAST, OLGA, VERA, Account, Stack

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
EXPECTED = (
    # Answers that are drawn in place, though the browser reports them as failed loads.
    re.compile(r"the server responded with a status of (409|422|502|504) "),
    # A part that was deleted between the news of its change and the question how it is now.
    re.compile(r"404 .*/(pool-entries|regions)/\d+/\W"),
)
NUMBERS = count(1)  # no two tests share a service

PATIENT = PATIENCE * 1000  # milliseconds

expect.set_options(timeout=PATIENT)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Not for the session: while Playwright runs, its event loop is that of the whole thread, and
    no test of another layer could use the database, or a loop of its own.
    """
    path = chromium.find()
    if path is None:
        pytest.fail(chromium.NONE_FOUND)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS, timeout=PATIENT)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """The way to an engine of its own; it can be barred."""
    engine = EngineServer(tmp_path_factory.mktemp("engine"), **FAST)
    with closing(Proxy(engine.port)) as proxy:
        yield proxy
    engine.stop()


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, backend: Proxy) -> Iterator[Stack]:
    stack = Stack(tmp_path_factory.mktemp("stack"), DYNECT_URL=backend.url)
    yield stack
    stack.stop()


@pytest.fixture(scope="session")
def sessions(stack: Stack) -> dict[Account, str]:
    """Everybody logs in once."""
    found = {}
    for account in (OLGA, VERA, ADA):
        with closing(stack.visitor(account)) as visitor:
            found[account] = visitor.session
    return found


class Complaints:
    """What pages complained of, besides what a test expects."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self.expected: list[str] = []

    def console(self, message: ConsoleMessage) -> None:
        text = f"{message.text} ({message.location['url']})"
        if message.type == "error" and not any(words.search(text) for words in EXPECTED):
            self.found.append(text)

    def unexpected(self) -> list[str]:
        return [text for text in self.found if not any(word in text for word in self.expected)]


@pytest.fixture
def complaints() -> Iterator[Complaints]:
    """Errors of scripts, and what the Content-Security-Policy forbids, fail every test."""
    complaints = Complaints()
    yield complaints
    assert complaints.unexpected() == []


Browse = Callable[..., Page]


@pytest.fixture
def browse(
    browser: Browser, stack: Stack, sessions: dict[Account, str], complaints: Complaints
) -> Iterator[Browse]:
    """A browser of somebody's own, logged in; None is a stranger."""
    contexts = []

    def start(account: Account | None = OLGA, *, base_url: str = stack.url) -> Page:
        context = browser.new_context(base_url=base_url)
        contexts.append(context)
        context.set_default_timeout(PATIENT)
        context.on("console", complaints.console)
        context.on("weberror", lambda error: complaints.found.append(str(error.error)))
        if account:
            cookie = {"name": "sessionid", "value": sessions[account], "url": base_url}
            context.add_cookies([cookie])
        return context.new_page()

    yield start
    for context in contexts:
        context.close()


@pytest.fixture
def page(browse: Browse) -> Page:
    """The browser of the operator."""
    return browse()


@pytest.fixture(scope="session")
def make_site(stack: Stack) -> Callable[..., Site]:
    """A service that is this test's alone, with any field of it chosen; rarely probed."""

    def make(**fields: object) -> Site:
        calm = {
            "monitor": HealthMonitor("HTTP", 15),
            "performance_monitor": PerformanceMonitor("HTTP", 60),
        }
        named = {"fqdn": f"s{next(NUMBERS)}.example.com"} | calm | fields
        return Site(stack, service(**named))

    return make


@pytest.fixture
def site(make_site: Callable[..., Site]) -> Site:
    """With 192.0.2.1 and 192.0.2.2 in the global region, and Asia beside it."""
    return make_site(region=(region(), region("Asia", "192.0.2.1")))
