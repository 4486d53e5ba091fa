"""Whether a database has its tables, for processes and commands that are started by themselves."""

from django.db import DatabaseError, connections
from django.db.migrations.executor import MigrationExecutor

NAMES = {"default": "dashboard", "engine": "engine"}


def describe_missing_tables(alias: str) -> str:
    """Return what to do where migrations are missing, else nothing.

    A database that does not answer is not described: it may come back.
    """
    connection = connections[alias]
    try:
        executor = MigrationExecutor(connection)
        is_complete = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:
        return ""
    finally:
        if not connection.in_atomic_block:  # else it is its caller's
            connection.close()
    if is_complete:
        return ""
    return (
        f"Tables are missing in the {NAMES[alias]}'s database, or are those of an older release. "
        f"Make them with: manage.py migrate --database {alias}"
    )
