"""A recover says whether it helped, and the first results after an action are read soon."""

import time

import pytest

from rttm import dispatch, services, tasks
from rttm.models import Action, PoolEntry, Service
from tests.builders import pool_entry, region, service
from tests.converges import assert_converges
from tests.engine_service import Engine
from tests.pages import find, parse, words

ONE, TWO = "192.0.2.1", "192.0.2.2"


@pytest.fixture(autouse=True)
def woken(monkeypatch) -> list[int]:
    """The services that a task was asked to follow; nothing is queued."""
    followed: list[int] = []
    monkeypatch.setattr(tasks, "wake", lambda action: None)
    monkeypatch.setattr(tasks, "follow", followed.append)
    return followed


@pytest.fixture
def engine(backend) -> Engine:
    """192.0.2.1 with mode remove, 192.0.2.2 with obey; Asia needs both."""
    pool = (pool_entry(ONE, serve_mode="remove"), pool_entry(TWO))
    return Engine(service(region=(region(pool=pool), region("Asia", ONE, TWO, apmc=2, ep=2))))


@pytest.fixture
def found(engine):
    """What probes find, absorbed by a sync."""

    def find_now(**runs: str) -> Service:
        engine.probe(time.time(), says="connect refused:", **runs)
        services.mirror_sync()
        return Service.objects.get()

    return find_now


def recover(row: Service, by, address: str = "") -> Action:
    if address:
        entry = PoolEntry.objects.filter(region__service=row, address=address).first()
        action = dispatch.pool_entry_recover(entry=entry, origin=by)
    else:
        action = dispatch.service_recover(service=row, origin=by)
    tasks.run_action(action.pk)
    action.refresh_from_db()
    return action


def since(row: Service, address: str) -> str:
    entry = PoolEntry.objects.filter(region__service=row, address=address).first()
    return f"{entry.status_since:%Y-%m-%d %H:%M:%S} UTC"


def test_recover_of_a_node_that_is_down_says_that_it_is_still_out_and_why(found, by):
    row = found(_1="down", _2="up")
    action = recover(row, by, ONE)
    assert (action.state, action.get_state_display()) == ("still_out", "still out")
    assert action.message == (
        f"{ONE} is down since {since(row, ONE)}: connect refused: down; waits for recover. "
        "Recover it again once it is up. Asia is still in failover: 1 available, needs 2 (apmc)."
    )
    assert action.is_finished


def test_recover_of_a_node_that_obeys_tells_that_it_comes_back_by_itself(found, by):
    action = recover(found(_1="up", _2="down"), by, TWO)
    assert action.state == "still_out"
    assert "It comes back when a probe succeeds." in action.message


def test_recover_that_helped_is_done(found, by):
    found(_1="down", _2="up")
    action = recover(found(_1="up"), by, ONE)
    assert (action.state, action.message) == ("succeeded", f"recoverip: {ONE} is available again")


def test_recover_of_a_service_tells_the_regions_that_stay_in_failover(found, by):
    action = recover(found(_1="up", _2="down"), by)
    assert action.state == "still_out"
    assert f"{TWO} is down since" in action.message
    assert "Asia is still in failover: 1 available, needs 2 (apmc)." in action.message


def test_recover_of_a_service_leaves_out_what_is_set_to_no(engine, found, by):
    engine.set_mode(ONE, "no")
    pool = [entry for entry in engine.row.value.region[0].pool if entry.serve_mode == "no"]
    assert [entry.address for entry in pool] == [ONE]
    action = recover(found(_1="up", _2="up"), by)
    assert action.state == "succeeded"


def test_every_place_that_shows_the_outcome_says_still_out(found, by, client_as, operator):
    row = found(_1="down", _2="up")
    recover(row, by, ONE)
    client = client_as(operator)
    page = parse(client.get(f"/services/{row.pk}/"))
    entry = PoolEntry.objects.get(region__region_code="global", address=ONE)
    told = f"still out 0 s ago, by olga {ONE} is down since"
    assert told in words(find(page, id=f"pool-entry-{entry.pk}")[0])
    assert told in words(find(page, class_="service")[0])
    for drawn in (page, parse(client.get("/activity/"))):
        [sign] = find(drawn, tag="td", data_label="Outcome")
        assert words(sign).startswith(f"still out {ONE} is down since")
        assert sign.xpath(".//span[contains(@class, 'state-bad')]")


def test_open_page_converges_after_a_recover_that_did_not_help(
    found, by, client_as, operator, topics
):
    row = found(_1="down", _2="up")
    change = lambda: recover(row, by, ONE)  # noqa: E731
    assert_converges(client_as(operator), f"/services/{row.pk}/", topics, change)


@pytest.mark.parametrize(
    ("verb", "is_followed"), [("activate", True), ("deactivate", False), ("recover", True)]
)
def test_action_after_which_the_backend_probes_is_followed(found, by, woken, verb, is_followed):
    row = found(_1="up", _2="up")
    action = getattr(dispatch, f"service_{verb}")(service=row, origin=by)
    tasks.run_action(action.pk)
    assert (woken == [row.pk]) is is_followed


def test_following_goes_on_until_every_address_has_a_result(engine, found, by):
    row = found(_1="up", _2="up")
    for start in (dispatch.service_deactivate, dispatch.service_activate):
        tasks.run_action(start(service=row, origin=by).pk)
    with pytest.raises(services.Awaited):
        services.service_follow(service_id=row.pk)
    engine.probe(time.time(), _1="up", _2="down")
    services.service_follow(service_id=row.pk)
    row.refresh_from_db()
    assert row.status == "failover"
    statuses = PoolEntry.objects.filter(region__region_code="global")
    assert list(statuses.values_list("status", flat=True)) == ["up", "down"]


def test_following_that_gets_no_answer_makes_nothing_older(backend, found):
    row = found(_1="up", _2="up")
    backend.refuses_connections()
    services.service_follow(service_id=row.pk)
    assert not Service.objects.get().is_state_older


def test_service_that_went_meanwhile_is_not_followed(backend):
    services.service_follow(service_id=0)
    assert backend.transport.sent == []
