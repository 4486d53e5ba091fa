"""Keeps what this installation writes from the other users of the machine; used by settings.

Every process of ours reads the settings before it writes anything, also one that is started by
itself, and a child that is none of ours (Valkey) inherits the umask.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

OTHERS = 0o077
# What is in DATA_DIR. The directory itself may be one that a person shares with other programs.
WRITTEN = (
    *("*.sqlite3*", "secret-key*", "dynect-password*", "beat-schedule*", "mails*", "up.lock"),
    *("engine-port", "demo-nodes-port", "static", "valkey"),
)


def keep_private(directory: Path) -> None:
    """Let our user alone read what we write there from now on, and what is there already."""
    os.umask(OTHERS)
    for path in _written(directory):
        # SQLite and Celery may delete a file meanwhile; another user's file is for that user to
        # close.
        with suppress(FileNotFoundError, PermissionError):
            _close(path)


def _written(directory: Path) -> Iterator[Path]:
    for pattern in WRITTEN:
        for path in directory.glob(pattern):
            # Files in a directory that others cannot enter were never readable for others.
            if path.is_dir() and path.stat().st_mode & OTHERS:
                yield from path.rglob("*")
            yield path


def _close(path: Path) -> None:
    mode = path.stat().st_mode
    if mode & OTHERS and not path.is_symlink():
        path.chmod(mode & ~OTHERS & 0o777)
