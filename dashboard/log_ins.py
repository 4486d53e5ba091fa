"""The limits of logging in: how many passwords may be wrong, and how many are checked at once.

Wrong log-ins are counted in Redis, so that all web processes count together.
"""

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from ipaddress import IPv6Address, ip_address, ip_network
from math import ceil
from threading import BoundedSemaphore
from time import monotonic, time
from typing import Any, TypeVar

from django.conf import settings
from limits import RateLimitItem, RateLimitItemPerSecond
from limits.errors import StorageError
from limits.storage import MemoryStorage, storage_from_string
from limits.strategies import MovingWindowRateLimiter as Limiter

from rttm.core import rules

T = TypeVar("T")

AWAY = 5.0  # seconds in which a Redis that did not answer is not asked again
PATIENCE = 1.0  # seconds that Redis may take
HERE = RateLimitItemPerSecond(*rules.LOG_INS_HERE, "log-ins-here")
ADDRESS = RateLimitItemPerSecond(*rules.LOG_INS_ADDRESS, "log-ins-address")
ACCOUNT = RateLimitItemPerSecond(*rules.LOG_INS_ACCOUNT, "log-ins-account")
LIFTS = "log-ins-lifted"
STORAGES = {"redis": "valkey", "rediss": "valkeys", "unix": "valkey+unix"}

logger = logging.getLogger(__name__)


class Wait(Exception):
    """The password was not checked; the message says why, and what to do."""

    def __init__(self, seconds: float, why: str, remedy: str) -> None:
        self.seconds = max(1, ceil(seconds))
        super().__init__(f"{why} Your password was not checked. {remedy}")


@dataclass(frozen=True)
class Attempt:
    """An attempt to log in with a name as typed, whether or not such an account exists."""

    name: str
    address: str
    # The mark of the browser, if the account was used in that browser before. Such a browser is
    # counted apart, so that strangers elsewhere cannot lock out the person who sits at it.
    browser: str = ""

    @cached_property
    def account(self) -> str:
        return account_key(self.name)

    @cached_property
    def limits(self) -> list[tuple[RateLimitItem, tuple[str, ...]]]:
        """The limits that apply, the narrowest first, each with the key that it counts by."""
        account = (self.account, str(counts.ask(read_lifts, self.account)))
        if self.browser:
            return [(HERE, (*account, self.browser))]
        place = address_key(self.address)
        return [(HERE, (*account, place)), (ADDRESS, (place,)), (ACCOUNT, account)]

    def check(self) -> None:
        """Raise Wait if one of the limits is reached."""
        for item, counted in self.limits:
            if seconds := counts.ask(read_wait, item, *counted):
                raise _refusal(item, seconds)

    def count_failure(self) -> None:
        """Count a wrong password. The one that reaches a limit is logged."""
        for item, counted in self.limits:
            counts.ask(Limiter.hit, item, *counted)
            if seconds := counts.ask(read_wait, item, *counted):
                text = "%s: log-ins as %r from %s are refused for %d s"
                logger.warning(text, item.namespace, self.name, self.address, ceil(seconds))

    def forget_failures(self) -> None:
        """Forget the wrong passwords that came from here; those from elsewhere still count."""
        item, counted = self.limits[0]
        counts.ask(Limiter.clear, item, *counted)


def lift(name: str) -> None:
    """Let an account log in again at once from everywhere, whatever was counted for it."""
    longest = max(item.get_expiry() for item in (HERE, ACCOUNT))
    counts.ask(add_lift, account_key(name), longest)


def account_key(name: str) -> str:
    """The key of an account: a hash, because people type passwords into the wrong field."""
    return sha256(name.casefold().encode(errors="replace")).hexdigest()


