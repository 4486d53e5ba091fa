"""Every route of urls.py, for tests that hold each URL to something, also one that is new."""

import re
from collections.abc import Iterator
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

PARAMETER = re.compile(r"<(?:\w+:)?\w+>|\(\?P<\w+>[^)]*\)")


def _routes(patterns: list[Any], before: str = "/") -> Iterator[str]:
    for found in patterns:
        route = before + str(found.pattern).removeprefix("^").removesuffix("$")
        if isinstance(found, URLResolver):
            yield from _routes(found.url_patterns, route)
        elif isinstance(found, URLPattern):
            yield route


ROUTES = sorted(set(_routes(get_resolver().url_patterns)))
"""With their parameters as they stand in urls.py."""


def at(route: str, key: str) -> str:
    """The URL of a route, with this in place of each parameter."""
    return PARAMETER.sub(key, route)
