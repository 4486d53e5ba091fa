"""What is in DATA_DIR is for its owner alone, whichever command writes there, with any umask."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.files import open_to_others
from tests.servers import PATIENCE
from tests.up import MANAGE, ROOT

COLLECT = ("collectstatic", "--noinput", "--verbosity", "0")
MIGRATE = ("migrate", "--database", "engine", "--verbosity", "0")
MAIL = "from django.core.mail import send_mail; send_mail('a', 'b', None, ['c@d.e'])"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A folder that was there before, open to all."""
    path = tmp_path / "data"
    path.mkdir()
    path.chmod(0o755)
    return path


def run(directory: Path, *command: str) -> None:
    # The tests' own database and secrets are not what is looked at here.
    names = {"DATA_DIR": str(directory), "ENGINE_DATABASE_URL": "", "DATABASE_URL": ""}
    subprocess.run(command, cwd=ROOT, env=os.environ | names, umask=0, check=True, timeout=PATIENCE)


@pytest.mark.parametrize(
    ("command", "written"),
    [
        (COLLECT, "static/staticfiles.json"),
        (MIGRATE, "engine.sqlite3"),
        (("shell", "-v0", "-c", MAIL), "mails.txt"),
    ],
    ids=["static files", "a database", "mails"],
)
def test_command_alone_writes_for_its_owner(directory, command, written):
    run(directory, *MANAGE, *command)
    assert (directory / written).exists()
    assert open_to_others(directory) == []


def test_settings_alone_close_what_an_older_release_left_open(directory):
    valkey = directory / "valkey/appendonlydir"
    valkey.mkdir(parents=True)
    valkey.parent.chmod(0o755)
    left = ["dashboard.sqlite3-wal", "beat-schedule.dat", "mails.old.txt", "up.lock"]
    for path in [valkey / "base.rdb", *map(directory.joinpath, left)]:
        path.write_text("")
        path.chmod(0o644)
    others = directory / "somebody's notes"
    others.write_text("")
    others.chmod(0o644)
    run(directory, sys.executable, "-c", "import dashboard.settings")
    assert open_to_others(directory) == ["somebody's notes 644"]
