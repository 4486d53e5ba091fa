"""Messages to people and syslog servers: an outbox filled with each change, and what empties it."""

from .news import Outcome, States
from .outbox import Told, tell, tell_probes
from .sender import Sender

__all__ = ["Outcome", "Sender", "States", "Told", "tell", "tell_probes"]
