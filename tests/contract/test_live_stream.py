"""`/live/` as a server calls it: who gets a stream, with which headers, and when it ends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from django.contrib.sessions.models import Session
from django.core.asgi import get_asgi_application
from django.test import Client

from dashboard import live_hub, live_stream
from dashboard.live_door import STREAMS_PER_ACCOUNT, still_valid
from dashboard.models import Role, User
from tests.servers import PATIENCE

pytestmark = pytest.mark.django_db(databases=["default"], transaction=True)

SECURITY_HEADERS = (
    "content-security-policy",
    "cross-origin-opener-policy",
    "referrer-policy",
    "x-content-type-options",
    "x-frame-options",
)


class Listener:
    """One request for the stream, and what it is answered."""

    def __init__(self, session: str, *, method: str = "GET", query: str = "", **headers: str):
        named = {"host": "localhost", "cookie": f"sessionid={session}"} | headers
        self._scope = {
            "type": "http",
            "method": method,
            "path": "/live/",
            "headers": [
                (name.replace("_", "-").encode(), value.encode("latin-1"))
                for name, value in named.items()
            ],
            "query_string": query.encode(),
        }
        self._inbox: asyncio.Queue[dict] = asyncio.Queue()
        self._inbox.put_nowait({"type": "http.request"})
        self._started, self._ended = asyncio.Event(), asyncio.Event()
        self.status, self.headers, self.body = 0, {}, b""

    async def run(self) -> None:
        await live_stream.wrap(get_asgi_application())(self._scope, self._inbox.get, self._take)

    async def _take(self, message: dict) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode().lower(): v.decode() for name, v in message["headers"]}
            self._started.set()
        else:
            self.body += message["body"]
            if not message.get("more_body"):
                self._ended.set()

    async def started(self) -> int:
        await asyncio.wait_for(self._started.wait(), PATIENCE)
        return self.status

    async def ended(self) -> None:
        await asyncio.wait_for(self._ended.wait(), PATIENCE)

    async def beats_again(self) -> None:
        seen = self.body.count(live_stream.BEAT_EVENT)
        async with asyncio.timeout(PATIENCE):
            while self.body.count(live_stream.BEAT_EVENT) == seen:
                await asyncio.sleep(0)

    def leave(self) -> None:
        self._inbox.put_nowait({"type": "http.disconnect"})


@asynccontextmanager
async def asked(*listeners: Listener) -> AsyncIterator[None]:
    """Everybody asks at once, and leaves at the end."""
    runs = [asyncio.create_task(listener.run()) for listener in listeners]
    try:
        for listener in listeners:
            await listener.started()
        yield
    finally:
        for listener in listeners:
            listener.leave()
        await asyncio.wait_for(asyncio.gather(*runs), PATIENCE)


@pytest.fixture(autouse=True)
def hub(monkeypatch, valkey_url, settings):
    settings.REDIS_URL = valkey_url
    monkeypatch.setattr(live_stream, "hub", live_hub.Hub(still_valid))


def run(scenario):
    """To its end, with the tasks of the hub."""

    async def whole():
        try:
            return await scenario()
        finally:
            live_stream.hub.stop()
            await live_stream.hub.close()

    return asyncio.run(whole())


def answer(listener: Listener) -> Listener:
    async def scenario():
        async with asked(listener):
            return listener

    return run(scenario)


def logged_in(name: str, *, role: str = Role.VIEWER) -> str:
    """The session of a new account."""
    client = Client()
    client.force_login(User.objects.create_user(name, password="secret", role=role))
    return client.cookies["sessionid"].value


def test_stranger_gets_no_stream():
    assert answer(Listener("no-such-session")).status == 204


def test_stream_carries_the_security_headers_of_a_page():
    found = answer(Listener(logged_in("vera")))
    page = Client().get("/login/").headers
    assert (found.status, found.headers["content-type"]) == (200, "text/event-stream")
    assert found.headers["cache-control"] == "no-store"
    assert {name: found.headers.get(name) for name in SECURITY_HEADERS} == {
        name: page[name] for name in SECURITY_HEADERS
    }


def test_stream_heeds_the_allowed_hosts():
    assert answer(Listener(logged_in("vera"), host="evil.example.org")).status == 400


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ("since=1-0%0Aevent:%20resync%0Adata:%201%0A%0A", {}),
        ("since=1-0%0A", {}),
        ("since=1", {}),
        ("since=-", {}),
        (f"since={'9' * 5000}-0", {}),
        ("since=1-0&since=%D9%A1-0", {}),  # a digit, but none of ours
        ("since=1-0", {"last_event_id": "$"}),
    ],
)
def test_what_is_no_position_is_refused(query, headers):
    assert answer(Listener(logged_in("vera"), query=query, **headers)).status == 400


def test_other_methods_are_refused():
    assert answer(Listener(logged_in("vera"), method="PUT")).status in (403, 405)


def test_account_has_a_limited_number_of_streams_however_they_come():
    veras, olgas = logged_in("vera"), logged_in("olga")

    async def scenario():
        crowd = [Listener(veras) for _ in range(STREAMS_PER_ACCOUNT + 5)]
        question = Listener(veras, method="HEAD")
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(asked(*crowd))
            found = [listener.status for listener in crowd]
            await stack.enter_async_context(asked(question, other := Listener(olgas)))
            return found.count(200), found.count(429), question.status, other.status

    assert run(scenario) == (STREAMS_PER_ACCOUNT, 5, 429, 200)


def test_stream_that_ends_makes_room_for_another():
    session = logged_in("vera")

    async def scenario():
        async with asked(*(Listener(session) for _ in range(STREAMS_PER_ACCOUNT))):
            pass
        async with asked(again := Listener(session)):
            return again.status

    assert run(scenario) == 200


def shut(name: str) -> None:
    User.objects.filter(username=name).update(is_active=False)


def delete(name: str) -> None:
    User.objects.get(username=name).delete()


def change_password(name: str) -> None:
    user = User.objects.get(username=name)
    user.set_password("another")
    user.save()


def lose_role(name: str) -> None:
    User.objects.filter(username=name).update(role=Role.VIEWER)


def log_out(name: str) -> None:
    user = User.objects.get(username=name)
    for session in Session.objects.all():
        if session.get_decoded().get("_auth_user_id") == str(user.pk):
            session.delete()


@pytest.mark.parametrize("lose", [shut, delete, change_password, lose_role, log_out])
def test_stream_ends_when_its_account_may_have_it_no_longer(monkeypatch, lose):
    monkeypatch.setattr(live_hub, "RECHECK", 0.05)
    monkeypatch.setattr(live_stream, "BEAT", 0.01)
    olgas, veras = logged_in("olga", role=Role.OPERATOR), logged_in("vera")

    async def scenario():
        ended, other = Listener(olgas), Listener(veras)
        async with asked(ended, other):
            await asyncio.to_thread(lose, "olga")
            await ended.ended()
            await other.beats_again()
            return ended.status

    assert run(scenario) == 200
