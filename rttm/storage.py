"""Why a database does not write, in words for a person; for edits, pages, commands and the engine.

A full disk and a lock that somebody holds are no faults of the program: reading goes on, and what
cannot be written is refused with the reason.
"""

import sqlite3
from contextlib import suppress

from django.db import DatabaseError, connections

FULL = "its disk is full"
LOCKED = "another program keeps its database locked"
SQLITE = {
    sqlite3.SQLITE_FULL: FULL,
    sqlite3.SQLITE_IOERR: "its disk is full or broken",
    sqlite3.SQLITE_CANTOPEN: "its disk is full, or its database cannot be opened",
    sqlite3.SQLITE_READONLY: "its database may only be read",
    sqlite3.SQLITE_BUSY: LOCKED,
    sqlite3.SQLITE_LOCKED: LOCKED,
}
POSTGRES = {"53100": FULL, "55P03": LOCKED, "25006": "its database may only be read"}


def describe_refusal_to_write(error: DatabaseError) -> str:
    """Return the reason, such as “its disk is full”; nothing for any other failure."""
    cause = error.__cause__
    if isinstance(cause, sqlite3.Error):
        code = getattr(cause, "sqlite_errorcode", 0)  # Python's own errors have none
        return SQLITE.get(code & 0xFF, "")  # the rest of an extended code says where
    return POSTGRES.get(getattr(cause, "sqlstate", None) or "", "")


_kept: list[sqlite3.Connection] = []


def keep_readable(alias: str) -> None:
    """Keep a SQLite database open until this process ends, with no transaction.

    SQLite needs a small file beside the database to read it, and deletes that file with the last
    connection. On a full disk the file cannot be made again, and then nobody can read.
    """
    settings = connections[alias].settings_dict
    if connections[alias].vendor != "sqlite":
        return
    with suppress(sqlite3.Error):  # the disk is full already: then others may keep it open
        keeper = sqlite3.connect(settings["NAME"], uri=True, check_same_thread=False)
        keeper.execute("SELECT count(*) FROM sqlite_master").fetchone()
        _kept.append(keeper)
