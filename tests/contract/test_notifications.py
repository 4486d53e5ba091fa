"""Messages on the wire: datagrams to a real UDP socket, mails to a real SMTP server."""

import asyncio
import logging
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from rttm.engine.models import Notification
from rttm.engine.notify import Sender, outbox
from rttm.engine.notify.outbox import MAILS, SYSLOG, Message
from rttm.engine.targets import limits
from rttm.engine.thread import call
from tests.contract.engine_database import DATABASE
from tests.contract.engine_server import ROOT, EngineServer, RawClient
from tests.probing import finish
from tests.receivers import MailServer, SyslogServer, mail_server
from tests.servers import PATIENCE, wait_until

NOW = 1_700_000_000.0
LOOPBACK = limits([ip_network("127.0.0.0/8"), ip_network("::1/128")], [])
SERVICE = "RTTM/example.com/www.example.com/"


@pytest.fixture
def syslog() -> Iterator[SyslogServer]:
    server = SyslogServer()
    yield server
    server.close()


@pytest.fixture
def mails(settings) -> Iterator[MailServer]:
    with mail_server() as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        settings.EMAIL_TIMEOUT = PATIENCE
        yield server


class Clock:
    now = NOW

    def __call__(self) -> float:
        return self.now


def kept(kind: str, recipient: str, **fields: Any) -> Notification:
    defaults = {"text": "hello", "created_at": NOW, "due_at": NOW, **fields}
    return Notification.objects.create(kind=kind, recipient=recipient, **defaults)


def rounds(*names: str, limits_: Any = LOOPBACK, clock: Callable[[], float] = lambda: NOW) -> None:
    """One round after the other, as the engine's loop has them."""

    async def scenario() -> None:
        with closing(Sender(call, limits=limits_, clock=clock)) as sender:
            for name in names:
                await getattr(sender, name)()

    finish(scenario())


@pytest.mark.django_db(databases=["default", "engine"], transaction=True)
class TestDatagrams:
    def test_a_kept_message_is_sent_as_it_was_framed_and_then_gone(self, syslog):
        kept("syslog", "127.0.0.1", port=syslog.port, text="<30>Feb  3 04:05:06 h i: ä")
        rounds("send_datagrams")
        assert syslog.receive(1) == ["<30>Feb  3 04:05:06 h i: ä"]
        assert not Notification.objects.exists()
        rounds("send_datagrams")
        assert syslog.is_empty

    def test_names_are_looked_up(self, syslog):
        kept("syslog", "localhost", port=syslog.port)
        rounds("send_datagrams")
        assert syslog.receive(1) == ["hello"]

    def test_messages_of_single_probes_are_sent_without_being_kept(self, syslog):
        outbox.direct.extend(Message("127.0.0.1", syslog.port, f"line {n}") for n in range(3))
        rounds("send_direct", "send_direct")
        assert syslog.receive(3) == ["line 0", "line 1", "line 2"]
        assert syslog.is_empty
        assert not outbox.direct

    @pytest.mark.parametrize(
        ("server", "why"),
        [
            ("169.254.169.254", "it is a link-local address"),
            ("100.100.100.200", "it is a cloud metadata address"),
            ("10.1.2.3", "PROBE_ALLOW does not name it"),
            ("name.invalid", "look-up of name.invalid failed"),
        ],
    )
    def test_servers_that_may_not_be_reached_get_nothing(self, caplog, server, why):
        kept("syslog", server, port=514)
        rounds("send_datagrams")
        row = Notification.objects.get()
        assert (row.attempts, row.due_at) == (1, NOW + SYSLOG.first_wait)
        assert why in caplog.text

    def test_a_name_that_leads_to_a_refused_address_is_refused(self, syslog, caplog):
        kept("syslog", "localhost", port=syslog.port)
        rounds("send_datagrams", limits_=limits([], []))
        assert syslog.is_empty
        assert "is not a public address" in caplog.text

    def test_one_bad_server_does_not_hold_up_the_others(self, syslog):
        for server in ("name.invalid", "127.0.0.1", "169.254.169.254", "127.0.0.1"):
            kept("syslog", server, port=syslog.port)
        rounds("send_datagrams")
        assert syslog.receive(2) == ["hello", "hello"]
        assert Notification.objects.count() == 2

    def test_a_failure_is_said_once_until_it_works_again(self, caplog):
        caplog.set_level(logging.INFO, logger="rttm.engine")
        clock = Clock()
        kept("syslog", "169.254.169.254", port=514)

        async def scenario() -> None:
            with closing(Sender(call, limits=LOOPBACK, clock=clock)) as sender:
                for _ in range(SYSLOG.attempts):
                    await sender.send_datagrams()
                    clock.now += SYSLOG.longest_wait

        finish(scenario())
        said = [record.getMessage() for record in caplog.records]
        assert [text.partition(":")[0] for text in said] == [
            "messages to 169.254.169.254 cannot be sent",
            "a message to 169.254.169.254 was given up",
        ]
        assert not Notification.objects.exists()


