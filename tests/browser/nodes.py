"""A node that is really up or really down: a small HTTP server whose socket opens and closes."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from tests.up import free_ports

ADDRESS = "127.0.0.1"


class Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "3")
        self.end_headers()
        self.wfile.write(b"ok\n")

    def log_message(self, *args: object) -> None:
        """Says nothing."""


class Node:
    """Up from the start; after going down it comes up at the same port."""

    def __init__(self) -> None:
        [self.port] = free_ports(1)  # which nobody takes while the node is down
        self.goes_up()

    def goes_up(self) -> None:
        self._server = ThreadingHTTPServer((ADDRESS, self.port), Answer)
        self._thread = Thread(target=self._server.serve_forever, args=[0.02])
        self._thread.start()

    def goes_down(self) -> None:
        """Nothing listens there any more; again is once."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()
