"""Probes of names: resolved once, checked, and no other addresses are connected to."""

import asyncio
import re
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from errno import EHOSTUNREACH, ENETUNREACH
from pathlib import Path
from typing import Any

import pytest

from rttm.core.health import ProbeResult
from rttm.core.schema import Monitor
from rttm.engine import probes
from rttm.engine.probes.attempt import Attempt, Failed, enumerated, merged, refused, unreached
from rttm.engine.probes.names import AT_ONCE, look_up
from tests.probing import (
    DOWN,
    IMPATIENT,
    LOOPBACK,
    UNK,
    UP,
    assert_said,
    assert_times_out,
    certificate,
    closed_port,
    finish,
    http_monitor,
    probed,
    tls_of,
)
from tests.servers import PATIENCE
from tests.small_servers import LOCALHOST, Serve, answering, greeting, hanging, http, listening


@pytest.fixture
def resolver(monkeypatch):
    """A resolver that tells what it is told, in turn; and how often it was asked."""
    asked: list[str] = []

    def use(*answers: list[str] | Exception) -> list[str]:
        left = iter(answers)

        def getaddrinfo(name: str, port: object, **options: object) -> list[Any]:
            asked.append(name)
            answer = next(left)
            if isinstance(answer, Exception):
                raise answer
            families = [socket.AF_INET6 if ":" in ip else socket.AF_INET for ip in answer]
            return [
                (family, socket.SOCK_STREAM, 6, "", (ip, 0))
                for family, ip in zip(families, answer, strict=True)
            ]

        monkeypatch.setattr("rttm.engine.probes.names.socket.getaddrinfo", getaddrinfo)
        return asked

    return use


def test_name_is_resolved_once_and_that_address_is_connected_to(resolver):
    asked = resolver([LOCALHOST], ["169.254.169.254"])
    monitor = http_monitor(path="/")
    result, request, place = probed(answering(http()), monitor, address="node.example.com")
    assert result.status == UP
    assert asked == ["node.example.com"]
    port = place.partition(":")[2]
    assert f"Host: node.example.com:{port}\r\n".encode() in request


def test_ipv4_is_preferred(resolver):
    async def scenario() -> tuple[str, int]:
        async with (
            listening(hanging) as preferred,
            listening(hanging, host="::1", port=preferred.port) as other,
        ):
            monitor = Monitor("TCP", port=preferred.port)
            result = await probes.probe(monitor, "node.example.com", limits=LOOPBACK)
            return result.message, other.connections

    resolver(["::1", LOCALHOST])
    said, connections = finish(scenario())
    assert said.startswith("connected to 127.0.0.1:")
    assert connections == 0


@pytest.mark.parametrize("protocol", ["HTTP", "TCP", "SMTP"])
def test_name_that_has_only_ipv6_is_probed_there(resolver, protocol):
    resolver(["::1"])
    serve = greeting(b"220 mx\r\n") if protocol == "SMTP" else answering(http())
    result, _, place = probed(serve, Monitor(protocol), address="node.example.com", host="::1")
    assert result.status == UP
    assert place.startswith("[::1]:")
    assert protocol != "TCP" or place in result.message


# --- several addresses


def serving(protocol: str, folder: Path) -> tuple[Serve, ssl.SSLContext | None]:
    if protocol == "SMTP":
        return greeting(b"220 mx\r\n"), None
    node = certificate(folder, ["node.example.com"], days=9.5)
    return answering(http()), tls_of(node) if protocol == "HTTPS" else None


@contextmanager
def full_queue() -> Iterator[int]:
    """A port of LOCALHOST where a connect hangs."""
    with socket.socket() as full, ExitStack() as waiting:
        full.bind((LOCALHOST, 0))
        full.listen(0)
        port = full.getsockname()[1]
        for _ in range(3):
            one = waiting.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex((LOCALHOST, port))
        yield port


CONNECTING = pytest.mark.parametrize("protocol", ["HTTP", "HTTPS", "TCP", "SMTP"])


@CONNECTING
def test_address_that_refuses_is_made_up_for_by_the_next(resolver, tmp_path, protocol):
    resolver([LOCALHOST, "::1"])
    serve, tls = serving(protocol, tmp_path)
    result, request, place = probed(
        serve, Monitor(protocol), address="node.example.com", host="::1", tls=tls
    )
    assert result.status == UP
    assert protocol != "TCP" or result.message.startswith(f"connected to {place} in ")
    assert "HTTP" not in protocol or b"Host: node.example.com:" in request
    assert protocol != "HTTPS" or result.message.endswith("good for 9 days, self-signed")


