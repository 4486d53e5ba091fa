"""`manage.py sync_rttm`: one full sync, printing what changed."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS, DatabaseError

from rttm.client import DynectError
from rttm.services import mirror_sync
from rttm.storage import describe_refusal_to_write
from rttm.tables import describe_missing_tables


class Command(BaseCommand):
    help = "Makes one full sync: brings the mirror up to the backend and prints what changed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--allow-gone",
            action="store_true",
            help="mark as gone what the backend does not list, however much that is",
        )

    def handle(self, *args: Any, allow_gone: bool, **options: Any) -> None:
        if missing := describe_missing_tables(DEFAULT_DB_ALIAS):
            raise CommandError(missing)
        try:
            plan = mirror_sync(allow_gone=allow_gone)
        except DynectError as error:
            raise CommandError(str(error)) from error
        except DatabaseError as error:
            if reason := describe_refusal_to_write(error):
                raise CommandError(
                    f"The mirror is as it was: the dashboard cannot write, because {reason}."
                ) from error
            raise
        for line in plan.lines():
            self.stdout.write(line)
        self.stdout.write(str(plan))
        if plan.held:
            raise CommandError(
                f"{plan.held_words} If they are gone, an admin confirms that in the browser at "
                "/missing/, or run: manage.py sync_rttm --allow-gone"
            )
