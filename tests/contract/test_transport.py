"""The HTTP transport against small real servers on loopback, each wrong in its own way."""

import gzip
import socket
import ssl
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from rttm.client import HttpTransport, Request, TransportError
from rttm.client.bounds import Bound
from tests.servers import PATIENCE

SHORT = 1.0  # seconds a request may take that will not be answered; enough to be sent
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}"
GET = Request("GET", "/REST/Zone/", timeout=PATIENCE)
HURRIED = Request("GET", "/REST/Zone/", timeout=SHORT)

Serve = Callable[[socket.socket], object]


class Server:
    """Serves each connection with one function, after reading the request."""

    def __init__(self, serve: Serve, certificate: Path | None = None) -> None:
        self._serve = serve
        self._listener = socket.create_server(("127.0.0.1", 0))
        port = self._listener.getsockname()[1]
        self.url = f"{'https' if certificate else 'http'}://127.0.0.1:{port}"
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if certificate else None
        if self._tls and certificate:
            self._tls.load_cert_chain(certificate)
        self.requests: list[bytes] = []
        self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                threading.Thread(target=self._converse, args=[connection], daemon=True).start()

    def _converse(self, connection: socket.socket) -> None:
        with suppress(OSError), self._wrapped(connection) as connection:
            while request := _read_request(connection):
                self.requests.append(request)
                if self._serve(connection) == "close":
                    break

    def _wrapped(self, connection: socket.socket) -> socket.socket:
        return self._tls.wrap_socket(connection, server_side=True) if self._tls else connection

    def close(self) -> None:
        self._listener.close()


