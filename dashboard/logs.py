"""What is logged, and how a record looks: to stderr, one line each; used by settings."""

import logging
import time
from typing import Any


class LineFormatter(logging.Formatter):
    """One line a record, tracebacks included: nobody can write a second record into a first."""

    converter = staticmethod(time.gmtime)

    def __init__(self) -> None:
        super().__init__("%(asctime)sZ %(levelname)s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        return " | ".join(line.strip() for line in super().format(record).splitlines())


class Expected(logging.Filter):
    """Drops the record of each 503 of /healthz: who asks is told, and asks again each second."""

    def filter(self, record: logging.LogRecord) -> bool:
        request = getattr(record, "request", None)
        return getattr(request, "path", None) != "/healthz"


class Refusals(logging.Filter):
    """Makes the record of a refused right one that names who was refused what, without traceback.

    Nothing is broken: the program did what it should.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        request = getattr(record, "request", None)
        if getattr(record, "status_code", None) == 403 and record.exc_info and request:
            user = getattr(request, "user", None)
            record.msg, record.args = (
                "Refused to %s from %s: %s %s (%s)",
                (
                    user.get_username() if user else "",
                    request.META.get("REMOTE_ADDR", ""),
                    request.method,
                    request.path,
                    record.exc_info[1],
                ),
            )
            record.exc_info = None
        return True


def logging_to_stderr(level: str, *, calls: str) -> dict[str, Any]:
    """The LOGGING setting; `calls` is the level of the calls to the backend, a line each at INFO.

    The client never hands out a password or token.
    """
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": LineFormatter}},
        "filters": {"expected": {"()": Expected}, "refusals": {"()": Refusals}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django": {"handlers": [], "level": "INFO", "propagate": True},
            "django.request": {"filters": ["expected", "refusals"]},
            "django.server": {"handlers": [], "propagate": True},
            "rttm.client": {"level": calls},
            # A line for each turn of the clock would bury the others.
            "celery.app.trace": {"level": "WARNING"},
            "celery.beat": {"level": "WARNING"},
        },
    }
