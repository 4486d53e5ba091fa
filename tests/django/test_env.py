"""Reading the environment: typed, or refused with a sentence that names the variable."""

import stat
from ipaddress import ip_network

import pytest
from django.core.exceptions import ImproperlyConfigured

from dashboard import env


@pytest.mark.parametrize(
    ("text", "value"), [("1", True), ("Yes", True), ("0", False), ("off", False), ("", True)]
)
def test_flag_reads_the_usual_words_and_takes_an_empty_one_as_unset(monkeypatch, text, value):
    monkeypatch.setenv("FLAG", text)
    assert env.flag("FLAG", default=True) is value


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (lambda: env.flag("THING", default=False), "perhaps"),
        (lambda: env.number("THING", 1), "ten"),
        (lambda: env.number("THING", 5, minimum=1), "0"),
        (lambda: env.port("THING", 8000), "65536"),
        (lambda: env.networks("THING"), "10.0.0.1/8"),
        (lambda: env.choice("THING", "one", "two"), "three"),
        (lambda: env.url("THING", ""), "127.0.0.1:8053"),
        (lambda: env.url("THING", ""), "http://[::1"),
        (lambda: env.url("THING", ""), "http://localhost:http"),
        (lambda: env.redis_url("THING", ""), "localhost:6379"),
        (lambda: env.redis_url("THING", ""), "redis://:secret@localhost:six"),
        (lambda: env.database("THING", ""), "mysql://root@localhost/x"),
        (lambda: env.database("THING", ""), "postgres://ana:secret@db:port/x"),
        (lambda: env.database("THING", ""), "postgres://ana:secret@[db/x"),
        (lambda: env.database("THING", ""), "sqlite:///"),
    ],
)
def test_wrong_value_is_refused_by_the_name_of_its_variable(monkeypatch, read, text):
    monkeypatch.setenv("THING", text)
    with pytest.raises(ImproperlyConfigured, match="THING") as refusal:
        read()
    assert "secret" not in str(refusal.value)


def test_port_takes_both_ends_of_its_range(monkeypatch):
    for text in ("1", "65535"):
        monkeypatch.setenv("PORT", text)
        assert env.port("PORT", 8000) == int(text)


def test_list_and_networks_drop_blanks(monkeypatch):
    monkeypatch.setenv("THINGS", " 10.0.0.0/8, ,fd00::/8 ")
    assert env.words("THINGS") == ["10.0.0.0/8", "fd00::/8"]
    assert env.networks("THINGS") == [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]


def test_secret_comes_from_its_file(monkeypatch, tmp_path):
    file = tmp_path / "password"
    file.write_text("correct horse\n")
    monkeypatch.setenv("PASSWORD_FILE", str(file))
    assert env.secret("PASSWORD") == "correct horse"


def test_secret_given_twice_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("PASSWORD", "one")
    monkeypatch.setenv("PASSWORD_FILE", str(tmp_path / "other"))
    with pytest.raises(ImproperlyConfigured, match="PASSWORD_FILE, not both"):
        env.secret("PASSWORD")


@pytest.mark.parametrize("content", [None, "", "  \n"])
def test_secret_file_that_is_missing_or_empty_is_refused(monkeypatch, tmp_path, content):
    file = tmp_path / "password"
    if content is not None:
        file.write_text(content)
    monkeypatch.setenv("PASSWORD_FILE", str(file))
    with pytest.raises(ImproperlyConfigured, match="PASSWORD_FILE"):
        env.secret("PASSWORD")


def test_secret_nobody_set_is_made_once_and_readable_only_by_us(tmp_path):
    file = tmp_path / "secret"
    first = env.kept_secret("A_SECRET", file)
    assert len(first) >= 50
    assert env.kept_secret("A_SECRET", file) == first
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_kept_secret_gives_way_to_the_variable(monkeypatch, tmp_path):
    monkeypatch.setenv("A_SECRET", "chosen")
    assert env.kept_secret("A_SECRET", tmp_path / "secret") == "chosen"
    assert not (tmp_path / "secret").exists()


def test_directory_is_made_for_us_alone(monkeypatch, tmp_path):
    monkeypatch.setenv("PLACE", str(tmp_path / "deep" / "er"))
    path = env.directory("PLACE", tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o700


def test_directory_that_cannot_be_made_is_refused_by_name(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PLACE", str(tmp_path / "file" / "below"))
    with pytest.raises(ImproperlyConfigured, match="PLACE"):
        env.directory("PLACE", tmp_path)


def test_directory_of_somebody_else_is_refused_by_name(monkeypatch, tmp_path):
    monkeypatch.setenv("PLACE", str(tmp_path))
    # Tests may run as root, to whom everything is open.
    monkeypatch.setattr(env.os, "access", lambda path, mode: False)
    with pytest.raises(ImproperlyConfigured, match="PLACE"):
        env.directory("PLACE", tmp_path)


def test_sqlite_url_keeps_an_absolute_path():
    assert env.database("NO_SUCH", "sqlite:////srv/rttm/a%20b.sqlite3") == {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": "/srv/rttm/a b.sqlite3",
    }


def test_postgres_url_unquotes_its_parts_and_keeps_its_options(monkeypatch):
    monkeypatch.setenv("DB", "postgres://ana:p%40ss@db.example.com:5433/rttm?sslmode=require")
    assert env.database("DB", "") == {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "rttm",
        "USER": "ana",
        "PASSWORD": "p@ss",
        "HOST": "db.example.com",
        "PORT": 5433,
        "OPTIONS": {"sslmode": "require"},
    }
