"""The page after a save: nothing on it contradicts anything else on it, before any sync."""

from dataclasses import replace

import pytest

from rttm import live
from rttm.client import Unavailable, calls
from rttm.edits import Conflict
from rttm.models import PoolEntry, Service
from rttm.services import mirror_sync
from tests.builders import region, service
from tests.converges import assert_converges
from tests.django.editing import update
from tests.found import absorb
from tests.pages import find, parse, words

ONE, TWO = "192.0.2.1", "192.0.2.2"


@pytest.fixture
def row(mirrored) -> Service:
    """Two addresses, and nothing to fail over to."""
    mirrored(service(region=(region(failover_mode="global", failover_data=""),)))
    mirror_sync()
    return Service.objects.get()


def drain(row: Service, address: str, by) -> None:
    update(PoolEntry.objects.get(region__service=row, address=address), by, serve_mode="no")


@pytest.fixture
def told(client_as, operator, row):
    """The words of the parts of the service page and of the board, by name."""

    def read() -> dict[str, str]:
        page = parse(client_as(operator).get(f"/services/{row.pk}/"))
        board = parse(client_as(operator).get("/"))
        return {
            "head": words(find(page, class_="service-state")[0]),
            "counts": find(page, id="counts")[0].get("data-words"),
            "region": words(find(page, class_="region")[0]),
            "strip": words(find(page, class_="strip")[0]),
            "board": words(find(board, id=f"service-row-{row.pk}")[0]),
            "board counts": find(board, id="counts")[0].get("data-words"),
        }

    return read


def test_save_that_empties_an_answer_is_told_by_every_part_at_once(row, by, told):
    drain(row, ONE, by)
    drain(row, TWO, by)
    found = told()
    assert found["head"].startswith("failover")
    assert "global answers nothing." in found["head"]
    assert found["counts"] == found["board counts"] == "1 failover"
    assert found["region"].startswith("global failover")
    assert "Nothing to spare" not in found["region"]
    assert "serves instead nothing" in found["region"]
    assert "Serves now nothing" in found["region"]
    assert "answers nothing" in found["strip"]
    assert found["board"].startswith("failover")


@pytest.mark.parametrize("url", ["/services/{}/", "/"])
def test_open_pages_converge_after_a_save_that_empties_an_answer(
    client_as, operator, row, by, topics, url
):
    drain(row, ONE, by)
    change = lambda: drain(row, TWO, by)  # noqa: E731
    assert_converges(client_as(operator), url.format(row.pk), topics, change)
    assert "counts" in topics


@pytest.mark.django_db(databases=["default", "engine"], transaction=True)
def test_no_part_is_announced_before_the_whole_is_known(row, by, monkeypatch):
    drain(row, ONE, by)
    seen = set()

    def look(topics, scope):
        if any(topic.startswith(("region-", "pool-entry-", "service-row-")) for topic in topics):
            now = Service.objects.get()
            modes = {entry.serve_mode for entry in PoolEntry.objects.all()}
            seen.add((now.status, now.regions.get().status, str(now.regions.get().answer), *modes))

    monkeypatch.setattr(live, "_send", look)
    drain(row, TWO, by)
    assert seen == {("failover", "failover", "[]", "no")}


def lose_what_follows(backend) -> None:
    """The change is carried out and answered; who asks for more gets no answer."""
    original = backend.transport.send

    def send(request):
        answer = original(request)
        if request.method == "PUT":
            backend.refuses_connections()
        return answer

    backend.transport.send = send


def test_state_that_could_not_be_read_is_told_as_older_than_the_change(backend, row, by, told):
    drain(row, ONE, by)
    value = Service.objects.whole().get().value
    absorb(row, status="ok", region=[replace(one, status="ok") for one in value.region])
    assert told()["counts"] == "1 ok"
    lose_what_follows(backend)
    drain(row, TWO, by)
    found = told()
    assert found["head"].startswith("unknown Its state has not been read since the change")
    assert "before, it was ok" in found["head"]
    assert found["counts"] == found["board counts"] == "1 unknown"
    assert found["region"].startswith("global unknownNot read since the change ")
    assert "Nothing to spare" not in found["region"]
    assert "Served when last asked" in found["region"]
    assert "global: unknown" in found["strip"]
    assert found["board"].startswith("unknown")
    assert list(Service.objects.filter(Service.has_sign("unk"))) == [row]
    assert not Service.objects.filter(Service.has_sign("ok"))


@pytest.mark.parametrize("url", ["/services/{}/", "/"])
def test_open_pages_converge_when_the_state_could_not_be_read_and_when_it_is(
    backend, client_as, operator, row, by, topics, told, url
):
    url = url.format(row.pk)
    lose_what_follows(backend)
    assert_converges(client_as(operator), url, topics, lambda: drain(row, ONE, by))
    backend.is_back()
    assert_converges(client_as(operator), url, topics, mirror_sync)
    assert "older" not in str(told())
    assert told()["counts"] == "1 unknown"  # as the backend says before its first probe


def test_conflict_shows_what_came_of_the_change_of_somebody_else(backend, row, by, told):
    entry = PoolEntry.objects.get(region__service=row, address=ONE)
    for address in (ONE, TWO):
        backend.run(calls.pool_entry_update(row.key, "global", address, {"serve_mode": "no"}))
    with pytest.raises(Conflict):
        update(entry, by, weight=9)
    assert told()["counts"] == "1 failover"
    assert "Serves now nothing" in told()["region"]


def test_change_that_never_got_there_leaves_the_state_as_fresh_as_it_was(backend, row, by):
    backend.refuses_connections()
    with pytest.raises(Unavailable):
        drain(row, ONE, by)
    assert not Service.objects.get().is_state_older
