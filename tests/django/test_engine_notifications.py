"""From what the store records to the outbox: which messages are written, for whom, and when not."""

from dataclasses import replace
from typing import Any

import pytest
from django.db import transaction

from rttm.core.schema import Service
from rttm.engine import models, store
from rttm.engine.models import Contact, Notification
from rttm.engine.notify import outbox
from rttm.engine.notify.outbox import MAILS, SYSLOG
from rttm.engine.router import ALIAS
from tests import builders, engine_service
from tests.engine_service import NOW, ONE, TWO

OWNER = "owner@example.com"


class Engine(engine_service.Engine):
    """One service, a site that probes it, and what is in the outbox."""

    def __init__(self, **fields: Any) -> None:
        wanted = {"notify_events": ("ip", "svc", "nosrv"), "region": (builders.region(ep=2),)}
        super().__init__(builders.service(**{**wanted, **fields}))

    def forget(self) -> None:
        Notification.objects.all().delete()

    @property
    def mails(self) -> list[tuple[str, str]]:
        rows = Notification.objects.filter(kind="mail").order_by("pk")
        return [(row.recipient, row.subject) for row in rows]

    @property
    def lines(self) -> list[str]:
        """The syslog messages that are kept, without their frames."""
        rows = Notification.objects.filter(kind="syslog").order_by("pk")
        return [row.text.partition(": ")[2] for row in rows]


@pytest.fixture(autouse=True)
def _owner(settings) -> None:
    settings.OWNER_EMAIL = OWNER
    outbox.direct.clear()