def address_key(address: str) -> str:
    """The key of an address. For IPv6 it is the network, because one machine has 2^64 addresses."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    return str(ip_network((found, 64), strict=False)) if isinstance(found, IPv6Address) else address


class Counts:
    """Counts in Redis. While Redis does not answer, each web process counts for itself."""

    def __init__(self) -> None:
        self.own = Limiter(MemoryStorage())
        self._away_until = 0.0

    @cached_property
    def _shared(self) -> Limiter:
        times = {"socket_timeout": PATIENCE, "socket_connect_timeout": PATIENCE}
        address = _storage_address(settings.REDIS_URL)
        return Limiter(storage_from_string(address, wrap_exceptions=True, **times))

    def ask(self, question: Callable[..., T], *about: Any) -> T:
        """Ask a question of the counts in Redis, or else of those in this process."""
        if monotonic() >= self._away_until:
            try:
                return question(self._shared, *about)
            except StorageError as error:
                self._away_until = monotonic() + AWAY
                text = "Redis does not answer, so this process counts wrong log-ins alone: %s"
                logger.warning(text, error)
        return question(self.own, *about)


class Gate:
    """Lets few in at once. Others wait for their turn; when too many wait, they are refused."""

    def __init__(self, places: int) -> None:
        self._places = BoundedSemaphore(places)
        self._room = BoundedSemaphore(places + rules.LOG_INS_WAITING)

    @contextmanager
    def turn(self) -> Iterator[None]:
        if not self._room.acquire(blocking=False):
            raise _crowded()
        try:
            if not self._places.acquire(timeout=rules.LOG_IN_PATIENCE):
                raise _crowded()
            try:
                yield
            finally:
                self._places.release()
        finally:
            self._room.release()


counts = Counts()
# Hashing releases Python's lock. Unbounded, it would take all cores from those who are logged in.
strangers = Gate(max(1, (os.cpu_count() or 1) // 2))
# Known browsers have a place of their own, so that a crowd of strangers does not delay them.
known = Gate(1)


@contextmanager
def turn(attempt: Attempt) -> Iterator[None]:
    """Let an attempt check its password, or raise Wait if the attempt must wait."""
    attempt.check()
    with (known if attempt.browser else strangers).turn():
        attempt.check()  # again, because the attempts before it in the queue count by now
        yield


def read_lifts(limiter: Limiter, account: str) -> int:
    """Return how often an admin lifted the limits of an account. Each lift starts new counts."""
    return limiter.storage.get(f"{LIFTS}/{account}")


def add_lift(limiter: Limiter, account: str, seconds: int) -> None:
    """Note that an admin lifted the limits, for as long as older counts could last."""
    limiter.storage.incr(f"{LIFTS}/{account}", seconds)


def read_wait(limiter: Limiter, item: RateLimitItem, *counted: str) -> float:
    """Return the seconds until the next attempt is allowed, or 0 if that is now."""
    if limiter.test(item, *counted):
        return 0
    return max(1, limiter.get_window_stats(item, *counted).reset_time - time())


def _refusal(item: RateLimitItem, seconds: float) -> Wait:
    wrong, when = f"There were {item.amount} wrong log-ins", f"Try again in {say_duration(seconds)}"
    if item is HERE:
        remedy = f"{when}, or ask an admin to lift the limit."
        return Wait(seconds, f"{wrong} with this user name from here.", remedy)
    if item is ADDRESS:
        return Wait(seconds, f"{wrong} from this address.", f"{when}.")
    remedy = f"{when}, use a browser in which you logged in before, or ask an admin."
    return Wait(seconds, f"{wrong} with this user name, from several places.", remedy)


def _crowded() -> Wait:
    seconds = rules.LOG_IN_PATIENCE
    why = "Many log-ins are being checked at this moment."
    return Wait(seconds, why, f"Try again in {say_duration(seconds)}.")


def say_duration(seconds: float) -> str:
    """Say a duration in seconds up to a minute, and in minutes above, rounded up."""
    if seconds <= 60:
        return f"{ceil(seconds)} second{'' if ceil(seconds) == 1 else 's'}"
    return f"{ceil(seconds / 60)} minutes"


def _storage_address(url: str) -> str:
    """Name the same server for the client for Valkey."""
    scheme, _, rest = url.partition("://")
    return f"{STORAGES[scheme]}://{rest}"
