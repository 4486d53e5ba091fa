"""Probes of names: resolved once, checked, and that very address is connected to."""

import re
import socket
from datetime import UTC, datetime, timedelta
from errno import ENETUNREACH
from typing import Any

import pytest

from rttm.core.schema import Monitor
from rttm.engine import probes
from rttm.engine.probes.attempt import unreached
from tests.probing import (
    DOWN,
    IMPATIENT,
    LOOPBACK,
    UNK,
    UP,
    assert_said,
    closed_port,
    finish,
    http_monitor,
    probed,
)
from tests.small_servers import LOCALHOST, answering, greeting, http


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
    resolver(["2001:db8::1", LOCALHOST])
    assert probed(answering(http()), http_monitor(), address="node.example.com")[0].status == UP


@pytest.mark.parametrize("protocol", ["HTTP", "TCP", "SMTP"])
def test_name_that_has_only_ipv6_is_probed_there(resolver, protocol):
    resolver(["::1"])
    serve = greeting(b"220 mx\r\n") if protocol == "SMTP" else answering(http())
    result, _, place = probed(serve, Monitor(protocol), address="node.example.com", host="::1")
    assert result.status == UP
    assert place.startswith("[::1]:")
    assert protocol != "TCP" or place in result.message


def test_evidence_of_ipv6_names_the_address_in_brackets(resolver):
    resolver(["::1"])
    port = closed_port("::1")
    result = finish(probes.probe(http_monitor(port=port), "node.example.com", limits=LOOPBACK))
    assert_said(result, DOWN, rf"connect to \[::1\]:{port} refused")


@pytest.mark.parametrize("protocol", ["HTTP", "HTTPS", "TCP", "SMTP", "PING"])
@pytest.mark.parametrize(
    ("answers", "what"),
    [
        (["169.254.169.254"], "a link-local address"),
        (["fe80::1%eth0"], "a link-local address"),
        (["fd00:ec2::254"], "a cloud metadata address"),
        (["100.100.100.200", "::1"], "a cloud metadata address"),
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


def test_resolver_that_hangs_tells_nothing_and_holds_nobody_up(monkeypatch):
    started = datetime.now(UTC)
    never, silent = socket.socketpair()
    monkeypatch.setattr(
        "rttm.engine.probes.names.socket.getaddrinfo", lambda *a, **k: never.recv(1) and []
    )
    with never, silent:
        result = finish(probes.probe(http_monitor(), "node.example.com", limits=IMPATIENT))
    assert_said(result, UNK, "look-up of node.example.com timed out after 0.2 s")
    assert datetime.now(UTC) - started < timedelta(seconds=2)
