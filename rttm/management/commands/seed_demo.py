"""`manage.py seed_demo`: create the demo's services through the API, as any client would."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from rttm.backend import connect
from rttm.client import Dynect, DynectError, Rejected, calls
from rttm.core.schema import Service
from rttm.demo import nodes, scenario


class Command(BaseCommand):
    help = "Creates the demo's services at the bundled engine, and leaves those that exist alone."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=nodes.PORT, help="of demo_nodes")

    def handle(self, *args: Any, port: int, **options: Any) -> None:
        if not settings.BUNDLED_ENGINE:
            self.stdout.write("seed_demo: DYNECT_URL names another backend; nothing is created")
            return
        client = connect()
        try:
            made = [value.fqdn for value in scenario.services(port) if has_made(client, value)]
        except DynectError as error:
            raise CommandError(str(error)) from error
        finally:
            client.close()
        self.stdout.write(f"seed_demo: {len(made)} services created")


def has_made(client: Dynect, value: Service) -> bool:
    """Whether the service is new."""
    if exists(client, value):
        return False
    client.run(calls.service_create(value))
    if not value.active:
        client.run(calls.deactivate(value.key))
    return True


def exists(client: Dynect, value: Service) -> bool:
    try:
        client.run(calls.service(value.key))
    except Rejected as error:
        if error.not_found:
            return False
        raise
    return True
