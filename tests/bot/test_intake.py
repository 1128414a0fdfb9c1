"""Words that were sent before the open question could be seen belong to the answer before it, over real HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from bot.intake import Intake
from bot.nursery import Nursery
from bot.service import Core, bot_of, core
from bot.settings import Settings
from bot.telegram.messenger import TelegramMessenger
from bot.telegram.polling import Polling
from flows.state import StageAnswers
from storage import tables as t
from tests.arriving import are_in
from tests.coachee import ANSWERS
from tests.servers import BotApi

MIRA = 101


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    """A Bot API server in which Mira has opened a chat with the bot."""
    async with BotApi() as server:
        server.join(MIRA, "Mira")
        yield server


@asynccontextmanager
async def at_topic(database: str, api: BotApi) -> AsyncIterator[Core]:
    """The product at work, and Mira at the first question of Starting Point."""
    settings = Settings(_env_file=None, database_url=database, telegram_bot_token=api.token, telegram_api_url=api.url)
    nursery = Nursery()
    async with (
        bot_of(settings) as bot,
        core(settings, TelegramMessenger(bot), ticking=False) as made,
        AsyncExitStack() as at_the_end,
    ):
        at_the_end.push_async_callback(nursery.close)
        are_in(made.engine, [MIRA])
        nursery.start(Polling(bot, Intake(bot, made.runner, made.performer, made.clock)).run(), "polling")
        for words, next_question in (
            ("/session", "How present"),
            (ANSWERS["presence_level"], "What is it like"),
            ("fine", "How ready"),
            (ANSWERS["readiness_score"], "Shall we begin"),
            (ANSWERS["ready_confirm"], "quarter of an hour"),
        ):
            if words.startswith("["):
                api.press_label(MIRA, words[1:-1])
            else:
                api.say(MIRA, words)
            await api.wait_for(
                lambda question=next_question: any(question in text for text in api.chats[MIRA].texts), 10
            )  # type: ignore[misc]
        await made.performer.quiet()
        yield made


def starting_point(made: Core) -> StageAnswers:
    """What is kept of Starting Point."""
    with made.engine.connect() as connection:
        query = select(t.stage_responses.c.responses).where(t.stage_responses.c.stage_number == 2)
        found: Any = connection.execute(query).scalar()
    return msgspec.convert(found, StageAnswers) if found else StageAnswers()


async def test_two_messages_that_arrive_together(database: str, api: BotApi) -> None:
    """Both are sent before the bot could ask on: they are one answer, and the next question is still open."""
    async with at_topic(database, api) as made:
        api.say(MIRA, "reading out loud")
        api.say(MIRA, "in front of the class")
        await api.wait_for(lambda: any("Added to your last answer" in text for text in api.chats[MIRA].texts), 10)
        await made.performer.quiet()
        kept = starting_point(made)
        assert kept.fields == {"topic": "reading out loud\nin front of the class"}
        assert next(turn.text for turn in kept.turns) == "reading out loud"
        api.press_label(MIRA, "People")
        await api.wait_for(lambda: any("How much does" in text for text in api.chats[MIRA].texts), 10)


async def test_five_messages_that_arrive_together(database: str, api: BotApi) -> None:
    """A long text that the phone sent in pieces is one answer, in order."""
    async with at_topic(database, api) as made:
        for piece in ("the first of five", "two", "three", "four", "five"):
            api.say(MIRA, piece)
        await api.wait_for(lambda: sum("Added to your last" in text for text in api.chats[MIRA].texts) == 4, 10)
        assert starting_point(made).fields["topic"] == "the first of five\ntwo\nthree\nfour\nfive"


async def test_an_answer_to_a_question_that_was_seen(database: str, api: BotApi) -> None:
    """Whoever answers as soon as the question is there answers that question, however quickly."""
    async with at_topic(database, api) as made:
        api.say(MIRA, "reading out loud")
        await api.wait_for(lambda: any("Which part" in text for text in api.chats[MIRA].texts), 10)
        api.say(MIRA, "people")
        await api.wait_for(lambda: any("How much does" in text for text in api.chats[MIRA].texts), 10)
        api.say(MIRA, "9")
        await api.wait_for(lambda: any("would like to be different" in text for text in api.chats[MIRA].texts), 10)
        api.say(MIRA, "that i get stuck")
        await api.wait_for(lambda: any("where is it today" in text for text in api.chats[MIRA].texts), 10)
        fields = starting_point(made).fields
        assert (fields["topic"], fields["problem_statement"]) == ("reading out loud", "that i get stuck")


async def test_while_the_question_is_held_up(database: str, api: BotApi) -> None:
    """As long as the question has not gone out, what is written belongs to the answer before it."""
    async with at_topic(database, api) as made:
        held = api.fault("sendMessage", hang=float("inf"), chat_id=MIRA)
        api.say(MIRA, "reading out loud")
        await api.wait_for(lambda: held.hits, 10)
        api.say(MIRA, "in front of the class")
        async with asyncio.timeout(10):
            while starting_point(made).fields.get("topic") != "reading out loud\nin front of the class":  # noqa: ASYNC110
                await asyncio.sleep(0)