@pytest.mark.django_db(databases=["default", "engine"], transaction=True)
class TestMails:
    def test_a_mail_arrives_as_it_was_written(self, mails, settings):
        settings.DEFAULT_FROM_EMAIL = "rttm@example.net"
        kept("mail", "a@example.com", subject="[RTTM] www ok", text="Why:\n  .\n.\nä")
        rounds("send_mails")
        [(recipient, mail)] = mails.mails
        assert (recipient, mail["From"], mail["To"]) == (
            "a@example.com", "rttm@example.net", "a@example.com",
        )  # fmt: skip
        assert mail["Subject"] == "[RTTM] www ok"
        assert mail.get_content().splitlines() == ["Why:", "  .", ".", "ä"]
        assert mail["Auto-Submitted"] == "auto-generated"
        assert not Notification.objects.exists()

    def test_many_mails_share_a_connection(self, mails):
        for n in range(3):
            kept("mail", f"{n}@example.com")
        rounds("send_mails")
        assert [recipient for recipient, _ in mails.mails] == [
            "0@example.com", "1@example.com", "2@example.com",
        ]  # fmt: skip
        assert mails.connections == 1

    def test_a_refused_recipient_waits_and_the_others_get_theirs(self, mails, caplog):
        mails.refused.add("1@example.com")
        for n in range(3):
            kept("mail", f"{n}@example.com")
        rounds("send_mails")
        assert [recipient for recipient, _ in mails.mails] == ["0@example.com", "2@example.com"]
        waiting = Notification.objects.get()
        assert (waiting.recipient, waiting.due_at) == ("1@example.com", NOW + MAILS.first_wait)
        assert "messages to 1@example.com cannot be sent" in caplog.text

    def test_a_mail_server_that_was_away_gets_them_later_each_once(self, settings, caplog):
        caplog.set_level(logging.INFO, logger="rttm.engine")
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
        settings.EMAIL_TIMEOUT = PATIENCE
        for n in range(2):
            kept("mail", "a@example.com", text=str(n))
        clock = Clock()

        async def scenario(sender: Sender) -> None:
            await sender.send_mails()

        sender = Sender(call, limits=LOOPBACK, clock=clock)
        finish(scenario(sender))
        assert Notification.objects.filter(attempts=1).count() == 2
        clock.now += MAILS.first_wait
        with mail_server(port) as server:
            finish(scenario(sender))
            assert [mail.get_content().strip() for _, mail in server.mails] == ["0", "1"]
        said = [record.getMessage() for record in caplog.records]
        assert said[0].startswith("messages to a@example.com cannot be sent: ")
        assert said[1:] == ["messages to a@example.com can be sent again"]

    def test_a_mail_server_that_is_away_is_tried_once_in_a_round(self, settings):
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        for n in range(3):
            kept("mail", f"{n}@example.com")
        with socket.create_server(("127.0.0.1", 0)) as silent:
            settings.EMAIL_HOST, settings.EMAIL_PORT = silent.getsockname()
            settings.EMAIL_TIMEOUT = 0.2
            rounds("send_mails")
            silent.setblocking(False)
            silent.accept()[0].close()
            with pytest.raises(BlockingIOError):
                silent.accept()
        assert set(Notification.objects.values_list("due_at", flat=True)) == {
            NOW + MAILS.first_wait
        }

    def test_an_impossible_address_does_not_break_the_round(self, mails):
        kept("mail", "a@example.com\nBcc: b@example.com")
        kept("mail", "c@example.com", subject="two\nlines")
        kept("mail", "d@example.com")
        rounds("send_mails")
        assert [recipient for recipient, _ in mails.mails] == ["d@example.com"]
        assert Notification.objects.count() == 2

    def test_a_mail_server_that_hangs_holds_up_neither_datagrams_nor_the_end(
        self, syslog, settings
    ):
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_TIMEOUT = 10 * PATIENCE
        with socket.create_server(("127.0.0.1", 0)) as silent:
            settings.EMAIL_HOST, settings.EMAIL_PORT = silent.getsockname()
            kept("mail", "a@example.com")
            kept("syslog", "127.0.0.1", port=syslog.port)

            async def scenario() -> list[str]:
                stop = asyncio.Event()
                running = asyncio.create_task(
                    Sender(call, limits=LOOPBACK, clock=lambda: NOW).run(stop)
                )
                received = await asyncio.to_thread(syslog.receive, 1)
                stop.set()
                async with asyncio.timeout(PATIENCE / 2):
                    await running
                return received

            assert finish(scenario()) == ["hello"]
        assert Notification.objects.get().kind == "mail"

    def test_a_broken_round_is_logged_and_the_next_one_follows(self, syslog, caplog):
        outbox.direct.clear()
        kept("syslog", "127.0.0.1", port=syslog.port)
        broken = iter([True])

        async def failing(function: Callable[..., Any], *args: Any) -> Any:
            if args[0] is SYSLOG and next(broken, False):
                raise RuntimeError("the database is away")
            return await call(function, *args)

        async def scenario() -> list[str]:
            stop = asyncio.Event()
            sender = Sender(failing, limits=LOOPBACK, clock=lambda: NOW)
            running = asyncio.create_task(sender.run(stop))
            received = await asyncio.to_thread(syslog.receive, 1)
            stop.set()
            await running
            return received

        assert finish(scenario()) == ["hello"]
        assert "a round of sending messages failed" in caplog.text


