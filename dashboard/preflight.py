"""What `manage.py up` makes sure of before it starts anything: its DATA_DIR, and its address."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path

from django.core.management.base import CommandError

from dashboard.ports import LOOPBACK

WILDCARDS = {"0.0.0.0": LOOPBACK, "::": "::1"}


def reachable(host: str) -> str:
    """The address at which this machine itself reaches what listens on `host`."""
    return WILDCARDS.get(host, host)


def is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_wildcard(host: str) -> bool:
    return host in WILDCARDS


@contextmanager
def data_dir_locked(directory: Path) -> Iterator[None]:
    """Two of us on the same files would each believe to be alone. The lock ends with us."""
    with open(directory / "up.lock", "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CommandError(
                f"Another `manage.py up` is running with {directory}. Set DATA_DIR to another one."
            ) from None
        yield
