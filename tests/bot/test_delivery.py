"""Delivery over real HTTP: whatever the Bot API answers, nothing is lost, and each chat keeps its order.

The product is composed as `waymark run` composes it and polls a Bot API server of ours; people write to that server,
and what they see in their chat is what is asserted.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from bot.intake import Intake
from bot.nursery import Nursery
from bot.service import Core, bot_of, core
from bot.settings import Settings
from bot.telegram.messenger import TelegramMessenger
from bot.telegram.polling import Polling
from flows.events import AnyEvent, CommandSent
from flows.state import Chat
from storage import letters
from storage import tables as t
from storage.outbox import Outgoing
from storage.unit_of_work import Claim, Outcome, Settled
from tests.arriving import are_in
from tests.playbook import Play
from tests.servers import BotApi

MIRA, TOM = 101, 102
QUESTION = "How present are you right now"
UNPARSED = "Bad Request: can't parse entities: unsupported offset"
UNCHANGED = "Bad Request: message is not modified: specified new message content is exactly the same"


# ---- what the tests are written with


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    """A Bot API server in which Mira and Tom have opened a chat with the bot."""
    async with BotApi() as server:
        server.join(MIRA, "Mira")
        server.join(TOM, "Tom")
        yield server


@asynccontextmanager
async def serving(database: str, api: BotApi, *, pollers: int = 1, ticking: bool = True) -> AsyncIterator[Core]:
    """The product at work, as `waymark run` composes it."""
    settings = Settings(_env_file=None, database_url=database, telegram_bot_token=api.token, telegram_api_url=api.url)
    nursery = Nursery()
    async with (
        bot_of(settings) as bot,
        core(settings, TelegramMessenger(bot), ticking=ticking) as made,
        AsyncExitStack() as at_the_end,
    ):
        at_the_end.push_async_callback(nursery.close)
        are_in(made.engine, (MIRA, TOM))
        intake = Intake(bot, made.runner, made.performer, made.clock)
        polling = [nursery.start(Polling(bot, intake).run(), f"polling {n}") for n in range(pollers)]
        yield made
        assert not any(task.done() for task in polling), "polling ended"


def seen(api: BotApi, chat_id: int = MIRA) -> list[str]:
    """The coach's messages in a chat, oldest first: the first line of each."""
    return [message.text.splitlines()[0] for message in api.chats[chat_id].from_bot]


def with_text(api: BotApi, fragment: str, chat_id: int = MIRA) -> list[Any]:
    """The coach's messages in a chat that contain some words."""
    return [message for message in api.chats[chat_id].from_bot if fragment in message.text]


async def until_seen(api: BotApi, fragment: str, chat_id: int = MIRA, copies: int = 1) -> Any:
    """Wait for a message of the coach; gives it."""
    found = await api.wait_for(
        lambda: found if len(found := with_text(api, fragment, chat_id)) >= copies else None,
        timeout=10,
        what=f"{fragment!r} in {chat_id}",
    )
    return found[-1]


async def until(condition: Callable[[], Any]) -> Any:
    """Wait for something that is not on the server."""
    async with asyncio.timeout(10):
        while not (found := condition()):  # noqa: ASYNC110 - the database tells nobody that it changed
            await asyncio.sleep(0)
        return found


async def begin(api: BotApi, chat_id: int = MIRA) -> Any:
    """A session begins; gives the message with the first question."""
    api.say(chat_id, "/session")
    return await until_seen(api, QUESTION, chat_id)


async def settled(made: Core, api: BotApi) -> None:
    """Until every update is taken, all that follows performed, and that written down."""
    await api.settled()
    await made.performer.quiet()
    await made.runner.flush()


def column(made: Core, column: Any) -> list[Any]:
    """One column of a table, by its primary key."""
    with made.engine.connect() as connection:
        return list(connection.execute(select(column).order_by(*column.table.primary_key)).scalars())


def unreachable_since(made: Core, chat_id: int = MIRA) -> datetime | None:
    query = select(t.users.c.unreachable_since).where(t.users.c.telegram_id == chat_id)
    with made.engine.connect() as connection:
        found: datetime | None = connection.execute(query).scalar_one()
        return found


