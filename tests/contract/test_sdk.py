"""The contract: Dyn's own Python SDK, unmodified, against the engine over HTTP."""

import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.contract.engine_server import USERNAME, EngineServer
from tests.contract.sdk import DEPRECATED, DynectSession, connected
from tests.servers import wait_until

with warnings.catch_warnings():
    # The SDK compares with `is` and escapes badly; that is its own affair.
    warnings.simplefilter("ignore", SyntaxWarning)
    warnings.simplefilter("ignore", DeprecationWarning)
    from dyn.tm import errors, reports
    from dyn.tm.services.rttm import RTTM, Monitor, PerformanceMonitor, RegionPoolEntry, RTTMRegion
    from dyn.tm.task import get_tasks
    from dyn.tm.zones import Zone, get_all_zones

pytestmark = DEPRECATED

ZONE = "example.com"
FQDN = f"{ZONE}."


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineServer]:
    """Without probes: what the SDK sees then depends on its own calls alone."""
    server = EngineServer(tmp_path_factory.mktemp("engine"), loop=False)
    yield server
    server.stop()


@pytest.fixture
def session(engine: EngineServer) -> Iterator[DynectSession]:
    with connected(engine) as session:
        session.authenticate()
        yield session


@pytest.fixture
def rttm(session: DynectSession) -> Iterator[RTTM]:
    """The reference page's example, with its slips corrected."""
    entry = RegionPoolEntry("192.0.2.1", "RPE Label", 5, "always")
    region = RTTMRegion(ZONE, FQDN, "global", [entry])
    monitor = Monitor("HTTP", 5, expected="Example")
    performance_monitor = PerformanceMonitor("HTTP", 20)
    rttm = RTTM(
        ZONE, FQDN, "mycontactname", region=[region], monitor=monitor,
        performance_monitor=performance_monitor,
    )  # fmt: skip
    yield rttm
    if session.execute(f"/RTTM/{ZONE}/", "GET")["data"]:
        rttm.delete()


def fetched() -> RTTM:
    return RTTM(ZONE, FQDN)


def entry_of(rttm: RTTM, region: int = 0, entry: int = 0) -> RegionPoolEntry:
    return rttm._region[region].pool[entry]


def test_the_example_of_the_reference_page_is_created_and_read_back(rttm):
    service = fetched()
    assert service.status == "unk"
    assert bool(service.active)
    assert service.contact_nickname == "mycontactname"
    assert service.notify_events == [""]
    assert service.task is None
    assert service._monitor.to_json() == {
        "protocol": "HTTP", "interval": 5, "retries": 1, "timeout": 0, "port": 0, "path": "",
        "host": "", "header": "", "expected": "Example",
    }  # fmt: skip
    assert service._performance_monitor.interval == 20
    assert entry_of(service).to_json() == {
        "address": "192.0.2.1", "label": "RPE Label", "weight": 5, "serve_mode": "always",
    }  # fmt: skip


def test_a_second_service_at_the_same_node_is_refused(rttm):
    region = RTTMRegion(ZONE, FQDN, "global", [RegionPoolEntry("192.0.2.9", "", 1, "obey")])
    with pytest.raises(errors.DynectCreateError, match="There is a service at this node already"):
        RTTM(ZONE, FQDN, "owner", PerformanceMonitor("HTTP", 20), [region])


def test_every_option_of_a_service_survives_the_round_trip(session):
    region = RTTMRegion(
        ZONE, "all." + FQDN, "global",
        [RegionPoolEntry("192.0.2.1", "one", 5, "always"),
         RegionPoolEntry("node.example.net", "two", 15, "remove")],
        autopopulate="N", ep=2, apmc=1, epmc=1, serve_count=2, failover_mode="ip",
        failover_data="192.0.2.99",
    )  # fmt: skip
    options = {
        "ttl": 60, "auto_recover": "N", "notify_events": ["ip", "svc", "nosrv"],
        "syslog_server": "192.0.2.7", "syslog_port": 1514, "syslog_ident": "rttm",
        "syslog_facility": "local3", "syslog_delivery": "all", "syslog_probe_fmt": "%hos %sta",
        "syslog_status_fmt": "%hos", "syslog_rttm_fmt": "%hos %rts", "recovery_delay": 3,
        "contact_nickname": "owner",
    }  # fmt: skip
    monitor = Monitor("HTTP", 5, 2, 10, 8080, "/x", "www.example.com", "X-A: 1\nX-B: 2", "ok")
    RTTM(
        ZONE, "all." + FQDN, region=[region], monitor=monitor,
        performance_monitor=PerformanceMonitor("PING", 10), **options,
    )  # fmt: skip
    service = RTTM(ZONE, "all." + FQDN)
    assert {name: getattr(service, f"_{name}") for name in options} == options
    assert service._monitor.to_json() == monitor.to_json()
    assert service._region[0]._json == region._json
    service.delete()


