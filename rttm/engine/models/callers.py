"""What the API keeps for its callers: sessions, and the answers and effects that they wait for.

Written by sessions, jobs and tasks only. All times are UNIX seconds.
"""

from typing import ClassVar

from django.db import models

from rttm.core.rules import NAME_LENGTH

from .services import CODE_LENGTH, Service


class Session(models.Model):
    """A logged-in client; only a hash of its token is kept."""

    token_hash = models.CharField(max_length=64, unique=True)
    customer_name = models.CharField(max_length=255)
    user_name = models.CharField(max_length=255)
    client_ip = models.CharField(max_length=64)
    created_at = models.FloatField()
    used_at = models.FloatField()

    def __str__(self) -> str:
        return f"{self.user_name} from {self.client_ip}"


class Job(models.Model):
    """The answer of a call that took too long; it ends with the session that may ask for it."""

    number = models.BigIntegerField(unique=True)
    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="jobs")
    status = models.PositiveSmallIntegerField()  # HTTP
    body = models.TextField()  # the envelope as it was to be sent
    finished_at = models.FloatField(db_index=True)

    def __str__(self) -> str:
        return f"job {self.number}"


class Task(models.Model):
    """What a recover still waits for: a probe of each address that it was about."""

    service = models.ForeignKey(Service, on_delete=models.SET_NULL, null=True, related_name="tasks")
    name = models.CharField(max_length=CODE_LENGTH)
    customer_name = models.CharField(max_length=255)
    zone_name = models.CharField(max_length=NAME_LENGTH)
    status = models.CharField(max_length=CODE_LENGTH)
    message = models.TextField(default="")
    args = models.JSONField(default=list)  # [{"name", "value"}, ...]
    version = models.PositiveBigIntegerField()  # of the service; probes that began earlier miss it
    waiting = models.JSONField(default=list)  # addresses not probed since
    total_steps = models.PositiveIntegerField(default=1)
    created_at = models.FloatField()
    modified_at = models.FloatField()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["status", "service"], name="engine_task_by_status")
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.status}"


class Counter(models.Model):
    """The last number handed out under a name, such as a job id."""

    name = models.CharField(max_length=CODE_LENGTH, unique=True)
    last = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.name} {self.last}"
