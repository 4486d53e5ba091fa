"""A node goes down and comes back; a person brings it back into service, to the end."""

from collections.abc import Iterator
from threading import Event

import pytest
from playwright.sync_api import expect

from rttm.core.schema import HealthMonitor
from rttm.core.terms import ServeMode
from tests.browser.nodes import ADDRESS, Node
from tests.browser.site import Site
from tests.builders import pool_entry, region
from tests.servers import wait_until


@pytest.fixture
def node() -> Iterator[Node]:
    one = Node()
    yield one
    one.goes_down()


@pytest.fixture
def probed(make_site, node) -> Site:
    """Once down, the node stays out until somebody recovers it; another one is always served."""
    pool = (
        pool_entry(ADDRESS, serve_mode=ServeMode.REMOVE),
        pool_entry("192.0.2.1", serve_mode=ServeMode.ALWAYS),
    )
    monitor = HealthMonitor("HTTP", 1, retries=0, port=node.port, path="/")
    return make_site(region=(region(pool=pool, ep=2),), monitor=monitor)


def test_downed_node_is_recovered_to_its_end(page, probed, node, backend):
    probed.opened(page)
    row, card = probed.row(page, ADDRESS), probed.card(page)
    serves = probed.region(page).get_by_role("paragraph").filter(has_text="Serves now")
    expect(row.get_by_text("up", exact=True)).to_be_visible()
    expect(serves).to_contain_text(ADDRESS)

    node.goes_down()
    expect(row.get_by_text("down", exact=True)).to_be_visible()
    expect(row).to_contain_text("out: down")
    expect(row).to_contain_text("refused")
    expect(card).to_contain_text("trouble")
    expect(serves).not_to_contain_text(ADDRESS)

    node.goes_up()
    expect(row).to_contain_text("waits for recover")
    expect(row).to_contain_text("out: it was down since the last recover")

    # The backend takes its time, so that nobody can miss what is shown meanwhile.
    may_go_on = Event()
    asked = backend.before(f"PUT /REST/RTTM/example.com/{probed.fqdn}/", may_go_on.wait)
    try:
        row.get_by_role("button", name=f"Recover {ADDRESS}").click()
        expect(row.get_by_role("status")).to_contain_text(f"Recover address {ADDRESS} running")
        expect(row.get_by_role("button", name=f"Recover {ADDRESS}")).to_be_disabled()
        expect(card.get_by_role("status")).to_contain_text("running")
        assert not asked.happened.is_set()
    finally:
        may_go_on.set()  # a thread waits for it
    expect(card.get_by_role("status")).to_contain_text("done")
    expect(row.get_by_text("up", exact=True)).to_be_visible()
    expect(row.get_by_text("served", exact=True)).to_be_visible()
    expect(serves).to_contain_text(ADDRESS)
    expect(card).not_to_contain_text("trouble")
    expect(probed.history(page)).to_contain_text(f"Recover address {ADDRESS}")


def test_recover_waits_for_no_sync_that_hangs(page, probed, backend):
    may_go_on, asked = Event(), []

    def hang() -> None:
        asked.append("sync")
        may_go_on.wait()

    try:
        for _ in range(2):
            backend.before("GET /REST/Zone/", hang)
        wait_until(lambda: len(asked) == 2, "as many syncs hang as ever run at once")
        card = probed.card(probed.opened(page))
        card.get_by_role("link", name="Recover service…").click()
        card.get_by_role("button", name=f"Recover {probed.fqdn}").click()
        expect(card.get_by_role("status")).to_contain_text("done")
    finally:
        may_go_on.set()


def test_deactivated_service_says_what_it_means_and_comes_back(page, site):
    site.opened(page)
    card = site.card(page)
    card.get_by_role("link", name="Deactivate…").click()
    expect(card).to_contain_text(f"DNS stops answering for {site.fqdn}")
    card.get_by_role("button", name=f"Deactivate {site.fqdn}").click()
    expect(card.get_by_text("inactive", exact=True)).to_be_visible()
    expect(site.region(page)).to_contain_text("Answers nothing: the service is inactive.")
    card.get_by_role("link", name="Activate…").click()
    card.get_by_role("button", name=f"Activate {site.fqdn}").click()
    expect(card.get_by_role("link", name="Deactivate…")).to_be_visible()
    serves = site.region(page).get_by_role("paragraph").filter(has_text="Serves now")
    expect(serves).to_contain_text("192.0.2.1")