def test_fields_of_a_pool_entry_are_edited(rttm):
    entry = entry_of(fetched())
    entry.label = "new"
    entry.weight = 7
    entry.serve_mode = "obey"
    entry.address = "192.0.2.2"
    entry.label = "after"  # at the new address
    assert entry.logs == []
    assert entry.task is None
    assert entry_of(fetched()).to_json() == {
        "address": "192.0.2.2", "label": "after", "weight": 7, "serve_mode": "obey",
    }  # fmt: skip


def test_the_last_pool_entry_stays(rttm):
    with pytest.raises(errors.DynectDeleteError, match="It is the last entry of global"):
        entry_of(fetched()).delete()


def test_fields_of_a_region_are_edited(rttm):
    region = fetched()._region[0]
    region.ep = 3
    region.apmc = 2
    region.epmc = 2
    region.serve_count = 4
    again = RTTMRegion(ZONE, FQDN, "global")
    assert (again.ep, again.apmc, again.epmc, again.serve_count) == (3, 2, 2, 4)
    assert again.status == "failover"  # one address, two wanted
    assert again.task is None


def test_a_failover_mode_is_left_and_taken_up_again_one_field_at_a_time(session, rttm):
    """The SDK cannot say the address once more: what it calls failover data are the modes."""
    target = {"failover_mode": "ip", "failover_data": "192.0.2.99"}
    session.execute(f"/RTTMRegion/{ZONE}/{FQDN}/global/", "PUT", target)
    region = fetched()._region[0]
    region.failover_mode = "global"
    region.failover_mode = "ip"
    assert (region.failover_mode, region.failover_data) == ("ip", "192.0.2.99")


def test_a_region_field_out_of_range_is_refused_in_the_fields_words(rttm):
    with pytest.raises(errors.DynectUpdateError, match="epmc: epmc must be at most ep"):
        fetched()._region[0].epmc = 9


def test_fields_of_a_service_are_edited(rttm):
    service = fetched()
    service.ttl = 60
    service.notify_events = ["ip", "nosrv"]
    service.recovery_delay = 2
    service.auto_recover = "N"
    service.contact_nickname = "owner"
    service.syslog_delivery = "all"
    service.syslog_rttm_format = "%hos"
    again = fetched()
    assert (again.ttl, again.notify_events, again.recovery_delay) == (60, ["ip", "nosrv"], 2)
    assert (again.auto_recover, again.contact_nickname) == ("N", "owner")
    assert (again.syslog_delivery, again.syslog_rttm_format) == ("all", "%hos")
    assert again.syslog_port == 514


def test_a_ttl_above_half_the_interval_is_refused(rttm):
    with pytest.raises(errors.DynectUpdateError, match="ttl: ttl must be at most half"):
        fetched().ttl = 450


def test_a_monitor_that_was_read_can_be_sent_back_with_its_unset_fields(rttm):
    rttm.monitor.interval = 10
    assert rttm.monitor.status is None  # reading it fills in `timeout: 0`
    rttm.monitor.path = "/health"
    assert fetched()._monitor.to_json()["path"] == "/health"
    assert fetched()._monitor.interval == 10


def test_regions_are_appended_and_deleted_as_a_list(rttm):
    service = fetched()
    asia = RTTMRegion(ZONE, FQDN, "Asia", [RegionPoolEntry("192.0.2.3", "a", 1, "obey")], ep=1)
    service._region.append(asia)
    assert [region._region_code for region in fetched()._region] == ["global", "Asia"]
    assert asia._failover_mode == "global"
    service = fetched()
    del service._region[1]
    assert [region._region_code for region in fetched()._region] == ["global"]


