"""Finds a Chromium for the tests, or gets one. `make test` runs it as a script."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Error, sync_playwright

NAMES = (
    "chromium-headless-shell",  # without windows, at two thirds of the time
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
NONE_FOUND = (
    "No Chromium or Chrome found, and none could be installed. "
    "Install one, name it in CHROMIUM, or leave its tests out with BROWSER=skip."
)
INSTALL = ["apt-get", "install", "-qq", "-y", "--no-install-recommends"]
WAYS_TO_GET_ONE = (
    [[sys.executable, "-m", "playwright", "install", "chromium"]],
    [["apt-get", "update", "-qq"], [*INSTALL, "chromium-headless-shell"]],
    [[*INSTALL, "chromium"]],
)


def find() -> str | None:
    """The first that starts: an installed one, else the one that Playwright downloaded."""
    return next((path for path in _candidates() if _starts(path)), None)


def get() -> str | None:
    """Find one; failing that, try each way to get one. Debian's only for root."""
    if path := find():
        return path
    for commands in WAYS_TO_GET_ONE:
        is_for_root = commands[0][0] == "apt-get"
        if is_for_root and (os.geteuid() != 0 or not shutil.which("apt-get")):
            continue
        if all(_succeeds(command) for command in commands) and (path := find()):
            return path
    return None


def _candidates() -> Iterator[str]:
    for name in (os.environ.get("CHROMIUM", ""), *NAMES):
        if path := shutil.which(name):
            yield path
    try:
        with sync_playwright() as playwright:
            downloaded = playwright.chromium.executable_path
    except Error:
        return
    if Path(downloaded).exists():
        yield downloaded


def _starts(path: str) -> bool:
    """Not only there: a download lacks libraries on some machines."""
    return _succeeds([path, "--version"], seconds=60)


def _succeeds(command: list[str], *, seconds: float = 180) -> bool:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=seconds,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


if __name__ == "__main__":
    chromium = get()
    print(f"Browser: {chromium}" if chromium else NONE_FOUND)
    sys.exit(0 if chromium else 1)
