"""Our own rows: what people did, and what came of it. They outlive what they are about."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from .mirror import Service


class Kept(models.Model):
    """What we keep of anything a person did: who, when, from where, on what."""

    service = models.ForeignKey(Service, models.SET_NULL, null=True, related_name="%(class)ss")
    fqdn = models.CharField(max_length=255, blank=True)
    region_code = models.CharField(max_length=32, blank=True)
    address = models.CharField(max_length=255, blank=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="%(class)ss"
    )
    actor_name = models.CharField(max_length=150, blank=True)  # survives the account
    remote_address = models.GenericIPAddressField(null=True)
    created_at = models.DateTimeField(db_index=True)
    finished_at = models.DateTimeField(null=True)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    message = models.TextField(blank=True)
    # What the backend has yet to finish, and the token of the log-in that may ask after it.
    job_id = models.CharField(max_length=64, blank=True)
    job_token = models.TextField(blank=True)

    class Meta:
        abstract = True
        ordering = ("-created_at", "-pk")

    def __str__(self) -> str:
        return f"{self.actor_name} {self.subject}"

    @property
    def subject(self) -> str:
        """What it was about, in words."""
        return " ".join(filter(None, (self.fqdn, self.region_code, self.address)))


class Edit(Kept):
    """A change a person made to the configuration."""

    class Verb(models.TextChoices):
        CREATE = "create", "added"
        UPDATE = "update", "changed"
        DELETE = "delete", "deleted"

    class Outcome(models.TextChoices):
        PENDING = "pending", "asking the backend"
        SAVED = "saved", "saved"
        UNCHANGED = "unchanged", "nothing to change"
        REJECTED = "rejected", "rejected"
        CONFLICT = "conflict", "conflict: changed by someone else first"
        UNAVAILABLE = "unavailable", "not sent"
        UNKNOWN = "unknown", "not known yet"
        NOT_APPLIED = "not_applied", "not applied"
        UNCLEAR = "unclear", "cannot be told"

    verb = models.CharField(max_length=16, choices=Verb)
    outcome = models.CharField(max_length=16, choices=Outcome, default=Outcome.PENDING)
    turn_until = models.DateTimeField(default=timezone.now)  # see `rttm.edits.turns`
    sent_at = models.DateTimeField(null=True)  # when the change itself went to the backend


class Action(Kept):
    """Something a person asked the workers to do; the row is the truth, the queue wakes them."""

    class Verb(models.TextChoices):
        ACTIVATE = "activate", "Activate"
        DEACTIVATE = "deactivate", "Deactivate"
        RECOVER = "recover", "Recover"
        RECOVERIP = "recoverip", "Recover address"
        SYNC = "sync", "Sync"
        LOG_REPORT = "log_report", "Log report"
        CONFIRM_GONE = "confirm_gone", "Confirm as gone"
        DISMISS_MISSING = "dismiss_missing", "Dismiss as missing"

    class State(models.TextChoices):
        QUEUED = "queued", "queued"
        RUNNING = "running", "running"
        SUCCEEDED = "succeeded", "done"
        STILL_OUT = "still_out", "still out"  # carried out, but it did not bring back all
        FAILED = "failed", "failed"

    UNFINISHED = (State.QUEUED, State.RUNNING)
    FINISHED = (State.SUCCEEDED, State.STILL_OUT, State.FAILED)

    verb = models.CharField(max_length=16, choices=Verb)
    state = models.CharField(max_length=16, choices=State, default=State.QUEUED)
    attempts = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField(null=True)
    claimed_until = models.DateTimeField(null=True)  # a worker's lease

    class Meta(Kept.Meta):
        indexes = (
            models.Index(
                fields=("claimed_until",),
                condition=models.Q(state__in=("queued", "running")),
                name="action_unfinished",
            ),
        )

    @property
    def is_finished(self) -> bool:
        return self.state in self.FINISHED


class LogReport(models.Model):
    """What happened to a service in a span of time, built in the background."""

    action = models.OneToOneField(Action, models.CASCADE, related_name="log_report")
    start = models.DateTimeField()
    end = models.DateTimeField()
    rows = models.JSONField(default=list)  # the backend's records, as on the wire
    built_at = models.DateTimeField(null=True)
    is_cut = models.BooleanField(default=False)  # the backend gave as many as it ever does

    class Meta:
        ordering = ("-pk",)

    def __str__(self) -> str:
        return f"{self.action.fqdn} {self.start:%Y-%m-%d %H:%M} to {self.end:%Y-%m-%d %H:%M}"
