"""Who may import whom, what the core may not touch, and who may write the mirror."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Each module may import what its longest row here names, and whatever lies within that row.
MAY_IMPORT = {
    "rttm": "",
    "rttm.core": "",
    "rttm.client": "rttm.core",
    "rttm.engine": "rttm.core rttm.storage rttm.timed_http",
    "rttm.live": "",
    "rttm.storage": "",
    "rttm.tables": "",
    "rttm.timed_http": "",
    "rttm.models": "rttm.core",
    "rttm.shown": "rttm.core rttm.models",
    "rttm.sync": "rttm.core rttm.models rttm.live",
    "rttm.edits": "rttm.core rttm.models rttm.live rttm.client rttm.storage",
    "rttm.backend": "rttm.client",
    "rttm.reports": "rttm.core rttm.models",
    "rttm.services": "rttm.core rttm.client rttm.models rttm.shown rttm.live rttm.edits rttm.sync"
    " rttm.backend",
    "rttm.tasks": "rttm.client rttm.models rttm.services",
    "rttm.dispatch": "rttm.core rttm.models rttm.edits rttm.services rttm.tasks",
    "rttm.demo": "rttm.core",
    "rttm.management": "rttm",
    "dashboard": "rttm.core rttm.models rttm.shown rttm.live rttm.edits rttm.client rttm.storage",
    "dashboard.forms": "rttm.core dashboard.models",
    "dashboard.views": "dashboard rttm.core rttm.models rttm.live rttm.services rttm.reports"
    " rttm.dispatch",
    "dashboard.celery": "dashboard.starting",
    "dashboard.starting": "rttm.storage rttm.tables",
    "dashboard.ports": "rttm.demo",
    "dashboard.management": "dashboard rttm",
}
CORE_MAY_IMPORT = {
    *("collections", "dataclasses", "enum", "hashlib", "ipaddress", "math", "re", "statistics"),
    "typing",
}
MIRROR = {"Service", "Region", "PoolEntry", "HealthMonitor", "PerformanceMonitor", "LogRecord"}
ROWS = {"service", "region", "entry", "pool_entry", "monitor", "health_monitor"}
RELATED = {"regions", "pool", "monitor", "performance_monitor", "log"}
WRITES = {
    *("save", "update", "create", "delete", "bulk_create", "bulk_update", "get_or_create"),
    *("update_or_create", "asave", "aupdate", "acreate", "adelete"),
}


def sources(*folders: str) -> dict[str, Path]:
    """Our modules by dotted name; migrations are made by a machine."""
    paths = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    names = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in paths}
    return {name: path for name, path in sorted(names.items()) if ".migrations." not in name}


def imports(name: str, tree: ast.AST) -> Iterator[str]:
    """The dotted names a module imports; `name` ends in __init__ for a package."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = name.split(".")[: -node.level] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def is_within(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def misdirected(name: str, tree: ast.AST) -> list[str]:
    """The imports of ours that the table does not allow."""
    row = max((row for row in MAY_IMPORT if is_within(name, row)), key=len)
    allowed = [row if row != "rttm" else "rttm.apps", *MAY_IMPORT[row].split()]
    ours = [found for found in imports(name, tree) if found.split(".")[0] in ("rttm", "dashboard")]
    return [found for found in ours if not any(is_within(found, package) for package in allowed)]


def late_imports(tree: ast.AST) -> list[int]:
    functions = (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))
    inner = (node for function in functions for node in ast.walk(function))
    return [node.lineno for node in inner if isinstance(node, ast.Import | ast.ImportFrom)]


def chain(node: ast.AST) -> list[str]:
    """`Service.objects.filter(…).update` as its names."""
    match node:
        case ast.Attribute(value=value, attr=attr):
            return [*chain(value), attr]
        case ast.Call(func=func):
            return chain(func)
        case ast.Name(id=name):
            return [name]
    return []


def mirror_writes(tree: ast.AST) -> list[str]:
    """Writes of mirror models, through their manager, a related one, or a row by its usual name."""
    calls = [chain(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [".".join(names) for names in calls if names and _writes_mirror(names)]


def _writes_mirror(names: list[str]) -> bool:
    if names[-1] not in WRITES:
        return False
    pairs = list(zip(names, names[1:], strict=False))
    by_manager = any(name in MIRROR and after == "objects" for name, after in pairs)
    by_row = names[-2:-1] and names[-2] in ROWS and names[-1] in ("save", "delete", "asave")
    return by_manager or bool(by_row) or any(n in ROWS and after in RELATED for n, after in pairs)


@pytest.mark.parametrize(("name", "path"), sources("rttm", "dashboard").items())
def test_imports_point_one_way_and_stand_at_the_top(name, path):
    tree = ast.parse(path.read_text())
    assert misdirected(name, tree) == []
    assert late_imports(tree) == []


@pytest.mark.parametrize(("name", "path"), sources("rttm/core").items())
def test_the_core_knows_no_clock_network_chance_or_framework(name, path):
    found = {part.split(".")[0] for part in imports(name, ast.parse(path.read_text()))}
    assert found <= CORE_MAY_IMPORT | {"rttm"}


def test_only_sync_writes_the_mirror():
    for name, path in sources("rttm", "dashboard").items():
        if not is_within(name, "rttm.sync") and not is_within(name, "rttm.engine"):
            assert mirror_writes(ast.parse(path.read_text())) == [], name


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("rttm.client.session", "from rttm.engine import api"),
        ("rttm.engine.api", "from ..client import Dynect"),
        ("rttm.engine.api.__init__", "from ...client import Dynect"),
        ("rttm.core.rules", "import rttm.models"),
        ("rttm.sync", "from . import services"),
        ("rttm.tasks", "from .dispatch import service_recover"),
        ("rttm.models", "from dashboard.models import User"),
        ("dashboard.views.board", "from rttm.engine.models import Service"),
        ("dashboard.service_page", "from rttm import sync"),
        ("dashboard.forms.regions", "from rttm.services import region_update"),
        ("rttm.brand_new", "from rttm import services"),
    ],
)
def test_an_import_against_the_direction_would_be_found(name, source):
    assert misdirected(name, ast.parse(source))


@pytest.mark.parametrize(
    "source",
    [
        "Service.objects.create(zone=zone)",
        "models.PoolEntry.objects.filter(region__pk=1).update(weight=9)",
        "Region.objects.bulk_create(rows)",
        "service.regions.filter(gone=True).delete()",
        "action.service.save()",
        "entry.save(update_fields=names)",
    ],
)
def test_a_write_of_the_mirror_would_be_found(source):
    assert mirror_writes(ast.parse(source))


@pytest.mark.parametrize("module", ["time", "random", "socket", "datetime", "os", "django.db"])
def test_a_forbidden_import_in_the_core_would_be_found(module):
    found = {part.split(".")[0] for part in imports("rttm.core.x", ast.parse(f"import {module}"))}
    assert not found <= CORE_MAY_IMPORT
