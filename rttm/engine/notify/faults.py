"""Says in the log that a recipient cannot be reached: once, and once more when it can again."""

import logging

log = logging.getLogger("rttm.engine")


class Faults:
    def __init__(self) -> None:
        self._failing: set[str] = set()

    def failed(self, recipient: str, why: str) -> None:
        if recipient not in self._failing:
            self._failing.add(recipient)
            log.warning("messages to %s cannot be sent: %s", recipient, why)

    def worked(self, recipient: str) -> None:
        if recipient in self._failing:
            self._failing.discard(recipient)
            log.info("messages to %s can be sent again", recipient)

    def gave_up(self, recipient: str) -> None:
        log.error("a message to %s was given up: it could not be sent for too long", recipient)
