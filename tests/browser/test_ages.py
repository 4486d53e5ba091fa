"""Ages on a page count on from the server's clock, whatever the browser's says."""

import re
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from playwright.sync_api import Route, expect


def seconds(words: str) -> int:
    """An age below a minute."""
    return int(words.removesuffix(" s"))


def test_browser_whose_clock_is_wrong_shows_right_ages_from_the_first(page, site):
    """No answer to htmx comes: the page itself says what time it is."""
    page.route("**", lambda it: None if "hx-request" in it.request.headers else it.fallback())
    page.clock.install(time=datetime.now(UTC) + timedelta(hours=1))
    site.opened(page)
    expect(page.locator("#freshness time")).to_have_text(re.compile(r"^\d+ s$"))


def test_answer_that_was_long_on_its_way_makes_nothing_younger(page, site):
    site.opened(page)
    expect(site.region(page)).to_contain_text("Serves now")
    age = site.region(page).locator("time[data-age]").first
    expect(age).to_have_text(re.compile(r"^[5-9] s$"))
    before = seconds(age.inner_text())

    def delay(route: Route) -> None:
        """The answer says when it was given: 5 s ago."""
        answer = route.fetch()
        date = format_datetime(datetime.now(UTC) - timedelta(seconds=5), usegmt=True)
        route.fulfill(response=answer, headers=answer.headers | {"date": date})

    page.route("**/freshness/", delay)
    for _ in range(2):  # what the first one says of the clock counts when the next one is drawn
        with page.expect_response("**/freshness/"):
            pass
    page.evaluate("new Promise(requestAnimationFrame)")
    assert seconds(age.inner_text()) >= before
