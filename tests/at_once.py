"""Several threads that do the same at the same moment, as several processes would."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from django.db import connection


def at_once(work: Callable[[int], object]) -> None:
    """`work` in threads with connections and numbers of their own; what one raises is raised.

    SQLite has but one writer, so there it is one thread.
    """
    workers = 4 if connection.features.has_select_for_update else 1
    start = threading.Barrier(workers)

    def run(worker: int) -> None:
        start.wait(timeout=10)
        try:
            work(worker)
        finally:
            connection.close()

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(run, range(workers)))
