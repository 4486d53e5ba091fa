"""Several tabs of one browser, and touches of which it is known which there were."""

from contextlib import suppress
from threading import Event, Thread
from typing import Any, cast

import redis
from playwright.sync_api import Error, Page, Request

from rttm.live import STREAM
from tests.servers import wait_until

REMEMBER = """
window.heardTicks = [];
document.addEventListener("live:touch", ({ detail: { topics } }) =>
  window.heardTicks.push(...topics.filter((topic) => topic.startsWith("tick-"))));
"""
STAND_STILL = "setTimeout(() => { while (true); })"


class Announcer:
    """Announces one topic after another, each once: tick-1, tick-2 and so on."""

    def __init__(self, url: str, *, pace: float = 0.05) -> None:
        self._pace = pace  # seconds
        self._redis = redis.Redis.from_url(url)
        self._count = 0
        self._done = Event()
        self._thread: Thread | None = None

    def announce(self, *topics: str, scope: object = "") -> None:
        fields: Any = {"topics": ",".join(topics), "scope": str(scope)}
        self._redis.xadd(STREAM, fields)

    def tick(self) -> None:
        self._count += 1
        self.announce(f"tick-{self._count}")

    def start(self) -> None:
        """Go on announcing until `stop`."""
        self._done.clear()
        self._thread = Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self._done.wait(self._pace):
            self.tick()

    def stop(self) -> None:
        self._done.set()
        if self._thread:
            self._thread.join()

    @property
    def said(self) -> list[str]:
        return [f"tick-{number}" for number in range(1, self._count + 1)]

    def wait_until_said(self, more: int) -> None:
        enough = self._count + more
        wait_until(lambda: self._count >= enough, f"{more} more ticks are announced")

    def close(self) -> None:
        self.stop()
        self._redis.close()


class Tabs:
    """The tabs of one browser; each remembers which ticks it heard of."""

    def __init__(self, first: Page) -> None:
        self._context = first.context
        self._context.add_init_script(REMEMBER)
        self._context.on("request", self._asked)
        self._streams: list[Page] = []  # who asked for a stream, in order
        self._spare = [first]
        self.all: list[Page] = []
        self._crashed: list[Page] = []

    def _asked(self, request: Request) -> None:
        if request.resource_type == "eventsource":
            self._streams.append(request.frame.page)

    def open(self, path: str) -> Page:
        page = self._spare.pop() if self._spare else self._context.new_page()
        page.on("crash", lambda page: self._crashed.append(page))
        page.goto(path)
        self.all.append(page)
        return page

    @property
    def streams(self) -> int:
        """How often a stream was asked for."""
        return len(self._streams)

    @property
    def leader(self) -> Page:
        """The tab that has the stream."""
        return self._streams[-1]

    def close_leader(self) -> None:
        page = self.leader
        self.all.remove(page)
        page.close()

    def crash_leader(self) -> None:
        """Tabs that share its renderer crash with it."""
        leader = self.leader
        with suppress(Error):  # the navigation never ends
            leader.goto("chrome://crash")
        wait_until(lambda: self.all[-1].title() and leader in self._crashed, "the tab crashed")
        self.all = [page for page in self.all if page not in self._crashed]

    def stop_leader(self) -> None:
        """A script without end holds its thread, and that of no other tab."""
        page = self.leader
        self.all.remove(page)
        page.evaluate(STAND_STILL)

    def wait_until_streams(self, count: int) -> None:
        page = self.all[-1]
        wait_until(lambda: page.title() and self.streams >= count, f"{count} streams were opened")

    def wait_until_heard(self, ticks: list[str], *, but: Page | None = None) -> None:
        """Each tab heard of each once, and in order."""
        for page in self.all:
            if page is but:
                continue
            wait_until(
                lambda page=page: len(heard(page)) >= len(ticks),
                f"a tab hears of {len(ticks)} ticks",
            )
            assert heard(page) == ticks


def heard(page: Page) -> list[str]:
    return cast(list[str], page.evaluate("window.heardTicks"))
