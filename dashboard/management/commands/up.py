"""`manage.py up`: every process of the embedded default, until Ctrl-C or until one of them ends."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection, HTTPException
from typing import Any

import redis
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections

from dashboard import demo, preflight, valkey
from dashboard.celery import ACTIONS, READING
from dashboard.models import User
from dashboard.ports import LOOPBACK, Ports, holding_ports
from dashboard.processes import Processes, Program
from rttm.demo.scenario import NODES
from rttm.timed_http import TimedProtocol

POLL_SECONDS = 0.1
PARENT_SECONDS = 0.5
SLOW_SECONDS = 60

MANAGE = [sys.executable, "manage.py"]
CELERY = [sys.executable, "-m", "celery", "--quiet", "--app", "dashboard"]


class Command(BaseCommand):
    help = "Runs web, worker, reader, beat, engine, valkey and the demo. Ctrl-C ends them all."
    # Each program checks what it needs.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--with-parent", action="store_true", help="end when the process that started it ends"
        )

    def handle(self, *args: Any, with_parent: bool, **options: Any) -> None:
        if settings.DEMO and not settings.BUNDLED_ENGINE:
            raise CommandError(
                "The demo fills the bundled engine, never a backend elsewhere: "
                "set DEMO=0, or leave DYNECT_URL unset."
            )
        with preflight.data_dir_locked(settings.DATA_DIR), holding_ports() as ports:
            choose_ports(ports)
            demonstration = demo_programs(ports) if settings.DEMO else None
            reason = asyncio.run(run(demonstration, with_parent=with_parent))
        if reason:
            sys.exit(reason)


def choose_ports(ports: Ports) -> None:
    """Move from a default port that is taken; the settings of this process know where to."""
    chosen = settings.CHOSEN_PORTS
    settings.PORT = ports.take("PORT", settings.HOST, settings.PORT, may_move="PORT" not in chosen)
    if settings.BUNDLED_ENGINE:
        settings.ENGINE_PORT = ports.take(
            "ENGINE_PORT", LOOPBACK, settings.ENGINE_PORT, may_move="ENGINE_PORT" not in chosen
        )
        # For commands run beside `up`: settings look here.
        settings.ENGINE_PORT_FILE.write_text(str(settings.ENGINE_PORT))


@dataclass(frozen=True, slots=True)
class Demo:
    """What runs besides in the demo: its servers, and what makes its services."""

    nodes: Program
    seed: Program


async def run(demonstration: Demo | None, *, with_parent: bool) -> str:
    """Start everything and wait for the end; return the reason when nobody asked for it."""
    processes = Processes(environment(), settings.BASE_DIR)
    asked = _asked_to_stop(processes)
    starting = asyncio.create_task(start_all(processes, demonstration))
    ended = asyncio.create_task(processes.first_to_end())
    ends: set[asyncio.Future[Any]] = {asked, ended}
    if with_parent:
        ends.add(asyncio.create_task(parent_gone()))
    try:
        await asyncio.wait({*ends, starting}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        # Before we end the others ourselves.
        first = ended.result() if ended.done() and not asked.done() else None
    finally:
        starting.cancel()
        await processes.stop()
    return first.epitaph if first else ""


async def parent_gone() -> None:
    """`make` was killed: whoever did that meant us, but only a signal of their own reaches us."""
    parent = os.getppid()
    while os.getppid() == parent:
        await asyncio.sleep(PARENT_SECONDS)


async def start_all(processes: Processes, demonstration: Demo | None) -> None:
    if settings.BUNDLED_REDIS:
        program, processes.environment["REDIS_URL"] = valkey.prepare(settings.VALKEY_DIR)
        await processes.start(program)
    redis_url = processes.environment.get("REDIS_URL") or settings.REDIS_URL
    await asyncio.gather(
        asyncio.to_thread(prepare), until("Redis", partial(redis_answers, redis_url))
    )
    for program in programs():
        await processes.start(program)
    if demonstration:
        await processes.start(demonstration.nodes)
        await until("the engine", engine_answers)
        seed = await processes.start(demonstration.seed)
        await seed.process.wait()
    await until("/healthz to answer 200", web_is_healthy)
    print(await asyncio.to_thread(welcome), flush=True)


def environment() -> dict[str, str]:
    """What the programs get: our own environment, and what `up` decides where that is silent."""
    chosen = {"PYTHONUNBUFFERED": "1", "DATA_DIR": str(settings.DATA_DIR)}
    if preflight.is_loopback(settings.HOST):
        # Plain HTTP that never leaves the machine: a browser would not send secure cookies back.
        chosen["SECURE_COOKIES"] = "0"
    ports = {"PORT": str(settings.PORT), "ENGINE_PORT": str(settings.ENGINE_PORT)}
    result = chosen | os.environ | ports
    if not preflight.is_wildcard(settings.HOST):
        hosts = result.get("ALLOWED_HOSTS"), settings.HOST
        result["ALLOWED_HOSTS"] = ",".join(filter(None, hosts))
    return result


def programs() -> list[Program]:
    """The five processes; four with a backend elsewhere."""
    web = [sys.executable, "-m", "uvicorn", "dashboard.asgi:application"]
    web += ["--host", settings.HOST, "--port", str(settings.PORT), "--workers", "1"]
    # Live streams never end by themselves.
    web += ["--timeout-graceful-shutdown", "3", "--loop", "uvloop", "--ws", "none"]
    web += ["--http", f"{TimedProtocol.__module__}:{TimedProtocol.__name__}"]
    web += ["--no-access-log", "--no-server-header", "--log-level", "warning"]
    worker = [*CELERY, "worker", "--without-gossip", "--without-mingle", "--loglevel", "WARNING"]
    worker += ["--concurrency", "2", "--hostname"]
    engine = [*MANAGE, "engine", "--port", str(settings.ENGINE_PORT)]
    result = [
        Program("web", web),
        Program("worker", [*worker, f"{ACTIONS}@%h", "--queues", ACTIONS]),
        Program("reader", [*worker, f"{READING}@%h", "--queues", READING]),
        Program("beat", [*CELERY, "beat", "--loglevel", "WARNING", "--pidfile", ""]),
    ]
    if settings.BUNDLED_ENGINE:
        result.insert(0, Program("engine", engine))
    return result


def demo_programs(ports: Ports) -> Demo:
    addresses = [node.address for node in NODES]
    port, *before = map(str, ports.take_for_nodes(settings.NODES_PORT_FILE, addresses))
    nodes, seed = ([*MANAGE, name, "--port", port] for name in ("demo_nodes", "seed_demo"))
    if before:
        seed += ["--moved-from", *before]
    return Demo(Program("demo", nodes), Program("demo", seed, may_finish=True))


def prepare() -> None:
    """Tables, static files and accounts; in this process, because starting another takes longer."""
    try:
        for alias in settings.DATABASES:
            call_command("migrate", database=alias, verbosity=0, interactive=False)
        call_command("collectstatic", verbosity=0, interactive=False)
        if settings.DEMO:
            demo.accounts_open()
        elif shut := demo.accounts_shut():
            print(f"Without DEMO these demo accounts cannot log in: {', '.join(shut)}.", flush=True)
    finally:
        connections.close_all()


async def until(what: str, ready: Callable[[], bool]) -> None:
    """Wait for a condition for as long as it takes, but say what takes so long."""
    clock = asyncio.get_running_loop().time
    complain_at = clock() + SLOW_SECONDS
    while not await asyncio.to_thread(ready):
        await asyncio.sleep(POLL_SECONDS)
        if clock() > complain_at:
            print(f"Still waiting for {what}.", file=sys.stderr, flush=True)
            complain_at += SLOW_SECONDS


def redis_answers(url: str) -> bool:
    with redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1) as client:
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False


def engine_answers() -> bool:
    return _get(LOOPBACK, settings.ENGINE_PORT, "/REST/Session/") is not None


def web_is_healthy() -> bool:
    return _get(preflight.reachable(settings.HOST), settings.PORT, "/healthz") == 200


def welcome() -> str:
    host = preflight.reachable(settings.HOST)
    lines = ["", f"RTTM dashboard: http://{f'[{host}]' if ':' in host else host}:{settings.PORT}/"]
    if settings.DEMO:
        lines += [
            f"  {account.username:<10}{account.password:<16}{account.role.label}"
            for account in demo.ACCOUNTS
        ]
    elif not _has_user():
        lines += [f"No account yet. Make one: {' '.join(MANAGE)} createsuperuser"]
    if not preflight.is_loopback(settings.HOST):
        lines += [f"Other machines can reach {settings.HOST}: see ALLOWED_HOSTS, SECURE_COOKIES."]
    if settings.BUNDLED_ENGINE and settings.ENGINE_PORT != settings.DEFAULT_ENGINE_PORT:
        lines += [f"The bundled service answers at http://{LOOPBACK}:{settings.ENGINE_PORT}/REST/"]
    if settings.BUNDLED_ENGINE and settings.KEEPS_MAILS:
        lines += [f"Mails are not sent, but kept in {settings.MAIL_FILE}."]
    return "\n".join([*lines, "Ctrl-C ends it.", ""])


def _asked_to_stop(processes: Processes) -> asyncio.Future[None]:
    """Done at the first SIGINT, SIGTERM or SIGHUP; the second does not wait for anybody."""
    loop = asyncio.get_running_loop()
    asked: asyncio.Future[None] = loop.create_future()

    def ask() -> None:
        if asked.done():
            processes.kill()
        else:
            asked.set_result(None)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # Started by nohup, the end of the terminal is not the end of us.
        if signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, ask)
    return asked


def _get(host: str, port: int, path: str) -> int | None:
    """The status of the answer, if there is one."""
    link = HTTPConnection(host, port, timeout=5)
    try:
        # A name that is always among ALLOWED_HOSTS.
        link.request("GET", path, headers={"Host": "localhost"})
        return link.getresponse().status
    except (OSError, HTTPException):
        return None
    finally:
        link.close()


def _has_user() -> bool:
    try:
        return any(not demo.is_shut(user) for user in User.objects.filter(is_active=True))
    finally:
        connections.close_all()
