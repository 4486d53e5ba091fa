"""`manage.py demo_nodes`: the demo's nodes, small real servers on loopback, until a signal."""

import asyncio
import signal
from argparse import ArgumentParser
from random import Random
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from rttm.demo import nodes
from rttm.demo.scenario import NODES


class Command(BaseCommand):
    help = (
        "Runs the demo's nodes: small real servers that answer, flap, hang or refuse. Linux has "
        "their addresses; on macOS give each from 127.0.10.11 to 127.0.10.82 to the loopback "
        "interface first: sudo ifconfig lo0 alias 127.0.10.11 up"
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--port", type=int, default=settings.NODES_PORT or nodes.PORT, help="of all of them"
        )

    def handle(self, *args: Any, port: int, **options: Any) -> None:
        try:
            asyncio.run(self._run(port))
        except nodes.PortTaken as error:
            raise CommandError(str(error)) from None

    async def _run(self, port: int) -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await nodes.run(NODES, port=port, stop=stop, rng=Random(), say=self._say)

    def _say(self, text: str) -> None:
        self.stdout.write(f"demo_nodes: {text}")
        self.stdout.flush()
