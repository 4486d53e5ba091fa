"""`manage.py engine_contact`: who the bundled RTTM service tells of changes by mail."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from rttm.engine import contacts
from rttm.engine.models import Contact
from rttm.engine.router import ALIAS
from rttm.tables import describe_missing_tables


class Command(BaseCommand):
    help = "Lists, adds and removes contacts. The owner is always there, by default at OWNER_EMAIL."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        verbs.add_parser("list", help="all contacts, with the services that name them")
        add = verbs.add_parser("add", help="add one, or replace the one of that nickname")
        add.add_argument("nickname")
        add.add_argument("--email", required=True, help="where mail goes")
        add.add_argument("--notify-email", default="", help="where mails of changes go instead")
        add.add_argument("--pager-email", default="", help="gets the first line of each mail")
        add.add_argument("--first-name", default="")
        add.add_argument("--last-name", default="")
        verbs.add_parser("remove", help="forget one").add_argument("nickname")

    def handle(self, *args: Any, **options: Any) -> None:
        if missing := describe_missing_tables(ALIAS):
            raise CommandError(missing)
        match options["verb"]:
            case "add":
                self._add(options)
            case "remove":
                self._remove(options["nickname"])
            case _:
                for contact in contacts.everybody():
                    self.stdout.write(_line(contact))

    def _add(self, options: dict[str, Any]) -> None:
        fields = {name: options[name] for name in contacts.FIELDS}
        contact = Contact(nickname=options["nickname"], **fields)
        try:
            contacts.keep(contact)
        except ValidationError as error:
            raise CommandError("; ".join(_problems(error))) from None
        self.stdout.write(_line(contact))

    def _remove(self, nickname: str) -> None:
        if not contacts.remove(nickname):
            raise CommandError(f"There is no contact {nickname} to remove.")
        self.stdout.write(f"{nickname} is removed.")
        if (named := contacts.services_of(nickname)) and contacts.find(nickname) is None:
            self.stdout.write(f"Nobody is told of changes of {', '.join(named)} any more.")


def _line(contact: Contact) -> str:
    named = contacts.services_of(contact.nickname)
    mail = contact.notify_email or contact.email or "no mail: set OWNER_EMAIL"
    pager = f", pager {contact.pager_email}" if contact.pager_email else ""
    return f"{contact.nickname}: {mail}{pager}; {', '.join(named) or 'named by no service'}"


def _problems(error: ValidationError) -> list[str]:
    return [f"{field}: {' '.join(texts)}" for field, texts in error.message_dict.items()]
