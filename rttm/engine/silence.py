"""Monitoring sites that fell silent: named in the log once, and once more when they are back."""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime

SILENT_MINUTES = 3  # a loop reports in once a minute

log = logging.getLogger("rttm.engine")


class Silence:
    """What one loop knows of the other sites."""

    def __init__(self, seconds_per_minute: float) -> None:
        self._seconds = SILENT_MINUTES * seconds_per_minute
        self._named: frozenset[str] = frozenset()

    def look(self, sites: Mapping[str, float], now: float) -> None:
        """`sites`: when each of the others reported in last."""
        silent = frozenset(code for code, at in sites.items() if now - at > self._seconds)
        for code in sorted(silent - self._named):
            since = datetime.fromtimestamp(sites[code], UTC)
            log.warning(
                "site %s has not reported since %s: it does not vote until it does",
                code,
                f"{since:%Y-%m-%d %H:%M:%S} UTC",
            )
        for code in sorted((self._named - silent) & sites.keys()):
            log.info("site %s reports again", code)
        self._named = silent
