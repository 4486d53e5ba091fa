"""How a log record looks, and which are not worth one; used by settings.LOGGING."""

import logging
import time


class LineFormatter(logging.Formatter):
    """One line a record, tracebacks included: nobody can write a second record into a first."""

    converter = staticmethod(time.gmtime)

    def __init__(self) -> None:
        super().__init__("%(asctime)sZ %(levelname)s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        return " | ".join(line.strip() for line in super().format(record).splitlines())


class Expected(logging.Filter):
    """Drops what /healthz answers while something is away: it says so to who asks, each second."""

    def filter(self, record: logging.LogRecord) -> bool:
        request = getattr(record, "request", None)
        return getattr(request, "path", None) != "/healthz"