def test_a_region_is_created_autopopulated_and_deleted_alone(rttm):
    asia = RTTMRegion(ZONE, FQDN, "Asia", [RegionPoolEntry("192.0.2.3", "a", 1, "obey")], ep=1)
    asia._post()  # the SDK has no other way to create a region alone
    asia.autopopulate = "Y"
    assert entry_of(fetched(), region=1).address == "192.0.2.1"
    asia.autopopulate = "N"
    assert entry_of(fetched(), region=1).address == "192.0.2.3"
    asia.delete()
    assert len(fetched()._region) == 1


def test_the_pool_of_an_autopopulated_region_cannot_be_edited(rttm):
    asia = RTTMRegion(ZONE, FQDN, "Asia", [RegionPoolEntry("192.0.2.3", "a", 1, "obey")])
    asia._post()
    asia.autopopulate = "Y"
    with pytest.raises(errors.DynectUpdateError, match="filled from the global region"):
        entry_of(fetched(), region=1).weight = 3


def test_the_global_region_stays(rttm):
    with pytest.raises(errors.DynectDeleteError, match="cannot be deleted"):
        RTTMRegion(ZONE, FQDN, "global").delete()


def test_a_service_is_deactivated_and_activated(rttm):
    service = fetched()
    service.deactivate()
    assert not fetched().active
    service.activate()
    assert bool(fetched().active)
    service.active = "N"
    assert not bool(fetched().active)


def test_a_service_and_an_address_are_recovered(rttm):
    service = fetched()
    service.recover()
    service.recover("192.0.2.1", "192.0.2.1")
    service.recover(True, "192.0.2.1")
    with pytest.raises(errors.DynectUpdateError, match="address: No such address"):
        service.recover(True, "192.0.2.250")


def test_reports_tell_what_was_served(rttm):
    entry_of(fetched()).weight = 9
    now = datetime.now(UTC)
    log = rttm.get_log_report(now - timedelta(hours=1), now + timedelta(minutes=1))
    assert [record["region_rdata"] for record in log[-2:]] == [
        [{"weight": "5", "rdata_a": {"address": "192.0.2.1"}}],
        [{"weight": "9", "rdata_a": {"address": "192.0.2.1"}}],
    ]
    assert log[-1] | {"serial": "", "change_ts": ""} == {
        "serial": "", "change_ts": "", "change_type": "user", "region_code": "global",
        "region_status": "unk", "user_name": USERNAME, "serve_count": "1", "rdata_type": "A",
        "region_rdata": log[-1]["region_rdata"],
    }  # fmt: skip
    assert int(log[-1]["serial"]) == int(log[-2]["serial"]) + 1
    assert rttm.get_rrset_report(int(log[-1]["change_ts"])) == [log[-1]]
    assert reports.get_rttm_rrset(ZONE, FQDN, now + timedelta(minutes=1)) == [log[-1]]
    assert reports.get_rttm_log(ZONE, FQDN, now - timedelta(hours=1), now)[-1] in log


def test_zones_list_their_services(rttm):
    assert ZONE in [zone.name for zone in get_all_zones()]
    services = Zone(ZONE, api=False).get_all_rttm()
    assert [service.contact_nickname for service in services] == ["mycontactname"]


def test_a_zone_is_created_alone(session):
    assert Zone("example.org", "admin@example.org")._serial == 1
    with pytest.raises(errors.DynectCreateError, match="name: Name already exists"):
        Zone("example.org", "admin@example.org")


def test_a_deleted_service_is_gone(rttm):
    rttm.delete()
    with pytest.raises(errors.DynectGetError, match="fqdn: No such service"):
        fetched()


def test_wrong_credentials_are_told_apart(engine):
    with (
        connected(engine, password="wrong") as session,
        pytest.raises(errors.DynectAuthError, match="did not match those in our database"),
    ):
        session.authenticate()


def test_a_session_that_logged_out_is_over(session):
    token = session._token
    session.log_out()
    session._token = token
    with pytest.raises(errors.DynectGetError, match="login: Bad or expired credentials"):
        session.execute("/Session/", "GET")


def test_a_session_and_a_service_survive_a_restart(engine, session, rttm):
    assert engine.stop() == 0
    engine.start()
    session._conn.close()  # the SDK opens the next one by itself
    assert fetched().contact_nickname == "mycontactname"


