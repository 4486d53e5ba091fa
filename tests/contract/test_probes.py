"""Probes against small real servers: every outcome, with its evidence in words."""

import asyncio
import os
import re
import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from errno import ECONNRESET, EHOSTUNREACH, EMFILE

import pytest

from rttm.core.health import ProbeResult
from rttm.core.schema import Monitor
from rttm.engine import probes
from rttm.engine.probes.attempt import refused
from rttm.engine.probes.certificate import is_for
from rttm.engine.targets import limits
from tests.probing import (
    DOWN,
    IMPATIENT,
    LONGEST_MS,
    LOOPBACK,
    UNK,
    UP,
    asking,
    assert_said,
    assert_times_out,
    attempts_of,
    certificate,
    closed_port,
    finish,
    http_monitor,
    probed,
    tls_of,
)
from tests.small_servers import (
    LOCALHOST,
    answering,
    hanging,
    hanging_up,
    http,
    listening,
    resetting,
    then_hanging,
)

# --- HTTP, up


def test_answer_is_up_with_its_time():
    result, _, _ = probed(answering(http()), http_monitor())
    assert_said(result, UP, r"HTTP 200 in \d+ ms")
    assert result.response_ms is not None
    assert 0 < result.response_ms < LONGEST_MS


def test_time_is_that_of_the_first_byte():
    result, _, _ = probed(answering(http(), after=0.06), http_monitor())
    assert result.response_ms is not None
    assert 55 <= result.response_ms < LONGEST_MS


@pytest.mark.parametrize("status", ["503 Service Unavailable", "404 Not Found", "302 Found"])
def test_without_path_any_answer_is_up(status):
    result, request, _ = probed(answering(http(status)), http_monitor())
    assert_said(result, UP, rf"HTTP {status[:3]} in \d+ ms")
    assert request.startswith(b"GET / HTTP/1.1\r\n")


@pytest.mark.parametrize("status", ["200 OK", "204 No Content", "299 Fine"])
def test_with_path_2xx_is_up(status):
    result, request, _ = probed(answering(http(status, b"")), http_monitor(path="/healthz?full=1"))
    assert result.status == UP
    assert request.startswith(b"GET /healthz?full=1 HTTP/1.1\r\n")


def test_with_path_the_first_status_beyond_2xx_is_down():
    result, _, _ = probed(answering(http("300 Multiple Choices", b"")), http_monitor(path="/"))
    assert_said(result, DOWN, "HTTP 300")


@pytest.mark.parametrize(
    "parts",
    [
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"3\r\nsay\r\n2\r\nok\r\n0\r\n\r\n",
        ),
        (b"HTTP/1.0 200 OK\r\n\r\nsay", b"ok"),
        (b"HTTP/1.1 200 OK\r\nContent-Le", b"ngth: 5\r\n\r\nsayo", b"k"),
        (b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", http(body=b"sayok")),
    ],
    ids=["chunked", "until closed", "in pieces", "early hints"],
)
def test_body_is_read_however_it_is_framed(parts):
    result, _, _ = probed(answering(*parts), http_monitor(expected="sayok", path="/"))
    assert_said(result, UP, r"HTTP 200 in \d+ ms")


def test_expected_text_is_found_in_the_encoding_of_the_page():
    body = "Grüße".encode("latin-1")
    assert probed(answering(http(body=body)), http_monitor(expected="Grüße"))[0].status == UP


def test_answer_that_goes_on_is_up_once_the_expected_text_came():
    serve = then_hanging(b"HTTP/1.1 200 OK\r\n\r\nall ok, and so on")
    assert probed(serve, http_monitor(expected="ok"))[0].status == UP


def test_only_the_first_64_kib_are_read():
    serve = then_hanging(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 65536)
    assert probed(serve, http_monitor())[0].status == UP


