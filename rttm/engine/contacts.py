"""Who can be told of changes: the contacts, of whom `owner` always exists."""

from django.conf import settings
from django.core.exceptions import ValidationError

from rttm.core import rules

from .models import Contact, Service

OWNER = "owner"
FIELDS = ("email", "notify_email", "pager_email", "first_name", "last_name")
LINES = {"nickname": "Nickname", "first_name": "First name", "last_name": "Last name"}


def everybody() -> list[Contact]:
    """The owner first, then by nickname."""
    others = Contact.objects.exclude(nickname=OWNER).order_by("nickname")
    return [owner(), *others]


def find(nickname: str) -> Contact | None:
    if nickname == OWNER:
        return owner()
    return Contact.objects.filter(nickname=nickname).first()


def owner() -> Contact:
    """As it was added, else with the address that the settings have; perhaps without any."""
    kept = Contact.objects.filter(nickname=OWNER).first()
    return kept or Contact(nickname=OWNER, email=settings.OWNER_EMAIL)


def keep(contact: Contact) -> None:
    """Add it, or replace the one with its nickname. ValidationError when it makes no sense."""
    contact.full_clean(validate_unique=False)
    _check_lines(contact)
    fields = {name: getattr(contact, name) for name in FIELDS}
    Contact.objects.update_or_create(nickname=contact.nickname, defaults=fields)


def _check_lines(contact: Contact) -> None:
    problems = [
        problem
        for field, title in LINES.items()
        for problem in rules.check_line(field, getattr(contact, field), title)
    ]
    if problems:
        raise ValidationError({problem.field: problem.message for problem in problems})


def remove(nickname: str) -> bool:
    """Whether there was one."""
    return bool(Contact.objects.filter(nickname=nickname).delete()[0])


def services_of(nickname: str) -> list[str]:
    """The FQDNs of the services whose contact it is."""
    rows = Service.objects.select_related("zone").order_by("fqdn")
    return [row.fqdn for row in rows if row.value.contact_nickname == nickname]
