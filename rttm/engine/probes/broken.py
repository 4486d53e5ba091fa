"""Transfers that libcurl could not end well, in the words of a probe."""

import re
import socket

import pycurl

from .answer import Answer
from .attempt import Attempt, Failed, refused, unreached, untold

TOO_LARGE = 100  # CURLE_TOO_LARGE, which pycurl has no name for: lines of header without end
NO_HTTP = frozenset(
    {pycurl.E_UNSUPPORTED_PROTOCOL, pycurl.E_FTP_WEIRD_SERVER_REPLY, pycurl.E_RECV_ERROR}
    | {pycurl.E_BAD_CONTENT_ENCODING, TOO_LARGE}
)  # fmt: skip
# Errors of a handshake, with the reason where libcurl does not tell it: a node that finds fault
# with certificates ends it by an alert, and we verify none ourselves.
CLIENT_CERTIFICATE = 98  # CURLE_SSL_CLIENTCERT
HANDSHAKE = {
    pycurl.E_SSL_CONNECT_ERROR: "",
    pycurl.E_PEER_FAILED_VERIFICATION: "alert certificate expired",
    CLIENT_CERTIFICATE: "",
}
# "error:0A00010B:SSL routines::wrong version number", as OpenSSL ends what it says.
TLS_REASON = re.compile(r"error:(?!0{8})\w+:[^:]*:[^:]*:([^:,]+)")
ENDED = "unexpected eof while reading"


def broken(error: pycurl.error, curl: pycurl.Curl, answer: Answer, attempt: Attempt) -> Exception:
    """What is not foreseen here is a fault of ours, not of the address."""
    code, said = (0, *error.args)[-2:]
    number = curl.getinfo(pycurl.OS_ERRNO)
    match code:
        case pycurl.E_COULDNT_CONNECT:
            return _unconnected(attempt, number)
        case handshake if handshake in HANDSHAKE:
            return _unencrypted(attempt, number, _tls_reason(said) or HANDSHAKE[handshake])
        case pycurl.E_PARTIAL_FILE if answer.status:
            return _broken_off(answer)
        case pycurl.E_GOT_NOTHING | pycurl.E_PARTIAL_FILE:
            return closed(attempt)
        case pycurl.E_SEND_ERROR | pycurl.E_RECV_ERROR if number:
            return refused(f"connection to {attempt.place}", OSError(number, ""))
        case pycurl.E_SEND_ERROR | pycurl.E_RECV_ERROR if reason := _tls_reason(said):
            if reason == ENDED:
                return _broken_off(answer) if answer.status else closed(attempt)
            return Failed(f"connection to {attempt.place} failed: {reason}")
    return Failed(f"{attempt.place} did not answer in HTTP") if code in NO_HTTP else error


def is_its_end(error: pycurl.error, answer: Answer) -> bool:
    """Servers often close without the farewell of TLS: where only that ends a body, it is whole."""
    code, said = (0, *error.args)[-2:]
    is_closed = code == pycurl.E_RECV_ERROR and _tls_reason(said) == ENDED
    return is_closed and answer.ends_when_closed


def _broken_off(answer: Answer) -> Failed:
    return Failed(f"HTTP {answer.status}, but the body broke off")


def closed(attempt: Attempt) -> Failed:
    return Failed(f"{attempt.place} closed the connection without an answer")


def waits_for(curl: pycurl.Curl, answer: Answer, attempt: Attempt) -> str:
    """What a transfer did when its time was over."""
    if answer.status:
        return f"HTTP {answer.status}, but the body"
    if not curl.getinfo(pycurl.CONNECT_TIME):
        return attempt.waits_for
    return f"answer of {attempt.place}"


def _unconnected(attempt: Attempt, number: int) -> Failed:
    if number:
        return unreached(attempt.ip, attempt.waits_for, OSError(number, ""))
    family = socket.AF_INET6 if ":" in attempt.ip else socket.AF_INET
    # libcurl keeps to itself why it could not open a socket.
    try:
        socket.socket(family, socket.SOCK_STREAM).close()
    except OSError as error:
        return refused(attempt.waits_for, error)
    return untold(f"{attempt.waits_for} was not possible from here: no socket was free")


def _unencrypted(attempt: Attempt, number: int, reason: str) -> Failed:
    what = f"TLS handshake with {attempt.place}"
    if number:
        return refused(what, OSError(number, ""))
    return Failed(
        f"{what} failed: {reason}" if reason not in ("", ENDED) else f"{what} was broken off"
    )


def _tls_reason(said: str) -> str:
    found = TLS_REASON.search(said)
    return found[1].strip().lower() if found else ""