def test_switch_to_another_protocol_is_an_answer():
    serve = then_hanging(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n")
    result, _, _ = probed(serve, http_monitor())
    assert_said(result, UP, r"HTTP 101 in \d+ ms")


# --- HTTP, what is asked


def test_request_is_plain_and_closes():
    _, request, place = probed(answering(http()), http_monitor())
    assert request.decode().split("\r\n") == [
        "GET / HTTP/1.1",
        f"Host: {place}",
        "User-Agent: rttm-engine",
        "Accept: */*",
        "Accept-Encoding: identity",
        "Connection: close",
        "",
        "",
    ]


def test_host_replaces_the_host_header_and_header_lines_are_added():
    monitor = http_monitor(host="www.example.com", header="X-Probe: 1\nuser-agent: ours\n")
    request = probed(answering(http()), monitor)[1].decode()
    assert "Host: www.example.com\r\n" in request
    assert "X-Probe: 1\r\n" in request
    assert "user-agent: ours\r\n" in request
    assert "rttm-engine" not in request


def test_server_of_another_host_is_seen():
    async def by_host(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        request = await reader.readuntil(b"\r\n\r\n")
        known = b"Host: www.example.com\r\n" in request
        writer.write(http() if known else http("421 Misdirected Request", b"who?"))
        await writer.drain()
        return request

    right = http_monitor(path="/", host="www.example.com")
    assert probed(by_host, right)[0].status == UP
    result, _, _ = probed(by_host, http_monitor(path="/", host="old.example.com"))
    assert_said(result, DOWN, "HTTP 421, body starts with “who\\?”")


def test_header_without_a_value_is_sent_and_each_of_ours_can_be_replaced():
    monitor = http_monitor(
        header="X-Empty:\nconnection : keep-alive\nAccept:text/plain\nX: 1\nX: 2"
    )
    _, request, place = probed(answering(http()), monitor)
    assert sorted(request.decode().split("\r\n")[1:-2]) == sorted([
        f"Host: {place}",
        "User-Agent: rttm-engine",
        "Accept: text/plain",
        "Accept-Encoding: identity",
        "Connection: keep-alive",
        "X-Empty:",
        "X: 1",
        "X: 2",
    ])  # fmt: skip


def test_path_is_sent_as_it_was_written():
    _, request, _ = probed(answering(http()), http_monitor(path="//a/../b/./[1]?q=#c"))
    assert request.startswith(b"GET //a/../b/./[1]?q=#c HTTP/1.1\r\n")


def test_path_with_blanks_is_sent_as_one_word():
    _, request, _ = probed(answering(http()), http_monitor(path="a b/ü?q=%20&x=1"))
    assert request.startswith(b"GET /a%20b/%C3%BC?q=%20&x=1 HTTP/1.1\r\n")


# --- HTTP, down


def test_503_with_path_is_down_and_quotes_the_body():
    body = b"<h1>maintenance</h1>\n  back at noon " + b"x" * 100
    serve = answering(http("503 Service Unavailable", body))
    result, _, _ = probed(serve, http_monitor(path="/"))
    assert_said(result, DOWN, "HTTP 503, body starts with “<h1>maintenance</h1> back at noon x+”")
    assert result.response_ms is not None


def test_empty_error_is_down():
    result, _, _ = probed(answering(http("500 Oops", b"")), http_monitor(path="/"))
    assert_said(result, DOWN, "HTTP 500")


def test_redirect_is_not_followed():
    serve = answering(http("301 Moved", b"", "Location: https://www.example.com/"))
    result, _, _ = probed(serve, http_monitor(path="/"))
    assert_said(result, DOWN, "HTTP 301 to https://www.example.com/, redirects are not followed")


def test_place_that_no_redirect_names_is_not_told():
    serve = answering(http("503 Busy", b"later", "Location: /queue"))
    result, _, _ = probed(serve, http_monitor(path="/"))
    assert_said(result, DOWN, "HTTP 503, body starts with “later”")


def test_what_a_server_says_is_quoted_so_that_every_database_takes_it():
    body = b"\x00\x1b[31m\xff" + "\u202e\ud7ff".encode()
    result, _, _ = probed(answering(http("500 Oops", body)), http_monitor(path="/"))
    assert_said(result, DOWN, "HTTP 500, body starts with “\ufffd\ufffd\\[31m\ufffd+”")
    far = http("301 Moved", b"", "Location: /" + "x" * 5000)
    result, _, _ = probed(answering(far), http_monitor(path="/"))
    assert_said(result, DOWN, "HTTP 301 to /x{199}, redirects are not followed")


def test_missing_text_is_down():
    result, _, _ = probed(answering(http(body=b"welcome")), http_monitor(expected="ok"))
    assert_said(result, DOWN, "HTTP 200, but the text “ok” is missing")


def test_text_beyond_64_kib_is_missing():
    serve = answering(http(body=b"x" * 65536 + b"ok"))
    result, _, _ = probed(serve, http_monitor(expected="ok"))
    assert_said(result, DOWN, "HTTP 200, but the text “ok” is missing from its first 64 KiB")


def test_hanging_answer_is_down_when_the_time_is_over():
    result = assert_times_out(asking(hanging, http_monitor()), "answer of {place}")
    assert result.response_ms is None


@pytest.mark.parametrize("protocol", ["HTTP", "HTTPS", "SMTP"])
def test_time_of_the_monitor_is_stronger_than_the_usual_one(protocol):
    def ask(seconds: float) -> tuple[ProbeResult, str]:
        monitor, usual = Monitor(protocol, timeout=seconds), replace(LOOPBACK, timeout=0.001)
        result, _, place = probed(hanging, monitor, limits=usual)
        return result, place

    assert_times_out(ask, ".* (of|with) {place}")


def test_hanging_body_is_down():
    serve = then_hanging(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
    assert_times_out(asking(serve, http_monitor()), "HTTP 200, but the body")


@pytest.mark.parametrize("protocol", ["HTTP", "HTTPS", "TCP", "SMTP"])
def test_full_queue_is_a_connect_that_timed_out(protocol):
    async def scenario() -> tuple[ProbeResult, int]:
        with socket.socket() as full:
            full.bind((LOCALHOST, 0))
            full.listen(0)
            port = full.getsockname()[1]
            waiting = [socket.socket() for _ in range(3)]
            for one in waiting:
                one.setblocking(False)
                one.connect_ex((LOCALHOST, port))
            monitor = Monitor(protocol, port=port)
            result = await probes.probe(monitor, LOCALHOST, limits=IMPATIENT)
            for one in waiting:
                one.close()
        return result, port

    result, port = finish(scenario())
    assert_said(result, DOWN, f"connect to 127.0.0.1:{port} timed out after 0.2 s")


@pytest.mark.parametrize(
    ("serve", "said"),
    [
        (hanging_up, "{place} closed the connection without an answer"),
        (answering(b"220 mail.example.com ESMTP\r\n"), "{place} did not answer in HTTP"),
        (answering(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 12000), "{place} did not answer in HTTP"),
        (
            answering(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"),
            "HTTP 200, but the body broke off",
        ),
        (
            answering(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nsay\r\n"),
            "HTTP 200, but the body broke off",
        ),
    ],
    ids=["closes", "another protocol", "endless headers", "too short", "chunk is missing"],
)
def test_half_an_answer_is_down(serve, said):
    result, _, place = probed(serve, http_monitor())
    assert_said(result, DOWN, re.escape(said.format(place=place)))


@pytest.mark.parametrize(
    "parts", [(), (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",)], ids=["at once", "body"]
)
def test_connection_that_is_reset_is_down(parts):
    result, _, place = probed(resetting(*parts), http_monitor())
    assert_said(result, DOWN, f"connection to {place} was reset")


# --- TCP, and what all protocols share


@pytest.mark.parametrize("protocol", ["HTTP", "HTTPS", "TCP", "SMTP"])
def test_refused_connection_is_down(protocol):
    port = closed_port()
    result = finish(probes.probe(Monitor(protocol, port=port), LOCALHOST, limits=LOOPBACK))
    assert_said(result, DOWN, f"connect to 127.0.0.1:{port} refused")
    assert result.response_ms is None


def test_tcp_is_up_when_the_connection_opens():
    result, _, place = probed(hanging, Monitor("TCP"))
    assert_said(result, UP, rf"connected to {place} in \d+ ms")
    assert result.response_ms is not None


def test_refused_target_is_unknown_and_never_connected_to():
    async def scenario() -> tuple[ProbeResult, int]:
        async with listening(hanging) as served:
            result = await probes.probe(
                Monitor("TCP", port=served.port), LOCALHOST, limits=limits([], [])
            )
            return result, served.connections

    result, connections = finish(scenario())
    assert_said(result, UNK, "127.0.0.1 is not probed: .* PROBE_ALLOW does not name it")
    assert connections == 0


def test_protocol_without_a_probe_is_unknown():
    result = finish(probes.run(Monitor("GOPHER", retries=3), "192.0.2.1", limits=LOOPBACK))
    assert_said(result, UNK, "this service does not probe by GOPHER.*192.0.2.1")


def test_fault_of_our_own_does_not_count_against_the_address():
    result = refused("connect to 192.0.2.1:80", OSError(EMFILE, "")).result
    assert_said(result, UNK, "connect to 192.0.2.1:80 was not possible from here: .*files.*")


@pytest.mark.parametrize("protocol", ["HTTP", "HTTPS", "TCP", "SMTP"])
def test_process_that_is_out_of_files_says_so_and_calls_nothing_down(protocol):
    async def scenario() -> tuple[ProbeResult, int]:
        async with listening(answering(http())) as served:
            monitor = http_monitor(port=served.port)
            await probes.probe(monitor, LOCALHOST, limits=LOOPBACK)  # opens what it keeps
            with no_more_files():
                monitor = Monitor(protocol, port=served.port)
                return await probes.probe(monitor, LOCALHOST, limits=LOOPBACK), served.port

    result, port = finish(scenario())
    said = f"connect to 127.0.0.1:{port} was not possible from here: too many open files"
    assert_said(result, UNK, said)


@contextmanager
def no_more_files() -> Iterator[None]:
    usual = resource.getrlimit(resource.RLIMIT_NOFILE)
    os.close(next_one := os.dup(1))
    resource.setrlimit(resource.RLIMIT_NOFILE, (next_one, usual[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, usual)


@pytest.mark.parametrize(
    ("number", "word"), [(ECONNRESET, "was reset"), (EHOSTUNREACH, "failed: ")]
)
def test_other_errors_are_down(number, word):
    result = refused("connect to 192.0.2.1:80", OSError(number, "")).result
    assert_said(result, DOWN, f"connect to 192.0.2.1:80 {word}.*")


# --- runs


def test_run_is_down_when_the_attempt_and_all_retries_failed():
    result, connections, pauses = attempts_of(hanging_up, http_monitor(retries=2))
    assert result.status == DOWN
    assert connections == 3
    assert pauses == [1.0, 1.0]


def test_run_without_retries_is_one_attempt():
    assert attempts_of(hanging_up, http_monitor(retries=0))[1:] == (1, [])


def test_run_that_told_nothing_is_not_repeated():
    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    pauses: list[float] = []
    run = probes.run(http_monitor(retries=2), LOCALHOST, limits=limits([], []), pause=pause)
    assert finish(run).status == UNK
    assert pauses == []


def test_run_that_is_up_again_is_up():
    answers = iter([hanging_up, answering(http())])

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await next(answers)(reader, writer)

    result, connections, _ = attempts_of(serve, http_monitor(retries=5))
    assert result.status == UP
    assert connections == 2


# --- HTTPS


@pytest.mark.parametrize(
    ("own", "covers"),
    [
        ("www.example.com", True),
        ("WWW.Example.com", True),
        ("*.example.com", True),
        ("*.com", False),
        ("w.example.com", False),  # only a star stands for another label
        ("example.com", False),
    ],
)
def test_certificate_is_for_its_names_and_those_of_its_star(own, covers):
    assert is_for(own, "www.example.com") == covers


@pytest.mark.parametrize(
    ("names", "days", "since", "said"),
    [
        (["www.example.com"], 71.5, -90, "certificate good for 71 days, self-signed"),
        (["*.example.com"], 1.5, -90, "certificate good for 1 day, self-signed"),
        (["www.example.com"], -3.5, -90, "certificate expired 3 days ago, self-signed"),
        (["www.example.com"], -0.5, -90, "certificate expired less than a day ago, self-signed"),
        (
            ["old.example.com"],
            10.5,
            -90,
            "certificate good for 10 days, self-signed, "
            "for old.example.com and not www.example.com",
        ),
        (
            ["www.example.com"],
            10,
            1,
            r"certificate not valid before \d{4}-\d\d-\d\d \d\d:\d\d UTC, self-signed",
        ),
    ],
)
def test_https_is_up_and_tells_of_the_certificate(tmp_path, names, days, since, said):
    tls = tls_of(certificate(tmp_path, names, days=days, since=since))
    monitor = Monitor("HTTPS", path="/", host="www.example.com")
    result, request, _ = probed(answering(http()), monitor, tls=tls)
    assert_said(result, UP, rf"HTTP 200 in \d+ ms; {said}")
    assert b"Host: www.example.com\r\n" in request


def test_https_that_is_down_still_tells_of_the_certificate(tmp_path):
    tls = tls_of(certificate(tmp_path, ["www.example.com"], days=-3.5))
    monitor = Monitor("HTTPS", path="/", host="www.example.com")
    result, _, _ = probed(answering(http("500 Oops", b"")), monitor, tls=tls)
    assert_said(result, DOWN, "HTTP 500; certificate expired 3 days ago, self-signed")


def test_https_asks_for_the_host_by_name(tmp_path):
    asked: list[str | None] = []
    tls = tls_of(certificate(tmp_path, ["www.example.com"], days=30))
    tls.sni_callback = lambda connection, name, context: asked.append(name)
    probed(answering(http()), Monitor("HTTPS", host="www.example.com"), tls=tls)
    probed(answering(http()), Monitor("HTTPS"), tls=tls)
    assert asked == ["www.example.com", None]


def test_https_on_a_plain_port_is_down():
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(http("400 Bad Request"))
        await writer.drain()

    result, _, place = probed(plain, Monitor("HTTPS"))
    assert_said(result, DOWN, f"TLS handshake with {place} failed: .*wrong version number.*")


def test_handshake_that_is_closed_is_down():
    async def close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)

    result, _, place = probed(close, Monitor("HTTPS"))
    assert_said(result, DOWN, f"TLS handshake with {place} was (reset|broken off)")


def test_handshake_that_is_reset_is_down():
    result, _, place = probed(resetting(), Monitor("HTTPS"))
    assert_said(result, DOWN, f"TLS handshake with {place} was reset")


def test_handshake_that_ends_in_an_alert_is_down_with_its_reason():
    async def alert(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(2000)
        writer.write(bytes.fromhex("15 0303 0002 02 70"))
        await writer.drain()

    result, _, place = probed(alert, Monitor("HTTPS"))
    assert_said(result, DOWN, f"TLS handshake with {place} failed: tlsv1 unrecognized name")


def test_handshake_that_hangs_is_down():
    assert_times_out(asking(hanging, Monitor("HTTPS")), "TLS handshake with {place}")
