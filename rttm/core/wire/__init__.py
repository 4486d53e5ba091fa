"""DynECT JSON <-> schema values: lenient in, exact out.

`parse_*` reads a backend's answers and never fails; `read_*` reads a client's request and says
what it could not understand; `render_*` writes what the SDK and Dyn's documents expect.
"""

from .fields import JSON, is_true, name, text
from .parse import parse_pool_entry, parse_region, parse_response_set, parse_service
from .read import read_pool_entry, read_region, read_service
from .render import (
    render_fields,
    render_flag,
    render_monitor,
    render_pool_entry,
    render_region,
    render_response_set,
    render_service,
)

__all__ = [
    "JSON",
    "is_true",
    "name",
    "parse_pool_entry",
    "parse_region",
    "parse_response_set",
    "parse_service",
    "read_pool_entry",
    "read_region",
    "read_service",
    "render_fields",
    "render_flag",
    "render_monitor",
    "render_pool_entry",
    "render_region",
    "render_response_set",
    "render_service",
    "text",
]
