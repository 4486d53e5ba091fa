"""What other processes do between two queries of an answer, as deterministic as the queries are."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from typing import Any, TypeVar

from django.db import connections, transaction

T = TypeVar("T")


class _Meanwhile:
    """A change before one query, as another process's commit would be; none in a transaction."""

    def __init__(self, alias: str, change: Callable[[], Any], *, before: int) -> None:
        self.connection = connections[alias]
        self.change, self.left = change, before
        self.depth = len(self.connection.savepoint_ids)

    @property
    def happened(self) -> bool:
        return self.left < 0

    def __call__(self, execute: Callable, *query: Any) -> Any:
        if len(self.connection.savepoint_ids) == self.depth:
            self.left -= 1
            if self.left == -1:
                self.change()
        return execute(*query)


def changed_before_each_query(
    alias: str, ask: Callable[[], T], change: Callable[[], Any]
) -> Iterator[tuple[int, T]]:
    """Ask again and again: the change comes before the first query, the second, and so on.

    The last answer is the undisturbed one. What an answer did is undone before the next.
    """
    for query in count():
        with _undone():
            meanwhile = _Meanwhile(alias, change, before=query)
            with connections[alias].execute_wrapper(meanwhile):
                yield query, ask()
        if not meanwhile.happened:
            return


@contextmanager
def _undone() -> Iterator[None]:
    with ExitStack() as stack:
        for alias in connections:
            stack.enter_context(transaction.atomic(alias))
        yield
        for alias in connections:
            connections[alias].check_constraints()
            transaction.set_rollback(True, alias)