def wanted(port: int, **fields: Any) -> dict[str, Any]:
    """A service whose only address refuses connections."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        refusing = taken.getsockname()[1]
    probe = {"protocol": "TCP", "interval": 1, "retries": 0, "port": refusing}
    region = {
        "region_code": "global",
        "pool": [{"address": "127.0.0.1", "label": "fra-web-1"}],
        "failover_mode": "ip",
        "failover_data": "192.0.2.99",
    }
    return {
        "contact_nickname": "owner",
        "notify_events": "ip,svc",
        "monitor": probe,
        "performance_monitor": {"protocol": "NONE", "interval": 10},
        "region": [region],
        "syslog_server": "127.0.0.1",
        "syslog_port": port,
        "syslog_probe_fmt": "probe %hos %adr %sta",
        "syslog_status_fmt": "status %hos %reg %sta %rda",
        **fields,
    }


def mail_settings(server: MailServer) -> dict[str, str]:
    return {
        "EMAIL_HOST": "127.0.0.1",
        "EMAIL_PORT": str(server.port),
        "OWNER_EMAIL": "owner@example.com",
    }


def create(engine: EngineServer, service: dict[str, Any]) -> None:
    client = RawClient(engine.url)
    client.log_in()
    assert client.call("POST", SERVICE, service)["status"] == "success"
    client.close()


TOLD = [
    "probe www.example.com 127.0.0.1 down",
    "status www.example.com global failover 192.0.2.99",
    "status www.example.com service failover 192.0.2.99",
]


def texts(datagrams: list[str]) -> list[str]:
    return [text.partition(" dynect: ")[2] for text in datagrams]


class TestEngine:
    @pytest.fixture
    def mails(self) -> Iterator[MailServer]:
        with mail_server() as server:
            yield server

    def test_a_change_is_told_once_on_both_ways(self, tmp_path: Path, syslog, mails):
        engine = EngineServer(tmp_path, SECONDS_PER_MINUTE="1", **mail_settings(mails))
        create(engine, wanted(syslog.port))
        assert texts(syslog.receive(3)) == TOLD
        wait_until(lambda: mails.mails, "the mail is there")
        # Some more probes, which find the same.
        database = f"file:{tmp_path / DATABASE}?mode=ro"
        began = ran_at(database)
        wait_until(lambda: ran_at(database) > began + 1.5, "the next probes are recorded")
        assert engine.stop() == 0
        assert syslog.is_empty
        [(recipient, mail)] = mails.mails
        assert (recipient, mail["Subject"]) == (
            "owner@example.com", "[RTTM] www.example.com failover",
        )  # fmt: skip
        changed = "  127.0.0.1 (fra-web-1): down, was not known yet"
        assert changed in mail.get_content().splitlines()

    def test_with_delivery_all_every_probe_is_told(self, tmp_path: Path, syslog):
        engine = EngineServer(tmp_path, SECONDS_PER_MINUTE="1")
        create(engine, wanted(syslog.port, syslog_delivery="all", notify_events=""))
        received = texts(syslog.receive(5))
        assert sorted(received) == sorted([*TOLD, TOLD[0], TOLD[0]])
        engine.stop()

    def test_what_a_killed_process_left_in_the_outbox_is_sent(self, tmp_path: Path, syslog, mails):
        engine = EngineServer(tmp_path, loop=False, **mail_settings(mails))
        create(engine, wanted(syslog.port))
        engine.stop()
        site = subprocess.Popen(
            [sys.executable, "manage.py", "engine", "--no-api"], cwd=ROOT, env=engine.env
        )
        database = f"file:{tmp_path / DATABASE}?mode=ro"
        wait_until(lambda: waiting(database) == 4, "the messages are in the outbox")
        site.send_signal(signal.SIGKILL)
        site.wait(PATIENCE)
        assert (mails.mails, syslog.is_empty) == ([], True)
        engine.start()
        assert texts(syslog.receive(3)) == TOLD
        wait_until(lambda: mails.mails, "the mail is there")
        wait_until(lambda: waiting(database) == 0, "the outbox is empty")
        engine.stop()
        assert (len(mails.mails), syslog.is_empty) == (1, True)


def waiting(database: str) -> int:
    return int(_ask(database, "SELECT COUNT(*) FROM engine_notification"))


def ran_at(database: str) -> float:
    return float(_ask(database, "SELECT MAX(ran_at) FROM engine_health"))


def _ask(database: str, query: str) -> Any:
    connection = sqlite3.connect(database, uri=True, timeout=PATIENCE)
    try:
        return connection.execute(query).fetchone()[0]
    finally:
        connection.close()
