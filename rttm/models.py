"""The mirror (what the backend told us, written by `sync` alone) and our own rows.

No constraint repeats a rule of `core.rules`: what the backend has, we show.
"""

from dataclasses import fields
from typing import Any

from django.conf import settings
from django.db import models

from .core import schema
from .core.terms import RegionCode


class Mirrored(models.Model):
    """What all mirrored rows share."""

    version = models.PositiveIntegerField(default=1)  # counts changes of the configuration
    seen_at = models.DateTimeField()  # the moment of the request whose answer this row repeats

    class Meta:
        abstract = True


class Service(Mirrored):
    """One RTTM service. Mirror: only `sync` writes it."""

    zone = models.CharField(max_length=255)
    fqdn = models.CharField(max_length=255)
    active = models.BooleanField()
    status = models.CharField(max_length=16)
    status_since = models.DateTimeField()
    ttl = models.IntegerField()
    auto_recover = models.BooleanField()
    recovery_delay = models.IntegerField()
    contact_nickname = models.TextField(blank=True)
    notify_events = models.JSONField(default=list)
    syslog_server = models.TextField(blank=True)
    syslog_port = models.IntegerField()
    syslog_ident = models.TextField(blank=True)
    syslog_facility = models.TextField(blank=True)
    syslog_delivery = models.TextField(blank=True)
    syslog_probe_fmt = models.TextField(blank=True)
    syslog_status_fmt = models.TextField(blank=True)
    syslog_rttm_fmt = models.TextField(blank=True)
    task_id = models.TextField(blank=True)
    gone_at = models.DateTimeField(null=True)  # since when the backend no longer has it
    answers_seen_at = models.DateTimeField(null=True)  # when we last asked what it serves

    class Meta:
        ordering = ("fqdn",)
        constraints = (models.UniqueConstraint(fields=("zone", "fqdn"), name="service_lives_once"),)

    def __str__(self) -> str:
        return self.fqdn

    @property
    def sign(self) -> str:
        """The one word a reader needs first: gone, inactive, or its status."""
        if self.gone_at:
            return "gone"
        return self.status if self.active else "inactive"

    @property
    def key(self) -> schema.ServiceKey:
        return schema.ServiceKey(self.zone, self.fqdn)

    @property
    def value(self) -> schema.Service:
        """The whole service as a value; prefetch `regions__pool` and both monitors first."""
        return schema.Service(
            **_own(self, schema.Service, skip={"region", "monitor", "performance_monitor"}),
            region=tuple(region.value for region in self.regions_in_order()),
            monitor=self.monitor.value,
            performance_monitor=self.performance_monitor.value,
        )

    def regions_in_order(self) -> list["Region"]:
        order = {str(code): place for place, code in enumerate(RegionCode)}
        return sorted(self.regions.all(), key=lambda region: order.get(region.region_code, 99))


class Monitor(Mirrored):
    """How a service's addresses are probed."""

    protocol = models.CharField(max_length=16)
    interval = models.IntegerField()
    retries = models.IntegerField()
    timeout = models.IntegerField()
    port = models.IntegerField()
    path = models.TextField(blank=True)
    host = models.TextField(blank=True)
    header = models.TextField(blank=True)
    expected = models.TextField(blank=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.protocol} every {self.interval} min"


class HealthMonitor(Monitor):
    """Mirror: only `sync` writes it."""

    service = models.OneToOneField(Service, models.CASCADE, related_name="monitor")

    @property
    def value(self) -> schema.Monitor:
        return schema.HealthMonitor(**_own(self, schema.HealthMonitor))


class PerformanceMonitor(Monitor):
    """Mirror: only `sync` writes it."""

    service = models.OneToOneField(Service, models.CASCADE, related_name="performance_monitor")

    @property
    def value(self) -> schema.Monitor:
        return schema.PerformanceMonitor(**_own(self, schema.PerformanceMonitor))


class Region(Mirrored):
    """A part of the world with its pool, and what it serves. Mirror: only `sync` writes it."""

    service = models.ForeignKey(Service, models.CASCADE, related_name="regions")
    region_code = models.CharField(max_length=32)
    autopopulate = models.BooleanField()
    ep = models.IntegerField()
    apmc = models.IntegerField()
    epmc = models.IntegerField()
    serve_count = models.IntegerField()
    failover_mode = models.CharField(max_length=16)
    failover_data = models.TextField(blank=True)
    status = models.CharField(max_length=16)
    status_since = models.DateTimeField()
    task_id = models.TextField(blank=True)
    answer = models.JSONField(
        null=True
    )  # records served: [[type, value, weight], …]; null: unasked
    answer_since = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("service", "region_code"), name="region_once"),
        )

    def __str__(self) -> str:
        return f"{self.service} {self.region_code}"

    @property
    def value(self) -> schema.Region:
        return schema.Region(
            **_own(self, schema.Region, skip={"pool"}),
            pool=tuple(entry.value for entry in self.pool.all()),
        )

    @property
    def records(self) -> list[schema.Record] | None:
        """What it serves, as far as we asked."""
        return None if self.answer is None else [schema.Record(*item) for item in self.answer]


