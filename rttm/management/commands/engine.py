"""manage.py engine: the bundled RTTM service, its API and its probes, in one process."""

import socket
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, connections

from rttm.engine import serve
from rttm.engine.models import Counter
from rttm.engine.router import ALIAS

BACKLOG = 128


class Command(BaseCommand):
    help = "Runs the bundled RTTM service: the DynECT API at /REST/, and the probes."
    requires_system_checks = ()  # `check` does that; a restart should not wait for it

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
        parser.add_argument(
            "--port", type=int, default=settings.ENGINE_PORT, help="0 takes a free one"
        )
        parser.add_argument("--no-loop", action="store_true", help="answer only, probe nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        check_database()
        with listen(options["host"], options["port"]) as listener:
            host, port = listener.getsockname()[:2]

            def on_ready() -> None:
                self.stderr.write(f"engine: ready at http://{host}:{port}/REST/")

            serve.run(listener, with_loop=not options["no_loop"], on_ready=on_ready)


def check_database() -> None:
    try:
        Counter.objects.exists()
    except DatabaseError as error:
        hint = f"make its tables with: manage.py migrate --database {ALIAS}"
        raise CommandError(f"The engine's database cannot be read ({error}); {hint}") from None
    finally:
        connections[ALIAS].close()


def listen(host: str, port: int) -> socket.socket:
    """Ours already when we say so; a taken port is a clear error."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise CommandError(f"Cannot listen on {host} port {port}: {error.strerror}") from None
