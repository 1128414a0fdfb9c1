"""Links, commands and silent messages over real HTTP: a link is made as it is sent, and kept nowhere."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, select

from bot.parse import hash_of
from bot.render import LINK, Button, Message, settled
from bot.service import Core, bot_of, core
from bot.settings import Settings
from bot.telegram.messenger import TelegramMessenger
from flows.changes import InviteUsed
from flows.effects import AnyEffect, Notify, Say, Screen, ShowCommands, text_line
from flows.events import AnyEvent
from flows.needs import NOTHING
from flows.people import Other
from flows.rights import EVERYONE, commands_of
from flows.state import Chat, Decision
from storage import outbox
from storage import tables as t
from storage.outbox import Outgoing, Row
from storage.unit_of_work import Incoming, Settled, handle
from tests.playbook import START, TestClock
from tests.servers import BotApi
from tests.storage.people import MIRA, OLGA, TOM, come, keep, link, rows, something, user

SOON = 10.0
TOKEN = r"https://t\.me/waymark_test_bot\?start=([A-Za-z0-9_-]+)"


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    """A Bot API server in which Mira and Tom have opened a chat with the bot."""
    async with BotApi() as server:
        server.join(MIRA, "Mira")
        server.join(TOM, "Tom")
        yield server


@asynccontextmanager
async def working(
    database: str, api: BotApi, *, greeted: bool = True, clock: TestClock | None = None
) -> AsyncIterator[Core]:
    """The product at work, without its timers. `greeted`: Telegram has said who the bot is."""
    settings = Settings(_env_file=None, database_url=database, telegram_bot_token=api.token, telegram_api_url=api.url)
    bot = bot_of(settings)
    if greeted:
        await bot.initialize()
    async with core(settings, TelegramMessenger(bot), clock or TestClock(), ticking=False) as made:
        yield made
    await bot.shutdown()


@pytest.fixture
def people(engine: Engine) -> Engine:
    """A database with some people and a link that waits to be sent."""
    come(engine, MIRA, TOM, OLGA)
    keep(engine, link(1))
    return engine


def ordered(engine: Engine, *outgoing: Outgoing, owner: str = "local") -> list[Row]:
    """Rows of the outbox, as a decision writes them."""

    def settle(chat: Chat, _: AnyEvent) -> Settled:
        return Settled(chat=chat, outgoing=outgoing)

    [outcome] = handle(engine, [Incoming(event=something(MIRA))], settle, lambda *_: NOTHING, now=START, owner=owner)
    return list(outcome.rows)


def a_link(number: int = 1, text: str = f"Open {LINK} once.") -> Outgoing:
    message = {"text": text, "rows": [[{"text": "Back", "data": "m:1:home"}]]}
    return Outgoing(chat_id=MIRA, kind="link", payload={"invite_id": str(UUID(int=number)), "message": message})


def a_word(text: str, chat_id: int = MIRA, **fields: Any) -> Outgoing:
    return Outgoing(chat_id=chat_id, kind="say", payload={"text": text, **fields})


async def sent(made: Core, *rows_to_send: Row) -> None:
    """Rows are carried out, and marked."""
    made.performer.put(rows_to_send)
    await asyncio.wait_for(made.performer.quiet(), SOON)
    await made.runner.flush()


def token_in(text: str) -> str:
    """The token of the link in a message."""
    found = re.search(TOKEN, text)
    assert found, text
    return found[1]


def tried(api: BotApi) -> list[str]:
    """The tokens of all messages that were tried to be sent, also in vain."""
    return [token_in(request.params["text"]) for request in api.calls("sendMessage")]


def kept_hash(engine: Engine) -> str:
    [(kept,)] = rows(engine, t.invites, "token_hash")
    return str(kept)


# ---- links


async def test_a_link_is_made_as_it_is_sent_and_only_its_hash_is_kept(
    database: str, people: Engine, api: BotApi
) -> None:
    async with working(database, api) as made:
        await sent(made, *ordered(people, a_link()))
    [message] = api.chats[MIRA].from_bot
    token = token_in(message.text)
    assert message.text == f"Open https://t.me/waymark_test_bot?start={token} once."
    assert message.labels == ["Back"]
    assert len(token) == 43  # 32 random bytes
    assert kept_hash(people) == hash_of(token)
    assert token not in dumped(people)
    assert [(row[0], row[1]) for row in rows(people, t.outbox, "kind", "status")] == [("link", "done")]


def dumped(engine: Engine) -> str:
    """All that the database holds, as text."""
    with engine.connect() as connection:
        return "\n".join(
            str(tuple(row)) for table in t.metadata.sorted_tables for row in connection.execute(select(table))
        )


async def test_two_links_have_two_tokens(database: str, people: Engine, api: BotApi) -> None:
    keep(people, link(2))
    async with working(database, api) as made:
        await sent(made, *ordered(people, a_link(1), a_word("between"), a_link(2)))
    first, between, second = api.chats[MIRA].texts
    assert between == "between"
    assert [row[0] for row in rows(people, t.invites, "token_hash")] == [
        hash_of(token_in(text)) for text in (first, second)
    ]
    assert first != second


async def test_the_hash_is_kept_before_anybody_has_the_link(database: str, people: Engine, api: BotApi) -> None:
    """The person may press it at once."""
    seen: list[tuple[str, str]] = []

    def looked(params: dict[str, Any]) -> bool:
        seen.append((hash_of(token_in(params["text"])), kept_hash(people)))
        return False

    api.fault("sendMessage", status=500, times=None, when=looked)
    async with working(database, api) as made:
        await sent(made, *ordered(people, a_link()))
    assert seen
    assert all(of_token == kept for of_token, kept in seen)


@pytest.mark.parametrize(
    "fault",
    [{"status": 500}, {"drop": True}, {"drop": True, "before": False}, {"status": 429, "retry_after": 0}],
    ids=["failed", "no answer", "arrived without an answer", "too many"],
)
async def test_a_link_that_is_sent_again_is_the_same_link(
    database: str, people: Engine, api: BotApi, fault: dict[str, Any]
) -> None:
    """The first message may have arrived, and what is in it opens."""
    api.fault("sendMessage", times=2, **fault)
    async with working(database, api) as made:
        await sent(made, *ordered(people, a_link(), a_word("after it")))
    assert api.chats[MIRA].texts[-1] == "after it"
    tokens = {token_in(request.params["text"]) for request in api.calls("sendMessage")[:-1]}
    assert len(api.calls("sendMessage")) == 4
    assert [hash_of(token) for token in tokens] == [kept_hash(people)]


async def test_after_a_crash_another_link_is_sent_and_the_one_before_is_void(
    database: str, people: Engine, api: BotApi
) -> None:
    """It is not known whether the first arrived, and its token is nowhere."""
    clock = TestClock()
    failing = api.fault("sendMessage", drop=True, before=False, times=None)
    async with working(database, api, clock=clock) as made:
        made.performer.put(ordered(people, a_link()))
        await api.wait_for(lambda: tried(api), SOON)
    failing.cancel()
    clock.move(START + timedelta(hours=1))  # whoever had it is gone
    void = set(tried(api))
    assert len(void) == 1
    async with working(database, api, clock=clock) as made:
        assert await made.chores.take_up() == 1
        await asyncio.wait_for(made.performer.quiet(), SOON)
        await made.runner.flush()
    new = token_in(api.chats[MIRA].texts[-1])
    assert new not in void
    assert kept_hash(people) == hash_of(new)
    assert [row[0] for row in rows(people, t.outbox, "status")] == ["done"]


async def test_a_link_that_was_used_meanwhile_keeps_its_hash(database: str, people: Engine, api: BotApi) -> None:
    async with working(database, api) as made:
        await sent(made, *ordered(people, a_link()))
        used = kept_hash(people)
        keep(people, InviteUsed(invite_id=UUID(int=1), used_by=user(TOM), at=START))
        await sent(made, *ordered(people, a_link()))
    assert kept_hash(people) == used


async def test_a_link_waits_until_the_bot_knows_its_name(database: str, people: Engine, api: BotApi) -> None:
    """As in a process whose Bot API is away when it starts: nothing is lost by that."""
    async with working(database, api, greeted=False) as made:
        made.performer.put(ordered(people, a_link()))
        await made.performer.marked.wait()
        assert api.calls("sendMessage") == []
        await made.performer._messenger._bot.initialize()  # type: ignore[attr-defined]
        await asyncio.wait_for(made.performer.quiet(), SOON)
    assert hash_of(token_in(api.chats[MIRA].texts[-1])) == kept_hash(people)


async def test_a_link_whose_hash_cannot_be_kept_is_not_sent(database: str, people: Engine, api: BotApi) -> None:
    """Nobody could use it. What comes after it is sent, and the person is told that something went wrong."""
    stranger = 777
    api.join(stranger, "Nobody here knows")
    lost = a_link().evolve(chat_id=stranger)
    async with working(database, api) as made:
        await sent(made, *ordered(people, lost, a_word("after it", stranger)))
    assert "after it" in api.chats[stranger].texts
    assert not any("start=" in text for text in api.chats[stranger].texts)
    assert kept_hash(people) == "None"


@pytest.mark.parametrize("status", [403, 400], ids=["blocked", "refused"])
async def test_a_link_that_cannot_be_sent_is_forgotten(
    database: str, people: Engine, api: BotApi, status: int
) -> None:
    api.fault("sendMessage", status=status)
    async with working(database, api) as made:
        await sent(made, *ordered(people, a_link()))
        assert made.performer._tokens == {}
    assert api.chats[MIRA].texts == []


# ---- commands


async def test_the_client_of_each_person_lists_the_commands_of_their_roles(
    database: str, people: Engine, api: BotApi
) -> None:
    def effects(*given: AnyEffect) -> list[Row]:
        made = settled(Decision(chat=Chat(chat_id=MIRA), effects=given))
        return ordered(people, *made.outgoing)

    async with working(database, api) as made:
        await sent(made, *effects(ShowCommands(roles=("coach", "parent"))))
        assert [c["command"] for c in api.commands_for(MIRA)] == list(commands_of(("coach", "parent")))
        assert all(c["description"].strip() for c in api.commands_for(MIRA))
        assert api.commands_for(TOM) == []
        await sent(made, *effects(ShowCommands(roles=())))
    assert [c["command"] for c in api.commands_for(MIRA)] == list(EVERYONE)


@pytest.mark.parametrize("language", ["es", "ar", "hi"])
async def test_commands_are_described_in_the_persons_language(
    database: str, people: Engine, api: BotApi, language: str
) -> None:
    payload = {"roles": ["coachee"], "language": language}
    async with working(database, api) as made:
        await sent(made, *ordered(people, Outgoing(chat_id=MIRA, kind="commands", payload=payload)))
        here = api.commands_for(MIRA, language)
        await sent(
            made,
            *ordered(
                people, Outgoing(chat_id=TOM, kind="commands", payload={"roles": ["coachee"], "language": "en"})
            ),
        )
    assert [c["command"] for c in here] == [c["command"] for c in api.commands_for(TOM)]
    assert [c["description"] for c in here] != [c["description"] for c in api.commands_for(TOM)]


async def test_commands_keep_their_place_between_the_messages_and_are_tried_again(
    database: str, people: Engine, api: BotApi
) -> None:
    api.fault("setMyCommands", status=500)
    commands = Outgoing(chat_id=MIRA, kind="commands", payload={"roles": ["operator"], "language": "en"})
    async with working(database, api) as made:
        await sent(made, *ordered(people, a_word("before"), commands, a_word("after")))
    named = [request.method for request in api.requests if request.method in ("sendMessage", "setMyCommands")]
    assert named == ["sendMessage", "setMyCommands", "setMyCommands", "sendMessage"]
    assert [row[0] for row in rows(people, t.outbox, "status")] == ["done"] * 3


# ---- silence


async def test_a_silent_message_makes_no_sound_and_others_do(database: str, people: Engine, api: BotApi) -> None:
    """With buttons too, and where its entities are refused and it goes without them."""
    screen = Screen(lines=(text_line("menu.no_items"),))
    tom = Other(user_id=user(TOM), chat_id=TOM, name="Tom")
    given = (Notify(to=tom, screen=screen, silent=True), Notify(to=tom, screen=screen), Say(screen=screen))
    with_buttons = Message(text="Quietly", silent=True, rows=((Button(text="Yes", data="m:1:home"),),))
    bold = {"type": "bold", "offset": 0, "length": 5}
    async with working(database, api) as made:
        await sent(made, *ordered(people, *settled(Decision(chat=Chat(chat_id=MIRA), effects=given)).outgoing))
        await made.performer._messenger.send(TOM, with_buttons, None)
        api.fault("sendMessage", status=400, description="Bad Request: can't parse entities: unsupported offset")
        await sent(made, *ordered(people, a_word("Hello", silent=True, entities=[bold])))
    assert [message.silent for message in api.chats[TOM].from_bot] == [True, False, True]
    assert [message.silent for message in api.chats[MIRA].from_bot] == [False, True]
    assert api.chats[TOM].from_bot[-1].labels == ["Yes"]


def test_who_takes_up_a_link_is_told_that_it_may_have_been_sent(people: Engine) -> None:
    """Its lease is as long as a message's."""
    ordered(people, a_link(), owner="dead")
    assert outbox.take(people, "me", START) == []
    [row] = outbox.take(people, "me", START + 2 * outbox.LEASE["link"])
    assert (row.kind, row.again) == ("link", True)
