"""Services as they are configured, what the sites know of them, and what they serve.

Written by store, settle and history, dropped by reports. All times are UNIX seconds.
"""

import json
from typing import ClassVar

from django.conf import settings
from django.db import models

from rttm.core import wire
from rttm.core.health import Health as HealthValue
from rttm.core.rules import NAME_LENGTH
from rttm.core.schema import Record, ResponseSet, ServiceKey
from rttm.core.schema import Service as ServiceValue
from rttm.core.terms import EntryStatus
from rttm.engine.newest import Newest

CODE_LENGTH = 16  # of the fixed words: statuses, region codes, change types
IN_MEMORY = 10_000  # services whose configuration is kept there, made ready
REGION_REMOVED = "reg_remove"
UNKNOWN = EntryStatus.UNK.value

# The loop reads the same configurations many times a second.
values: Newest[ServiceKey, ServiceValue] = Newest(IN_MEMORY)


class Zone(models.Model):
    """A zone of the account; its serial counts the recorded changes."""

    name = models.CharField(max_length=NAME_LENGTH, unique=True)
    serial = models.BigIntegerField(default=1)

    def __str__(self) -> str:
        return self.name


class Service(models.Model):
    """One service; its configuration is one value, read and written whole."""

    zone = models.ForeignKey(Zone, on_delete=models.PROTECT, related_name="services")
    fqdn = models.CharField(max_length=NAME_LENGTH)
    active = models.BooleanField(default=True)
    document = models.TextField()  # JSON, as a request would send it
    interval = models.PositiveSmallIntegerField()  # minutes; repeated from the document to query
    version = models.PositiveBigIntegerField(default=1)  # of configuration and actions
    # Results of probes that began before this version are about another monitor.
    monitor_version = models.PositiveBigIntegerField(default=1)
    created_at = models.FloatField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["zone", "fqdn"], name="engine_one_service_per_node")
        ]

    def __str__(self) -> str:
        return self.fqdn

    @property
    def health_interval(self) -> float:
        """Of the health monitor, in seconds."""
        return float(self.interval * settings.SECONDS_PER_MINUTE)

    @property
    def key(self) -> ServiceKey:
        return ServiceKey(self.zone.name, self.fqdn)

    @property
    def value(self) -> ServiceValue:
        """Its configuration; an autopopulated region keeps its own settings in here."""
        return values.get(self.key, (self.active, self.document), self._parsed)

    def _parsed(self) -> ServiceValue:
        names = {"zone": self.zone.name, "fqdn": self.fqdn, "active": wire.render_flag(self.active)}
        return wire.parse_service({**json.loads(self.document), **names})

    def configure(self, service: ServiceValue) -> None:
        self.document = json.dumps(wire.render_service(service, observed=False))
        self.interval = service.monitor.interval


class Health(models.Model):
    """What one monitoring site knows of one address."""

    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="healths")
    address = models.CharField(max_length=NAME_LENGTH)
    site_code = models.CharField(max_length=CODE_LENGTH)
    status = models.CharField(max_length=CODE_LENGTH, default=UNKNOWN)
    streak = models.PositiveIntegerField(default=0)
    since = models.FloatField(default=0)
    seen_at = models.FloatField(default=0)
    ran_at = models.FloatField(default=0)  # the last run, also one that told nothing
    message = models.TextField(default="")
    response_ms = models.FloatField(null=True)
    runs = models.JSONField(default=list)
    measured_at = models.FloatField(default=0)  # the newest of the runs

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["service", "address", "site_code"], name="engine_one_health_per_site"
            )
        ]

    def __str__(self) -> str:
        return f"{self.address} {self.status}"

    @property
    def value(self) -> HealthValue:
        return HealthValue(
            status=EntryStatus(self.status),
            streak=self.streak,
            since=self.since,
            seen_at=self.seen_at,
            message=self.message,
            response_ms=self.response_ms,
            runs=tuple(self.runs),
            measured_at=self.measured_at,
        )


class Site(models.Model):
    """A monitoring site whose loop works on this database, or did until lately."""

    code = models.CharField(max_length=CODE_LENGTH, unique=True)
    seen_at = models.FloatField()
    loop_id = models.CharField(max_length=CODE_LENGTH, default="")  # each start has its own

    def __str__(self) -> str:
        return self.code


class AddressState(models.Model):
    """One address of a service over all sites, and its latch (serve mode `remove`)."""

    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="addresses")
    address = models.CharField(max_length=NAME_LENGTH)
    status = models.CharField(max_length=CODE_LENGTH, default=UNKNOWN)
    since = models.FloatField(default=0)
    latched = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["service", "address"], name="engine_one_address_state")
        ]

    def __str__(self) -> str:
        return f"{self.address} {self.status}"


class RegionState(models.Model):
    """What a region serves now, as its newest record says."""

    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="regions")
    region_code = models.CharField(max_length=CODE_LENGTH)
    status = models.CharField(max_length=CODE_LENGTH, default=UNKNOWN)
    in_failover = models.BooleanField(default=False)
    held = models.BooleanField(default=False)  # in failover until recover (auto_recover N)
    in_gap = models.BooleanField(default=False)  # its failover was not looked at since
    since = models.FloatField(default=0)
    serve_count = models.PositiveIntegerField(default=1)
    records = models.JSONField(default=list)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["service", "region_code"], name="engine_one_region_state"
            )
        ]

    def __str__(self) -> str:
        return f"{self.region_code} {self.status}"


class ResponseRecord(models.Model):
    """A change of what a region serves. Named by zone and FQDN: it outlives the service."""

    zone_name = models.CharField(max_length=NAME_LENGTH)
    fqdn = models.CharField(max_length=NAME_LENGTH)
    serial = models.BigIntegerField()
    change_ts = models.BigIntegerField()
    change_type = models.CharField(max_length=CODE_LENGTH)
    region_code = models.CharField(max_length=CODE_LENGTH)
    region_status = models.CharField(max_length=CODE_LENGTH)
    user_name = models.CharField(max_length=NAME_LENGTH, default="", blank=True)
    serve_count = models.PositiveIntegerField()
    records = models.JSONField(default=list)
    reason = models.TextField(default="", blank=True)  # why it was in failover
    entries = models.JSONField(default=list)  # [[address, place, reason], ...]: why each was or not

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["zone_name", "fqdn", "change_ts"], name="engine_record_by_time")
        ]

    def __str__(self) -> str:
        return f"{self.fqdn} {self.region_code} {self.region_status} at {self.change_ts}"

    @property
    def value(self) -> ResponseSet:
        return ResponseSet(
            region_code=self.region_code,
            region_status=self.region_status,
            change_ts=self.change_ts,
            change_type=self.change_type,
            serve_count=self.serve_count,
            records=tuple(Record(*record) for record in self.records),
            serial=self.serial,
            user_name=self.user_name,
        )
