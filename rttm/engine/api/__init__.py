"""handle(call) -> reply: the DynECT API over the store. No HTTP library, no clock in here."""

from .dispatch import handle
from .envelope import ApiCall, ApiReply, refusal

__all__ = ["ApiCall", "ApiReply", "handle", "refusal"]
