"""A database that lets itself be read but not written, as on a full disk or while it is locked."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

from django.db import OperationalError, connections

WRITES = ("INSERT", "UPDATE", "DELETE")


def full() -> sqlite3.Error:
    """What SQLite really says when there is no room."""
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("PRAGMA max_page_count = 1")
        try:
            database.execute("CREATE TABLE thing (name TEXT)")
        except sqlite3.Error as error:
            return error
    raise AssertionError("it found room")


def locked(path: str) -> sqlite3.Error:
    """What SQLite really says when another connection keeps the lock."""
    with closing(sqlite3.connect(path)) as one, closing(sqlite3.connect(path, timeout=0)) as two:
        one.execute("BEGIN IMMEDIATE")
        try:
            two.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            return error
    raise AssertionError("it got the lock")


@contextmanager
def unwritable(
    cause: sqlite3.Error, *, alias: str = "default", when: Callable[[], object] = lambda: True
) -> Iterator[None]:
    """Refuse every write from the moment that `when` is true."""

    def refuse(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if sql.startswith(WRITES) and when():
            raise OperationalError(str(cause)) from cause
        return execute(sql, *rest)

    with connections[alias].execute_wrapper(refuse):
        yield
