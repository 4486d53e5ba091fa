"""Recover in words: what was asked for, what it met, and what stays out all the same."""

from collections.abc import Iterator

from rttm.core import rules
from rttm.core.schema import Service as ServiceValue
from rttm.core.terms import EntryStatus
from rttm.core.wire import name
from rttm.core.wire.fields import flag
from rttm.engine import store
from rttm.engine.models import Service

from .envelope import Message, invalid, not_found
from .request import Request, required_text


def is_asked(action: str, raw: object) -> bool:
    """Actions come as true, "Y", 1, and in the SDK's recoverip as the address itself."""
    if raw in (None, ""):
        return False
    try:
        return flag(raw)
    except ValueError:
        if action == "recoverip" and _is_address(name(raw)):
            return True
        raise invalid(f"{action}: {action} must be true or false") from None


def _is_address(text: str) -> bool:
    return rules.is_ipv4(text) or rules.is_fqdn(text)


def address_of(request: Request, row: Service) -> str:
    """The address to bring back, which has to be in a pool of the service."""
    address = name(required_text(request.args, "address"))
    if address not in store.addresses(row.value):
        raise not_found("address: No such address in this service")
    return address


def of_service(done: store.Recovered, after: ServiceValue) -> tuple[Message, ...]:
    """One message for each address that waited and each region that was in failover."""
    told = [
        *(_of_waiting("recover", address, done, after) for address in done.latched),
        *_of_regions("recover", done),
    ]
    return tuple(told) or (Message("recover: Nothing was waiting for recover"),)


def of_address(address: str, done: store.Recovered, after: ServiceValue) -> tuple[Message, ...]:
    if done.latched:
        first = _of_waiting("recoverip", address, done, after)
    elif _is_down(address, after):
        first = _warning(f"recoverip: {address} is down, and comes back when a probe succeeds")
    else:
        first = Message(f"recoverip: {address} was not waiting for recover")
    return (first, *_of_regions("recoverip", done))


def _of_waiting(verb: str, address: str, done: store.Recovered, after: ServiceValue) -> Message:
    if address in done.after.latched:
        return _warning(f"{verb}: {address} is still down, so it stays out")
    if _is_down(address, after):
        return _warning(f"{verb}: {address} is down, and comes back when a probe succeeds")
    return Message(f"{verb}: {address} is available again")


def _of_regions(verb: str, done: store.Recovered) -> Iterator[Message]:
    for code in done.failed_over:
        decision = done.after.decisions.get(code)
        if decision is None:
            yield Message(f"{verb}: {code} decides when the service is activated")
        elif decision.in_failover:
            yield _warning(f"{verb}: {code} stays in failover: {decision.reason}")
        else:
            yield Message(f"{verb}: {code} is out of failover")


def _warning(info: str) -> Message:
    return Message(info, level="WARN")


def _is_down(address: str, service: ServiceValue) -> bool:
    return any(
        entry.status == EntryStatus.DOWN
        for region in service.region
        if (entry := region.entry(address))
    )
