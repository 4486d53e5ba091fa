"""How often an account may call, and how long a session lasts."""

import pytest

from rttm.client import calls
from rttm.engine import models
from rttm.engine.api import dispatch
from rttm.engine.rate import WINDOW, Rate
from rttm.services import mirror_sync
from tests import builders
from tests.engine_client import NAMES, NOW, Client, logged_in

LIMIT = 5


@pytest.fixture
def client(settings, db, monkeypatch) -> Client:
    monkeypatch.setattr(dispatch, "_rate", Rate())
    return logged_in(settings)


@pytest.fixture
def spent(client: Client, settings) -> Client:
    """The log-in was the first call; after it, the rest of the minute's."""
    settings.RATE_LIMIT = LIMIT
    for _ in range(LIMIT - 1):
        client.does("GET", "Session/")
    return client


class TestRateLimit:
    def test_the_next_call_is_refused_until_the_minute_ends(self, spent):
        assert spent.fails("GET", "Session/") == (429, "RATE_LIMIT_EXCEEDED")
        assert spent.said == "rate: The account's calls for this minute are used up; go on in 60 s"
        spent.now = NOW + WINDOW
        spent.does("GET", "Session/")

    def test_all_sessions_of_the_account_share_it(self, spent):
        before = models.Session.objects.count()
        assert spent.fails("POST", "Session/", NAMES) == (429, "RATE_LIMIT_EXCEEDED")
        assert models.Session.objects.count() == before

    def test_a_refused_call_changes_nothing(self, spent):
        assert spent.fails("POST", "Zone/example.org/")[0] == 429
        assert not models.Zone.objects.exists()

    def test_strangers_use_nothing_of_it_up(self, client, settings):
        settings.RATE_LIMIT = LIMIT
        stranger = Client()
        for _ in range(LIMIT * 2):
            assert stranger.reply("POST", "Session/", NAMES | {"password": "x"}).status == 400
            assert stranger.reply("GET", "Zone/").status == 400
        client.does("GET", "Session/")


def test_the_dashboard_stays_far_below_the_limit_by_default(backend, settings):
    """Twelve services, as in the demo, and every sync asks what each of them serves."""
    for number in range(12):
        backend.has(builders.service(fqdn=f"s{number}.example.com"))
    mirror_sync()
    backend.transport.sent.clear()
    mirror_sync()
    a_minute = len(backend.transport.sent) * 60 / settings.SYNC_INTERVAL
    assert a_minute < 100
    assert backend.run(calls.zones()) == ["example.com"]


class TestSession:
    def test_use_and_keep_alive_extend_it(self, client):
        for hour in range(1, 4):
            client.now = NOW + hour * 3600
            client.does("PUT", "Session/")

    def test_one_that_was_idle_is_told_so_once_and_then_is_unknown(self, client):
        client.now = NOW + 3601
        assert client.fails("GET", "Session/") == (400, "INVALID_DATA")
        assert client.said == "login: inactivity logout"
        assert client.closing == "login: There was a problem with your credentials"
        client.fails("GET", "Session/")
        assert client.said == "login: Bad or expired credentials"

    def test_another_address_neither_uses_nor_ends_it(self, client):
        client.now = NOW + 3000
        assert client.fails("PUT", "Session/", client_ip="192.0.2.11") == (400, "INVALID_DATA")
        assert models.Session.objects.get().used_at == NOW
        client.does("GET", "Session/")
