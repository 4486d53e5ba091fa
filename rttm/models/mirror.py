"""The mirror: what the backend told us. Everybody may read it; only `rttm.sync` writes it.

No constraint repeats a rule of `core.rules`: what the backend has, we show.
"""

from collections.abc import Collection
from dataclasses import fields
from typing import Any

from django.db import models
from django.db.models import F, Prefetch, Q

from rttm.core import schema
from rttm.core.terms import EntryStatus, RegionCode, Status


class Mirrored(models.Model):
    """What all mirrored rows share."""

    version = models.PositiveIntegerField(default=1)  # counts changes of the configuration
    seen_at = models.DateTimeField()  # the moment of the request whose answer this row repeats

    class Meta:
        abstract = True


class Services(models.QuerySet["Service"]):
    """Questions to the mirror as a whole."""

    def whole(self) -> "Services":
        """With all that `value` reads."""
        pools = Prefetch("regions", Region.objects.prefetch_related("pool"))
        return self.select_related("monitor", "performance_monitor").prefetch_related(pools)

    def locked(self, pk: int) -> "Service":
        """One as it is now. Who else locks it waits until this transaction ends."""
        return self.select_for_update(no_key=True).get(pk=pk)


class Service(Mirrored):
    """One RTTM service."""

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
    # Since when the backend does not list it, while nobody knows whether it is gone.
    missing_since = models.DateTimeField(null=True)
    is_missing_dismissed = models.BooleanField(default=False)  # pages do not tell of it any more
    # When it was last changed and what came of that could not be read in the same turn.
    changed_at = models.DateTimeField(null=True)
    answers_seen_at = models.DateTimeField(null=True)  # when we last asked what it serves

    objects = Services.as_manager()

    class Meta:
        ordering = ("fqdn",)
        constraints = (models.UniqueConstraint(fields=("zone", "fqdn"), name="service_lives_once"),)

    def __str__(self) -> str:
        return self.fqdn

    @property
    def sign(self) -> str:
        """The one word a reader needs first: gone, missing, inactive, or its status."""
        if self.gone_at:
            return "gone"
        if self.missing_since:
            return "missing"
        return self.sign_of(self.status) if self.active else "inactive"

    @staticmethod
    def has_sign(sign: str) -> Q:
        """`sign`, for a query."""
        if sign == "gone":
            return Q(gone_at__isnull=False)
        if sign == "missing":
            return Q(gone_at=None, missing_since__isnull=False)
        if sign == "inactive":
            return Q(gone_at=None, missing_since=None, active=False)
        status, is_older = Q(status=sign), Q(changed_at__gt=F("seen_at"))
        if sign == Status.OK:
            status &= Q(changed_at=None) | Q(changed_at__lte=F("seen_at"))
        elif sign == Status.UNK:
            status |= Q(status=Status.OK) & is_older
        return Q(gone_at=None, missing_since=None, active=True) & status

    @property
    def is_state_older(self) -> bool:
        """A part of it has changed since its own state, and those of its regions, were read."""
        return self.changed_at is not None and self.seen_at < self.changed_at

    def sign_of(self, status: str) -> str:
        """The sign of its own status or a region's: an `ok` that may be over is none."""
        is_old = self.is_state_older or self.missing_since is not None
        return Status.UNK if status == Status.OK and is_old else status

    @property
    def key(self) -> schema.ServiceKey:
        return schema.ServiceKey(self.zone, self.fqdn)

    @property
    def value(self) -> schema.Service:
        """The whole service as a value; `whole()` fetches what it reads."""
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
    service = models.OneToOneField(Service, models.CASCADE, related_name="monitor")

    @property
    def value(self) -> schema.Monitor:
        return schema.HealthMonitor(**_own(self, schema.HealthMonitor))


class PerformanceMonitor(Monitor):
    service = models.OneToOneField(Service, models.CASCADE, related_name="performance_monitor")

    @property
    def value(self) -> schema.Monitor:
        return schema.PerformanceMonitor(**_own(self, schema.PerformanceMonitor))


class Region(Mirrored):
    """A part of the world with its pool, and what it serves."""

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
    # The records served, [[type, value, weight], …]; null until we asked.
    answer = models.JSONField(null=True)
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
    def sign(self) -> str:
        """The one word a reader needs first."""
        return self.service.sign_of(self.status)

    @property
    def records(self) -> list[schema.Record] | None:
        """What it serves, as far as we asked."""
        return None if self.answer is None else [schema.Record(*item) for item in self.answer]


class PoolEntry(Mirrored):
    """One address in a region's pool."""

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
    def is_waiting(self) -> bool:
        """Up again, or unknown, but out until somebody recovers it (mode `remove`)."""
        return self.was_down and self.status != EntryStatus.DOWN

    @staticmethod
    def waiting(path: str = "") -> Q:
        """`is_waiting` for a query; of a model other than this, with the path to here."""
        return Q((f"{path}was_down", True)) & ~Q((f"{path}status", EntryStatus.DOWN))

    @property
    def value(self) -> schema.PoolEntry:
        return schema.PoolEntry(
            **_own(self, schema.PoolEntry, skip={"log"}),
            log=tuple(schema.LogEntry(*item) for item in self.log),
        )


class LogRecord(models.Model):
    """One change of a region's response set, as the backend logged it."""

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


def _own(row: Mirrored, kind: type, *, skip: Collection[str] = ()) -> dict[str, Any]:
    """A row's columns under the names of its value's fields."""
    names = (field.name for field in fields(kind))
    values = {name: getattr(row, name) for name in names if name not in skip}
    return {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