class TestMails:
    def test_a_new_service_that_is_well_is_no_news(self, db):
        engine = Engine()
        engine.probe(_1="up")
        engine.probe(_2="up")
        assert engine.mails == []

    def test_a_failover_is_one_mail_with_everything_in_it(self, db):
        engine = Engine()
        engine.probe(_1="up", _2="up")
        engine.probe(_1="down", _2="down")
        assert engine.mails == [(OWNER, "[RTTM] www.example.com failover")]
        text = Notification.objects.get().text
        assert f"  {ONE}: down, was up\n  {TWO}: down, was up" in text
        assert "  global: 0 available, needs 1 (apmc): serves 192.0.2.99" in text
        assert f"  {ONE}: said down\n" in text
        assert "What is served now:\n  global: 192.0.2.99\n" in text

    def test_the_same_again_is_no_news(self, db):
        engine = Engine()
        engine.probe(_1="up", _2="down")
        engine.forget()
        engine.probe(NOW + 300, _1="up", _2="down")
        assert engine.mails == []

    @pytest.mark.parametrize(
        ("wanted", "subjects"),
        [
            ((), []),
            (("svc",), ["failover"]),
            (("ip",), ["trouble", "failover"]),
            (("nosrv",), []),
        ],
    )
    def test_only_wanted_events_are_mailed(self, db, wanted, subjects):
        pool = (builders.pool_entry(ONE), builders.pool_entry(TWO))
        engine = Engine(notify_events=wanted, region=(builders.region(pool=pool, apmc=1),))
        engine.probe(_1="up", _2="up")
        engine.forget()
        engine.probe(_1="down")
        if wanted == ("svc",):
            engine.forget()  # ok to trouble is such an event too
        engine.probe(_2="down")
        assert [subject.split()[-1] for _, subject in engine.mails] == subjects

    def test_an_address_of_mode_no_is_nosrv(self, db):
        pool = (builders.pool_entry(ONE), builders.pool_entry(TWO, serve_mode="no"))
        engine = Engine(notify_events=("nosrv",), region=(builders.region(pool=pool),))
        engine.probe(_1="up", _2="up")
        engine.probe(_2="down")
        assert engine.mails == [(OWNER, f"[RTTM] www.example.com {TWO} down")]

    def test_it_goes_where_the_contact_wants_it(self, db):
        Contact.objects.create(
            nickname="noc", email="noc@example.com", notify_email="alarm@example.com",
            pager_email="pager@example.com",
        )  # fmt: skip
        engine = Engine(contact_nickname="noc", notify_events=("svc",))
        engine.probe(_1="down", _2="down")
        sent = {row.recipient: row.text for row in Notification.objects.all()}
        assert sent.keys() == {"alarm@example.com", "pager@example.com"}
        assert sent["alarm@example.com"].startswith(sent["pager@example.com"])
        assert "\n" not in sent["pager@example.com"]

    def test_a_pager_with_the_same_address_is_no_second_mail(self, db):
        Contact.objects.create(nickname="noc", email="a@example.com", pager_email="a@example.com")
        engine = Engine(contact_nickname="noc")
        engine.probe(_1="down")
        [row] = Notification.objects.all()
        assert "What changed:" in row.text

    @pytest.mark.parametrize("nickname", ["nobody", "owner"])
    def test_without_an_address_nobody_is_told(self, db, settings, nickname):
        settings.OWNER_EMAIL = ""
        engine = Engine(contact_nickname=nickname)
        engine.probe(_1="down", _2="down")
        assert engine.mails == []

    def test_what_a_person_did_is_told_with_the_name(self, db):
        engine = Engine(notify_events=("svc",))
        engine.probe(_1="up", _2="up")
        region = replace(engine.row.value.region[0], apmc=3)
        engine.change(replace(engine.row.value, region=(region,)))
        assert engine.mails == [(OWNER, "[RTTM] www.example.com failover")]
        assert "  olga changed it\n" in Notification.objects.get().text

    def test_a_deactivated_service_is_told(self, db):
        engine = Engine(notify_events=("svc",))
        engine.probe(_1="up")
        store.deactivate(engine.row, now=NOW, user_name="olga")
        assert engine.mails == [(OWNER, "[RTTM] www.example.com inactive")]

    @pytest.mark.parametrize("was", ["active", "inactive"])
    def test_a_deleted_service_is_told(self, db, was):
        engine = Engine(notify_events=("svc",))
        engine.probe(_1="up")
        if was == "inactive":
            store.deactivate(engine.row, now=NOW, user_name="olga")
            engine.forget()
        store.delete(engine.row, now=NOW, user_name="olga")
        assert engine.mails == [(OWNER, "[RTTM] www.example.com deleted")]
        text = Notification.objects.get().text
        assert text.startswith("www.example.com was deleted at 2023-11-14 22:13:20 UTC")
        assert "  olga changed it\n" in text

    def test_silence_is_told_and_its_end_too(self, db):
        engine = Engine(notify_events=("svc",))
        engine.probe(_1="up", _2="up")
        store.expire(NOW + 1000, "XXX")
        assert engine.mails == [(OWNER, "[RTTM] www.example.com unknown")]
        engine.probe(NOW + 1000, _1="up")
        assert engine.mails[1:] == [(OWNER, "[RTTM] www.example.com ok")]

    def test_an_address_that_came_back_but_is_latched_waits_for_recover(self, db):
        pool = (builders.pool_entry(ONE), builders.pool_entry(TWO, serve_mode="remove"))
        engine = Engine(region=(builders.region(pool=pool),))
        engine.probe(_1="up", _2="down")
        engine.forget()
        engine.probe(_2="up")
        assert f"{TWO}: waits for recover" in Notification.objects.get().text

    def test_two_sites_make_one_mail(self, db):
        engine = Engine(notify_events=("ip",))
        for site in ("LHR", "EWR"):
            engine.probe(_1="up", site=site)
        engine.forget()
        for site in ("LHR", "EWR"):
            engine.probe(_1="down", site=site)
        assert len(engine.mails) == 1

    def test_the_evidence_is_of_the_site_that_saw_it_so_last(self, db):
        engine = Engine(notify_events=("ip",))
        for site in ("LHR", "EWR", "SJC"):
            engine.probe(_1="up", site=site)
        engine.forget()
        engine.probe(NOW + 1, site="LHR", says="LHR says", _1="down")
        engine.probe(NOW + 5, site="SJC", says="SJC says", _1="up")
        engine.probe(NOW + 2, site="EWR", says="EWR says", _1="down")
        text = Notification.objects.get().text
        assert f"  {ONE}: EWR says down\n" in text
        assert "LHR says" not in text

    def test_of_a_silence_the_last_evidence_is_told_as_such(self, db):
        engine = Engine(notify_events=("ip",))
        engine.probe(_1="up")
        store.expire(NOW + 1000, "XXX")
        assert f"  {ONE}: said up; nothing known since\n" in Notification.objects.get().text

    @pytest.mark.django_db(databases=["engine", "default"], transaction=True)
    def test_a_change_that_is_rolled_back_is_not_told(self):
        engine = Engine(syslog_server="192.0.2.7", syslog_delivery="all")
        with transaction.atomic(using=ALIAS):
            engine.probe(_1="down", _2="down")
            assert engine.mails
            transaction.set_rollback(True, using=ALIAS)
        assert engine.mails == []
        assert not outbox.direct


