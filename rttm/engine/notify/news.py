"""What settling brought, as the value that messages are made of."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from rttm.core.eligibility import Decision, worst
from rttm.core.notify import DELETED, NOT_YET, AddressChange, News, RegionNow
from rttm.core.schema import Record
from rttm.core.terms import EntryStatus
from rttm.engine.history import Cause, Serving, Servings
from rttm.engine.models import RegionState, Service

States = Mapping[str, RegionState]  # by region code


@dataclass(frozen=True, slots=True)
class Outcome:
    """One service after it was settled, with what it was before."""

    row: Service
    cause: Cause
    serial: int  # 0 when nothing was recorded
    before: States
    after: Servings  # empty when it was deleted
    decisions: Mapping[str, Decision]
    latched: frozenset[str]

    @property
    def is_told(self) -> bool:
        """Whether anything happened that somebody wants to hear of."""
        service = self.row.value
        happened = self.serial or self.cause.addresses
        return bool(happened and (service.syslog_server or service.notify_events))


def news(outcome: Outcome) -> News:
    row, cause = outcome.row, outcome.cause
    return News(
        service=row.value,
        moment=datetime.fromtimestamp(cause.now, UTC),
        change_type=cause.change_type,
        serial=outcome.serial or row.zone.serial,
        before=worst([s.status for s in outcome.before.values()]) if outcome.before else NOT_YET,
        after=worst([s.status for s in outcome.after.values()]) if outcome.after else DELETED,
        regions=tuple(_region(code, now, outcome) for code, now in outcome.after.items()),
        addresses=tuple(_address(change, outcome.latched) for change in cause.addresses),
        user_name=cause.user_name,
        is_new=row.version == 1,
    )


def _region(code: str, now: Serving, outcome: Outcome) -> RegionNow:
    before, decision = outcome.before.get(code), outcome.decisions.get(code)
    return RegionNow(
        region_code=code,
        before=before.status if before else NOT_YET,
        after=now.status,
        served=tuple(record.value for record in now.records),
        served_before=tuple(Record(*r).value for r in before.records) if before else (),
        reason=decision.reason if decision else "",
    )


def _address(change: AddressChange, latched: frozenset[str]) -> AddressChange:
    waits = change.after != EntryStatus.DOWN and change.address in latched
    return replace(change, waits=waits)
