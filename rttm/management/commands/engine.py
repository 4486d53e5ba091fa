"""`manage.py engine`: the bundled RTTM service, its API and its probes, in one process.

Further processes may probe for further monitoring sites: `engine --no-api --site LHR`.
"""

import re
import socket
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, connections

from rttm.engine import serve
from rttm.engine.models import CODE_LENGTH, Counter
from rttm.engine.router import ALIAS
from rttm.tables import describe_missing_tables

BACKLOG = 128


class Command(BaseCommand):
    help = "Runs the bundled RTTM service: the DynECT API at /REST/, probes and decisions."
    requires_system_checks = ()  # `check` does that; a restart should not wait for it

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
        parser.add_argument(
            "--port", type=int, default=settings.ENGINE_PORT, help="0 takes a free one"
        )
        parser.add_argument(
            "--site", default=settings.SITE_CODE, help="code of its monitoring site"
        )
        either = parser.add_mutually_exclusive_group()
        either.add_argument("--no-loop", action="store_true", help="answer only, probe nothing")
        either.add_argument(
            "--no-api", action="store_true", help="probe only, for one more site on this database"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        site = check_site(options["site"])
        check_database()
        if options["no_api"]:
            serve.run(None, site, lambda: self.stderr.write(f"engine: probing for site {site}"))
            return
        with listen(options["host"], options["port"]) as listener:
            host, port = listener.getsockname()[:2]
            place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

            def on_ready() -> None:
                self.stderr.write(f"engine: ready at http://{place}/REST/")

            serve.run(listener, None if options["no_loop"] else site, on_ready)


def check_site(code: str) -> str:
    """Each site has its own: two loops under one code would be one site that contradicts itself."""
    if not re.fullmatch(rf"[A-Za-z0-9_-]{{1,{CODE_LENGTH}}}", code):
        text = f"Site code “{code}” must be 1 to {CODE_LENGTH} letters and digits, such as LHR."
        raise CommandError(text)
    return code


def check_database() -> None:
    if missing := describe_missing_tables(ALIAS):
        raise CommandError(missing)
    try:
        Counter.objects.exists()
    except DatabaseError as error:
        raise CommandError(f"The engine's database cannot be read: {error}.") from None
    finally:
        connections[ALIAS].close()


def listen(host: str, port: int) -> socket.socket:
    """Ours already when we say so; a taken port is a clear error."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise CommandError(f"Cannot listen on {host} port {port}: {error.strerror}") from None
