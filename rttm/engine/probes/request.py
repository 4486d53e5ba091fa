"""The request of an HTTP probe, as libcurl takes it."""

import socket
from functools import lru_cache
from urllib.parse import quote

import pycurl

from rttm.core.schema import Monitor
from rttm.core.terms import Protocol

from .answer import Answer
from .attempt import USUAL_PORTS, Attempt

IN_A_PATH = "/?#[]@!$&'()*+,;=:%~"  # stays as the operator wrote it

OURS = (
    ("User-Agent", "rttm-engine"),
    ("Accept", "*/*"),
    ("Accept-Encoding", "identity"),
    ("Connection", "close"),
)
# One request on a connection of its own, to an address that is known: nothing is kept, looked up,
# or taken from the environment.
ALWAYS = (
    (pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1),
    (pycurl.FRESH_CONNECT, 1),
    (pycurl.FORBID_REUSE, 1),
    (pycurl.NOSIGNAL, 1),
    (pycurl.DNS_CACHE_TIMEOUT, 0),  # every transfer would look through the whole cache
    (pycurl.PROXY, ""),
)
# Not verified, as Dyn did not promise to; what is wrong with a certificate becomes evidence.
ENCRYPTED = (
    (pycurl.SSL_VERIFYPEER, 0),
    (pycurl.SSL_VERIFYHOST, 0),
    (pycurl.SSL_SESSIONID_CACHE, 0),  # a resumed session shows no certificate
    (pycurl.OPT_CERTINFO, 1),
)


def request(monitor: Monitor, attempt: Attempt, answer: Answer) -> pycurl.Curl:
    """A handle that connects to the attempt's place, and to no other."""
    curl = pycurl.Curl()
    for option, value in ALWAYS:
        curl.setopt(option, value)
    if monitor.protocol == Protocol.HTTPS:
        for option, value in ENCRYPTED:
            curl.setopt(option, value)
        name = name_asked(monitor, attempt)
        curl.setopt(
            pycurl.URL, f"https://{name}:{attempt.port}/" if name else f"https://{attempt.place}/"
        )
        curl.setopt(pycurl.CONNECT_TO, [f"::{attempt.place}"])
    else:
        curl.setopt(pycurl.URL, f"http://{attempt.place}/")
    curl.setopt(pycurl.REQUEST_TARGET, _target(monitor.path))
    curl.setopt(pycurl.HTTPHEADER, headers(monitor, attempt))
    curl.setopt(pycurl.HEADERFUNCTION, answer.take_header)
    curl.setopt(pycurl.WRITEFUNCTION, answer.take_body)
    return curl


def use(curl: pycurl.Curl, connected: socket.socket) -> None:
    """Instead of a connect of its own."""

    def taken(copy: int, purpose: int) -> int:
        connected.close()  # pycurl made a copy, and there are not too many places for both
        return pycurl.SOCKOPT_ALREADY_CONNECTED

    curl.setopt(pycurl.OPENSOCKETFUNCTION, lambda purpose, address: connected)
    curl.setopt(pycurl.SOCKOPTFUNCTION, taken)


def name_asked(monitor: Monitor, attempt: Attempt) -> str:
    """The name that TLS asks for; at an address, without a host, it asks for none."""
    return monitor.host or attempt.name


def headers(monitor: Monitor, attempt: Attempt) -> tuple[bytes, ...]:
    """The monitor's own lines, and ours that have none of the same name."""
    names, lines = _lines(monitor.header)
    if "host" in names:
        return lines
    return f"Host: {monitor.host or _authority(monitor, attempt)}".encode(), *lines


@lru_cache(maxsize=1024)
def _lines(own: str) -> tuple[frozenset[str], tuple[bytes, ...]]:
    """The lines but for that of the host, and the names of the monitor's own."""
    pairs = [line.partition(":")[::2] for line in own.splitlines() if line.strip()]
    names = frozenset(name.strip().lower() for name, _ in pairs)
    ours = [(name, value) for name, value in OURS if name.lower() not in names]
    return names, tuple(_line(name.strip(), value.strip()) for name, value in (*ours, *pairs))


def _line(name: str, value: str) -> bytes:
    """In libcurl's form, where a header without a value ends with a semicolon."""
    return (f"{name}: {value}" if value else f"{name};").encode()


@lru_cache(maxsize=1024)
def _target(path: str) -> str:
    return "/" + quote(path.removeprefix("/"), safe=IN_A_PATH)


def _authority(monitor: Monitor, attempt: Attempt) -> str:
    usual = attempt.port == USUAL_PORTS[monitor.protocol]
    return attempt.address if usual else f"{attempt.address}:{attempt.port}"
