"""A setting that cannot be read: every command of manage.py says so in one sentence."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def refusal(command: str, **variables: str) -> str:
    """What the command says; it must not get further than to say it."""
    done = subprocess.run(
        [sys.executable, "manage.py", command],
        cwd=ROOT,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    return done.stderr


@pytest.mark.parametrize("command", ["up", "engine", "sync_rttm", "migrate", "shell", "help"])
def test_every_command_ends_with_the_sentence_and_no_traceback(command):
    assert refusal(command, PORT="abc") == "PORT must be a whole number, not 'abc'.\n"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DATA_DIR", "/dev/null/below"),
        ("DEMO", "perhaps"),
        ("DATABASE_URL", "mysql://root@localhost/x"),
        ("REDIS_URL", "localhost:6379"),
        ("DYNECT_URL", "api.dynect.net"),
        ("DYNECT_PASSWORD_FILE", "/dev/null/below"),
        ("SYNC_INTERVAL", "0"),
        ("PROBE_DENY", "10.0.0.1/8"),
        ("LOG_LEVEL", "loud"),
    ],
)
def test_the_sentence_names_the_variable(variable, value):
    said = refusal("check", **{variable: value})
    assert said.count("\n") == 1
    assert variable in said
