"""Servers that the contract tests share, or start for themselves."""

from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import pytest

from tests.contract.engine_database import drop_databases, is_postgres
from tests.servers import Node, ValkeyServer

# What only PostgreSQL can do: CI runs it there.
collect_ignore = [] if is_postgres() else ["test_sites_apart.py"]


@pytest.fixture(scope="session", autouse=True)
def no_database_stays() -> Iterator[None]:
    """The first of the session, so that every engine has ended before."""
    yield
    drop_databases()


@pytest.fixture(scope="session")
def valkey_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = ValkeyServer(tmp_path_factory.mktemp("valkey"))
    yield server.url
    server.stop()


@pytest.fixture
def start_valkey() -> Iterator[Callable[[Path], ValkeyServer]]:
    started: list[ValkeyServer] = []

    def start(directory: Path) -> ValkeyServer:
        started.append(ValkeyServer(directory))
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def node() -> Iterator[Node]:
    with Node() as node:
        Thread(target=node.serve_forever, args=(0.05,), daemon=True).start()
        yield node
        node.shutdown()
