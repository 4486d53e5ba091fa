"""What every test shares: its own DATA_DIR, and no network outside contract and browser."""

import os
import tempfile
from pathlib import Path

import django
import pytest
import pytest_socket
from django.conf import settings
from django.db import connections

from rttm.engine.thread import engine_thread

TESTS = Path(__file__).parent
MAY_CONNECT = {"contract", "browser"}

# Before the settings are read: a test run never touches the data of an installation.
_data = tempfile.TemporaryDirectory(prefix="rttm-tests-")
os.environ.update(
    DJANGO_SETTINGS_MODULE="dashboard.settings",
    DATA_DIR=_data.name,
    # Nobody answers there; a test that needs a Redis starts one.
    REDIS_URL=f"unix://{_data.name}/no-redis",
    SECURE_COOKIES="0",
    # Tests of the limit set their own.
    RATE_LIMIT="0",
)
for name in ("DEBUG", "DEMO", "DYNECT_URL", "DYNECT_PASSWORD", "DYNECT_PASSWORD_FILE"):
    os.environ.pop(name, None)


# What the tests' own process keeps in its memory; the programs under test have the real ones.
settings.STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
settings.WHITENOISE_AUTOREFRESH = True
settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
django.setup()


def pytest_unconfigure(config: pytest.Config) -> None:
    _data.cleanup()


def pytest_runtest_setup(item: pytest.Item) -> None:
    layer = item.path.relative_to(TESTS).parts[0]
    if layer in MAY_CONNECT:
        pytest_socket.enable_socket()
    else:
        # Unix sockets stay: every event loop talks to itself through one.
        pytest_socket.disable_socket(allow_unix_socket=True)
    if layer == "unit":
        engine_thread.submit(_drop_connections).result()


def _drop_connections() -> None:
    """What another layer left in the database thread: Django never closes a database in memory."""
    for connection in connections.all(initialized_only=True):
        if connection.connection is not None:
            connection.connection.close()
            connection.connection = None
