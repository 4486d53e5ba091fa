"""The engine with 1,000 services: until it answers, one read, the list with details, its memory."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import requests

from tests.contract.engine_server import ROOT, EngineServer, RawClient

from .processes import cpu_seconds, memory_mib, running, told
from .table import Row

SERVICES = 1000
READS, LISTS = 400, 5
READ, LIST = "RTTM/example.com/s0500.example.com/", "RTTM/example.com/?detail=Y"
SET_UP = (
    "import os, django; os.environ['DJANGO_SETTINGS_MODULE'] = 'dashboard.settings'; django.setup()"
)
START_TARGET, LIST_TARGET = 3.0, 3.0  # seconds; times json.dumps


def rows() -> Iterator[Row]:
    with TemporaryDirectory() as name:
        # An hour-long minute: nothing is due, so that only the calls cost.
        server = EngineServer(Path(name), SECONDS_PER_MINUTE="3600", RATE_LIMIT="0")
        try:
            server.kill()
            told("seed", SERVICES, 5, 80, "PROBED", env=server.env)
            yield _start(server)
            client = RawClient(server.url)
            client.log_in()
            yield from _read(server, client, Path(name) / "answer")
            yield _list(server, client)
            yield _memory(server)
        finally:
            server.stop()


def _start(server: EngineServer) -> Row:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", SET_UP], cwd=ROOT, env=server.env, check=True)
    plain = time.perf_counter() - began
    began = time.perf_counter()
    server.start()
    RawClient(server.url).log_in()
    took = time.perf_counter() - began
    return Row(
        f"start until the first answer, {SERVICES} services",
        f"{took:.2f} s",
        f"{plain:.2f} s (Django, set up)",
        took / plain,
        f"<= {START_TARGET:g} s",
        took <= START_TARGET,
    )


def _read(server: EngineServer, client: RawClient, answer: Path) -> Iterator[Row]:
    answer.write_text(json.dumps(client.call("GET", READ)))
    cpu = cpu_seconds(server.pid)
    rate = _per_second(lambda: client.send("GET", f"/REST/{READ}"))
    cpu = (cpu_seconds(server.pid) - cpu) / READS
    with running("canned", answer) as process, requests.Session() as http:
        assert process.stdout
        url = f"http://127.0.0.1:{process.stdout.readline().strip()}/"
        before = cpu_seconds(process.pid)
        plain = _per_second(lambda: http.get(url))
        plain_cpu = (cpu_seconds(process.pid) - before) / READS
    what = "canned bytes, same HTTP server"
    yield Row(
        "reads of one service, one client", f"{rate:.0f}/s", f"{plain:.0f}/s ({what})", rate / plain
    )
    yield Row(
        "CPU of one read", f"{cpu * 1e3:.2f} ms", f"{plain_cpu * 1e3:.2f} ms ({what})",
        cpu / plain_cpu,
    )  # fmt: skip


def _per_second(ask: Callable[[], requests.Response]) -> float:
    began = time.perf_counter()
    for _ in range(READS):
        assert ask().status_code == 200
    return READS / (time.perf_counter() - began)


def _list(server: EngineServer, client: RawClient) -> Row:
    data = client.call("GET", LIST)["data"]
    assert len(data) == SERVICES
    before = cpu_seconds(server.pid)
    for _ in range(LISTS):
        assert client.send("GET", f"/REST/{LIST}").status_code == 200
    cpu = (cpu_seconds(server.pid) - before) / LISTS
    before = time.process_time()
    for _ in range(LISTS):
        json.dumps(data)
    plain = (time.process_time() - before) / LISTS
    return Row(
        f"list of {SERVICES} services with details, CPU",
        f"{cpu * 1e3:.0f} ms",
        f"{plain * 1e3:.0f} ms (json.dumps of the same)",
        cpu / plain,
        f"<= {LIST_TARGET:g} times",
        cpu / plain <= LIST_TARGET,
    )


def _memory(server: EngineServer) -> Row:
    with running("canned") as process:
        assert process.stdout
        process.stdout.readline()
        plain = memory_mib(process.pid)
    ours = memory_mib(server.pid)
    what = f"memory with {SERVICES} services"
    return Row(what, f"{ours:.0f} MiB", f"{plain:.0f} MiB (uvicorn alone)", ours / plain)
