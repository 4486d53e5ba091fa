"""`manage.py up` on a backend of our own: it comes up, says what fails, and leaves nothing."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import redis
import requests

from dashboard.celery import ALIVE_SECONDS, WORKERS_KEY, workers_alive
from tests.process_table import children, command_of, descendants, is_alive
from tests.servers import PATIENCE, wait_until
from tests.stack import Installation
from tests.up import READY, ROOT, Up, free_ports


class Refusing(BaseHTTPRequestHandler):
    """A backend that knows nobody, and says so in DynECT's envelope."""

    def do_GET(self) -> None:
        body = b'{"status": "failure", "data": {}, "job_id": 1, "msgs": []}'
        self.send_response(400)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def backend() -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Refusing) as server:
        Thread(target=server.serve_forever, args=[0.02]).start()
        yield server
        server.shutdown()


@pytest.fixture
def installation(tmp_path: Path, backend: ThreadingHTTPServer) -> Installation:
    return Installation(
        tmp_path / "data",
        PORT=free_port(),
        DYNECT_URL=f"http://127.0.0.1:{backend.server_port}",
        DJANGO_SUPERUSER_PASSWORD="correct horse",
    )


@pytest.fixture
def up(installation: Installation) -> Iterator[Callable[..., Up]]:
    started: list[Up] = []

    def start(**variables: str) -> Up:
        started.append(Up(installation.environment | variables))
        return started[-1]

    yield start
    for one in started:
        if one.is_running:
            one.stop()


def free_port() -> str:
    return str(free_ports(1)[0])


def everyone_of(run: Up) -> set[int]:
    family = descendants(run.process.pid)
    commands = " ".join(map(command_of, family))
    for name in ("uvicorn", "worker", "beat", "valkey-server", "watchdog"):
        assert name in commands
    return family


def failing(run: Up) -> tuple[int, list[str]]:
    """What /healthz says; a busy machine may be too slow for it now and then."""
    answer = requests.get(f"{run.url}/healthz", timeout=PATIENCE)
    return answer.status_code, answer.json()["failing"]


def wait_until_gone(family: set[int]) -> None:
    wait_until(lambda: not any(map(is_alive, family)), f"all of {family} have ended")


def test_up_answers_ends_on_ctrl_c_and_keeps_its_data(up, installation):
    run = up()
    run.wait_until_ready()
    wait_until(lambda: failing(run) == (200, []), "/healthz names nobody")
    assert any("No account yet" in line for line in run.lines)
    # The same data belong to one at a time.
    other = up(PORT=free_port())
    assert other.wait() == 1
    assert "DATA_DIR" in other.lines[-1]
    account = ["--username=ana", "--email=ana@example.com"]
    installation.manage("createsuperuser", "--noinput", *account)
    family = everyone_of(run)
    assert run.stop() == 0
    wait_until_gone(family)

    again = up()
    again.wait_until_ready()
    assert not any("No account yet" in line for line in again.lines)


def test_command_run_beside_it_finds_its_redis(up, installation):
    run = up()
    run.wait_until_ready()
    ask = "from dashboard.celery import *\nwith redis_client() as it: print(workers_alive(it))"
    # One worker is enough to be ready; the other may come later.
    told = partial(installation.manage, "shell", "-v0", "-c", ask)
    wait_until(lambda: told().strip() == "2", "it counts both workers")


def test_dead_child_ends_all_and_its_reason_is_the_last_line(up):
    run = up()
    run.wait_until_ready()
    family = everyone_of(run)
    [worker] = [p for p in children(run.process.pid) if "actions@" in command_of(p)]
    os.kill(worker, signal.SIGKILL)
    assert run.wait() == 1
    assert run.lines[-1].startswith("worker ended with signal SIGKILL: somebody")
    wait_until_gone(family)


def test_nothing_is_orphaned_when_up_itself_is_killed(up):
    run = up()
    run.wait_until_ready()
    family = everyone_of(run)
    run.process.kill()
    assert run.wait() == -signal.SIGKILL
    wait_until_gone(family)


def test_make_that_was_killed_takes_all_with_it(installation):
    command = f"{sys.executable} manage.py up --with-parent; true"
    with subprocess.Popen(
        ["sh", "-c", command],
        cwd=ROOT,
        env=installation.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as shell:
        assert READY in iter(lambda: shell.stdout.readline().rstrip(), None)
        family = descendants(shell.pid)
        assert len(family) > 5
        shell.kill()
        wait_until_gone(family)
        assert "ended with" not in shell.stdout.read()


def test_backend_that_went_away_makes_healthz_503(up, backend):
    run = up()
    run.wait_until_ready()
    backend.shutdown()
    backend.server_close()
    wait_until(lambda: failing(run) == (503, ["backend"]), "/healthz names the backend")


@pytest.mark.parametrize("variable", ["PORT", "ENGINE_PORT"])
def test_taken_port_is_named_before_anything_starts(up, installation, backend, variable):
    taken = {variable: str(backend.server_port)}
    run = up(**taken | ({"DYNECT_URL": ""} if variable == "ENGINE_PORT" else {}))
    assert run.wait() == 1
    assert f"Port {backend.server_port} on 127.0.0.1 is taken. Set {variable} " in run.lines[-1]
    assert not (installation.directory / "valkey").exists()


def test_redis_of_ones_own_is_used_instead(up, valkey_url, installation):
    run = up(REDIS_URL=valkey_url)
    run.wait_until_ready()
    assert "valkey" not in " ".join(map(command_of, descendants(run.process.pid)))
    assert not (installation.directory / "valkey").exists()
    with redis.Redis.from_url(valkey_url) as client:
        wait_until(lambda: workers_alive(client) == 2, "both workers are there")
        run.process.terminate()
        assert run.wait() == 0
        # It ended in order, so it is not counted any more.
        assert workers_alive(client) == 0


def test_worker_that_fell_silent_is_not_counted(valkey_url):
    with redis.Redis.from_url(valkey_url) as client:
        now = client.time()[0]
        client.zadd(WORKERS_KEY, {"a": now - 1, "b": now - ALIVE_SECONDS - 1})
        assert workers_alive(client) == 1
        client.delete(WORKERS_KEY)
        assert workers_alive(client) == 0