# ---- order


async def test_the_answers_to_fifty_quick_messages_arrive_in_their_order(database: str, api: BotApi) -> None:
    async with serving(database, api):
        await begin(api, TOM)
        api.say(MIRA, "/start")
        for number in range(50):
            api.say(MIRA, f"/nothing{number}")
            api.say(TOM, f"/nothing{number}")
        for chat_id in (MIRA, TOM):
            await until_seen(api, "/nothing49.", chat_id)
            answers = [text for text in seen(api, chat_id) if "/nothing" in text]
            assert answers == [f"I don't know /nothing{number}. /help lists what I know." for number in range(50)]


# ---- what was sent is written down


async def test_a_flush_waits_for_what_is_being_written_down(database: str) -> None:
    """Who looks a message up after it finds it, whoever began to write."""
    async with Play(database) as play:
        await play.coachee("Mira").says("/start")
        with writers_held(play.core):
            first = asyncio.create_task(play.core.runner.flush())
            await asyncio.sleep(0)
            assert not play.core.performer.marks, "it is being written"
            second = asyncio.create_task(play.core.runner.flush())
            await asyncio.wait([second], timeout=0.05)
            assert not second.done()
        await asyncio.gather(first, second)
        assert set(column(play.core, t.outbox.c.status)) == {"done"}


async def test_a_process_that_is_stopped_as_it_writes_down_what_was_sent_writes_it_all_the_same(
    database: str,
) -> None:
    """Else the next one would send it once more."""
    async with Play(database) as play:
        await play.coachee("Mira").says("/start")
        with writers_held(play.core):
            writing = asyncio.create_task(play.core.runner.flush())
            await asyncio.sleep(0)
            writing.cancel()
            await asyncio.wait([writing])
        await play.core.runner.flush()
        assert set(column(play.core, t.outbox.c.status)) == {"done"}


@contextmanager
def writers_held(made: Core) -> Iterator[None]:
    """Every writer thread is busy meanwhile."""
    go_on = threading.Event()
    for lane in made.runner._lanes:
        lane._thread.submit(go_on.wait, 10)
    yield
    go_on.set()


# ---- 429


async def test_a_chat_that_has_to_wait_gets_everything_in_order_and_holds_nobody_up(
    database: str, api: BotApi
) -> None:
    async with serving(database, api):
        asked_to_wait = api.fault("sendMessage", 429, retry_after=1, chat_id=MIRA)
        api.say(MIRA, "/session")
        await api.wait_for(lambda: asked_to_wait.hits)
        api.say(MIRA, "/nothing1")
        await begin(api, TOM)
        assert seen(api, MIRA) == []
        await until_seen(api, "/nothing1")
        greeting, header, question, unknown = seen(api)
        assert greeting.startswith("Hi Mira.")
        assert header.startswith("Step 1 of 5")
        assert question.startswith(QUESTION)
        assert unknown.startswith("I don't know")


async def test_while_a_chat_waits_it_is_not_asked_again(database: str, api: BotApi) -> None:
    async with serving(database, api):
        api.fault("sendMessage", 429, retry_after=1, chat_id=MIRA)
        api.say(MIRA, "/session")
        await until_seen(api, QUESTION)
        statuses = [request.status for request in api.calls("sendMessage")]
        assert statuses == [429, 200, 200, 200]


async def test_what_was_put_off_is_delivered_by_the_next_process(database: str, api: BotApi) -> None:
    async with serving(database, api, ticking=False):
        asked_to_wait = api.fault("sendMessage", 429, retry_after=1, times=None)
        api.say(MIRA, "/session")
        await api.settled()
    assert seen(api) == []
    asked_to_wait.cancel()
    async with serving(database, api):
        await until_seen(api, QUESTION)
    assert len(seen(api)) == 3


# ---- people who cannot be reached


