"""What one loop sees of the other monitoring sites: each thing that is wrong is logged once."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from rttm.core.sites import SILENT_MINUTES

CLOCK_MAY_DIFFER = 5  # seconds

log = logging.getLogger("rttm.engine")


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """What a loop met when it reported in."""

    others: Mapping[str, float]  # by site code, when each reported in last
    last_loop: str = ""  # the loop that reported in last under our own code
    clock_ahead: float = 0  # seconds that this machine's clock is ahead of the database's


class Neighbours:
    """The memory of one loop, `loop_id`, about the others."""

    def __init__(self, loop_id: str, seconds_per_minute: float) -> None:
        self._loop_id = loop_id
        self._patience = SILENT_MINUTES * seconds_per_minute
        self._silent: frozenset[str] = frozenset()
        self._has_reported = False
        self._has_double = False
        self._is_off = False

    def look(self, seen: Neighbourhood, now: float, site_code: str) -> None:
        """After each time that the loop reported in."""
        self._look_for_silence(seen.others, now)
        self._look_for_a_double(seen.last_loop, site_code)
        self._look_at_the_clock(seen.clock_ahead)
        self._has_reported = True

    def _look_for_silence(self, others: Mapping[str, float], now: float) -> None:
        silent = frozenset(code for code, at in others.items() if now - at > self._patience)
        for code in sorted(silent - self._silent):
            since = datetime.fromtimestamp(others[code], UTC)
            log.warning(
                "site %s has not reported since %s: it does not vote until it does",
                code,
                f"{since:%Y-%m-%d %H:%M:%S} UTC",
            )
        for code in sorted((self._silent - silent) & others.keys()):
            log.info("site %s reports again", code)
        self._silent = silent

    def _look_for_a_double(self, last_loop: str, site_code: str) -> None:
        """Who reported in between our own two times is at work besides us."""
        has_double = self._has_reported and last_loop != self._loop_id
        if has_double and not self._has_double:
            log.error(
                "another loop reports in as site %s too: their results are mixed up, "
                "so give one of them another --site",
                site_code,
            )
        self._has_double = has_double

    def _look_at_the_clock(self, ahead: float) -> None:
        is_off = abs(ahead) > CLOCK_MAY_DIFFER
        if is_off and not self._is_off:
            log.error(
                "this machine's clock is %.0f s %s the database's: sites measure each other's "
                "silence by it, so set it right",
                abs(ahead),
                "ahead of" if ahead > 0 else "behind",
            )
        self._is_off = is_off
