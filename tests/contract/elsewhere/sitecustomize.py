"""Run first by a Python that has this directory in its PYTHONPATH: one name as elsewhere.

The file that VIEW names holds the address of node.example.com, as this process is to see it.
"""

import os
import socket
from pathlib import Path
from typing import Any

NAME = "node.example.com"

_here = socket.getaddrinfo


def _there(host: str, *args: Any, **options: Any) -> list[Any]:
    return _here(Path(os.environ["VIEW"]).read_text() if host == NAME else host, *args, **options)


socket.getaddrinfo = _there
