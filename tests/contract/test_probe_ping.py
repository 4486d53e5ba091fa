"""PING probes: real echoes of loopback, and what the system and the network may say instead.

Where this process may not ping, the echoes are asked for in a network namespace that allows it.
"""

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import Callable
from errno import EACCES, EHOSTUNREACH, EMFILE, EPERM
from pathlib import Path
from typing import Any

import icmplib
import pytest

from rttm.core.health import ProbeResult
from rttm.core.schema import Monitor
from rttm.engine import probes
from rttm.engine.probes import ping
from rttm.engine.targets import Limits
from tests.probing import (
    DOWN,
    IMPATIENT,
    LONGEST_MS,
    LOOPBACK,
    UNK,
    UP,
    Pauses,
    assert_said,
    finish,
)
from tests.servers import PATIENCE
from tests.small_servers import LOCALHOST

ROOT = Path(__file__).parents[2]


def may_ping(*, raw: bool) -> bool:
    try:
        icmplib.ICMPv4Socket(privileged=raw).close()
    except icmplib.SocketPermissionError:
        return False
    return True


def real_pings(*addresses: str, raw: bool = False) -> list[dict[str, Any]]:
    """By datagram sockets, or where the system allows only raw ones."""
    command = [sys.executable, "-m", "tests.contract.pinging"]
    if not may_ping(raw=raw) or (raw and may_ping(raw=False)):
        own_network = "--own-network-raw" if raw else "--own-network"
        command = ["unshare", "--user", "--map-root-user", "--net", *command, own_network]
    done = subprocess.run(
        [*command, *addresses],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("raw", [False, True])
def test_echo_is_up_with_its_time_on_both_internets_and_many_at_once(raw):
    addresses = [LOCALHOST, "::1", *(f"127.0.0.{last}" for last in range(2, 40))]
    results = real_pings(*addresses, raw=raw)
    assert {result["status"] for result in results} == {"up"}
    assert [result["message"].split(" in ")[0] for result in results] == [
        f"echo of {address}" for address in addresses
    ]
    assert all(0 < result["response_ms"] < LONGEST_MS for result in results)


@pytest.mark.parametrize("raw", [False, True])
def test_echo_of_a_name_is_up(raw):
    (result,) = real_pings("localhost", raw=raw)
    assert result["status"] == "up"
    assert result["message"].split(" in ")[0] in ("echo of 127.0.0.1", "echo of ::1")


# --- what the system says; no test can change the rights of its own process


def pinged(monkeypatch: pytest.MonkeyPatch, kind: type, *, retries: int = 0) -> ProbeResult:
    monkeypatch.setitem(ping.SOCKETS, 4, kind)
    monitor = Monitor("PING", retries=retries)
    return finish(probes.run(monitor, LOCALHOST, limits=IMPATIENT, pause=Pauses()))


def failing(number: int) -> Callable[..., Any]:
    def fail(*args: object) -> None:
        raise OSError(number, "the system's own word")

    return fail


class Sends(icmplib.ICMPv4Socket):
    """A socket that sends into the void: its place is taken by one of a protocol that may."""

    def _create_socket(self, type: int) -> Any:
        return Void()


class Void:
    """As much of a socket as the library touches before it waits for the reply."""

    family, type = 2, 2

    def setblocking(self, *args: object) -> None: ...
    def setsockopt(self, *args: object) -> None: ...
    def sendto(self, *args: object) -> None: ...
    def connect(self, *args: object) -> None: ...
    def close(self) -> None: ...
    def getsockname(self) -> tuple[str, int]:
        return "", 1


class Forbidden(icmplib.ICMPv4Socket):
    _create_socket = failing(EACCES)


class SendsRaw(Sends):
    """A system that refuses datagram sockets, and whose raw ones are the void."""

    def _create_socket(self, type: int) -> Any:
        if type == socket.SOCK_DGRAM:
            raise OSError(EACCES, "the system's own word")
        return Void()


class Exhausted(icmplib.ICMPv4Socket):
    _create_socket = failing(EMFILE)


def test_process_that_may_not_ping_says_so_and_calls_nothing_down(monkeypatch):
    result = pinged(monkeypatch, Forbidden, retries=3)
    assert_said(
        result,
        UNK,
        "no ping of 127.0.0.1 from here: the system lets this process send no ICMP, neither .*",
    )


def test_raw_socket_takes_the_place_of_a_refused_datagram_socket(monkeypatch):
    heard: list[object] = []
    monkeypatch.setattr(icmplib.AsyncSocket, "receive", echoing(4))
    monkeypatch.setattr(Void, "connect", lambda _, place: heard.append(place))
    assert_said(pinged(monkeypatch, SendsRaw), UP, r"echo of 127.0.0.1 in \d+ ms")
    assert heard == [(LOCALHOST, 0)]  # or a raw socket would hear everybody's echoes


def test_raw_socket_that_finds_no_way_to_the_address(monkeypatch):
    monkeypatch.setattr(Void, "connect", failing(EHOSTUNREACH))
    said = "echo request to 127.0.0.1 failed: no route to host"
    assert_said(pinged(monkeypatch, SendsRaw), DOWN, said)


def test_machine_that_is_out_of_sockets_calls_nothing_down(monkeypatch):
    assert_said(pinged(monkeypatch, Exhausted), UNK, "no ping of 127.0.0.1 from here: .+")


@pytest.mark.parametrize(
    ("number", "status", "said"),
    [
        (EHOSTUNREACH, DOWN, "echo request to 127.0.0.1 failed: no route to host"),
        (EPERM, UNK, "echo request to 127.0.0.1 was not possible from here: .*not permitted"),
    ],
)
def test_request_that_cannot_be_sent(monkeypatch, number, status, said):
    monkeypatch.setattr(Void, "sendto", failing(number))
    assert_said(pinged(monkeypatch, Sends), status, said)


def test_no_echo_is_down_when_the_time_is_over(monkeypatch):
    async def receive(*args: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(icmplib.AsyncSocket, "receive", receive)
    result = pinged(monkeypatch, Sends)
    assert_said(result, DOWN, "echo of 127.0.0.1 timed out after 0.2 s")
    assert result.response_ms is None


def test_request_that_comes_back_is_down(monkeypatch):
    async def receive(*args: object) -> icmplib.ICMPReply:
        host_unreachable = {"type": 3, "code": 1, "bytes_received": 56, "time": 0}
        return icmplib.ICMPReply("192.0.2.9", 4, id=1, sequence=0, **host_unreachable)

    monkeypatch.setattr(icmplib.AsyncSocket, "receive", receive)
    said = "echo request to 127.0.0.1 came back: destination host unreachable"
    assert_said(pinged(monkeypatch, Sends), DOWN, said)


# --- names with several addresses


class Sends6(icmplib.ICMPv6Socket):
    def _create_socket(self, type: int) -> Any:
        return Void6()


class Void6(Void):
    family = socket.AF_INET6


class Forbidden6(icmplib.ICMPv6Socket):
    _create_socket = failing(EACCES)


def named(
    monkeypatch: pytest.MonkeyPatch,
    *kinds: type,
    addresses: list[str],
    limits: Limits = LOOPBACK,
) -> ProbeResult:
    """A probe of a name that has these addresses, with these sockets for IPv4 and IPv6."""

    async def look_up(name: str) -> list[str]:
        return addresses

    monkeypatch.setattr("rttm.engine.probes.attempt.look_up", look_up)
    for version, kind in zip((4, 6), kinds, strict=True):
        monkeypatch.setitem(ping.SOCKETS, version, kind)
    return finish(probes.probe(Monitor("PING"), "node.example.com", limits=limits))


def echoing(version: int) -> Callable[..., Any]:
    """Only an address of this version answers."""

    async def receive(echoes: Any, *args: object) -> icmplib.ICMPReply:
        if isinstance(echoes._icmp_sock, ping.SOCKETS[version]):
            kind = 0 if version == 4 else 129
            told = {"type": kind, "code": 0, "bytes_received": 56, "time": 0}
            return icmplib.ICMPReply("", version, id=1, sequence=0, **told)
        await asyncio.Event().wait()
        raise AssertionError

    return receive


@pytest.mark.parametrize(("version", "first"), [(4, LOCALHOST), (6, "::1")])
def test_first_echo_of_all_addresses_wins(monkeypatch, version, first):
    monkeypatch.setattr(icmplib.AsyncSocket, "receive", echoing(version))
    result = named(monkeypatch, Sends, Sends6, addresses=[LOCALHOST, "::1"])
    assert_said(result, UP, rf"echo of {first} in \d+ ms")


def test_address_that_cannot_be_asked_does_not_spoil_the_echo_of_another(monkeypatch):
    monkeypatch.setattr(icmplib.AsyncSocket, "receive", echoing(4))
    result = named(monkeypatch, Sends, Forbidden6, addresses=["::1", LOCALHOST])
    assert_said(result, UP, r"echo of 127.0.0.1 in \d+ ms")


def test_silence_of_all_addresses_is_down_and_names_them(monkeypatch):
    monkeypatch.setattr(icmplib.AsyncSocket, "receive", echoing(6))
    addresses = [f"127.0.0.{last}" for last in range(1, 6)]
    result = named(monkeypatch, Sends, Sends6, addresses=addresses, limits=IMPATIENT)
    said = "echo of 127.0.0.1 and 127.0.0.2 and 127.0.0.3 and 2 more timed out after 0.2 s"
    assert_said(result, DOWN, said)


def test_refused_and_silent_addresses_are_told_apart(monkeypatch):
    monkeypatch.setattr(Void, "sendto", failing(EHOSTUNREACH))
    monkeypatch.setattr(Sends6, "send", lambda *args: None)
    monkeypatch.setattr(icmplib.AsyncSocket, "receive", echoing(4))
    both = [LOCALHOST, "::1"]
    result = named(monkeypatch, Sends, Sends6, addresses=both, limits=IMPATIENT)
    said = "echo request to 127.0.0.1 failed: no route to host, echo of ::1 timed out after 0.2 s"
    assert_said(result, DOWN, said)


def test_process_that_may_not_ping_either_says_so_once_for_each(monkeypatch):
    result = named(monkeypatch, Forbidden, Forbidden6, addresses=[LOCALHOST, "::1"])
    assert_said(result, UNK, "no ping of 127.0.0.1 from here: .*, no ping of ::1 from here: .*")
