"""Wrong log-ins are counted by all web processes together, in a real Valkey."""

from collections.abc import Callable
from pathlib import Path

import pytest

from dashboard import log_ins
from rttm.core import rules
from tests.servers import ValkeyServer

HERE = rules.LOG_INS_HERE[0]


@pytest.fixture
def valkey(tmp_path: Path, start_valkey: Callable[[Path], ValkeyServer], settings) -> ValkeyServer:
    server = start_valkey(tmp_path)
    settings.REDIS_URL = server.url
    return server


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> Callable[[log_ins.Counts], log_ins.Attempt]:
    """An attempt of olga's that a web process with these counts gets."""

    def begin(counts: log_ins.Counts) -> log_ins.Attempt:
        monkeypatch.setattr(log_ins, "counts", counts)
        return log_ins.Attempt("olga", "192.0.2.1")

    return begin


def test_web_processes_count_together_and_forget_together(valkey, in_process):
    one, other = log_ins.Counts(), log_ins.Counts()
    for number in range(HERE):
        in_process(other if number % 2 else one).count_failure()
    for process in (one, other, log_ins.Counts()):
        with pytest.raises(log_ins.Wait) as refused:
            in_process(process).check()
        assert 0 < refused.value.seconds <= rules.LOG_INS_HERE[1]
    in_process(one)
    log_ins.lift("Olga")
    in_process(other).check()
    assert not one.own.storage.events


def test_while_redis_is_away_a_process_counts_alone(valkey, in_process):
    counts = log_ins.Counts()
    in_process(counts).check()
    valkey.stop()
    for _ in range(HERE):
        in_process(counts).count_failure()
    with pytest.raises(log_ins.Wait):
        in_process(counts).check()
