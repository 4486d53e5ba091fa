"""How many calls an account has made this minute; in memory, since one process answers them all."""

from math import ceil

WINDOW = 60  # seconds


class Rate:
    """Counts from an account's first call on; over the limit it waits for the minute to end."""

    def __init__(self) -> None:
        self._minutes: dict[str, tuple[float, int]] = {}  # by account: its begin, the calls in it

    def wait(self, account: str, now: float, *, limit: int) -> int:
        """Whole seconds until the account may call again; 0 is now. A limit of 0 is none."""
        began, calls = self._minute(account, now)
        if not limit or calls < limit:
            return 0
        return ceil(began + WINDOW - now)

    def count(self, account: str, now: float) -> None:
        began, calls = self._minute(account, now)
        self._minutes[account] = began, calls + 1

    def _minute(self, account: str, now: float) -> tuple[float, int]:
        began, calls = self._minutes.get(account, (now, 0))
        # A clock that was set back begins a new one, too.
        return (began, calls) if began <= now < began + WINDOW else (now, 0)