@CONNECTING
def test_address_that_hangs_is_soon_overtaken(resolver, tmp_path, protocol):
    async def scenario() -> ProbeResult:
        serve, tls = serving(protocol, tmp_path)
        with full_queue() as port:
            async with listening(serve, host="::1", port=port, tls=tls):
                monitor = Monitor(protocol, port=port, timeout=PATIENCE)
                return await probes.probe(monitor, "node.example.com", limits=LOOPBACK)

    resolver([LOCALHOST, "::1"])
    result = finish(scenario())
    assert result.status == UP
    assert result.response_ms is not None
    half_its_time = 500 * PATIENCE
    assert 200 <= result.response_ms < half_its_time


@CONNECTING
def test_when_all_refuse_the_evidence_names_each(resolver, protocol):
    resolver(["::1", LOCALHOST])
    port = closed_port()
    monitor = Monitor(protocol, port=port)
    result = finish(probes.probe(monitor, "node.example.com", limits=LOOPBACK))
    assert_said(result, DOWN, rf"connect to 127.0.0.1:{port} refused, to \[::1\]:{port} refused")


@CONNECTING
def test_when_one_refuses_and_one_hangs_the_evidence_says_so(resolver, protocol):
    def ask(seconds: float) -> tuple[ProbeResult, str]:
        resolver(["::1", LOCALHOST])
        monitor, patient = Monitor(protocol, port=port), replace(LOOPBACK, timeout=seconds)
        result = finish(probes.probe(monitor, "node.example.com", limits=patient))
        return result, f"{LOCALHOST}:{port}"

    with full_queue() as port:
        said = rf"connect to \[::1\]:{port} refused, to {{place}}"
        # The second address is tried a quarter of a second after the first.
        assert_times_out(ask, said, begins_after=0.4)


@CONNECTING
def test_refused_target_is_left_out_when_another_may_be_probed(resolver, protocol):
    resolver(["169.254.169.254", LOCALHOST, "10.0.0.1"])
    port = closed_port()
    monitor = Monitor(protocol, port=port)
    result = finish(probes.probe(monitor, "node.example.com", limits=LOOPBACK))
    assert_said(result, DOWN, f"connect to 127.0.0.1:{port} refused")


def test_only_so_many_addresses_of_a_name_are_tried(resolver):
    resolver([f"127.0.0.{last}" for last in range(1, 100)])
    attempt = Attempt("node.example.com", 80, LOOPBACK)
    assert finish(attempt.targets()) == [f"127.0.0.{last}" for last in range(1, 9)]


def test_evidence_of_many_addresses_is_short():
    errors = [ConnectionRefusedError(), OSError(EHOSTUNREACH, ""), *[ConnectionResetError()] * 3]
    failures = [refused(f"connect to {n}", error) for n, error in enumerate(errors)]
    said = "connect to 0 refused, to 1 failed: no route to host, to 2 was reset, 2 more failed"
    assert merged(failures, "connect").result == ProbeResult(DOWN, said)
    assert enumerated(["a"]) == "a"
    assert enumerated(["a", "b", "c"]) == "a and b and c"
    assert enumerated(["a", "b", "c", "d", "e"]) == "a and b and c and 2 more"


@pytest.mark.parametrize(
    ("statuses", "together"), [([UNK, UNK], UNK), ([UNK, DOWN], DOWN), ([DOWN, DOWN], DOWN)]
)
def test_name_is_down_when_one_address_is_and_the_others_cannot_be_tried(statuses, together):
    failures = [Failed("connect to it failed", status) for status in statuses]
    assert merged(failures, "connect").result.status == together


def test_https_asks_a_name_for_itself_and_tells_of_a_certificate_for_another(resolver, tmp_path):
    asked: list[str | None] = []
    tls = tls_of(certificate(tmp_path, ["old.example.com"], days=9.5))
    tls.sni_callback = lambda connection, name, context: asked.append(name)
    resolver([LOCALHOST])
    result = probed(answering(http()), Monitor("HTTPS"), address="node.example.com", tls=tls)[0]
    assert asked == ["node.example.com"]
    assert_said(result, UP, ".*, for old.example.com and not node.example.com")


# --- one address


def test_evidence_of_ipv6_names_the_address_in_brackets(resolver):
    resolver(["::1"])
    port = closed_port()
    result = finish(probes.probe(http_monitor(port=port), "node.example.com", limits=LOOPBACK))
    assert_said(result, DOWN, rf"connect to \[::1\]:{port} refused")


