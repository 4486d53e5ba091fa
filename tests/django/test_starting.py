"""What a process that is started by itself says of what is missing."""

from types import SimpleNamespace

import pytest
from django.contrib.staticfiles.storage import ManifestStaticFilesStorage
from django.core.management import call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from dashboard import celery, starting
from rttm.tables import describe_missing_tables


@pytest.fixture
def storage(tmp_path, monkeypatch):
    """As outside the tests: pages name their files by a list."""
    storage = ManifestStaticFilesStorage(location=tmp_path)
    monkeypatch.setattr(starting, "staticfiles_storage", storage)
    return storage


@pytest.mark.django_db
def test_migrated_database_misses_nothing():
    assert describe_missing_tables("default") == ""


@pytest.mark.django_db
def test_database_of_an_older_release_is_described():
    name = MigrationRecorder(connection).migration_qs.filter(app="rttm").latest("id").name
    MigrationRecorder(connection).record_unapplied("rttm", name)
    assert "manage.py migrate --database default" in describe_missing_tables("default")
    MigrationRecorder(connection).record_applied("rttm", name)


@pytest.mark.django_db
def test_web_without_its_static_files_says_how_to_collect_them(storage):
    assert "manage.py collectstatic" in starting.describe_missing_for_web()


def test_files_that_a_release_added_are_missing_too(storage):
    storage.hashed_files = {"board.css": "board.123.css"}
    assert "older release" in starting.describe_missing_static_files()


def test_collected_files_are_enough(storage, settings):
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"}
    }
    settings.STATIC_ROOT = storage.location
    call_command("collectstatic", verbosity=0, interactive=False)
    collected = ManifestStaticFilesStorage(location=storage.location)
    storage.hashed_files = collected.hashed_files
    assert starting.describe_missing_static_files() == ""


def test_beat_without_redis_says_so_and_goes_on(caplog):
    celery.sync_at_once()
    assert "set REDIS_URL" in caplog.text
    assert "Traceback" not in caplog.text


def test_worker_without_redis_ends_without_a_word(caplog):
    celery.worker_gone(sender=SimpleNamespace(hostname="actions@here"))
    assert caplog.text == ""
