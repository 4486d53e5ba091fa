"""What the settings come to in the demo and outside, whichever command reads them."""

from ipaddress import ip_network
from pathlib import Path
from runpy import run_path
from typing import Any

import pytest

SETTINGS = Path(__file__).parents[2] / "dashboard/settings.py"
LOOPBACK, OWN = ip_network("127.0.0.0/8"), ip_network("10.0.0.0/8")
PACE = ("SECONDS_PER_MINUTE", "SYNC_INTERVAL", "RATE_LIMIT")


@pytest.fixture
def read(monkeypatch):
    """The settings as a process with these variables has them."""
    for name in (*PACE, "PROBE_ALLOW"):
        monkeypatch.delenv(name, raising=False)

    def read(**variables: str) -> dict[str, Any]:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return run_path(str(SETTINGS))

    return read


def test_demo_is_quick_and_probes_loopback(read):
    settings = read(DEMO="1")
    assert [settings[name] for name in PACE] == [5, 5, 3000]
    assert settings["PROBE_ALLOW"] == [LOOPBACK]


def test_outside_the_demo_time_goes_as_it_does_and_loopback_is_not_probed(read):
    settings = read(DEMO="0")
    assert [settings[name] for name in PACE] == [60, 30, 300]
    assert settings["PROBE_ALLOW"] == []


def test_in_the_demo_too_the_environment_decides(read):
    settings = read(DEMO="1", SECONDS_PER_MINUTE="60", PROBE_ALLOW=str(OWN))
    assert settings["SECONDS_PER_MINUTE"] == 60
    assert settings["PROBE_ALLOW"] == [OWN, LOOPBACK]
