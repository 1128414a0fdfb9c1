"""Updates by getUpdates. The offset moves when all that was fetched is committed: what is not is fetched again."""

from __future__ import annotations

import asyncio

import structlog
from telegram import Bot
from telegram.error import Conflict, InvalidToken, NetworkError, RetryAfter, TelegramError

from bot.intake import Intake
from bot.parse import ALLOWED_UPDATES

log = structlog.get_logger()

LONG_POLL_SECONDS = 25
WAITS = (0.2, 1.0, 3.0, 10.0)
"""Waits after failed fetches; the last one repeats."""


class Polling:
    """Fetches updates until it is cancelled."""

    def __init__(self, bot: Bot, intake: Intake) -> None:
        self._bot, self._intake = bot, intake
        self._failures = 0

    async def run(self) -> None:
        """Fetch, take, acknowledge, again."""
        offset: int | None = None
        while True:
            try:
                updates = await self._bot.get_updates(
                    offset=offset,
                    timeout=LONG_POLL_SECONDS,
                    read_timeout=10,
                    allowed_updates=ALLOWED_UPDATES,
                )
            except TelegramError as error:
                await self._wait(error)
                continue
            self._failures = 0
            # side by side: one chat's order is kept by the intake, and chats do not wait for each other
            await asyncio.gather(*(self._intake.take(update) for update in updates))
            if updates:
                offset = max(update.update_id for update in updates) + 1

    async def _wait(self, error: TelegramError) -> None:
        wait = WAITS[min(self._failures, len(WAITS) - 1)]
        self._failures += 1
        match error:
            case RetryAfter(retry_after=seconds):
                wait = float(seconds if isinstance(seconds, int | float) else seconds.total_seconds())
            case Conflict():
                log.error(
                    "another process fetches this bot's updates: only one may run by polling, or a webhook is set"
                )
            case InvalidToken():
                log.error("Telegram does not know this token: check TELEGRAM_BOT_TOKEN")
            case NetworkError():
                log.warning("Telegram did not answer", failures=self._failures, error=type(error).__name__)
            case _:
                log.error("fetching updates failed", error=type(error).__name__)
        await asyncio.sleep(wait)
