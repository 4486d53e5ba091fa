"""Who is told of changes, and the messages that wait to be sent.

Written by contacts and notify only. All times are UNIX seconds.
"""

from typing import ClassVar

from django.db import models

from rttm.core.rules import LABEL_LENGTH

from .services import CODE_LENGTH


class Contact(models.Model):
    """Who is told of changes. `owner` exists without a row too: the setting has its address."""

    nickname = models.CharField(max_length=LABEL_LENGTH, unique=True)
    first_name = models.CharField(max_length=LABEL_LENGTH, default="", blank=True)
    last_name = models.CharField(max_length=LABEL_LENGTH, default="", blank=True)
    email = models.EmailField()
    notify_email = models.EmailField(default="", blank=True)
    pager_email = models.EmailField(default="", blank=True)

    def __str__(self) -> str:
        return self.nickname


class Notification(models.Model):
    """A message that waits to be sent, written with the change that it tells; sent, it is gone."""

    class Kind(models.TextChoices):
        MAIL = "mail"
        SYSLOG = "syslog"

    kind = models.CharField(max_length=CODE_LENGTH, choices=Kind.choices)
    recipient = models.TextField()  # a mail address, or a syslog server
    port = models.PositiveIntegerField(default=0)  # of a syslog server
    subject = models.TextField(default="", blank=True)
    text = models.TextField()
    created_at = models.FloatField()
    due_at = models.FloatField()  # while one is being sent: when another process may try
    attempts = models.PositiveIntegerField(default=0)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["kind", "due_at"], name="engine_message_due")]

    def __str__(self) -> str:
        return f"{self.kind} to {self.recipient}"
