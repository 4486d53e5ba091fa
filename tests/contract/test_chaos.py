"""The backend is killed in the middle of an edit and of an action: nothing half-written, the
outcome stated, all of it right after the backend is back."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from itertools import count
from typing import Any

import pytest

from rttm.client import calls
from tests.builders import pool_entry, region, service
from tests.contract.engine_database import locked
from tests.contract.engine_server import EngineServer
from tests.proxy import Proxy
from tests.servers import PATIENCE, wait_until
from tests.stack import OLGA, Stack, Visitor

ZONE, ADDRESS = "example.com", "192.0.2.1"
NUMBERS = count(1)  # no two tests share a service
RETRIES_WITHIN = 15 + PATIENCE  # seconds: a worker asks again after 1, 2, 4 and 8


class Backend:
    """An engine of its own, behind a proxy through which the dashboard has to go."""

    def __init__(self, engine: EngineServer) -> None:
        self.engine = engine
        self.proxy = Proxy(engine.port)

    def dies(self) -> None:
        """In the middle of whatever it does; its answers, too, are lost."""
        self.proxy.cut()
        self.engine.kill()

    def dies_quietly(self) -> None:
        """Nobody new gets through; an answer that it gave already still arrives."""
        self.proxy.refuse()
        self.engine.kill()

    def returns(self) -> None:
        self.engine.start()
        self.proxy.restore()

    def close(self) -> None:
        self.proxy.close()
        self.engine.stop()


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    with closing(
        Backend(EngineServer(tmp_path_factory.mktemp("engine"), loop=False, JOB_AFTER="5"))
    ) as one:
        yield one


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, backend: Backend) -> Iterator[Stack]:
    stack = Stack(tmp_path_factory.mktemp("stack"), DYNECT_URL=backend.proxy.url)
    yield stack
    stack.stop()


@pytest.fixture(scope="module")
def olga(stack: Stack) -> Iterator[Visitor]:
    with closing(stack.visitor(OLGA)) as visitor:
        yield visitor


class Site:
    """A service, as the backend has it and as the mirror has it."""

    def __init__(self, stack: Stack, fqdn: str) -> None:
        self.stack, self.fqdn = stack, fqdn
        self.value = service(fqdn, region=(region(pool=(pool_entry(ADDRESS, label="before"),)),))
        self.pk = stack.has(self.value)
        self.entry = stack.entry_pk(self.pk, ADDRESS)

    def label_there(self) -> str:
        return self.ask(calls.pool_entry(self.value.key, "global", ADDRESS)).label

    def is_active_there(self) -> bool:
        return self.ask(calls.service(self.value.key)).active

    def ask(self, call: Any) -> Any:
        with closing(self.stack.dynect()) as dynect:
            return dynect.run(call)

    def label(self) -> str:
        return self.stack.the("label", "rttm_poolentry", self.entry)

    def edit(self) -> tuple[str, bool]:
        """The outcome of its only edit, and whether it was closed."""
        query = "SELECT outcome, finished_at IS NOT NULL FROM rttm_edit WHERE service_id = ?"
        [(outcome, is_closed)] = self.stack.sql(query, self.pk)
        return outcome, bool(is_closed)

    def action(self) -> dict[str, Any]:
        """Its only action."""
        columns = ("state", "message", "attempts", "claimed_until")
        query = f"SELECT {', '.join(columns)} FROM rttm_action WHERE service_id = ?"
        [row] = self.stack.sql(query, self.pk)
        return dict(zip(columns, row, strict=True))

    def save(self, visitor: Visitor) -> Any:
        """Give the entry the label "after", as its editor does."""
        version = self.stack.the("version", "rttm_poolentry", self.entry)
        typed = {"address": ADDRESS, "label": "after", "weight": 1, "serve_mode": "obey"}
        return visitor.post(f"/pool-entries/{self.entry}/", typed | {"seen": version})


@pytest.fixture
def site(stack: Stack) -> Site:
    return Site(stack, f"site-{next(NUMBERS)}.{ZONE}")


def wait_until_synced(stack: Stack) -> None:
    """A sync that began from now on went through."""
    [(now,)] = stack.sql("SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')")
    query = "SELECT 1 FROM rttm_syncstate WHERE failing_since IS NULL AND succeeded_at > ?"
    wait_until(lambda: stack.sql(query, now), "a sync went through")


def wait_until_finished(site: Site, state: str) -> None:
    wait_until(
        lambda: site.action()["state"] == state,
        f"the action has {state}",
        patience=RETRIES_WITHIN,
    )


def assert_typed_is_kept(answer: Any) -> None:
    assert 'value="after"' in answer.text


def test_killed_after_reading_the_entry_it_got_no_change(stack, backend, olga, site):
    """It answered what the entry is; when the change was to be sent, nobody was there."""
    path = f"GET /REST/RTTMRegionPoolEntry/{ZONE}/{site.fqdn}/"
    strike = backend.proxy.answered(path, backend.dies_quietly)
    answer = site.save(olga)
    assert strike.happened.is_set()
    assert answer.status_code == 502
    assert "Nothing was changed" in answer.text
    assert_typed_is_kept(answer)
    assert site.edit() == ("unavailable", True)
    assert site.label() == "before"
    backend.returns()
    wait_until_synced(stack)
    assert (site.label_there(), site.label()) == ("before", "before")
    assert site.edit() == ("unavailable", True)
    assert site.save(olga).status_code == 200
    assert (site.label_there(), site.label()) == ("after", "after")


def test_killed_while_reading_the_entry_nothing_was_changed(stack, backend, olga, site):
    """The question was sent and never answered, but a question changes nothing."""
    path = f"GET /REST/RTTMRegionPoolEntry/{ZONE}/{site.fqdn}/"
    strike = backend.proxy.before(path, backend.engine.kill)
    answer = site.save(olga)
    assert strike.happened.is_set()
    assert answer.status_code == 502
    assert "Nothing was changed" in answer.text
    assert_typed_is_kept(answer)
    assert site.edit() == ("unavailable", True)
    backend.returns()
    wait_until_synced(stack)
    assert (site.label_there(), site.label()) == ("before", "before")


def test_killed_before_it_got_the_change_it_turns_out_not_applied(stack, backend, olga, site):
    """For us it was sent, so its outcome is open until somebody can be asked."""
    path = f"PUT /REST/RTTMRegionPoolEntry/{ZONE}/{site.fqdn}/"
    strike = backend.proxy.before(path, backend.dies)
    answer = site.save(olga)
    assert strike.happened.is_set()
    assert answer.status_code == 504
    assert "not known yet" in answer.text
    assert_typed_is_kept(answer)
    assert site.edit() == ("unknown", True)
    assert site.label() == "before"
    backend.returns()
    wait_until_synced(stack)
    assert site.edit() == ("unknown", True)  # the backend might still carry it out
    aged = "UPDATE rttm_edit SET finished_at = datetime('now', '-3 minutes') WHERE service_id = ?"
    stack.sql(aged, site.pk)
    wait_until(lambda: site.edit() == ("not_applied", True), "the edit is told not applied")
    assert (site.label_there(), site.label()) == ("before", "before")


def test_killed_after_the_change_before_the_answer_it_turns_out_saved(stack, backend, olga, site):
    path = f"PUT /REST/RTTMRegionPoolEntry/{ZONE}/{site.fqdn}/"
    strike = backend.proxy.answered(path, backend.dies)
    answer = site.save(olga)
    assert strike.happened.is_set()
    assert answer.status_code == 504
    assert "not known yet" in answer.text
    assert_typed_is_kept(answer)
    assert site.edit() == ("unknown", True)
    backend.returns()
    wait_until(lambda: site.edit() == ("saved", True), "the edit is told saved")
    assert (site.label_there(), site.label()) == ("after", "after")


def test_a_change_that_the_backend_finishes_later_turns_out_saved(stack, backend, olga, site):
    """Its writes wait, so the change becomes a job that outlasts the request."""
    with ExitStack() as held:
        path = f"PUT /REST/RTTMRegionPoolEntry/{ZONE}/{site.fqdn}/"
        backend.proxy.before(path, lambda: held.enter_context(locked(backend.engine.directory)))
        answer = site.save(olga)
        assert answer.status_code == 504
        assert "is still working on" in answer.text, answer.text
        assert_typed_is_kept(answer)
        assert site.edit() == ("unknown", True)
    wait_until(lambda: site.edit() == ("saved", True), "the edit is told saved")
    assert (site.label_there(), site.label()) == ("after", "after")


@pytest.mark.parametrize("moment", ["before", "answered"])
def test_killed_during_an_action_a_worker_asks_again(stack, backend, olga, site, moment):
    """Before it got the request, or after it carried it out: the end is the same."""
    strike = getattr(backend.proxy, moment)(f"PUT /REST/RTTM/{ZONE}/{site.fqdn}/", backend.dies)
    assert olga.post(f"/services/{site.pk}/deactivate/", {}).status_code == 200
    wait_until(strike.happened.is_set, "the worker asked")
    wait_until(lambda: "trying again" in site.action()["message"], "the action says what it does")
    assert site.action()["state"] == "queued"
    backend.returns()
    wait_until_finished(site, "succeeded")
    assert site.action()["attempts"] >= 2
    assert site.action()["claimed_until"] is None
    wait_until_synced(stack)
    assert not site.is_active_there()
    assert not stack.the("active", "rttm_service", site.pk)


def test_action_fails_in_words_when_the_backend_stays_away(stack, backend, olga, site):
    strike = backend.proxy.before(f"PUT /REST/RTTM/{ZONE}/{site.fqdn}/", backend.dies)
    assert olga.post(f"/services/{site.pk}/recover/", {}).status_code == 200
    wait_until(strike.happened.is_set, "the worker asked")
    wait_until(lambda: "trying again" in site.action()["message"], "the action says what it does")
    # As if it had been tried several times already: the pauses between are longer and longer.
    stack.sql("UPDATE rttm_action SET attempts = 4 WHERE service_id = ?", site.pk)
    wait_until_finished(site, "failed")
    assert "Given up after 5 attempts" in site.action()["message"]
    page = olga.get(f"/services/{site.pk}/history/").text
    assert "failed" in page
    assert "Given up after 5 attempts" in page
    backend.returns()
    wait_until_synced(stack)
    assert site.is_active_there()