@pytest.mark.parametrize("gone", ["blocked", "chat not found", "user is deactivated"])
async def test_who_cannot_be_reached_is_not_written_to_and_welcome_when_they_come_back(
    database: str, api: BotApi, gone: str
) -> None:
    async with serving(database, api) as made:
        api.say(MIRA, "/start")
        await until_seen(api, "No open items")
        if gone == "blocked":
            api.block(MIRA)
        else:
            status, why = (400, "Bad Request: chat not found") if "chat" in gone else (403, f"Forbidden: {gone}")
            away = api.fault("sendMessage", status, times=None, chat_id=MIRA, description=why)
        before = len(api.calls("sendMessage"))
        api.say(MIRA, "/session")
        await until(lambda: unreachable_since(made))
        assert len(api.calls("sendMessage")) == before + 1, "the rest of the queue was tried, too"
        await settled(made, api)
        assert letters.letters(made.engine) == [], "there is nothing that an operator could do"
        await begin(api, TOM)

        api.unblock(MIRA) if gone == "blocked" else away.cancel()
        api.say(MIRA, "/session")
        await until_seen(api, QUESTION)
        assert unreachable_since(made) is None


async def test_who_says_that_they_blocked_the_bot_is_unreachable_until_they_unblock_it(
    database: str, api: BotApi
) -> None:
    async with serving(database, api) as made:
        api.say(MIRA, "/start")
        await until_seen(api, "No open items")
        api.block(MIRA, update=True)
        assert (await until(lambda: unreachable_since(made))).tzinfo is UTC
        api.unblock(MIRA, update=True)
        await until(lambda: unreachable_since(made) is None)


# ---- messages that are refused


async def test_a_message_whose_entities_are_refused_goes_out_plain(database: str, api: BotApi) -> None:
    async with serving(database, api):
        api.fault("sendMessage", 400, times=None, description=UNPARSED, when=lambda p: bool(p.get("entities")))
        await begin(api)
        [header] = with_text(api, "Step 1 of 5 · Check in\n")
        assert header.entities is None


async def test_an_edit_whose_entities_are_refused_goes_out_plain(database: str, api: BotApi) -> None:
    """Else what is shown in place would stand still."""
    async with serving(database, api) as made:
        await begin(api)
        [header] = with_text(api, "Step 1 of 5 · Check in\n")
        assert header.text.endswith("○○○○○")
        api.fault("editMessageText", 400, times=None, description=UNPARSED, when=lambda p: bool(p.get("entities")))
        api.press_label(MIRA, "7")
        await api.wait_for(lambda: header.edits, what="the header edited")
        assert header.text.endswith("●○○○○")
        assert header.entities is None
        await settled(made, api)
        assert letters.letters(made.engine) == []


async def test_a_message_that_is_refused_holds_up_none_after_it(database: str, api: BotApi) -> None:
    async with serving(database, api) as made:
        api.fault("sendMessage", 400, description="Bad Request: message is too long", chat_id=MIRA)
        await begin(api)
        assert len(seen(api)) == 2
        await settled(made, api)
        [letter] = letters.letters(made.engine)
        assert (letter.kind, letter.chat_id) == ("message", MIRA)


async def test_an_edit_that_changes_nothing_is_harmless(database: str, api: BotApi) -> None:
    async with serving(database, api) as made:
        await begin(api)
        unchanged = api.fault("editMessageText", 400, description=UNCHANGED)
        api.press_label(MIRA, "7")
        await until_seen(api, "What is it like to be you today?")
        assert unchanged.hits == 1
        await settled(made, api)
        assert letters.letters(made.engine) == []


async def test_an_edit_of_a_message_that_the_person_deleted_is_harmless(database: str, api: BotApi) -> None:
    async with serving(database, api) as made:
        question = await begin(api)
        api.chats[MIRA].remove(question)
        api.say(MIRA, "7")
        await until_seen(api, "What is it like to be you today?")
        await settled(made, api)
        assert letters.letters(made.engine) == []


async def test_a_press_that_is_too_old_to_be_answered_counts_all_the_same(database: str, api: BotApi) -> None:
    async with serving(database, api) as made:
        await begin(api)
        api.callback_seconds = -1.0
        api.press_label(MIRA, "7")
        await until_seen(api, "What is it like to be you today?")
        await api.wait_for(lambda: api.counts["answerCallbackQuery 400"])
        await settled(made, api)
        assert letters.letters(made.engine) == []


