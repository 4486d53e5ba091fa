#!/usr/bin/env python
"""Django's command-line entry point."""

import sys

from django.core.management import execute_from_command_line

from dashboard.starting import read_settings


def main() -> None:
    # Before Django does it in the midst of a command: who mistyped PORT needs no traceback.
    read_settings()
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