SYSLOG_SERVICE = {"syslog_server": "192.0.2.7", "notify_events": ()}


class TestSyslog:
    def test_on_change_the_probe_the_region_and_the_service_are_told(self, db):
        engine = Engine(**SYSLOG_SERVICE)
        engine.probe(_1="up", _2="up")
        engine.forget()
        engine.probe(_1="up", _2="down")
        serial = models.Zone.objects.get().serial
        assert engine.lines == [
            f"www.example.com {TWO} is down from XXX after 12 ms: said down",
            f"www.example.com global is trouble, serves {ONE}, serial {serial}: {TWO}: said down",
            f"www.example.com service is trouble, serves {ONE}, serial {serial}: {TWO}: said down",
        ]
        assert not outbox.direct

    def test_a_probe_that_changed_nothing_is_told_to_who_wants_all(
        self, db, django_capture_on_commit_callbacks
    ):
        engine = Engine(**SYSLOG_SERVICE, syslog_delivery="all")
        engine.probe(_1="up", _2="up")
        engine.forget()
        with django_capture_on_commit_callbacks(using=ALIAS, execute=True):
            engine.probe(NOW + 300, _1="up", _2="unk")
        assert engine.lines == []
        assert [message.text.partition(": ")[2] for message in outbox.direct] == [
            f"www.example.com {ONE} is up from XXX after 12 ms: said up",
            f"www.example.com {TWO} is unk from XXX after 12 ms: said unk",
        ]

    def test_a_performance_run_is_no_probe_to_tell_of(self, db, django_capture_on_commit_callbacks):
        engine = Engine(**SYSLOG_SERVICE, syslog_delivery="all")
        with django_capture_on_commit_callbacks(using=ALIAS, execute=True):
            engine.measure(_1=20, _2=30)
        assert (engine.lines, list(outbox.direct)) == ([], [])

    def test_a_probe_is_told_with_the_time_of_its_result(self, db):
        engine = Engine(**SYSLOG_SERVICE, syslog_probe_fmt="%tim")
        engine.probe(NOW + 60, _1="down")
        assert engine.lines[0] == "2023-11-14T22:14:20Z"

    def test_a_deleted_service_is_told_to_syslog_too(self, db):
        engine = Engine(**SYSLOG_SERVICE)
        store.delete(engine.row, now=NOW, user_name="olga")
        serial = models.Zone.objects.get().serial
        assert engine.lines == [
            f"www.example.com service is deleted, serves -, serial {serial}: olga changed it"
        ]

    def test_each_site_tells_of_its_own_probes(self, db):
        engine = Engine(**SYSLOG_SERVICE, syslog_probe_fmt="%adr %sta %sit")
        for site in ("LHR", "EWR"):
            engine.probe(_1="up", site=site)
        engine.forget()
        engine.probe(_1="down", site="EWR")
        assert engine.lines == [f"{ONE} down EWR"]  # a tie: the region stays as it is

    def test_of_a_silence_tells_the_site_that_noticed_it(self, db):
        engine = Engine(**SYSLOG_SERVICE, syslog_status_fmt="%reg %sta %sit")
        engine.probe(_1="up", _2="up", site="LHR")
        engine.forget()
        store.expire(NOW + 1000, "LHR")
        assert engine.lines == ["global unk LHR", "service unk LHR"]

    def test_another_fastest_address_is_told_with_its_times(self, db):
        engine = Engine(
            **SYSLOG_SERVICE, region=(builders.region(ep=1),),
            syslog_rttm_fmt="%reg %sta %adr %med %rts %rti",
        )  # fmt: skip
        engine.measure(_1=30, _2=20)
        engine.measure(_1=31, _2=22)
        assert engine.lines == [f"global unk {TWO} 20 20 20"]

    def test_a_message_goes_to_the_services_server_and_port(self, db):
        engine = Engine(**SYSLOG_SERVICE, syslog_port=1514)
        engine.probe(_1="down")
        places = set(Notification.objects.values_list("kind", "recipient", "port"))
        assert places == {("syslog", "192.0.2.7", 1514)}

    def test_without_a_server_there_is_none(self, db):
        engine = Engine(notify_events=(), syslog_delivery="all")
        engine.probe(_1="down", _2="down")
        assert not Notification.objects.exists()


