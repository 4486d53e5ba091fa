"""What several sites found of the same addresses: kept by site, and voted on.

Called by results and silence, inside a transaction that holds the services' rows.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from rttm.core.health import Health as HealthValue
from rttm.core.notify import NOT_YET, AddressChange
from rttm.core.sites import Report, agreed
from rttm.core.terms import EntryStatus
from rttm.engine.models import AddressState, Health, Service

AddressKey = tuple[int, str]  # service id, address
BySite = dict[str, Health]  # by site code
Changed = Mapping[int, list[AddressChange]]  # by service id


def hold_active(ids: Iterable[int]) -> dict[int, Service]:
    """The active ones of these services, in an order in which no two writers block each other."""
    rows = Service.objects.filter(pk__in=ids, active=True).select_related("zone").order_by("pk")
    return {row.pk: row for row in rows.select_for_update(of=("self",))}


def health_row(
    service_id: int, address: str, site_code: str, value: HealthValue, ran_at: float
) -> Health:
    return Health(
        service_id=service_id,
        address=address,
        site_code=site_code,
        status=value.status,
        streak=value.streak,
        since=value.since,
        seen_at=value.seen_at,
        ran_at=ran_at,
        message=value.message,
        response_ms=value.response_ms,
        runs=list(value.runs),
        measured_at=value.measured_at,
    )


def save(healths: list[Health]) -> None:
    Health.objects.bulk_create(
        healths,
        update_conflicts=True,
        unique_fields=["service", "address", "site_code"],
        update_fields=[
            *("status", "streak", "since", "seen_at"),
            *("ran_at", "message", "response_ms", "runs", "measured_at"),
        ],
    )


def vote(rows: Mapping[int, Service], known: Mapping[AddressKey, BySite], now: float) -> Changed:
    """The status of each address over the sites; by service, what changed."""
    states = _states(known)
    voted: list[AddressState] = []
    changed: defaultdict[int, list[AddressChange]] = defaultdict(list)
    for (service_id, address), sites in known.items():
        before = states.get((service_id, address), NOT_YET)
        present = EntryStatus(before or EntryStatus.UNK)
        interval = rows[service_id].health_interval
        status = agreed(_reports(sites), present, now=now, interval=interval)
        if status != present:
            voted.append(
                AddressState(service_id=service_id, address=address, status=status, since=now)
            )
            changed[service_id].append(
                AddressChange(address, before, status, _evidence(sites, status))
            )
    AddressState.objects.bulk_create(
        voted,
        update_conflicts=True,
        unique_fields=["service", "address"],
        update_fields=["status", "since"],
    )
    return changed


def in_order(changes: Iterable[AddressChange]) -> tuple[AddressChange, ...]:
    """As messages tell them."""
    return tuple(sorted(changes, key=lambda change: change.address))


def _evidence(sites: BySite, status: str) -> str:
    """What the site says that saw it last, of those that see it so."""
    agreeing = [health for health in sites.values() if health.status == status and health.message]
    return max(agreeing, key=lambda health: health.seen_at).message if agreeing else ""


def _states(keys: Collection[AddressKey]) -> dict[AddressKey, str]:
    rows = AddressState.objects.filter(
        service__in={service_id for service_id, _ in keys},
        address__in={address for _, address in keys},
    )
    found = rows.values_list("service_id", "address", "status")
    return {(service_id, address): status for service_id, address, status in found}


def _reports(sites: BySite) -> list[Report]:
    return [Report(EntryStatus(health.status), health.seen_at) for health in sites.values()]