def _read_request(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        if not (piece := connection.recv(2**16)):
            return b""
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    while len(body) < int(fields.get(b"content-length", 0)):
        body += connection.recv(2**16)
    return head + b"\r\n\r\n" + body


@pytest.fixture
def start() -> Iterator[Callable[..., Server]]:
    started: list[Server] = []

    def start(serve: Serve, certificate: Path | None = None) -> Server:
        started.append(Server(serve, certificate))
        return started[-1]

    yield start
    for server in started:
        server.close()


@contextmanager
def connected(url: str, **options: object) -> Iterator[HttpTransport]:
    transport = HttpTransport(url, **options)
    yield transport
    transport.close()


def sending(*parts: bytes) -> Serve:
    """Sends these parts and keeps the connection."""
    return lambda connection: [connection.sendall(part) for part in parts]


def closing_after(*parts: bytes) -> Serve:
    """Sends these parts and hangs up."""

    def serve(connection: socket.socket) -> str:
        sending(*parts)(connection)
        return "close"

    return serve


def trickling(start: bytes) -> Serve:
    """Sends a byte again and again, faster than any read time-out, until nobody listens."""

    def serve(connection: socket.socket) -> None:
        connection.sendall(start)
        pause = threading.Event()
        while not pause.wait(0.05):
            connection.sendall(b"x")

    return serve


def failure(transport: HttpTransport, request: Request = GET) -> TransportError:
    with pytest.raises(TransportError) as caught:
        transport.send(request)
    return caught.value


def test_a_request_goes_out_whole_and_its_response_comes_back(start):
    server = start(sending(OK))
    headers = {"Auth-Token": "T", "Content-Type": "application/json"}
    with connected(f"{server.url}/") as transport:
        response = transport.send(Request("PUT", "/REST/RTTM/a/b%20c/", headers, b'{"a": 1}'))
    assert (response.status, response.body) == (200, b"{}")
    assert response.headers["content-type"] == "application/json"
    (sent,) = server.requests
    assert sent.startswith(b"PUT /REST/RTTM/a/b%20c/ HTTP/1.1\r\n")
    assert b"Auth-Token: T\r\n" in sent
    assert sent.endswith(b'\r\n\r\n{"a": 1}')


def test_a_get_may_carry_arguments_in_its_body(start):
    server = start(sending(OK))
    with connected(server.url) as transport:
        transport.send(Request("GET", "/REST/RTTM/a/", body=b'{"detail": "Y"}'))
    assert server.requests[0].endswith(b'{"detail": "Y"}')


def test_the_connection_is_kept_for_the_next_request(start):
    server = start(sending(OK))
    with connected(server.url) as transport:
        for _ in range(3):
            transport.send(GET)
    assert (server.connections, len(server.requests)) == (1, 3)


def test_proxies_of_the_environment_are_not_used(start, monkeypatch):
    server = start(sending(OK))
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with connected(server.url) as transport:
        assert transport.send(GET).status == 200


def test_a_redirect_is_handed_on_and_not_followed(start):
    server = start(
        sending(
            b"HTTP/1.1 307 Temporary Redirect\r\nLocation: /REST/Job/17\r\n"
            b"Content-Type: text/html\r\nContent-Length: 12\r\n\r\n/REST/Job/17"
        )
    )
    with connected(server.url) as transport:
        response = transport.send(Request("PUT", "/REST/RTTM/a/b/", body=b"{}"))
    assert (response.status, response.headers["location"]) == (307, "/REST/Job/17")
    assert len(server.requests) == 1


def test_a_proxys_page_of_an_error_is_handed_on(start):
    page = b"<html>Bad Gateway</html>"
    head = b"HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\n\r\n"
    with connected(start(closing_after(head + page)).url) as transport:
        response = transport.send(GET)
    assert (response.status, response.body) == (502, page)


def test_a_chunked_answer_is_put_together(start):
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    server = start(sending(head, b"2\r\n[1\r\n", b"2\r\n,2\r\n", b"1\r\n]\r\n0\r\n\r\n"))
    with connected(server.url) as transport:
        assert transport.send(GET).body == b"[1,2]"


def test_a_refused_connection_sent_nothing():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with connected(f"http://127.0.0.1:{port}") as transport:
        error = failure(transport)
    assert (error.reason, error.sent) == ("the connection was refused", False)


def test_a_connection_that_is_never_accepted_sent_nothing():
    with socket.socket() as listener, socket.socket() as first, socket.socket() as second:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for filler in (first, second):  # now the queue of connections is full
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        with connected(f"http://127.0.0.1:{listener.getsockname()[1]}") as transport:
            error = failure(transport, HURRIED)
    assert (error.reason, error.sent) == ("it took too long", False)


def test_a_name_that_does_not_resolve_sent_nothing(monkeypatch):
    def resolve(*args: object, **options: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with connected("http://backend.example.com") as transport:
        error = failure(transport)
    assert (error.reason, error.sent) == ("its name was not found", False)


@pytest.mark.parametrize("url", ["nonsense", "ftp://127.0.0.1", "http://", "http://[::1"])
def test_an_address_that_is_none_sent_nothing(url):
    with connected(url) as transport:
        assert not failure(transport).sent


def test_a_header_that_cannot_be_sent_sent_nothing(start):
    server = start(sending(OK))
    with connected(server.url) as transport:
        error = failure(transport, Request("GET", "/", {"Auth-Token": "a\r\nb"}))
    assert (error.sent, server.requests) == (False, [])


@pytest.mark.parametrize(
    "serve",
    [
        lambda connection: None,
        trickling(b""),
        trickling(b"HTTP/1.1 200 OK\r\nX-Slow: "),
        trickling(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"),
        trickling(b"HTTP/1.1 200 OK\r\n\r\n"),
        sending(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf"),
    ],
    ids=["silent", "trickling status", "trickling head", "trickling body", "endless", "hanging"],
)
def test_an_answer_that_does_not_end_in_time_is_given_up_and_may_have_been_carried_out(
    start, serve
):
    server = start(serve)
    with connected(server.url) as transport:
        started = time.monotonic()
        error = failure(transport, HURRIED)
        spent = time.monotonic() - started
    assert (error.reason, error.sent) == ("it took too long", True)
    assert SHORT <= spent < PATIENCE
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "serve",
    [
        closing_after(),
        closing_after(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf"),
        closing_after(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"),
    ],
    ids=["no answer", "half a body", "half the chunks"],
)
def test_a_cut_connection_may_have_been_carried_out_and_is_not_tried_again(start, serve):
    server = start(serve)
    with connected(server.url) as transport:
        error = failure(transport)
    assert (error.reason, error.sent) == ("the connection was cut", True)
    assert len(server.requests) == 1


def test_nonsense_in_place_of_http_may_have_been_carried_out(start):
    with connected(start(closing_after(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")).url) as transport:
        assert failure(transport).sent


def answering(body: bytes, *headers: bytes) -> Serve:
    head = [b"HTTP/1.1 200 OK", b"Content-Length: %d" % len(body), *headers, b"", b""]
    return sending(b"\r\n".join(head) + body)


SMALL = replace(GET, bound=Bound(1000, marks=50, objects=5))


@pytest.mark.parametrize(
    ("fits", "too_much", "reason"),
    [
        (b"x" * 1000, b"x" * 1001, "it is longer than 1000 bytes"),
        (b"[" + b"," * 49, b"[" + b"," * 50, "it has more than 50 values"),
        (b"{}" * 5, b"{}" * 6, "it has more than 5 objects"),
    ],
    ids=["bytes", "values", "objects"],
)
def test_an_answer_may_be_as_large_as_agreed_and_no_larger(start, fits, too_much, reason):
    with connected(start(answering(fits)).url) as transport:
        assert transport.send(SMALL).body == fits
    with connected(start(answering(too_much)).url) as transport:
        error = failure(transport, SMALL)
    assert (error.reason, error.sent) == (reason, True)


def test_an_answer_without_an_end_is_read_no_further_than_agreed(start):
    server = start(trickling(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 2**17))
    with connected(server.url) as transport:
        assert failure(transport, SMALL).reason == "it is longer than 1000 bytes"


@pytest.mark.parametrize("encoding", [b"gzip", b"deflate", b"GZip", b"br", b"gzip, gzip"])
def test_a_compressed_answer_is_refused_and_never_unpacked(start, encoding):
    bomb = gzip.compress(bytes(64 * 2**20))
    with connected(start(answering(bomb, b"Content-Encoding: " + encoding)).url) as transport:
        tracemalloc.start()
        error = failure(transport)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert (error.reason, error.sent) == ("it was compressed, which was not asked for", True)
    assert peak < 16 * 2**20


def test_the_transport_works_on_after_a_failure(start):
    answers = iter([closing_after(), closing_after(OK)])
    server = start(lambda connection: next(answers)(connection))
    with connected(server.url) as transport:
        failure(transport)
        assert transport.send(GET).status == 200


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for 127.0.0.1, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "backend")])
    address = x509.IPAddress(IPv4Address("127.0.0.1"))
    built = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(hours=1))
        .not_valid_after(datetime.now(UTC) + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path = tmp_path_factory.mktemp("tls") / "backend.pem"
    path.write_bytes(built.public_bytes(pem) + key.private_bytes(pem, *private))
    return path


def test_a_certificate_that_nobody_vouches_for_ends_the_connection_before_anything_is_sent(
    start, certificate
):
    server = start(sending(OK), certificate)
    with connected(server.url) as transport:
        error = failure(transport)
    assert (error.reason, error.sent) == ("its certificate is not trusted", False)
    assert server.requests == []


def test_a_certificate_of_an_authority_of_our_own_is_trusted(start, certificate):
    server = start(sending(OK), certificate)
    with connected(server.url, ca_file=str(certificate)) as transport:
        assert transport.send(GET).status == 200


@pytest.mark.parametrize(
    "begun", [b"", b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"]
)
def test_time_is_kept_over_tls_too(start, certificate, begun):
    server = start(trickling(begun), certificate)
    with connected(server.url, ca_file=str(certificate)) as transport:
        started = time.monotonic()
        error = failure(transport, HURRIED)
    assert (error.reason, error.sent) == ("it took too long", True)
    assert time.monotonic() - started < PATIENCE
