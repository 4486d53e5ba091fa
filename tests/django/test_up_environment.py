"""What `up` decides for its programs where the environment is silent."""

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from dashboard import preflight
from dashboard.management.commands.up import environment, programs

SILENT = ("SECURE_COOKIES", "ALLOWED_HOSTS")


@pytest.fixture(autouse=True)
def silence(monkeypatch):
    for name in SILENT:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.0.3.4"])
def test_plain_http_on_loopback_goes_without_secure_cookies(settings, host):
    settings.HOST = host
    assert environment()["SECURE_COOKIES"] == "0"


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "rttm.example.com"])
def test_everywhere_else_cookies_stay_secure(settings, host):
    settings.HOST = host
    assert "SECURE_COOKIES" not in environment()


def test_what_the_environment_says_wins(settings, monkeypatch):
    settings.HOST = "127.0.0.1"
    monkeypatch.setenv("SECURE_COOKIES", "1")
    assert environment()["SECURE_COOKIES"] == "1"


@pytest.mark.parametrize(("host", "expected"), [("192.0.2.1", "192.0.2.1"), ("0.0.0.0", None)])
def test_the_address_it_listens_on_is_one_it_answers_to(settings, host, expected):
    settings.HOST = host
    assert environment().get("ALLOWED_HOSTS") == expected


def test_the_address_it_listens_on_is_added_to_the_names_it_was_given(settings, monkeypatch):
    settings.HOST = "192.0.2.1"
    monkeypatch.setenv("ALLOWED_HOSTS", "rttm.example.com")
    assert environment()["ALLOWED_HOSTS"] == "rttm.example.com,192.0.2.1"


def test_engine_runs_only_where_it_is_the_backend(settings):
    settings.BUNDLED_ENGINE, settings.DEMO = True, False
    assert [program.name for program in programs()] == ["engine", "web", "worker", "reader", "beat"]
    settings.BUNDLED_ENGINE = False
    assert [program.name for program in programs()] == ["web", "worker", "reader", "beat"]


def test_demo_is_never_put_into_a_backend_elsewhere(settings):
    settings.BUNDLED_ENGINE, settings.DEMO = False, True
    with pytest.raises(CommandError, match="DEMO=0"):
        call_command("up")


@pytest.mark.parametrize(
    ("host", "address"), [("0.0.0.0", "127.0.0.1"), ("::", "::1"), ("192.0.2.1", "192.0.2.1")]
)
def test_health_is_asked_where_this_machine_reaches_it(host, address):
    assert preflight.reachable(host) == address
