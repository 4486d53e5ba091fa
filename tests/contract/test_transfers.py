"""libcurl in the event loop: nothing is left behind, and no fault of ours is lost."""

import asyncio
import os
from functools import partial

import pycurl
import pytest

from rttm.core.health import ProbeResult
from rttm.core.schema import Monitor
from rttm.engine import probes
from rttm.engine.probes.answer import Answer
from tests.probing import LOOPBACK, UP, assert_said, certificate, finish, http_monitor, tls_of
from tests.small_servers import LOCALHOST, Served, answering, hanging, http, listening


def descriptors() -> int:
    return len(os.listdir("/dev/fd"))


@pytest.mark.parametrize("protocol", ["HTTP", "HTTPS"])
def test_transfers_run_on_the_usual_loop_too(tmp_path, protocol):
    node = tls_of(certificate(tmp_path, ["node.example.com"], days=9.5))

    async def scenario() -> list[ProbeResult]:
        tls = node if protocol == "HTTPS" else None
        async with listening(answering(http()), tls=tls) as served:
            monitor = Monitor(protocol, port=served.port)
            runs = (probes.probe(monitor, LOCALHOST, limits=LOOPBACK) for _ in range(20))
            return await asyncio.gather(*runs)

    before = descriptors()
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        for result in runner.run(scenario()):
            assert_said(result, UP, r"HTTP 200 in \d+ ms.*")
    assert descriptors() == before


async def give_up(monitor: Monitor, served: Served, *, count: int) -> None:
    """Cancel so many probes, each once it hangs."""
    connections = served.connections + count
    probe = partial(probes.probe, monitor, LOCALHOST, limits=LOOPBACK)
    runs = [asyncio.create_task(probe()) for _ in range(count)]
    while served.connections < connections:
        await asyncio.sleep(0)
    for run in runs:
        run.cancel()
    await asyncio.gather(*runs, return_exceptions=True)


@pytest.mark.parametrize("protocol", ["HTTP", "HTTPS"])
def test_probes_that_are_given_up_leave_nothing_open(protocol):
    async def scenario() -> None:
        async with listening(hanging) as served:
            monitor = Monitor(protocol, port=served.port)
            await give_up(monitor, served, count=1)  # opens what is kept
            before = descriptors()
            await give_up(monitor, served, count=20)
            while descriptors() > before:  # the server closes its ends in its own time
                await asyncio.sleep(0)

    finish(scenario())


def test_fault_of_ours_is_not_taken_for_the_nodes(monkeypatch, capfd):
    def take_body(answer: Answer, part: bytes) -> None:
        raise ZeroDivisionError

    async def scenario() -> ProbeResult:
        async with listening(answering(http())) as served:
            monitor = http_monitor(port=served.port)
            return await probes.probe(monitor, LOCALHOST, limits=LOOPBACK)

    monkeypatch.setattr(Answer, "take_body", take_body)
    with pytest.raises(pycurl.error):
        finish(scenario())
    assert "ZeroDivisionError" in capfd.readouterr().err
