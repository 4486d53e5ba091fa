"""A server with the same answer to everything: python -m tests.bench.canned FILE; prints its port.

What an answer costs that needs no database and no thought, on the same HTTP server as ours.
"""

import socket
import sys
from pathlib import Path

import uvicorn

ANSWER = Path(sys.argv[1]).read_bytes() if len(sys.argv) > 1 else b""


async def application(scope, receive, send) -> None:
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(ANSWER)).encode()),
    ]
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": ANSWER})


if __name__ == "__main__":
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    config = uvicorn.Config(application, lifespan="off", log_level="warning", access_log=False)
    uvicorn.Server(config).run(sockets=[listener])
