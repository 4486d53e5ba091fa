"""Who made the change whose effect a page shows, as far as it was made here.

Asked by `service_page` and by the editors' views.
"""

from collections.abc import Collection, Iterable, Mapping

from rttm.core.terms import ServeMode
from rttm.models import Edit, PoolEntry, Region, Service

Drains = Mapping[tuple[str, str], Edit]
"""By region and address: the newest edit that set its serve mode to `no`."""


def drains(service: Service, entries: Iterable[PoolEntry]) -> Drains:
    """For those entries that are drained. Mostly none is, and then nothing is read."""
    drained = {entry.address for entry in entries if entry.serve_mode == ServeMode.NO}
    if not drained:
        return {}
    known = Edit.objects.filter(
        service=service,
        address__in=drained,
        outcome=Edit.Outcome.SAVED,
        after__serve_mode=ServeMode.NO,
    )
    newest: dict[tuple[str, str], Edit] = {}
    for edit in known:
        newest.setdefault((edit.region_code, edit.address), edit)
    return newest


def last_change(row: Region | PoolEntry, *, of: Collection[str]) -> Edit | None:
    """Who set what some of these fields say now; None when it was not done here."""
    region = row.region if isinstance(row, PoolEntry) else row
    address = row.address if isinstance(row, PoolEntry) else ""
    newest = Edit.objects.filter(
        service=region.service_id,
        region_code=region.region_code,
        address=address,
        outcome=Edit.Outcome.SAVED,
    ).first()
    set_then = {name: newest.after[name] for name in of if name in newest.after} if newest else {}
    still_holds = all(getattr(row, name) == value for name, value in set_then.items())
    return newest if set_then and still_holds else None
