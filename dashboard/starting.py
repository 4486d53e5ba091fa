"""What a process that is started by itself needs, and the sentence that says what is missing."""

import os
import sys
from importlib import import_module

import redis
from django.contrib.staticfiles.finders import get_finders
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS

from rttm.storage import keep_readable
from rttm.tables import describe_missing_tables

COLLECT = "manage.py collectstatic --noinput"


def read_settings() -> None:
    """End this process with one sentence if a setting cannot be read, before anything else does."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")
    try:
        import_module(os.environ["DJANGO_SETTINGS_MODULE"])
    except ImproperlyConfigured as error:
        sys.exit(str(error))


def describe_missing_for_web() -> str:
    return describe_missing_tables(DEFAULT_DB_ALIAS) or describe_missing_static_files()


def prepare_web() -> str:
    """Return what is missing; with nothing missing, make sure that pages can always be read."""
    missing = describe_missing_for_web()
    if not missing:
        keep_readable(DEFAULT_DB_ALIAS)
    return missing


def describe_missing_for_worker() -> str:
    return describe_missing_tables(DEFAULT_DB_ALIAS)


def describe_missing_redis(client: redis.Redis) -> str:
    """The broker may come later, so whoever says this goes on and tries again."""
    try:
        client.ping()
    except redis.RedisError as error:
        return (
            f"Redis does not answer ({type(error).__name__}). Start one and set REDIS_URL, "
            "or start `manage.py up` with the same DATA_DIR. This process goes on and tries again."
        )
    return ""


def describe_missing_static_files() -> str:
    """A page names its files by a list that collecting them makes."""
    # Only a storage that names files by such a list has one.
    collected = getattr(staticfiles_storage, "hashed_files", None)
    files = (name for finder in get_finders() for name, _ in finder.list([]))
    if collected is None or all(name in collected for name in files):
        return ""
    return (
        "The static files are missing, or are those of an older release. "
        f"Collect them with: {COLLECT}"
    )