def failures(channel: outbox.Channel) -> list[float]:
    """A message that can never be sent: the seconds between its attempts."""
    now, waits = NOW, []
    while True:
        [message] = outbox.take(channel, now)
        if outbox.put_off(channel, message, now):
            return waits
        due_at = Notification.objects.get().due_at
        assert outbox.take(channel, due_at - 1) == []
        waits.append(due_at - now)
        now = due_at


class TestOutbox:
    @pytest.fixture
    def engine(self, db) -> Engine:
        engine = Engine(notify_events=("ip",))
        engine.probe(_1="down")
        return engine

    def test_a_message_that_is_being_sent_is_not_taken_twice(self, engine):
        [message] = outbox.take(MAILS, NOW)
        assert (message.recipient, message.attempts) == (OWNER, 1)
        assert outbox.take(MAILS, NOW + 1) == []
        assert outbox.take(SYSLOG, NOW) == []

    def test_of_two_processes_that_read_a_message_one_takes_it(self, engine):
        row = Notification.objects.get()
        assert outbox._claim(row, NOW + 600)
        assert not outbox._claim(row, NOW + 600)

    def test_what_was_sent_is_gone(self, engine):
        [message] = outbox.take(MAILS, NOW)
        outbox.sent(message)
        assert not Notification.objects.exists()

    def test_what_a_killed_process_had_taken_is_taken_again(self, engine):
        outbox.take(MAILS, NOW)
        [message] = outbox.take(MAILS, NOW + MAILS.lease)
        assert message.attempts == 2

    def test_failures_are_spaced_out_and_end(self, engine):
        waits = failures(MAILS)
        assert waits[:4] == [30, 60, 120, 240]
        assert max(waits) == 3600
        assert 12 * 3600 < sum(waits) < 36 * 3600
        assert not Notification.objects.exists()

    def test_an_old_line_is_worth_ten_minutes(self, db):
        Notification.objects.create(
            kind="syslog", recipient="192.0.2.7", created_at=NOW, due_at=NOW
        )
        waits = failures(SYSLOG)
        assert waits[:5] == [5, 10, 20, 40, 60]
        assert 600 <= sum(waits) < 660

    def test_the_oldest_go_first_and_a_few_at_a_time(self, db):
        Notification.objects.bulk_create(
            Notification(kind="mail", recipient=str(n), text="", created_at=NOW, due_at=NOW)
            for n in range(MAILS.at_once + 1)
        )
        first, second = outbox.take(MAILS, NOW), outbox.take(MAILS, NOW)
        assert [m.recipient for m in first] == [str(n) for n in range(MAILS.at_once)]
        assert [m.recipient for m in second] == [str(MAILS.at_once)]


def test_a_service_that_tells_nobody_costs_no_query(db, django_assert_num_queries):
    engine = Engine(notify_events=())
    told = Engine(fqdn="api.example.com", notify_events=("svc",))
    engine.probe(_1="up")
    told.probe(_1="up")
    values: list[Service] = [engine.row.value, told.row.value]
    assert [value.notify_events for value in values] == [(), ("svc",)]
    with django_assert_num_queries(0, using=ALIAS):
        outbox.tell_probes([], site_code="XXX", now=NOW)
        outbox.tell([])
