"""The outbox: messages are written in the transaction of the change that they tell.

`tell` and `tell_probes` are called by settle and store; the rest is the sender's side.
"""

import socket
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from django.conf import settings
from django.db import transaction

from rttm.core import syslog
from rttm.core.health import Milliseconds
from rttm.core.notify import Mail, News, mail
from rttm.core.schema import Service as ServiceValue
from rttm.core.terms import ChangeType
from rttm.engine import contacts
from rttm.engine.history import Cause
from rttm.engine.models import Contact, Health, Notification
from rttm.engine.router import ALIAS

from .news import Outcome, news

Kind = Notification.Kind

DIRECT = 10_000  # messages of single probes that wait at most; beyond it the oldest are lost


@dataclass(frozen=True, slots=True)
class Channel:
    """How long a kind of message is worth sending, and how its failures are spaced out."""

    kind: str
    at_once: int  # messages in one round
    lease: float  # seconds in which nobody else tries: longer than an attempt can last
    first_wait: float  # seconds after the first failure; each further one doubles it
    longest_wait: float
    attempts: int  # after which a message is given up


# For about a day, and for ten minutes: an old line tells a syslog server little.
MAILS = Channel(Kind.MAIL, at_once=20, lease=600, first_wait=30, longest_wait=3600, attempts=30)
SYSLOG = Channel(Kind.SYSLOG, at_once=500, lease=60, first_wait=5, longest_wait=60, attempts=14)


@dataclass(frozen=True, slots=True)
class Message:
    """A message to be sent; `key` is 0 for one that is not kept."""

    recipient: str
    port: int
    text: str
    subject: str = ""
    key: int = 0
    created_at: float = 0
    attempts: int = 0


direct: deque[Message] = deque(maxlen=DIRECT)
"""The results of single probes (delivery `all`): too many to keep, so a kill loses some."""


def tell(outcomes: Iterable[Outcome]) -> None:
    """Write the messages of what was settled, within its transaction."""
    rows: list[Notification] = []
    for outcome in outcomes:
        if outcome.is_told:
            rows += _of_change(news(outcome), outcome.cause)
    Notification.objects.bulk_create(rows)


def _of_change(told: News, cause: Cause) -> list[Notification]:
    service, speaker = told.service, _speaker(cause.site_code or settings.SITE_CODE)
    texts = syslog.change_messages(told, _times(told), speaker=speaker)
    rows = [_datagram(service, text, cause.now) for text in texts]
    if text := mail(told):
        rows += _mails(text, contacts.find(service.contact_nickname), cause.now)
    return rows


def _mails(text: Mail, contact: Contact | None, now: float) -> list[Notification]:
    """To the address for notifications; a pager gets the headline."""
    if contact is None:
        return []
    bodies = {contact.pager_email: text.headline, contact.notify_email or contact.email: text.body}
    return [
        Notification(
            kind=Kind.MAIL,
            recipient=address,
            subject=text.subject,
            text=body,
            created_at=now,
            due_at=now,
        )
        for address, body in bodies.items()
        if address
    ]


def _times(told: News) -> syslog.Times:
    """The response times, of all sites, of what is served after a performance run."""
    if told.change_type != ChangeType.PERF or not told.service.syslog_server:
        return {}
    served = {value for region in told.regions for value in region.served}
    rows = Health.objects.filter(
        service__zone__name=told.service.zone,
        service__fqdn=told.service.fqdn,
        address__in=served,
    )
    found: dict[str, tuple[Milliseconds, ...]] = {}
    for address, runs in rows.order_by("site_code").values_list("address", "runs"):
        found[address] = (*found.get(address, ()), *runs)
    return found


def _speaker(site_code: str) -> syslog.Speaker:
    return syslog.Speaker(socket.gethostname(), site_code)


def _datagram(service: ServiceValue, text: str, now: float) -> Notification:
    return Notification(
        kind=Kind.SYSLOG,
        recipient=service.syslog_server,
        port=service.syslog_port,
        text=text,
        created_at=now,
        due_at=now,
    )


@dataclass(frozen=True, slots=True)
class Told:
    """One result of a probe, and the service that it is about."""

    service: ServiceValue
    serial: int
    probed: syslog.Probed
    at: float


def tell_probes(told: Iterable[Told], *, site_code: str, now: float) -> None:
    """Within the transaction of the results: a changed status is kept, of `all` nothing is."""
    speaker = _speaker(site_code)
    kept, passing = [], []
    for one in told:
        if not syslog.is_told(one.probed, one.service):
            continue
        moment = datetime.fromtimestamp(one.at, UTC)
        text = syslog.probe_message(
            one.probed, one.service, moment=moment, serial=one.serial, speaker=speaker
        )
        row = _datagram(one.service, text, now)
        if one.probed.is_changed:
            kept.append(row)
        else:
            passing.append(Message(row.recipient, row.port, text))
    Notification.objects.bulk_create(kept)
    if passing:
        transaction.on_commit(lambda: direct.extend(passing), using=ALIAS)


def take(channel: Channel, now: float) -> list[Message]:
    """Messages that are due, each for this process alone until its lease ends."""
    waiting = Notification.objects.filter(kind=channel.kind, due_at__lte=now).order_by("pk")
    return [
        Message(
            recipient=row.recipient,
            port=row.port,
            text=row.text,
            subject=row.subject,
            key=row.pk,
            created_at=row.created_at,
            attempts=row.attempts + 1,
        )
        for row in waiting[: channel.at_once]
        if _claim(row, now + channel.lease)
    ]


def _claim(row: Notification, until: float) -> bool:
    unclaimed = Notification.objects.filter(pk=row.pk, due_at=row.due_at)
    return bool(unclaimed.update(due_at=until, attempts=row.attempts + 1))


def sent(message: Message) -> None:
    Notification.objects.filter(pk=message.key).delete()


def put_off(channel: Channel, message: Message, now: float) -> bool:
    """Try it again later; after so many attempts it is given up, and that is the answer."""
    row = Notification.objects.filter(pk=message.key)
    if message.attempts >= channel.attempts:
        row.delete()
        return True
    wait = channel.first_wait * 2 ** min(message.attempts - 1, 16)
    row.update(due_at=now + min(wait, channel.longest_wait))
    return False
