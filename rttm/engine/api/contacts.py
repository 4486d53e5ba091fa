"""Contact: read only. Who is told of changes is added by `manage.py engine_contact`."""

from urllib.parse import quote

from rttm.core.wire import JSON
from rttm.engine import contacts
from rttm.engine.models import Contact

from .envelope import Answer, Message, not_found
from .request import Request, optional_flag

# What Dyn's contacts have beside those (help page get-contact-info-api); ours leave it empty.
UNKNOWN = (
    *("address", "address_2", "city", "state", "post_code", "country"),
    *("phone", "fax", "website", "organization"),
)


def list_all(request: Request) -> Answer:
    found = contacts.everybody()
    told = (Message(f"get: Found {len(found)} contacts"),)
    if optional_flag(request.args, "detail"):
        return Answer([_render(contact) for contact in found], told)
    return Answer([f"/REST/Contact/{quote(c.nickname, safe='')}/" for c in found], told)


def read(request: Request, nickname: str) -> Answer:
    contact = contacts.find(nickname)
    if contact is None:
        raise not_found("nickname: No such contact")
    return Answer(_render(contact), (Message("get: Here is your contact"),))


def warnings(nickname: str) -> list[Message]:
    """A service may name a contact that is not there yet, as clients' examples do."""
    if contacts.find(nickname):
        return []
    text = f"contact_nickname: There is no contact {nickname}, so nobody is told by mail"
    return [Message(text, level="WARN")]


def _render(contact: Contact) -> JSON:
    return {
        "nickname": contact.nickname,
        "first_name": contact.first_name,
        "last_name": contact.last_name,
        "email": contact.email,
        "notify_email": contact.notify_email,
        "pager_email": contact.pager_email,
        **dict.fromkeys(UNKNOWN, ""),
    }
