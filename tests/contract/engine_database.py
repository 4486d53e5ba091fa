"""The database of an engine under test: a SQLite file in its directory, or one of PostgreSQL's.

PostgreSQL, on the server that ENGINE_DATABASE_URL names, where the environment has one.
"""

import os
import secrets
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol
from urllib.parse import urlsplit

import psycopg
from psycopg.sql import SQL, Identifier

ROOT = Path(__file__).parents[2]
DATABASE = "engine.sqlite3"

_made: list[str] = []  # the names of ours, the template among them


class Database(Protocol):
    """One with the engine's tables, empty at first."""

    url: str

    def is_sound(self) -> bool:
        """Whether a kill in the middle of a write did no harm to it."""


class SqliteFile:
    def __init__(self, directory: Path) -> None:
        self._file = directory / DATABASE
        self.url = f"sqlite:///{self._file}"
        self._file.write_bytes(_empty_file())

    def is_sound(self) -> bool:
        with closing(sqlite3.connect(self._file)) as link:
            return link.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


class PostgresDatabase:
    """Its own, on a server that others use too."""

    def __init__(self) -> None:
        self._name = _create(_template())
        self.url = _url_of(self._name)

    def link(self) -> AbstractContextManager[psycopg.Connection]:
        """To look at what it does, and to stand in its way."""
        return _link(self._name)

    def is_sound(self) -> bool:
        """Nothing is left of those that were killed: no transaction that nobody will end."""
        open_ones = "SELECT 1 FROM pg_stat_activity WHERE datname = %s AND xact_start IS NOT NULL"
        with _link("postgres") as link:
            return link.execute(open_ones, [self._name]).fetchone() is None


def new_database(directory: Path) -> Database:
    return PostgresDatabase() if is_postgres() else SqliteFile(directory)


def is_postgres() -> bool:
    return _server().startswith("postgres")


def drop_databases() -> None:
    """Those of PostgreSQL; a file goes with its directory."""
    while _made:
        with _link("postgres") as link:
            link.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(_made.pop())))
    _template.cache_clear()


@cache
def _empty_file() -> bytes:
    """The tables are made once for all tests of this process."""
    with TemporaryDirectory() as name:
        file = Path(name) / DATABASE
        _migrate(f"sqlite:///{file}")
        return file.read_bytes()


@cache
def _template() -> str:
    """The same, as the name of a database to copy."""
    name = _create("template0")
    _migrate(_url_of(name))
    return name


def _migrate(url: str) -> None:
    command = [sys.executable, "manage.py", "migrate", "--database", "engine", "--verbosity", "0"]
    with TemporaryDirectory() as name:
        env = {**os.environ, "DATA_DIR": name, "ENGINE_DATABASE_URL": url}
        subprocess.run(command, cwd=ROOT, env=env, check=True)


def _create(template: str) -> str:
    name = f"test_engine_{secrets.token_hex(6)}"
    with _link("postgres") as link:
        copy = SQL("CREATE DATABASE {} TEMPLATE {}")
        link.execute(copy.format(Identifier(name), Identifier(template)))
    _made.append(name)
    return name


@contextmanager
def _link(name: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(_url_of(name), autocommit=True) as link:
        yield link


def _url_of(name: str) -> str:
    """Of a database on the server that the tests were given."""
    return urlsplit(_server())._replace(path=f"/{name}").geturl()


def _server() -> str:
    return os.environ.get("ENGINE_DATABASE_URL", "")


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Somebody else writes to the engine's SQLite file: its own writes wait for so long."""
    link = sqlite3.connect(directory / DATABASE, isolation_level=None, check_same_thread=False)
    link.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        link.rollback()
        link.close()
