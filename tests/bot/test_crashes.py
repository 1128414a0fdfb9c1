"""What cannot be read stops nothing and is logged without a word of it; what is vital and crashes is told at once."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from structlog.testing import capture_logs

from bot.intake import Intake
from bot.nursery import Nursery
from bot.service import bot_of, core
from bot.settings import Settings
from bot.telegram.messenger import TelegramMessenger
from bot.telegram.polling import Polling
from storage import letters
from tests.arriving import are_in
from tests.servers import BotApi

MIRA = 101


async def test_an_update_that_cannot_be_read_does_not_stop_the_others(database: str) -> None:
    """It is set aside under its number, those beside it are answered, and the log holds nothing of it."""
    nursery = Nursery()
    async with BotApi() as api:
        api.join(MIRA, "Mira")
        settings = Settings(
            _env_file=None, database_url=database, telegram_bot_token=api.token, telegram_api_url=api.url
        )
        async with (
            bot_of(settings) as bot,
            core(settings, TelegramMessenger(bot), ticking=False) as made,
            AsyncExitStack() as at_the_end,
        ):
            at_the_end.push_async_callback(nursery.close)
            are_in(made.engine, [MIRA])
            with capture_logs() as logs:
                api.raw_update({"message": "a secret of mine"})
                api.say(MIRA, "/start")
                polling = nursery.start(
                    Polling(bot, Intake(bot, made.runner, made.performer, made.clock)).run(), "polling", vital=True
                )
                await api.wait_for(lambda: api.chats[MIRA].from_bot, 10)
                await api.settled()
            assert not polling.done()
            assert [letter.kind for letter in letters.letters(made.engine)] == ["update"]
            assert any(line["event"] == "update not readable" for line in logs)
            assert "secret" not in str(logs)


async def test_the_crash_of_a_vital_task_is_told() -> None:
    """Whoever composed it is called; the crash of any other task is logged, and that is all."""
    told: list[str] = []
    nursery = Nursery(lambda: told.append("failed"))

    async def crash() -> None:
        raise ValueError("words of a person")

    with capture_logs() as logs:
        await asyncio.wait([nursery.start(crash(), "passing")])
        assert told == []
        await asyncio.wait([nursery.start(crash(), "lane", vital=True)])
        await asyncio.sleep(0)
    assert told == ["failed"]
    assert [line["task"] for line in logs] == ["passing", "lane"]
    assert "words of a person" not in str(logs)
