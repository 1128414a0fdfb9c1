"""One update: parsed, taken in its chat's order, handled. When `take` returns, the update may be acknowledged."""

from __future__ import annotations

import asyncio
from typing import Any

import structlog
from telegram import Bot, Update

from bot.clock import Clock
from bot.parse import ALLOWED_UPDATES, event_of
from bot.perform import Performer
from bot.runner import Runner
from flows.events import AnyEvent, TextSent
from storage.unit_of_work import Claim, reason

log = structlog.get_logger()

HOLD_SECONDS = 2.0
"""How long words wait for a question that is on its way, to know whether they were sent before it."""
UNREADABLE_SECONDS = 1.0
"""Nobody reads a question and writes an answer within this."""


class Intake:
    """Takes updates in, whichever way they come."""

    def __init__(self, bot: Bot, runner: Runner, performer: Performer, clock: Clock) -> None:
        self._bot, self._runner, self._performer, self._clock = bot, runner, performer, clock
        self._threads = runner.threads
        self._turns: dict[int, tuple[asyncio.Lock, int]] = {}
        self.taken = 0

    async def take_json(self, data: dict[str, Any]) -> None:
        """Take an update as Telegram sends it. One that cannot be read is set aside under its number, unread."""
        try:
            update = Update.de_json(data, self._bot)
            event = event_of(update, self._clock.now())
        except Exception as error:
            update_id = data.get("update_id")
            log.error("update not readable", update=update_id, error=type(error).__name__)
            ours = any(kind in data for kind in ALLOWED_UPDATES)
            if ours and isinstance(update_id, int) and abs(update_id) < 2**63:
                await self._threads.run(self._runner.unreadable, update_id, reason(error))
            return
        self.taken += 1
        if event is not None:
            await self._take(update, event)

    async def _take(self, update: Update, event: AnyEvent) -> None:
        """Take an event; returns once what follows from it is committed, or it is set aside."""
        received = asyncio.get_running_loop().time()
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
        if self._performer.question(event.chat_id) is None:
            return event
        await self._performer.settled(event.chat_id, HOLD_SECONDS)
        question = self._performer.question(event.chat_id)
        if question is None:
            return event
        if question.sent is None:
            ahead = question.held or received - question.put < UNREADABLE_SECONDS
        else:
            earlier = question.message_id is not None and event.message_id < question.message_id
            ahead = received < question.sent and earlier
        return event.evolve(ahead=True) if ahead else event
