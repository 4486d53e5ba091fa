"""Three characters, and a backend that is the engine itself, in this process."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone

from dashboard import log_ins
from dashboard.models import Role, User
from rttm import backend as backend_module
from rttm import live, sync
from rttm.client import Credentials, Dynect, calls
from rttm.core import schema
from rttm.edits import Origin
from rttm.models import Service
from tests.in_process import EngineTransport

DATABASES = ["default", "engine"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test here may use both databases; one that needs real commits marks itself."""
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here) and not item.get_closest_marker("django_db"):
            item.add_marker(pytest.mark.django_db(databases=DATABASES))


class Clock:
    """The real time, and the pauses that nobody has to wait for."""

    def __init__(self) -> None:
        self._slept = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self._slept

    def sleep(self, seconds: float) -> None:
        self._slept += seconds


class Backend:
    """The other side: what it has, and how it fails."""

    def __init__(self, transport: EngineTransport, client: Dynect) -> None:
        self.transport = transport
        self.run = client.run

    def has(self, value: schema.Service) -> schema.Service:
        """Create a service there, without the mirror knowing."""
        return self.run(calls.service_create(value))

    def refuses_connections(self) -> None:
        self.transport.fault = "refused"

    def loses_answers(self, *, after: int = 0) -> None:
        """Carries requests out, but from the one after `after` good ones no answer arrives."""
        self.transport.fault, self.transport.spared = "lost", after

    def is_back(self) -> None:
        self.transport.fault = ""


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch, settings, db) -> Iterator[Backend]:
    transport, clock = EngineTransport(), Clock()

    def connect() -> Dynect:
        credentials = Credentials(
            settings.DYNECT_CUSTOMER, settings.DYNECT_USERNAME, settings.DYNECT_PASSWORD
        )
        return Dynect(transport, credentials, monotonic=clock.monotonic, sleep=clock.sleep)

    monkeypatch.setattr(backend_module, "connect", connect)
    backend_module._idle.clear()
    yield Backend(transport, connect())
    backend_module._idle.clear()


@pytest.fixture
def mirrored(backend: Backend) -> Callable[[schema.Service], Service]:
    """Create a service at the backend and absorb its answer: what a sync would have written."""

    def mirror(value: schema.Service) -> Service:
        return sync.absorb_service(backend.has(value), asked_at=timezone.now())

    return mirror


@pytest.fixture
def topics(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The topics touched from here on, as if each transaction had committed."""
    touched: set[str] = set()
    monkeypatch.setattr(live, "touch", lambda *names, scope=None: touched.update(names))
    return touched


@pytest.fixture
def operator(db) -> User:
    return User.objects.create_user("olga", password="secret", role=Role.OPERATOR)


@pytest.fixture
def by(operator: User) -> Origin:
    """Who asks the services, and from where."""
    return Origin(user=operator, remote_address="198.51.100.7")


@pytest.fixture
def viewer(db) -> User:
    return User.objects.create_user("vera", password="secret", role=Role.VIEWER)


@pytest.fixture
def admin(db) -> User:
    return User.objects.create_user("ada", password="secret", role=Role.ADMIN)


@pytest.fixture(autouse=True)
def no_log_in_counted() -> None:
    """What a test before this one typed wrong."""
    log_ins.counts.own.storage.reset()


@pytest.fixture
def client_as() -> Callable[[User | None], Client]:
    """A browser with somebody logged in; None is a stranger."""

    def log_in(user: User | None) -> Client:
        client = Client()
        if user:
            client.force_login(user)
        return client

    return log_in
