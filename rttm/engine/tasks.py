"""Tasks: recover is done at once, but its effect is known when each address was probed anew.

Written by store, in the transactions in which it changes and records; read by the API.
"""

from collections.abc import Collection, Mapping

from django.conf import settings
from django.db.models import Q, QuerySet

from rttm.core import health
from rttm.core.terms import Protocol

from .models import Service, Task

RUNNING, COMPLETE, CANCELED, STALLED = "running", "complete", "canceled", "stalled"
DONE = (COMPLETE, CANCELED)
RECOVER, RECOVERIP = "RTTMRecover", "RTTMRecoverIP"
KEPT = 86_400  # seconds a finished task can be read


def open_task(row: Service, addresses: Collection[str], *, address: str = "", now: float) -> Task:
    """After a recover; nothing is waited for where nothing is probed."""
    is_probed = row.active and row.value.monitor.protocol != Protocol.NONE
    waiting = sorted(addresses) if is_probed else []
    task = Task(
        service=row,
        name=RECOVERIP if address else RECOVER,
        customer_name=settings.DYNECT_CUSTOMER,
        zone_name=row.zone.name,
        args=_args(row, address),
        version=row.version,
        waiting=waiting,
        total_steps=1 + len(waiting),
        created_at=now,
        modified_at=now,
    )
    _tell(task, "" if is_probed else "The service is not probed")
    task.save()
    return task


def _args(row: Service, address: str) -> list[dict[str, str]]:
    given = {"zone": row.zone.name, "fqdn": row.fqdn} | ({"address": address} if address else {})
    return [{"name": name, "value": value} for name, value in given.items()]


def advance(probed: Mapping[int, Collection[tuple[str, int]]], *, now: float) -> None:
    """Addresses of services were probed: each with the version of the service at the start."""
    for task in _running(list(probed)):
        seen = {
            address for address, version in probed[task.service_id or 0] if version >= task.version
        }
        _wait_for(task, [address for address in task.waiting if address not in seen], now)


def follow(row: Service, addresses: Collection[str], *, now: float) -> None:
    """The service was changed: its tasks wait for nothing that is probed no more."""
    for task in _running([row.pk]):
        if not row.active or row.value.monitor.protocol == Protocol.NONE:
            cancel(task, "The service is probed no more; recover itself was done", now=now)
        else:
            _wait_for(task, [one for one in task.waiting if one in addresses], now)


def abandon(row: Service, *, now: float) -> None:
    """The service is about to be deleted."""
    for task in _running([row.pk]):
        cancel(task, "The service was deleted", now=now)


def _running(service_ids: Collection[int]) -> list[Task]:
    """Kept from other writers: another process may be about to cancel one."""
    running = Task.objects.filter(status=RUNNING, service__in=service_ids).order_by("pk")
    return list(running.select_for_update())


def _wait_for(task: Task, waiting: list[str], now: float) -> None:
    if waiting != task.waiting:
        task.waiting, task.modified_at = waiting, now
        _tell(task)
        task.save()


def _tell(task: Task, reason: str = "") -> None:
    task.status = RUNNING if task.waiting else COMPLETE
    if task.waiting:
        reason = f"Waiting for a probe of {', '.join(task.waiting)}"
    task.message = reason or "Every address was probed since"


def cancel(task: Task, message: str, *, now: float) -> None:
    task.status, task.message, task.modified_at = CANCELED, message, now
    task.save()


def shown_status(task: Task, now: float) -> str:
    """Stalled, when the probes that it waits for have not come for so long that none may."""
    if task.status != RUNNING or task.service is None:
        return task.status
    patience = health.SILENT_INTERVALS * task.service.health_interval
    return STALLED if now - task.modified_at > patience else RUNNING


def find(number: int, customer_name: str) -> Task | None:
    return _numbered(number, customer_name).first()


def hold(number: int, customer_name: str) -> Task | None:
    """The task, kept from other writers until the transaction ends."""
    return _numbered(number, customer_name).select_for_update(of=("self",)).first()


def _numbered(number: int, customer_name: str) -> QuerySet[Task]:
    tasks = Task.objects.filter(pk=number, customer_name=customer_name)
    return tasks.select_related("service")


def find_all(
    customer_name: str, *, name: str = "", zone_name: str = "", is_done: bool | None = None
) -> list[Task]:
    """The newest first."""
    wanted = Q(customer_name=customer_name)
    wanted &= Q(name=name) if name else Q()
    wanted &= Q(zone_name=zone_name) if zone_name else Q()
    if is_done is not None:
        wanted &= Q(status__in=DONE) if is_done else ~Q(status__in=DONE)
    return list(Task.objects.filter(wanted).select_related("service").order_by("-pk"))


def unfinished() -> dict[int, list[Task]]:
    """The running tasks by service, in the order of their begin; there are never many."""
    found: dict[int, list[Task]] = {}
    for task in Task.objects.filter(status=RUNNING).order_by("pk"):
        found.setdefault(task.service_id or 0, []).append(task)
    return found


def waiting() -> dict[int, frozenset[str]]:
    """The addresses whose probe is waited for, by service."""
    return {
        pk: frozenset(address for task in running for address in task.waiting)
        for pk, running in unfinished().items()
    }


def address_of(task: Task) -> str:
    """The one address that a task is about; "" for the whole service."""
    return next((arg["value"] for arg in task.args if arg["name"] == "address"), "")


def prune(now: float) -> None:
    Task.objects.filter(status__in=DONE, modified_at__lt=now - KEPT).delete()
