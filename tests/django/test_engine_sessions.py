"""Sessions of the engine's API."""

import base64

import pytest

from rttm.engine import sessions
from rttm.engine.models import Session
from rttm.engine.sessions import Fault

NOW, IP, HOUR = 1_700_000_000.0, "192.0.2.10", 3600


@pytest.fixture(autouse=True)
def credentials(settings) -> None:
    settings.DYNECT_CUSTOMER, settings.DYNECT_USERNAME = "acme", "olga"
    settings.DYNECT_PASSWORD = "pässword"


def log_in(password: str = "pässword", at: float = NOW) -> str | None:
    return sessions.log_in("acme", "olga", password, ip=IP, now=at)


@pytest.mark.parametrize(
    "given",
    [("acme", "olga", ""), ("acme", "olga", "passwort"), ("acme", "x", "pässword"), ("", "", "")],
)
def test_wrong_credentials_open_no_session(given, db):
    assert sessions.log_in(*given, ip=IP, now=NOW) is None
    assert not Session.objects.exists()


def test_an_engine_without_a_password_lets_nobody_in(settings, db):
    settings.DYNECT_PASSWORD = ""
    assert log_in("") is None


def test_the_token_itself_is_not_kept(db):
    token = log_in()
    assert sessions.find(token, ip=IP, now=NOW).user_name == "olga"
    assert token not in str(Session.objects.values_list())


def test_a_token_is_172_characters_of_base64_as_at_dyn(db):
    token = log_in()
    assert len(token) == 172
    assert len(base64.b64decode(token, validate=True)) == 128
    assert token.endswith("=")


def test_two_log_ins_give_two_sessions(db):
    assert log_in() != log_in()
    assert Session.objects.count() == 2


def test_a_session_ends_after_an_hour_without_use(db):
    token = log_in()
    assert sessions.find(token, ip=IP, now=NOW + HOUR + 1) is Fault.IDLE
    assert sessions.find(token, ip=IP, now=NOW + HOUR + 1) is Fault.UNKNOWN


def test_use_begins_the_hour_anew(db):
    token = log_in()
    for use in range(1, 5):
        assert isinstance(sessions.find(token, ip=IP, now=NOW + use * HOUR), Session)


def test_use_at_any_moment_begins_the_hour_anew(db):
    token = log_in()
    for use in range(1, 9):
        assert isinstance(sessions.find(token, ip=IP, now=NOW + use * 0.7 * HOUR), Session)


def test_a_stranger_does_not_begin_the_hour_anew(db):
    token = log_in()
    sessions.find(token, ip="192.0.2.11", now=NOW + HOUR)
    assert sessions.find(token, ip=IP, now=NOW + HOUR + 1) is Fault.IDLE


def test_the_idle_time_is_a_setting(settings, db):
    settings.ENGINE_SESSION_IDLE = 5
    token = log_in()
    assert sessions.find(token, ip=IP, now=NOW + 6) is Fault.IDLE


def test_a_session_is_bound_to_its_address(db):
    token = log_in()
    assert sessions.find(token, ip="192.0.2.11", now=NOW) is Fault.OTHER_ADDRESS
    assert isinstance(sessions.find(token, ip=IP, now=NOW), Session)


def test_log_out_ends_it(db):
    token = log_in()
    sessions.log_out(token)
    assert sessions.find(token, ip=IP, now=NOW) is Fault.UNKNOWN


def test_idle_sessions_do_not_pile_up(db):
    log_in()
    log_in(at=NOW + HOUR)
    assert Session.objects.count() == 2
    log_in(at=NOW + HOUR + 1)
    assert Session.objects.count() == 2
