"""One sweep over all addresses: python -m tests.bench.sweep WAY PORT; prints what it cost.

The ways: our probes, and what one would write first: a call in each of 64 threads.
"""

import asyncio
import json
import socket
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_network

import requests
import uvloop

from rttm.core.schema import HealthMonitor
from rttm.core.terms import EntryStatus
from rttm.engine import probes
from rttm.engine.probes import Limits

from .addresses import addresses

THREADS, AT_ONCE = 64, 200
LIMITS = Limits(allow=(ip_network("127.0.0.0/8"),))


def by_requests(address: str, port: int) -> bool:
    return requests.get(f"http://{address}:{port}/", timeout=10).text == "ok\n"


def by_connecting(address: str, port: int) -> bool:
    with socket.create_connection((address, port), timeout=10):
        return True


def threads(ask: Callable[[str, int], bool], port: int) -> int:
    with ThreadPoolExecutor(THREADS) as pool:
        return sum(pool.map(lambda address: ask(address, port), addresses()))


async def ours(protocol: str, port: int) -> int:
    path, expected = ("/", "ok") if protocol == "HTTP" else ("", "")
    monitor = HealthMonitor(protocol, 1, retries=0, port=port, path=path, expected=expected)
    waiting = iter(addresses())
    return sum(await asyncio.gather(*(some(monitor, waiting) for _ in range(AT_ONCE))))


async def some(monitor: HealthMonitor, waiting: Iterator[str]) -> int:
    well = 0
    for address in waiting:
        result = await probes.run(monitor, address, limits=LIMITS)
        well += result.status == EntryStatus.UP
    return well


def swept(way: str, port: int) -> int:
    if way == "requests":
        return threads(by_requests, port)
    if way == "connect":
        return threads(by_connecting, port)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(ours(way, port))


if __name__ == "__main__":
    way, port = sys.argv[1], int(sys.argv[2])
    swept(way, port)  # a first time, so that everything is imported and open
    began, cpu = time.perf_counter(), time.process_time()
    well = swept(way, port)
    cost = {"wall": time.perf_counter() - began, "cpu": time.process_time() - cpu, "well": well}
    print(json.dumps(cost))
