"""One mail after the other over Django's mail settings; blocks, so it runs in a thread aside."""

from contextlib import suppress
from datetime import UTC, datetime
from smtplib import SMTPException
from socket import gethostname

from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend

from .outbox import Message

# A ValueError is an address or a header that no mail can have.
FAULTS = (SMTPException, OSError, ValueError)


class Mailer:
    """One connection for the mails of a round."""

    def __init__(self) -> None:
        self._connection = get_connection()
        self.is_down = False  # the mail server cannot be reached: the next mail would fail too

    def send(self, message: Message) -> str:
        """Why it could not be sent; "" when it was."""
        try:
            self.is_down = True
            self._connection.open()
            self.is_down = False
            _composed(message, self._connection).send()
        except FAULTS as error:
            self.close()
            return str(error) or type(error).__name__
        return ""

    def close(self) -> None:
        with suppress(*FAULTS):
            self._connection.close()


def _composed(message: Message, connection: BaseEmailBackend) -> EmailMessage:
    """The same id at each attempt, so that a mail that went out twice is shown once."""
    written = datetime.fromtimestamp(message.created_at, UTC)
    headers = {
        "Message-ID": f"<rttm.{message.key}.{written:%Y%m%d%H%M%S%f}@{gethostname()}>",
        "Auto-Submitted": "auto-generated",  # RFC 3834: no out-of-office answers
    }
    return EmailMessage(
        message.subject, message.text, to=[message.recipient], headers=headers,
        connection=connection,
    )  # fmt: skip
