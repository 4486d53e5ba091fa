"""The lock files pin all that is installed, because `pip` resolves nothing there."""

import tomllib
from collections.abc import Iterable
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
RUNTIME = PROJECT["dependencies"]
DEVELOPMENT = RUNTIME + PROJECT["optional-dependencies"]["dev"]


def pinned(file: str) -> dict[str, Requirement]:
    """The packages that a lock file names, by their canonical names."""
    lines = (ROOT / file).read_text().splitlines()
    found = [Requirement(line.rstrip("\\ ")) for line in lines if line[:1].isalnum()]
    return {canonicalize_name(requirement.name): requirement for requirement in found}


def required(wanted: Iterable[str], extra: str = "") -> set[tuple[str, str]]:
    """The names and extras among some requirements that this machine needs."""
    found = set()
    for requirement in map(Requirement, wanted):
        if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
            name = canonicalize_name(requirement.name)
            found |= {(name, ""), *((name, canonicalize_name(each)) for each in requirement.extras)}
    return found


def required_in_all(wanted: Iterable[str]) -> set[str]:
    """The names of all packages that some requirements bring along, directly or not."""
    found: set[tuple[str, str]] = set()
    new = required(wanted)
    while new:
        found |= new
        new = set().union(*(required(requires(name) or (), extra) for name, extra in new)) - found
    return {name for name, _ in found}


@pytest.mark.parametrize(
    ("file", "wanted"), [("requirements.txt", RUNTIME), ("requirements-dev.txt", DEVELOPMENT)]
)
def test_every_name_that_a_pinned_package_requires_is_pinned(file, wanted):
    assert not required_in_all(wanted) - pinned(file).keys()


def test_an_extra_brings_its_packages_along():
    assert {"psycopg", "psycopg-binary"} <= required_in_all(["psycopg[binary]"])


def test_each_package_is_pinned_to_one_version_that_both_files_agree_on():
    runtime, development = pinned("requirements.txt"), pinned("requirements-dev.txt")
    for name, requirement in (runtime | development).items():
        assert [each.operator for each in requirement.specifier] == ["=="], name
    assert {name: str(development[name]) for name in runtime} == {
        name: str(requirement) for name, requirement in runtime.items()
    }
