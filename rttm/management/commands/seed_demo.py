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
        parser.add_argument(
            "--port", type=int, default=settings.NODES_PORT or nodes.PORT, help="of demo_nodes"
        )
        parser.add_argument(
            "--moved-from",
            type=int,
            nargs="+",
            default=[],
            metavar="PORT",
            help="former ports of demo_nodes: services that probe the nodes there follow them",
        )

    def handle(self, *args: Any, port: int, moved_from: list[int], **options: Any) -> None:
        if not settings.BUNDLED_ENGINE:
            self.stdout.write("seed_demo: DYNECT_URL names another backend; nothing is created")
            return
        client = connect()
        try:
            for value in services_at(client, moved_from):
                move(client, value, moved_from, port)
            made = [value.fqdn for value in scenario.services(port) if has_made(client, value)]
        except DynectError as error:
            raise CommandError(str(error)) from error
        finally:
            client.close()
        self.stdout.write(f"seed_demo: {len(made)} services created")


def services_at(client: Dynect, ports: list[int]) -> list[Service]:
    """The services that probe nodes of the demo at one of these ports; people may have made some.

    Services that probe something else keep their ports.
    """
    zones = client.run(calls.zones()) if ports else []
    found = [value for zone in zones for value in client.run(calls.services(zone))]
    return [value for value in found if _probed_ports(value) & set(ports) and _has_node(value)]


def move(client: Dynect, value: Service, ports: list[int], port: int) -> None:
    """Have a service's monitors probe `port` where they probe one of `ports`."""
    there: dict[str, Any] = {"port": port}
    health = there if value.monitor.port in ports else None
    performance = there if value.performance_monitor.port in ports else None
    call = calls.service_update(value.key, {}, monitor=health, performance_monitor=performance)
    client.run(call)


def _probed_ports(value: Service) -> set[int | None]:
    return {value.monitor.port, value.performance_monitor.port}


def _has_node(value: Service) -> bool:
    nodes_at = scenario.ADDRESSES.values()
    return any(entry.address in nodes_at for region in value.region for entry in region.pool)


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
