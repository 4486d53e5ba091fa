"""A process that is started by itself works, or says in one sentence what is missing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.files import open_to_others
from tests.servers import PATIENCE
from tests.up import MANAGE, ROOT

WEB = [sys.executable, "-m", "uvicorn", "dashboard.asgi:application", "--log-level", "warning"]
CELERY = [sys.executable, "-m", "celery", "--quiet", "--app", "dashboard"]
WORKER, BEAT = [*CELERY, "worker", "--queues", "actions"], [*CELERY, "beat"]
ENGINE = [*MANAGE, "engine"]


def refusal(command: list[str], directory: Path, **variables: str) -> str:
    """What a process says on data that nobody has prepared; it must not get further."""
    own = {"DATA_DIR": str(directory), "DATABASE_URL": "", "ENGINE_DATABASE_URL": ""}
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | own | variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert done.returncode not in (0, None)
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.parametrize("command", [WEB, WORKER, BEAT], ids=["web", "worker", "beat"])
def test_setting_that_cannot_be_read_is_the_only_thing_said(command, tmp_path):
    said = refusal(command, tmp_path, PORT="abc")
    assert said == "PORT must be a whole number, not 'abc'.\n"


@pytest.mark.parametrize(
    ("command", "alias"),
    [(WEB, "default"), (WORKER, "default"), (ENGINE, "engine")],
    ids=["web", "worker", "engine"],
)
def test_missing_tables_are_said_with_the_command_that_makes_them(command, alias, tmp_path):
    said = refusal(command, tmp_path)
    assert f"manage.py migrate --database {alias}" in said
    assert open_to_others(tmp_path) == []
