"""What messages are sent to: a syslog server and a mail server, small, real, on loopback."""

import socket
import socketserver
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from threading import Thread

from tests.servers import PATIENCE


class SyslogServer:
    """A UDP socket that counts what arrives."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.bind((host, 0))
        self._socket.settimeout(PATIENCE)
        self.port: int = self._socket.getsockname()[1]

    def receive(self, count: int) -> list[str]:
        """The next datagrams; a TimeoutError when there are fewer."""
        return [self._socket.recv(65536).decode() for _ in range(count)]

    @property
    def is_empty(self) -> bool:
        """Whether nothing more is there: what was sent on loopback has arrived at once."""
        self._socket.setblocking(False)
        try:
            self._socket.recv(1)
        except BlockingIOError:
            return True
        finally:
            self._socket.settimeout(PATIENCE)
        return False

    def close(self) -> None:
        self._socket.close()


class MailServer(socketserver.ThreadingTCPServer):
    """Enough SMTP for a client that sends plain mail; refuses recipients that are named."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Session)
        self.port: int = self.server_address[1]
        self.mails: list[tuple[str, EmailMessage]] = []  # recipient, mail
        self.refused: set[str] = set()
        self.connections = 0


class _Session(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        self.server.connections += 1
        self._say("220 ready")
        recipient = ""
        for line in iter(self.rfile.readline, b""):
            command = line.decode().strip()
            match command.split(":")[0].split(" ")[0].upper():
                case "RCPT":
                    recipient = command.partition("<")[2].partition(">")[0]
                    known = recipient not in self.server.refused
                    self._say("250 ok" if known else "550 nobody here")
                case "DATA":
                    self._say("354 go on")
                    self._take(recipient)
                    self._say("250 taken")
                case "QUIT":
                    self._say("221 bye")
                    return
                case _:
                    self._say("250 ok")

    def _take(self, recipient: str) -> None:
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line.removeprefix(b"."))
        mail = message_from_bytes(b"".join(lines), policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.server.mails.append((recipient, mail))

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@contextmanager
def mail_server(port: int = 0) -> Iterator[MailServer]:
    with MailServer(port) as server:
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()
