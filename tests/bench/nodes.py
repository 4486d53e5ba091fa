"""The targets, one small process: python -m tests.bench.nodes ARRIVALS [HANG_EVERY].

Answers HTTP on all addresses at one port. When it is ended it writes who was asked when.
"""

import asyncio
import json
import resource
import signal
import socket
import sys
import time
from collections import defaultdict
from pathlib import Path

import uvloop

from .addresses import addresses

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n"

arrivals: defaultdict[str, list[float]] = defaultdict(list)


class Node(asyncio.Protocol):
    """One connection; a hanging node takes it and is silent."""

    hanging: frozenset[str] = frozenset()

    def connection_made(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._address = transport.get_extra_info("sockname")[0]
        arrivals[self._address].append(time.time())

    def data_received(self, data: bytes) -> None:
        if self._address not in self.hanging:
            self._transport.write(ANSWER)
            self._transport.close()


def listeners() -> list[socket.socket]:
    first = socket.create_server((addresses()[0], 0), backlog=128)
    port = first.getsockname()[1]
    return [first] + [socket.create_server((a, port), backlog=128) for a in addresses()[1:]]


async def serve(hang_every: int) -> None:
    Node.hanging = frozenset(addresses()[::hang_every]) if hang_every else frozenset()
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    open_ones = listeners()
    for listener in open_ones:
        await loop.create_server(Node, sock=listener)
    print(open_ones[0].getsockname()[1], flush=True)
    await ended.wait()


if __name__ == "__main__":
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(int(sys.argv[2]) if len(sys.argv) > 2 else 0))
    Path(sys.argv[1]).write_text(json.dumps(arrivals))
