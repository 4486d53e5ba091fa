"""How the mirror stands to the backend; written by `rttm.sync`."""

from django.db import models


class SyncState(models.Model):
    """One row: how the mirror stands to the backend."""

    succeeded_at = models.DateTimeField(null=True)
    failing_since = models.DateTimeField(null=True)
    message = models.TextField(blank=True)  # why the last sync failed

    def __str__(self) -> str:
        return f"failing since {self.failing_since}" if self.failing_since else "in step"

    @classmethod
    def now(cls) -> "SyncState":
        """The one row, or what it would say before the first sync."""
        return cls.objects.filter(pk=1).first() or cls(pk=1)
