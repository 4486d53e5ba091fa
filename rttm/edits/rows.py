"""The rows of edits: open one, close one, and say what an edit was about."""

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.utils import timezone

from rttm import live
from rttm.models import Edit, Service

Outcome = Edit.Outcome


@transaction.atomic
def open_edit(*, service: Service, **columns: Any) -> Edit:
    """The service's edits are opened one by one, so that their keys tell who came first."""
    Service.objects.locked(service.pk)
    return Edit.objects.create(service=service, fqdn=service.fqdn, **columns)


def close_edit(
    edit: Edit, outcome: str, message: str = "", *, of: Iterable[str] = Outcome, **columns: Any
) -> bool:
    """Write an edit's outcome, unless the edit has got one that is none `of` these meanwhile.

    The log-in that may ask after a job is forgotten with it.
    """
    columns = {"finished_at": timezone.now(), "job_id": "", "job_token": ""} | columns
    told = columns | {"outcome": outcome, "message": message}
    if not Edit.objects.filter(pk=edit.pk, outcome__in=of).update(**told):
        return False
    live.touch(f"service-history-{edit.service_id}", scope=edit.service_id)
    live.touch("actions")  # the activity page lists edits and actions together
    return True


def find_names(edit: Edit) -> set[str]:
    """The addresses that an edit's object has or had; of a region, the empty one."""
    return {edit.address, edit.after.get("address", edit.address)}
