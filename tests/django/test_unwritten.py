"""A full disk or a locked database: pages are read, and each change has a stated outcome."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from rttm.client import calls
from rttm.engine.api import ApiCall
from rttm.engine.calls import UnderWay
from rttm.models import Action, Edit, PoolEntry, Service
from rttm.storage import describe_refusal_to_write
from tests.builders import region, service
from tests.converges import HTMX
from tests.pages import parse, words
from tests.unwritable import full, locked, unwritable

# In one transaction of a test's own, the first refused write would end all reading.
pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")

ONE, TWO = "192.0.2.1", "192.0.2.2"
FULL = "its disk is full"


@pytest.fixture
def row(mirrored) -> Service:
    return mirrored(service(region=(region("global", ONE, TWO),)))


@pytest.fixture
def entry(row) -> PoolEntry:
    return PoolEntry.objects.get(region__service=row, address=ONE)


@pytest.fixture
def client(client_as, operator):
    return client_as(operator)


@pytest.fixture
def save(client, entry):
    """An operator saves weight 9; what the row says then, and the status."""

    def save() -> tuple[int, str]:
        own = {name: getattr(entry, name) for name in ("address", "label", "serve_mode")}
        typed = {**own, "weight": 9, "seen": entry.version, "service": entry.region.service_id}
        response = client.post(f"/pool-entries/{entry.pk}/", typed, headers=HTMX)
        return response.status_code, words(parse(response))

    return save


@pytest.fixture
def weight(backend, row):
    """The weight at the backend."""
    return lambda: backend.run(calls.pool_entry(row.key, "global", ONE)).weight


@pytest.fixture
def is_sent(backend):
    return lambda: any(method == "PUT" for method, _ in backend.transport.sent)


def test_pages_are_read_without_a_write(client, row):
    with unwritable(full()):
        for path in ("/", f"/services/{row.pk}/", "/activity/", "/account/", "/log-reports/"):
            assert client.get(path).status_code == 200, path


def test_edit_that_cannot_be_written_down_is_not_sent(save, weight, is_sent):
    with unwritable(full()):
        status, said = save()
    assert status == 502
    assert f"because {FULL}. Nothing was changed" in said
    assert not is_sent()
    assert weight() == 1


def test_edit_in_a_locked_database_says_so(save, weight, tmp_path):
    with unwritable(locked(str(tmp_path / "database"))):
        status, said = save()
    assert status == 502
    assert "keeps its database locked. Nothing was changed" in said
    assert weight() == 1


def test_edit_whose_turn_cannot_be_noted_is_not_sent(save, weight):
    with unwritable(full(), when=Edit.objects.exists):
        status, said = save()
    assert (status, weight()) == (502, 1)
    assert "Nothing was changed" in said


def test_edit_whose_answer_cannot_be_written_down_is_not_known_yet(save, weight, is_sent):
    with unwritable(full(), when=is_sent):
        status, said = save()
    assert (status, weight()) == (504, 9)
    assert "not known yet" in said
    assert FULL in said
    assert Edit.objects.get().outcome == "pending"  # until its turn has ended


def test_edit_after_which_nothing_can_be_written_is_never_said_to_be_nothing(save, weight):
    saved = Edit.objects.filter(outcome="saved")
    with unwritable(full(), when=saved.exists):
        status, said = save()
    assert (status, weight()) in [(200, 9), (504, 9)]
    assert "Nothing was changed" not in said


def test_action_is_refused_with_the_reason(client, row):
    with unwritable(full()):
        response = client.post(f"/services/{row.pk}/recover/", headers=HTMX)
    assert response.status_code == 503
    assert response["X-Refused"].endswith(f"because {FULL}. Nothing was changed.")
    assert not Action.objects.exists()


def test_log_in_is_refused_with_the_reason(client_as, operator):
    client = client_as(None)
    with unwritable(full()):
        response = client.post("/login/", {"username": "olga", "password": "secret"})
    assert response.status_code == 503
    assert FULL in words(parse(response))


def test_session_that_cannot_be_written_is_refused_with_the_reason(client, settings):
    settings.SESSION_SAVE_EVERY_REQUEST = True  # after the view, where no view can catch it
    with unwritable(full()):
        response = client.get("/account/")
    assert response.status_code == 503
    assert FULL in words(parse(response))


def test_sync_says_why_the_mirror_is_as_it_was(mirrored, backend, row):
    backend.run(calls.service_update(row.key, {"ttl": 60}))
    with unwritable(full()), pytest.raises(CommandError, match=FULL):
        call_command("sync_rttm")


def test_engine_says_why_it_did_nothing(settings):
    names = {"customer_name": "acme", "user_name": "olga", "password": "secret"}
    settings.DYNECT_CUSTOMER, settings.DYNECT_USERNAME, settings.DYNECT_PASSWORD = names.values()
    log_in = ApiCall("POST", "/REST/Session/", {}, {}, json.dumps(names).encode(), "")
    assert UnderWay(log_in, 1, "").run().status == 200
    with unwritable(full(), alias="engine"):
        reply = UnderWay(log_in, 2, "").run()
    assert reply.status == 503
    assert f"did nothing, because {FULL}" in reply.body.decode()


def test_edit_is_refused_with_the_reason_of_an_engine_that_cannot_write(save, weight):
    with unwritable(full(), alias="engine"):
        status, _ = save()
    assert status in (502, 504)
    assert weight() == 1


@pytest.mark.parametrize("text", ["no such table: x", "syntax error"])
def test_another_failure_is_not_taken_for_a_full_disk(text):
    assert describe_refusal_to_write(OperationalError(text)) == ""


READING = """
import resource, sqlite3, sys
import django
from django.conf import settings
path, keeps = sys.argv[1], sys.argv[2] == "kept"
entry = {"ENGINE": "django.db.backends.sqlite3", "NAME": path}
settings.configure(DATABASES={"default": entry})
django.setup()
from django.db import connection
from rttm.storage import keep_readable
connection.cursor().execute("PRAGMA journal_mode = WAL")
connection.cursor().execute("CREATE TABLE thing (name TEXT)")
connection.close()
if keeps:
    keep_readable("default")
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # as on a full disk, no file grows
for _ in range(2):
    print(connection.cursor().execute("SELECT count(*) FROM thing").fetchone())
    connection.close()
"""


@pytest.mark.parametrize(("keeps", "works"), [("kept", True), ("not kept", False)])
def test_pages_are_read_on_a_full_disk_while_a_process_keeps_the_database_open(
    tmp_path, keeps, works
):
    done = subprocess.run(
        [sys.executable, "-c", READING, str(tmp_path / "database"), keeps],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode == 0) == works, done.stderr
