"""Updates by getUpdates. The offset moves when all that was fetched is committed: what is not is fetched again.

They are fetched as JSON and read one by one: one that cannot be read must not stop those beside it.
"""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import structlog
from telegram import Bot
from telegram.error import NetworkError

from bot.intake import Intake
from bot.parse import ALLOWED_UPDATES
from bot.telegram.transport import transport_of

log = structlog.get_logger()

LONG_POLL_SECONDS = 25
WAITS = (0.2, 1.0, 3.0, 5.0)
"""Waits after failed fetches; the last one repeats."""


class _Parameters(msgspec.Struct):
    retry_after: float | None = None


class _Fetched(msgspec.Struct):
    """What is read of an answer to getUpdates."""

    ok: bool = False
    result: list[dict[str, Any]] = []
    error_code: int = 0
    parameters: _Parameters | None = None


_read = msgspec.json.Decoder(_Fetched)


class Polling:
    """Fetches updates until it is cancelled."""

    def __init__(self, bot: Bot, intake: Intake) -> None:
        self._bot, self._intake = bot, intake
        self._failures = 0

    async def run(self) -> None:
        """Fetch, take, acknowledge, again."""
        offset: int | None = None
        while True:
            updates = await self._fetch(offset)
            # side by side: one chat's order is kept by the intake, and chats do not wait for each other
            taken = await asyncio.gather(*(self._intake.take_json(u) for u in updates), return_exceptions=True)
            failures = [error for error in taken if isinstance(error, BaseException)]
            if failures:
                log.error("updates not taken, they are fetched again", count=len(failures))
                await self._wait()
            elif updates:
                offset = max(int(update["update_id"]) for update in updates) + 1

    async def _fetch(self, offset: int | None) -> list[dict[str, Any]]:
        """What is there, at the latest after the long poll; nothing where it failed, after a wait."""
        wanted: dict[str, Any] = {"timeout": LONG_POLL_SECONDS, "allowed_updates": ALLOWED_UPDATES}
        if offset is not None:
            wanted["offset"] = offset
        url = f"{self._bot.base_url}/getUpdates"
        try:
            _, body = await transport_of(self._bot).post_json(
                url, msgspec.json.encode(wanted), read_seconds=LONG_POLL_SECONDS + 10
            )
            answer = _read.decode(body)
        except (NetworkError, msgspec.DecodeError) as error:
            log.warning("Telegram did not answer", failures=self._failures + 1, error=type(error).__name__)
            await self._wait()
            return []
        if answer.ok:
            self._failures = 0
            return answer.result
        match answer.error_code:
            case 409:
                log.error("another process fetches this bot's updates: only one may poll, or a webhook is set")
            case 401 | 404:
                log.error("Telegram does not know this token: check TELEGRAM_BOT_TOKEN")
            case code:
                log.warning("fetching updates failed", code=code)
        await self._wait(answer.parameters.retry_after if answer.parameters else None)
        return []

    async def _wait(self, seconds: float | None = None) -> None:
        wait = WAITS[min(self._failures, len(WAITS) - 1)] if seconds is None else seconds
        self._failures += 1
        await asyncio.sleep(wait)
