"""Empties the outbox, beside the loop and the API: no probe and no call waits for it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from rttm.engine.rounds import Rounds
from rttm.engine.targets import Limits
from rttm.engine.thread import aside

from . import outbox
from .datagrams import Datagrams
from .faults import Faults
from .mails import Mailer
from .outbox import MAILS, SYSLOG, Channel, Message

POLL = 0.5  # seconds between two looks into the outbox
LAST_WORDS = 1.0  # seconds for a mail under way when we stop

Call = Callable[..., Awaitable[Any]]


class Sender:
    """Sends what the outbox holds; `call` leads to the thread of the database."""

    def __init__(
        self,
        call: Call,
        *,
        limits: Limits,
        has_outbox: bool = True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._call = call
        self._has_outbox = has_outbox  # else it sends only what is not kept
        self._clock = clock
        self._datagrams = Datagrams(limits)
        self._faults = Faults()

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set. A mail server that hangs holds up no syslog message."""
        rounds = [self.send_direct]
        if self._has_outbox:
            rounds += [self.send_datagrams, self.send_mails]
        tasks = [asyncio.create_task(self._repeat(one, stop)) for one in rounds]
        try:
            await stop.wait()
            await asyncio.wait(tasks, timeout=LAST_WORDS)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self.close()

    def close(self) -> None:
        self._datagrams.close()

    async def _repeat(self, one: Callable[[], Awaitable[None]], stop: asyncio.Event) -> None:
        rounds = Rounds("sending messages")
        while not stop.is_set():
            try:
                await one()
            except Exception as error:
                rounds.failed(error)
            else:
                rounds.worked()
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL):
                    await stop.wait()

    async def send_direct(self) -> None:
        """Results of single probes: sent once, and what fails is lost."""
        messages = list(outbox.direct)
        outbox.direct.clear()
        for message, why in await self._datagrams.send(messages):
            self._note(message, why)

    async def send_datagrams(self) -> None:
        for message, why in await self._datagrams.send(await self._taken(SYSLOG)):
            await self._done(SYSLOG, message, why)

    async def send_mails(self) -> None:
        messages = await self._taken(MAILS)
        if not messages:
            return
        mailer = await aside(Mailer)
        why = ""
        for message in messages:
            if not mailer.is_down:
                why = await aside(mailer.send, message)
            # At once: a kill between two mails repeats neither.
            await self._done(MAILS, message, why)
        await aside(mailer.close)

    async def _taken(self, channel: Channel) -> list[Message]:
        taken: list[Message] = await self._call(outbox.take, channel, self._clock())
        return taken

    async def _done(self, channel: Channel, message: Message, why: str) -> None:
        self._note(message, why)
        if not why:
            await self._call(outbox.sent, message)
        elif await self._call(outbox.put_off, channel, message, self._clock()):
            self._faults.gave_up(message.recipient)

    def _note(self, message: Message, why: str) -> None:
        if why:
            self._faults.failed(message.recipient, why)
        else:
            self._faults.worked(message.recipient)