# ---- events that cannot be handled


async def test_what_was_set_aside_is_answered_when_it_is_tried_again(database: str, api: BotApi) -> None:
    async with serving(database, api) as made:
        settle, broken = made.runner.settle, True

        def settle_or_fail(chat: Chat, event: AnyEvent) -> Settled:
            if broken and isinstance(event, CommandSent):
                raise ValueError
            return settle(chat, event)

        api.say(MIRA, "/start")
        await until_seen(api, "No open items")
        made.runner.settle = settle_or_fail  # type: ignore[method-assign]
        api.say(MIRA, "/nothing1")
        await until_seen(api, "Something went wrong at my end")
        for times in (1, 2):
            [letter] = letters.letters(made.engine)
            assert (letter.kind, letter.chat_id) == ("update", MIRA)
            letters.retry(made.engine, letter.id, made.clock.now())
            broken = times == 1
            await made.chores.retry()
        await until_seen(api, "/nothing1")
        assert letters.letters(made.engine) == []


async def test_a_message_that_cannot_even_be_tried_is_set_aside_and_holds_up_none_after_it(
    database: str, api: BotApi
) -> None:
    """Else its whole chat comes back, and fails again, for ever."""
    async with serving(database, api) as made:
        settle = made.runner.settle

        def settle_strangely(chat: Chat, event: AnyEvent) -> Settled:
            done = settle(chat, event)
            strange = Outgoing(chat_id=MIRA, kind="say", payload={"of": "another version"})
            return done.evolve(outgoing=(strange, *done.outgoing))

        made.runner.settle = settle_strangely  # type: ignore[method-assign]
        api.say(MIRA, "/start")
        await until_seen(api, "No open items")
        await settled(made, api)
        assert [letter.kind for letter in letters.letters(made.engine)] == ["message"]


# ---- a server that fails


FAILURES: dict[str, dict[str, Any]] = {"500": {"status": 500}, "502": {"status": 502}, "dropped": {"drop": True}}


@pytest.mark.parametrize("failure", FAILURES)
async def test_a_message_that_did_not_go_out_is_sent_again_and_comes_once(
    database: str, api: BotApi, failure: str
) -> None:
    async with serving(database, api):
        failed = api.fault("sendMessage", **FAILURES[failure], before=True, chat_id=MIRA)
        await begin(api)
        assert failed.hits == 1
        assert [text[:8] for text in seen(api)] == ["Hi Mira.", "Step 1 o", "How pres"]


@pytest.mark.parametrize("failure", FAILURES)
async def test_a_message_that_went_out_without_our_knowing_comes_twice_at_most(
    database: str, api: BotApi, failure: str
) -> None:
    async with serving(database, api) as made:
        failed = api.fault("sendMessage", **FAILURES[failure], before=False, chat_id=MIRA)
        await begin(api)
        assert failed.hits == 1
        assert [text[:8] for text in seen(api)] == ["Hi Mira.", "Hi Mira.", "Step 1 o", "How pres"]
        await settled(made, api)
        assert set(column(made, t.outbox.c.status)) == {"done"}


@pytest.mark.parametrize("before", [True, False], ids=["before the act", "after the act"])
@pytest.mark.parametrize("failure", FAILURES)
async def test_an_edit_that_failed_is_done_in_the_end(database: str, api: BotApi, failure: str, before: bool) -> None:
    async with serving(database, api) as made:
        question = await begin(api)
        failed = api.fault("editMessageText", **FAILURES[failure], before=before)
        api.press_label(MIRA, "7")
        await until_seen(api, "What is it like to be you today?")
        assert failed.hits == 1
        assert (question.text[-3:], question.labels, len(question.edits)) == ("→ 7", [], 1)
        await settled(made, api)
        assert letters.letters(made.engine) == []


