"""One update: parsed, taken in its chat's order, handled. When `take` returns, the update may be acknowledged."""

from __future__ import annotations

import asyncio
from typing import Any

import structlog
from telegram import Bot, Update

from bot.clock import Clock
from bot.parse import event_of
from bot.perform import Performer
from bot.runner import Runner
from flows.events import AnyEvent, TextSent
from storage.unit_of_work import Claim

log = structlog.get_logger()

HOLD_SECONDS = 0.25
"""How long words wait for a question that is on its way, to know whether they were sent before it."""


class Intake:
    """Takes updates in, whichever way they come."""

    def __init__(self, bot: Bot, runner: Runner, performer: Performer, clock: Clock) -> None:
        self._bot, self._runner, self._performer, self._clock = bot, runner, performer, clock
        self._turns: dict[int, tuple[asyncio.Lock, int]] = {}
        self.taken = 0

    async def take_json(self, data: dict[str, Any]) -> None:
        """Take an update as Telegram sends it. What cannot be read at all is logged and done with."""
        try:
            update = Update.de_json(data, self._bot)
        except Exception as error:
            log.error("update not readable", update=data.get("update_id"), error=type(error).__name__)
            return
        await self.take(update)

    async def take(self, update: Update) -> None:
        """Take an update; returns once what follows from it is committed, or it is set aside."""
        received = asyncio.get_running_loop().time()
        event = event_of(update, self._clock.now())
        self.taken += 1
        if event is None:
            return
        claim = Claim(kind="update", id=update.update_id)
        lock, users = self._turns.get(event.chat_id, (None, 0))
        lock = lock or asyncio.Lock()
        self._turns[event.chat_id] = (lock, users + 1)
        try:
            async with lock:  # a chat's updates one after another, in the order in which they came
                await self._runner.handle(await self._placed(event, received), claim)
        finally:
            lock, users = self._turns[event.chat_id]
            if users == 1:
                del self._turns[event.chat_id]
            else:
                self._turns[event.chat_id] = (lock, users - 1)

    async def _placed(self, event: AnyEvent, received: float) -> AnyEvent:
        """Words that were sent before the open question could be seen are marked so.

        Telegram numbers a chat's messages in the order in which it got them: words with a smaller number than the
        question came before it. That is asked only of words that were received here before the question was known to
        have been sent; all others are taken as its answer.
        """
        if not isinstance(event, TextSent) or event.message_id is None:
            return event
        on_time = await self._performer.settled(event.chat_id, HOLD_SECONDS)
        question = self._performer.question(event.chat_id)
        if question is None:
            return event
        sent, message_id = question
        if not on_time:
            return event.evolve(ahead=True) if received > sent else event
        ahead = received < sent and message_id is not None and event.message_id < message_id
        return event.evolve(ahead=True) if ahead else event
