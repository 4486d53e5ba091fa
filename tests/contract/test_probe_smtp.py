"""SMTP probes against small real mail servers: every outcome, with its evidence in words."""

import asyncio
import re

import pytest

from rttm.core.schema import Monitor
from tests.probing import (
    DOWN,
    LONGEST_MS,
    UP,
    asking,
    assert_said,
    assert_times_out,
    attempts_of,
    probed,
)
from tests.small_servers import answering, greeting, hanging, http, resetting

READY = b"220 mx.example.com ESMTP ready\r\n"


@pytest.mark.parametrize(
    "parts",
    [
        (READY,),
        (b"220 mx.exam", b"ple.com\r", b"\n"),
        (b"220-mx.example.com ESMTP\r\n220-no spam\r\n", b"220 please\r\n"),
        (b"220\r\n",),
        (b"220 Gr\xfc\xdfe\r\n",),
    ],
    ids=["one line", "in pieces", "many lines", "bare", "latin-1"],
)
def test_greeting_with_220_is_up_with_its_time(parts):
    result, _, _ = probed(greeting(*parts), Monitor("SMTP"))
    assert_said(result, UP, r"SMTP 220 in \d+ ms")
    assert result.response_ms is not None
    assert 0 < result.response_ms < LONGEST_MS


def test_slow_greeting_is_up_and_its_time_is_told():
    result, _, _ = probed(greeting(READY, after=0.06), Monitor("SMTP"))
    assert result.status == UP
    assert result.response_ms is not None
    assert 55 <= result.response_ms < LONGEST_MS


def test_probe_takes_its_leave():
    assert probed(greeting(READY), Monitor("SMTP"))[1] == b"QUIT\r\n"


@pytest.mark.parametrize("expected", ["ESMTP", "220 mx.example.com", "mx.example.com ESMTP ready"])
def test_expected_text_in_the_greeting_is_up(expected):
    assert probed(greeting(READY), Monitor("SMTP", expected=expected))[0].status == UP


def test_expected_text_of_a_later_line_is_up():
    serve = greeting(b"220-mx.example.com\r\n220 ready\r\n")
    assert probed(serve, Monitor("SMTP", expected="ready"))[0].status == UP


def test_missing_text_is_down_and_quotes_the_greeting():
    result, _, _ = probed(greeting(READY), Monitor("SMTP", expected="Postfix"))
    said = "SMTP 220, but the text “Postfix” is missing from “mx.example.com ESMTP ready”"
    assert_said(result, DOWN, said)
    assert result.response_ms is not None


@pytest.mark.parametrize(
    ("banner", "said"),
    [
        (b"554 no service here\r\n", "SMTP 554 instead of 220, “no service here”"),
        (b"421-too busy\r\n421 come back\r\n", "SMTP 421 instead of 220, “too busy come back”"),
        (b"221\r\n", "SMTP 221 instead of 220"),
        (b"554 \x00\x1b[31m\xff\r\n", "SMTP 554 instead of 220, “\ufffd\ufffd[31m\ufffd”"),
    ],
)
def test_another_code_is_down(banner, said):
    assert_said(probed(greeting(banner), Monitor("SMTP", expected="x"))[0], DOWN, re.escape(said))


@pytest.mark.parametrize(
    ("banner", "why"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", ".*SSH-2.0-OpenSSH_9.2"),
        (b"* OK IMAP4rev1 ready\r\n", r".*\* OK IMAP4rev1 ready"),
        (b"220 " + b"x" * 40000, "Response too long"),
        (b"220-more\r\n" * 5000, "Response too long"),
    ],
    ids=["ssh", "imap", "endless line", "endless lines"],
)
def test_another_protocol_is_down(banner, why):
    result, _, place = probed(greeting(banner), Monitor("SMTP"))
    assert_said(result, DOWN, f"{place} did not greet in SMTP: {why}")


@pytest.mark.parametrize(
    "serve",
    [hanging, answering(http()), greeting(b"220 half a greeting")],
    ids=["silent", "http", "half"],
)
def test_server_that_does_not_greet_is_down_when_the_time_is_over(serve):
    assert_times_out(asking(serve, Monitor("SMTP")), "greeting of {place}")


def test_server_that_closes_is_down():
    async def closing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Closes at once."""

    result, _, place = probed(closing, Monitor("SMTP"))
    assert_said(result, DOWN, f"{place} closed the connection without a greeting")


def test_server_that_resets_is_down():
    result, _, place = probed(resetting(after=0), Monitor("SMTP"))
    assert_said(result, DOWN, f"connection to {place} was reset")


def test_retries_and_their_end_hold_for_smtp_too():
    result, connections, pauses = attempts_of(greeting(b"421 busy\r\n"), Monitor("SMTP", retries=2))
    assert (result.status, connections, pauses) == (DOWN, 3, [1.0, 1.0])
