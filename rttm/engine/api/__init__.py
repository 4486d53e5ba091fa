"""handle(call) -> reply: the DynECT API over the store. No HTTP library, no clock in here."""

from .dispatch import handle
from .envelope import CODES, ApiCall, ApiReply, has_job, pending, refusal
from .request import job_number, resource

__all__ = [
    "CODES",
    "ApiCall",
    "ApiReply",
    "handle",
    "has_job",
    "job_number",
    "pending",
    "refusal",
    "resource",
]
