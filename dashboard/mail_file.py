"""Where mails go that no server takes: in full into one file, so that they bury no terminal.

Django's mail settings name the class; nobody else calls it.
"""

import fcntl
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

LARGEST = 2**20  # bytes; then the file becomes the old one, and a new one begins
RULE = b"\n" + 79 * b"-" + b"\n"


class EmailBackend(BaseEmailBackend):
    """Appends each mail at once: several processes may."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        for mail in email_messages:
            _keep(mail.message().as_bytes() + RULE)
        return len(email_messages)


def _keep(text: bytes) -> None:
    path: Path = settings.MAIL_FILE
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two that find the file full must not both put it aside
        if path.exists() and path.stat().st_size > LARGEST:
            path.replace(path.with_suffix(".old.txt"))
        with path.open("ab") as file:
            file.write(text)