@pytest.mark.parametrize("protocol", ["HTTP", "HTTPS", "TCP", "SMTP", "PING"])
@pytest.mark.parametrize(
    ("answers", "what"),
    [
        (["169.254.169.254"], "a link-local address"),
        (["fe80::1%eth0"], "a link-local address"),
        (["fd00:ec2::254"], "a cloud metadata address"),
        (["100.100.100.200", "fe80::1"], "a cloud metadata address"),
        (["::ffff:169.254.169.254"], "a link-local address"),
    ],
)
def test_name_that_leads_to_a_refused_target_is_unknown(resolver, protocol, answers, what):
    resolver(answers)
    result = finish(probes.probe(Monitor(protocol), "node.example.com", limits=LOOPBACK))
    assert_said(result, UNK, re.escape(f"{answers[0]} is not probed: it is {what}"))


def test_machine_without_a_way_to_the_network_tells_nothing_of_the_address(monkeypatch):
    """Such as a name that has only IPv6, on a machine that has only IPv4."""

    def connect(*args: object) -> None:
        raise OSError(ENETUNREACH, "Network is unreachable")

    monkeypatch.setattr("rttm.engine.probes.attempt.socket.socket.connect", connect)
    assert_said(
        unreached("2001:db8::1", "connect to [2001:db8::1]:80", OSError(ENETUNREACH, "")).result,
        UNK,
        r"connect to \[2001:db8::1\]:80 was not possible from here: .* no route to it",
    )


def test_network_that_cannot_be_reached_although_there_is_a_way_is_down():
    error = OSError(ENETUNREACH, "")
    result = unreached(LOCALHOST, "connect to 127.0.0.1:80", error).result
    assert_said(result, DOWN, "connect to 127.0.0.1:80 failed: network is unreachable")


def test_name_that_does_not_exist_is_down(resolver):
    resolver(socket.gaierror(socket.EAI_NONAME, "Name or service not known"))
    result = finish(probes.probe(http_monitor(), "node.example.com", limits=LOOPBACK))
    assert_said(result, DOWN, "name node.example.com not found")


def test_resolver_in_trouble_tells_nothing_of_the_address(resolver):
    resolver(socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"))
    result = finish(probes.probe(http_monitor(), "node.example.com", limits=LOOPBACK))
    assert_said(result, UNK, "look-up of node.example.com failed: temporary failure.*")


@pytest.fixture
def slow_resolver(monkeypatch):
    """It answers names that begin with "good" at once, and the others when it is released."""
    release, asked, lock = threading.Event(), Counter[str](), threading.Lock()

    def getaddrinfo(name: str, *args: object, **options: object) -> list[Any]:
        with lock:
            asked[name] += 1
        if not name.startswith("good"):
            release.wait(20)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (LOCALHOST, 0))]

    monkeypatch.setattr("rttm.engine.probes.names.socket.getaddrinfo", getaddrinfo)
    yield release, asked
    release.set()


def test_name_that_answers_is_not_held_up_by_however_many_hang(slow_resolver):
    release, asked = slow_resolver

    async def scenario() -> None:
        await look_up("good.example.com")
        hanging = [asyncio.create_task(look_up(f"bad{n}.example.com")) for n in range(100)]
        while asked.total() < 1 + AT_ONCE // 2:
            await asyncio.sleep(0)
        assert await look_up("good.example.com") == [LOCALHOST]
        assert asked.total() == 2 + AT_ONCE // 2
        release.set()
        assert await asyncio.gather(*hanging) == [[LOCALHOST]] * 100

    finish(scenario())


def test_more_names_than_places_wait_for_their_turn(slow_resolver):
    _, asked = slow_resolver

    async def scenario() -> list[list[str]]:
        return await asyncio.gather(*(look_up(f"good{n}.example.com") for n in range(300)))

    assert finish(scenario()) == [[LOCALHOST]] * 300
    assert asked.total() == 300


def test_name_is_looked_up_once_for_all_who_ask_meanwhile_and_anew_after_that(slow_resolver):
    release, asked = slow_resolver

    async def scenario() -> None:
        asking = [asyncio.create_task(look_up("bad.example.com")) for _ in range(5)]
        while not asked:
            await asyncio.sleep(0)
        asking[0].cancel()  # who gives up does not take the answer from the others
        release.set()
        await asyncio.gather(*asking[1:])
        assert asked["bad.example.com"] == 1
        await look_up("bad.example.com")
        assert asked["bad.example.com"] == 2

    finish(scenario())


def test_resolver_that_hangs_tells_nothing_and_holds_nobody_up(monkeypatch):
    """Nor does its thread, at the end: this test would never come to its own."""
    never, silent = socket.socketpair()
    monkeypatch.setattr(
        "rttm.engine.probes.names.socket.getaddrinfo", lambda *a, **k: never.recv(1) and []
    )
    with never, silent:
        result = finish(probes.probe(http_monitor(), "node.example.com", limits=IMPATIENT))
    assert_said(result, UNK, "look-up of node.example.com timed out after 0.2 s")