def test_a_recover_is_followed_as_a_task_and_canceled(rttm):
    service = fetched()
    service.recover()
    task = service.task  # asks for it anew
    assert (task.name, task.status, task.zone_name) == ("RTTMRecover", "running", ZONE)
    assert (task.step_count, task.total_steps, task.blocking) == (1, 2, "N")
    assert task.args == [{"zone": ZONE}, {"fqdn": ZONE}]
    assert task.message == "Waiting for a probe of 192.0.2.1"
    [region] = service._region
    assert region.status == "unk"  # asks for the region alone, whose answer names the task
    assert region.task.task_id == task.task_id
    assert task.task_id in [found.task_id for found in get_tasks()]
    task.cancel()
    assert task.status == "canceled"
    assert fetched().task is None
    with pytest.raises(errors.DynectDeleteError, match="canceled already"):
        task.cancel()


@contextmanager
def sdk_of(directory: Any, **env: str) -> Iterator[DynectSession]:
    """The SDK, logged in at an engine of its own."""
    engine = EngineServer(directory, **env)
    try:
        with connected(engine) as session:
            session.authenticate()
            yield session
    finally:
        engine.stop()


def created(address: str, port: int = 80) -> RTTM:
    region = RTTMRegion(ZONE, FQDN, "global", [RegionPoolEntry(address, "", 1, "obey")])
    return RTTM(
        ZONE, FQDN, "owner", region=[region], monitor=Monitor("TCP", 1, 0, port=port),
        performance_monitor=PerformanceMonitor("TCP", 10, port=port),
    )  # fmt: skip


def test_probes_are_read_in_the_log_of_an_entry_and_complete_a_recover(tmp_path):
    with sdk_of(tmp_path, SECONDS_PER_MINUTE="2"):
        rttm = created("127.0.0.1", port=1)  # where nobody listens
        wait_until(lambda: entry_of(fetched()).logs, "the address was probed")
        [log] = entry_of(fetched()).logs
        assert (log["site_code"], log["status"]) == ("XXX", "down")
        assert "refused" in log["message"]
        assert abs(log["time"] - time.time()) < 60
        rttm.recover(True, "127.0.0.1")
        task = rttm.task
        assert task.name == "RTTMRecoverIP"

        def is_complete() -> bool:
            task.refresh()
            return task.status == "complete"

        wait_until(is_complete, "the address was probed since")
        now = int(time.time())
        [answer] = rttm.get_rrset_report(now)
        assert (answer["region_status"], answer["change_type"]) == ("failover", "health")


class Clock:
    """What the SDK has in place of `time`: it waits for much less, and says for how long."""

    def __init__(self) -> None:
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        time.sleep(0.01)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("dyn.core.time", clock)
    return clock


@pytest.mark.parametrize(("style", "pause"), [("redirect", 1), ("incomplete", 10)])
def test_every_call_is_carried_through_as_a_job(tmp_path, clock, style, pause):
    with sdk_of(tmp_path, JOB_AFTER="0", JOB_STYLE=style):
        rttm = created("192.0.2.1")
        entry_of(rttm).weight = 7
        assert entry_of(fetched()).weight == 7
        # After an incomplete answer it calls every failure one of reading.
        with pytest.raises(errors.DynectGetError, match="fqdn: No such service"):
            RTTM(ZONE, "other." + FQDN)
        rttm.delete()
    assert set(clock.pauses) == {pause}


def test_at_the_limit_it_waits_and_goes_on(engine, tmp_path, clock):
    """The end of the minute, which no test waits for, is the end of the engine here."""
    limited = EngineServer(tmp_path, loop=False, RATE_LIMIT="3")
    with connected(limited) as session:
        session.authenticate()
        clock.sleep = lambda seconds: _began_anew(limited, session, clock.pauses, seconds)
        for _ in range(3):
            session.execute("/Session/", "GET")
    assert clock.pauses == [5, 5, 5]
    limited.stop()


def _began_anew(
    engine: EngineServer, session: DynectSession, pauses: list[float], seconds: float
) -> None:
    """In the third pause."""
    pauses.append(seconds)
    if len(pauses) == 3:
        engine.stop()
        engine.start()
        session._conn.close()  # the SDK opens the next one by itself
