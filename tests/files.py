"""Whom the files of an installation are open to."""

from pathlib import Path


def open_to_others(directory: Path) -> list[str]:
    """What another user could read there, by name and mode; the directory itself aside."""
    paths = [path for path in directory.rglob("*") if path.exists()]
    modes = {path: path.stat().st_mode & 0o777 for path in paths}
    return [f"{path.name} {mode:o}" for path, mode in modes.items() if mode & 0o077]