async def test_a_duplicate_is_edited_no_less_than_the_message_it_repeats(database: str, api: BotApi) -> None:
    """Of two copies the one that is known is the newest: its buttons go when the question is answered."""
    async with serving(database, api):
        api.fault("sendMessage", drop=True, before=False, when=lambda p: QUESTION in p["text"])
        await begin(api)
        await until_seen(api, QUESTION, copies=2)
        api.press_label(MIRA, "7")
        await until_seen(api, "What is it like to be you today?")
        assert [message.labels[:1] for message in with_text(api, QUESTION)] == [["1"], []]


async def test_a_press_on_the_forgotten_copy_is_answered(database: str, api: BotApi) -> None:
    async with serving(database, api):
        api.fault("sendMessage", drop=True, before=False, when=lambda p: QUESTION in p["text"])
        await begin(api)
        await until_seen(api, QUESTION, copies=2)
        copy = with_text(api, QUESTION)[0]
        api.press(MIRA, copy.id, copy.data_of("7"))
        await until_seen(api, "What is it like to be you today?")
        api.press(MIRA, copy.id, copy.data_of("6"))
        await api.wait_for(lambda: api.chats[MIRA].alerts)
        assert "answered already" in api.chats[MIRA].alerts[0]["text"]


async def test_fetching_goes_on_after_failures_and_nothing_is_lost_or_done_twice(database: str, api: BotApi) -> None:
    async with serving(database, api):
        api.fault("getUpdates", drop=True, before=False)  # fetched, and the answer is lost
        api.say(MIRA, "/nothing1")
        await until_seen(api, "/nothing1")
        api.fault("getUpdates", 502)
        api.say(MIRA, "/nothing2")
        await until_seen(api, "/nothing2")
        await api.settled()
    assert [text[:24] for text in seen(api)] == ["I don't know /nothing1. ", "I don't know /nothing2. "]


async def test_an_update_that_was_not_taken_is_not_acknowledged_and_is_fetched_again(
    database: str, api: BotApi
) -> None:
    async with serving(database, api) as made:
        handle = made.runner.handle
        refused: list[AnyEvent] = []

        async def refusing_once(event: AnyEvent, claim: Claim | None = None) -> Outcome:
            if not refused:
                refused.append(event)
                raise RuntimeError
            return await handle(event, claim)

        made.runner.handle = refusing_once  # type: ignore[method-assign]
        update = api.say(MIRA, "/start")
        await api.wait_for(lambda: api.deliveries[update] == 2)
        assert api.acknowledged == set()
        await until_seen(api, "No open items")
        await api.settled()
        assert api.acknowledged == {update}


async def test_an_outage_of_the_server_loses_nothing(database: str, api: BotApi) -> None:
    async with serving(database, api):
        await begin(api)
        await api.stop()
        api.say(MIRA, "7")
        await api.start()
        await until_seen(api, "What is it like to be you today?")


async def test_fetching_waits_as_long_as_it_is_told(database: str, api: BotApi) -> None:
    asked_to_wait = api.fault("getUpdates", 429, retry_after=1)
    api.say(MIRA, "/start")
    async with serving(database, api):
        await until_seen(api, "No open items")
        assert asked_to_wait.hits == 1


async def test_two_pollers_both_go_on_and_the_log_says_what_is_wrong(database: str, api: BotApi) -> None:
    with capture_logs() as logs:
        async with serving(database, api, pollers=2):
            await api.wait_for(lambda: api.counts["getUpdates 409"] >= 2)
            api.say(MIRA, "/start")
            api.say(MIRA, "/nothing1")
            await until_seen(api, "/nothing1")
            await api.settled()
    told = [entry for entry in logs if "another process fetches this bot's updates" in entry["event"]]
    assert {entry["log_level"] for entry in told} == {"error"}
    assert sum("/nothing1" in text for text in seen(api)) == 1


async def test_an_unknown_update_is_acknowledged(database: str, api: BotApi) -> None:
    async with serving(database, api):
        await api.wait_for(lambda: api.updates.allowed)
        strange = api.raw_update({"message": {"message_id": 1, "date": 0, "chat": {"id": MIRA, "type": "private"}}})
        api.say(MIRA, "/start")
        await until_seen(api, "No open items")
        await api.settled()
        assert strange in api.acknowledged
