"""What goes on for ever, and is to survive its failures, says here how its rounds went."""

import logging

log = logging.getLogger("rttm.engine")


class Rounds:
    """Logs a failure when it is another one than before: a database may be away for a day."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._failure = ""

    def failed(self, error: Exception) -> None:
        """Called where the error is handled."""
        failure = repr(error)
        if failure != self._failure:
            self._failure = failure
            log.exception("a round of %s failed; the next one follows", self._what)

    def worked(self) -> None:
        if self._failure:
            self._failure = ""
            log.info("%s goes on: a round worked again", self._what)
