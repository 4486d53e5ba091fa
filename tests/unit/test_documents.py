"""What the README and its companions name is there, and every setting is in the README's table."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")]
# How settings.py reads what may also come from a file that <NAME>_FILE names.
FROM_FILES = {"secret", "kept_secret", "redis_url", "database"}


def section(title: str) -> str:
    return README.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def in_the_tables() -> dict[str, bool]:
    """The variables of the README's tables; whether a star marks them."""
    first_cells = re.findall(r"^\| (`[^|]+) \|", section("Settings"), re.MULTILINE)
    named = re.findall(r"`([A-Z_]+)`(\\\*)?", " ".join(first_cells))
    return {name: bool(star) for name, star in named}


def in_the_settings() -> dict[str, bool]:
    """The variables that settings.py reads; whether they may come from a file."""
    found: dict[str, bool] = {}
    for reader, name in _reads(ast.parse((ROOT / "dashboard/settings.py").read_text())):
        found[name] = found.get(name, False) or reader in FROM_FILES
    return found


def _reads(tree: ast.AST) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="env"), attr=reader),
                args=[ast.Constant(value=str(name)), *_],
            ):
                yield reader, name
            case ast.Call(func=ast.Name(id="database"), args=[ast.Constant(value=str(name)), *_]):
                yield "database", name


def test_every_setting_is_in_the_readme_with_a_star_where_a_file_may_hold_it():
    assert in_the_tables() == in_the_settings()


def test_what_the_map_names_is_there():
    folder, found = ROOT, 0
    for line in section("The map").partition("```text")[2].partition("```")[0].splitlines():
        names = line[:17].split()
        if not names:
            continue
        folder = folder if line.startswith(" ") else ROOT / names[0]
        for name in names:
            assert (folder / name if line.startswith(" ") else folder).exists(), line
            found += 1
    assert found > 15


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_commands_that_a_document_names_exist(document):
    text = document.read_text()
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:`|\$ )make ([a-z]+)", text)) <= targets
    ours = {path.stem for path in ROOT.glob("*/management/commands/*.py")}
    assert set(re.findall(r"manage\.py ([a-z_]+)", text)) <= ours
    linked = re.findall(r"\]\((?!https?:)([^)#]+)", text)
    assert [link for link in linked if not (document.parent / link).exists()] == []
