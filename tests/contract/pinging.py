"""A program: one PING probe of each address it is given, told as lines of JSON.

With --own-network it runs in a network namespace of its own, which it first makes fit to ping: by
a datagram socket, or with --own-network-raw by a raw one alone.
"""

import asyncio
import fcntl
import json
import socket
import struct
import sys
from dataclasses import asdict
from ipaddress import ip_network
from pathlib import Path

import uvloop

from rttm.core.schema import Monitor
from rttm.engine import probes
from rttm.engine.targets import limits

SET_FLAGS, UP = 0x8914, 0x1  # linux/sockios.h, linux/if.h
OWN_NETWORK = "--own-network"
MAY_PING = Path("/proc/sys/net/ipv4/ping_group_range")


def open_network(*, raw: bool) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SET_FLAGS, struct.pack("16sh14x", b"lo", UP))
    if not raw:  # as long as nobody says otherwise, a new namespace refuses datagram sockets
        MAY_PING.write_text("0 0")


async def ping(addresses: list[str]) -> None:
    allowed = limits([ip_network("127.0.0.0/8"), ip_network("::1/128")], [])
    runs = (probes.run(Monitor("PING"), address, limits=allowed) for address in addresses)
    for result in await asyncio.gather(*runs):
        print(json.dumps(asdict(result)))


if __name__ == "__main__":
    addresses = sys.argv[1:]
    if addresses[0].startswith(OWN_NETWORK):
        open_network(raw=addresses.pop(0) != OWN_NETWORK)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(ping(addresses))