class PoolEntry(Mirrored):
    """One address in a region's pool. Mirror: only `sync` writes it."""

    region = models.ForeignKey(Region, models.CASCADE, related_name="pool")
    position = models.PositiveIntegerField()
    address = models.CharField(max_length=255)
    label = models.TextField(blank=True)
    weight = models.IntegerField()
    serve_mode = models.CharField(max_length=16)
    status = models.CharField(max_length=16)
    status_since = models.DateTimeField()
    log = models.JSONField(default=list)  # latest result per site: [[site, status, message, time]]
    task_id = models.TextField(blank=True)
    was_down = models.BooleanField(default=False)  # mode remove: seen down since the last recover

    class Meta:
        ordering = ("position",)
        constraints = (
            models.UniqueConstraint(fields=("region", "address"), name="pool_entry_once"),
        )

    def __str__(self) -> str:
        return f"{self.region} {self.address}"

    @property
    def value(self) -> schema.PoolEntry:
        return schema.PoolEntry(
            **_own(self, schema.PoolEntry, skip={"log"}),
            log=tuple(schema.LogEntry(*item) for item in self.log),
        )


class LogRecord(models.Model):
    """One change of a region's response set, as the backend logged it. Mirror: only `sync`."""

    service = models.ForeignKey(Service, models.CASCADE, related_name="log")
    region_code = models.CharField(max_length=32)
    change_at = models.DateTimeField()
    change_type = models.CharField(max_length=16)
    region_status = models.CharField(max_length=16)
    serial = models.BigIntegerField()
    user_name = models.TextField(blank=True)
    serve_count = models.IntegerField()
    answer = models.JSONField()  # as Region.answer

    class Meta:
        ordering = ("-change_at", "-serial", "region_code")
        constraints = (
            models.UniqueConstraint(
                fields=("service", "region_code", "change_at", "serial"), name="log_record_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.region_code} {self.change_type} at {self.change_at:%Y-%m-%d %H:%M:%S}"

    @property
    def records(self) -> list[schema.Record]:
        return [schema.Record(*item) for item in self.answer]


class SyncState(models.Model):
    """One row: how the mirror stands to the backend. Only `sync` writes it."""

    succeeded_at = models.DateTimeField(null=True)
    failing_since = models.DateTimeField(null=True)
    message = models.TextField(blank=True)  # why the last sync failed

    def __str__(self) -> str:
        return f"failing since {self.failing_since}" if self.failing_since else "in step"


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
        UNAVAILABLE = "unavailable", "not sent: the backend did not answer"
        UNKNOWN = "unknown", "not known yet: no answer after sending"
        NOT_APPLIED = "not_applied", "not applied"

    OPEN = (Outcome.PENDING, Outcome.UNKNOWN)

    verb = models.CharField(max_length=16, choices=Verb)
    outcome = models.CharField(max_length=16, choices=Outcome, default=Outcome.PENDING)


class Action(Kept):
    """Something a person asked the workers to do; the row is the truth, the queue wakes them."""

    class Verb(models.TextChoices):
        ACTIVATE = "activate", "Activate"
        DEACTIVATE = "deactivate", "Deactivate"
        RECOVER = "recover", "Recover"
        RECOVERIP = "recoverip", "Recover address"
        SYNC = "sync", "Sync"
        LOG_REPORT = "log_report", "Log report"

    class State(models.TextChoices):
        QUEUED = "queued", "queued"
        RUNNING = "running", "running"
        SUCCEEDED = "succeeded", "succeeded"
        FAILED = "failed", "failed"

    UNFINISHED = (State.QUEUED, State.RUNNING)
    FINISHED = (State.SUCCEEDED, State.FAILED)

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


def _own(row: models.Model, kind: type[Any], skip: frozenset[str] | set[str] = frozenset()) -> dict:
    """A row's columns under the names of its value's fields."""
    names = (field.name for field in fields(kind))
    values = {name: getattr(row, name) for name in names if name not in skip}
    return {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
