"""Zones and services as users configure them. Every change is settled at once.

The functions that change something are called inside a transaction, on a row from `hold`.
"""

from dataclasses import dataclass, replace

from django.db import transaction
from django.db.models import Q, QuerySet

from rttm.core.eligibility import effective
from rttm.core.schema import Service as ServiceValue
from rttm.core.terms import ChangeType, EntryStatus, Protocol
from rttm.engine import tasks
from rttm.engine.history import Cause
from rttm.engine.models import AddressState, Health, RegionState, Service, Zone
from rttm.engine.router import ALIAS
from rttm.engine.settle import Settled, record_removal, settle


def zones() -> list[Zone]:
    return list(Zone.objects.order_by("name"))


def find_zone(name: str) -> Zone | None:
    return Zone.objects.filter(name=name).first()


def create_zone(name: str) -> tuple[Zone, bool]:
    """The zone, and whether it is new."""
    return Zone.objects.get_or_create(name=name)


def in_zone(zone: Zone) -> list[Service]:
    return list(_services().filter(zone=zone).order_by("fqdn"))


def find(zone: str, fqdn: str) -> Service | None:
    return _services().filter(zone__name=zone, fqdn=fqdn).first()


def hold(zone: str, fqdn: str) -> Service | None:
    """The service, kept from other writers until the transaction ends."""
    rows = _services().filter(zone__name=zone, fqdn=fqdn)
    return rows.select_for_update(of=("self",)).first()


def _services() -> QuerySet[Service]:
    return Service.objects.select_related("zone")


def create(zone: Zone, service: ServiceValue, *, now: float, user_name: str) -> Service:
    """A new, active service. IntegrityError when there is one at that node."""
    row = Service(zone=zone, fqdn=service.fqdn, created_at=now)
    row.configure(service)
    with transaction.atomic(using=ALIAS):
        row.save(force_insert=True)
    settle(row, _by_user(now, user_name))
    return row


def _by_user(now: float, user_name: str) -> Cause:
    return Cause(now, ChangeType.USER, user_name)


def change(row: Service, wanted: ServiceValue, *, now: float, user_name: str) -> None:
    """Make the configuration `wanted`; nothing happens when it is so already."""
    was = row.value
    if wanted == was:
        return
    row.configure(wanted)
    _bump(row, new_monitors=_monitors(wanted) != _monitors(was))
    if _measured(wanted) != _measured(was):
        # They timed something else.
        Health.objects.filter(service=row).update(runs=[], measured_at=0)
    if wanted.monitor.protocol == Protocol.NONE:
        _forget_statuses(row, now)
    _forget_addresses(row)
    tasks.follow(row, addresses(wanted), now=now)
    settle(row, _by_user(now, user_name))


def _monitors(service: ServiceValue) -> tuple[object, object]:
    return service.monitor, service.performance_monitor


def _measured(service: ServiceValue) -> object:
    """What response times depend on; how often they are taken is no part of it."""
    return replace(service.performance_monitor, interval=0, retries=0, timeout=0)


def _bump(row: Service, *, new_monitors: bool = False) -> None:
    row.version += 1
    if new_monitors:
        row.monitor_version = row.version
    row.save()


def _forget_statuses(row: Service, now: float) -> None:
    """Nobody looks any more, so nobody knows; latches and response times stay."""
    for rows in (Health.objects, AddressState.objects):
        known = rows.filter(service=row).exclude(status=EntryStatus.UNK)
        known.update(status=EntryStatus.UNK, since=now)
    # As never seen: so it is probed at once when probing begins again, also after a restart.
    Health.objects.filter(service=row).update(streak=0, seen_at=0)


def addresses(service: ServiceValue) -> set[str]:
    """What is probed: an autopopulated region's own pool sleeps until it is wanted again."""
    return {entry.address for r in service.region for entry in effective(r, service).pool}


def _forget_addresses(row: Service) -> None:
    """An address that left the service takes its health and its latch with it."""
    present = addresses(row.value)
    for rows in (Health.objects, AddressState.objects):
        rows.filter(service=row).exclude(address__in=present).delete()


def activate(row: Service, *, now: float, user_name: str) -> None:
    """Probed and answered for from now on; results of before count no more."""
    row.active = True
    _bump(row, new_monitors=True)
    settle(row, _by_user(now, user_name))


def deactivate(row: Service, *, now: float, user_name: str) -> None:
    row.active = False
    _bump(row)
    _forget_statuses(row, now)
    tasks.follow(row, (), now=now)
    settle(row, _by_user(now, user_name))


@dataclass(frozen=True, slots=True)
class Recovered:
    """What a recover met, and what came of it."""

    latched: tuple[str, ...]  # the addresses that waited for it
    failed_over: tuple[str, ...]  # the regions in failover before
    after: Settled
    task_id: str  # of the task that waits for its effect


def recover(row: Service, *, now: float, user_name: str) -> Recovered:
    """Every latch is cleared and every region decides anew."""
    waiting = _failed_over(row)
    RegionState.objects.filter(service=row).update(held=False)
    return _recover(row, "", waiting, _by_user(now, user_name))


def recover_address(row: Service, address: str, *, now: float, user_name: str) -> Recovered:
    """The latch of one address is cleared, in all regions."""
    return _recover(row, address, _failed_over(row), _by_user(now, user_name))


def _failed_over(row: Service) -> tuple[str, ...]:
    """The regions in failover; those of an inactive service go on waiting for recover."""
    states = RegionState.objects.filter(Q(in_failover=True) | Q(held=True), service=row)
    return tuple(states.order_by("pk").values_list("region_code", flat=True))


def _recover(row: Service, address: str, failed_over: tuple[str, ...], cause: Cause) -> Recovered:
    concerned = {address} if address else addresses(row.value)
    latched = AddressState.objects.filter(service=row, address__in=concerned, latched=True)
    waiting = tuple(latched.order_by("address").values_list("address", flat=True))
    latched.update(latched=False)
    _bump(row)
    after = settle(row, cause)
    task = tasks.open_task(row, concerned, address=address, now=cause.now)
    return Recovered(waiting, failed_over, after, str(task.pk))


def delete(row: Service, *, now: float, user_name: str) -> None:
    record_removal(row, _by_user(now, user_name))
    tasks.abandon(row, now=now)
    row.delete()
