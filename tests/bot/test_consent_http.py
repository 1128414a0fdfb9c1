"""A cancellation by consent over real HTTP: buttons as Telegram takes them, messages that change in other people's
chats, a contact that is shared, and a process that dies between the decision and its messages."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import insert, select, update

from bot.service import Core
from storage import tables as t
from tests.arriving import are_in
from tests.bot.test_delivery import serving, settled
from tests.servers import BotApi
from tests.servers.bot_api_chats import ChatMessage

ANA, MIRA, PAULA, RITA = 101, 102, 103, 104
NAMES = {ANA: "Ana", MIRA: "Mira", PAULA: "Paula", RITA: "Rita"}
THEN = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    """A Bot API server in which the family has opened a chat with the bot."""
    async with BotApi() as server:
        for chat_id, name in NAMES.items():
            server.join(chat_id, name)
        yield server


def family(made: Core) -> None:
    """Ana coaches Mira, 15, whose parents are Paula and Rita; she can be booked all day."""
    for chat_id, name in NAMES.items():
        are_in(made.engine, [chat_id], name)
    u = t.users.c
    with made.engine.begin() as connection:
        ids: dict[int, UUID] = {row.telegram_id: row.id for row in connection.execute(select(u.id, u.telegram_id))}
        for chat_id, name in NAMES.items():
            connection.execute(update(t.users).where(u.telegram_id == chat_id).values(name=name))
        young = update(t.users).where(u.telegram_id == MIRA)
        connection.execute(young.values(birth_year=datetime.now(UTC).year - 15))
        for chat_id, role in ((ANA, "coach"), (PAULA, "parent"), (RITA, "parent")):
            connection.execute(insert(t.user_roles).values(user_id=ids[chat_id], role=role, created_at=THEN))
        tie = {"id": UUID(int=1), "coach_id": ids[ANA], "coachee_id": ids[MIRA], "kind": "primary", "active": True}
        connection.execute(insert(t.coach_coachee_mappings).values(**tie, updated_at=THEN, created_at=THEN))
        for number, parent in enumerate((PAULA, RITA), 2):
            kept = {"id": UUID(int=number), "parent_id": ids[parent], "child_id": ids[MIRA], "active": True}
            connection.execute(insert(t.guardianships).values(**kept, updated_at=THEN, created_at=THEN))


async def presses(api: BotApi, chat_id: int, label: str, shows: str) -> ChatMessage:
    """Somebody presses a button, and a message of theirs says this then."""
    api.press_label(chat_id, label)
    return await until_says(api, chat_id, shows)


async def until_says(api: BotApi, chat_id: int, words: str) -> ChatMessage:
    """Wait until a message in somebody's chat says this now."""

    def found() -> ChatMessage | None:
        return next((one for one in reversed(api.chats[chat_id].from_bot) if words in one.text), None)

    return await api.wait_for(found, timeout=10, what=f"{words!r} in {chat_id}")


async def asked(api: BotApi, made: Core) -> None:
    """Ana books a session in ten days, in words, and asks to cancel it."""
    family(made)
    day = datetime.now(UTC) + timedelta(days=10)
    api.say(ANA, "/book")
    await until_says(api, ANA, "For whom do you want to book?")
    await presses(api, ANA, "Mira", "No session is booked.")
    await presses(api, ANA, "Book a time", "hours")
    await presses(api, ANA, "Another time", "Which day and time?")
    api.say(ANA, f"{day:%d %B} 17:00")
    await until_says(api, ANA, "17:00 (UTC), until 17:45, machine 1.")
    await presses(api, ANA, "Book it", "Session 1 is booked")
    await presses(api, ANA, "Session 1", "Booked")
    await presses(api, ANA, "Cancel it", "Everybody it concerns reads the reason")
    await presses(api, ANA, "Illness", "A parent decides on this.")
    await presses(api, ANA, "Yes, ask", "whether it is cancelled waits for an answer")
    for parent in (PAULA, RITA):
        message = await until_says(api, parent, "Ana asks to cancel a session of Mira.")
        assert message.labels == ["Approve", "Keep the session", "Another time", "Call me"]


async def test_a_parent_is_called_and_approves_and_every_message_shows_it(database: str, api: BotApi) -> None:
    """Buttons, a contact, edits of messages in other people's chats: as Telegram takes them."""
    async with serving(database, api) as made:
        await asked(api, made)
        request = await until_says(api, RITA, "Ana asks to cancel a session of Mira.")
        approve = request.data_of("Approve")
        await presses(api, PAULA, "Call me", "on which number?")
        api.send_contact(PAULA, "4930123456", of=RITA)
        await until_says(api, PAULA, "contact")
        api.send_contact(PAULA, "4930123456", of=PAULA)
        await until_says(api, PAULA, "Your number goes to who calls you: +49 30 123456")
        await until_says(api, ANA, "Number: +49 30 123456")
        await until_says(api, RITA, "The time stands still until")
        await presses(api, ANA, "What came of the call", "What came of the call?")
        await presses(api, ANA, "Can be cancelled", "The coach recorded of it: the session can be cancelled.")
        await until_says(api, PAULA, "Whether session 1 of Mira")
        await presses(api, PAULA, "Decide", "Ana asks to cancel a session of Mira.")
        await presses(api, PAULA, "Approve", "Approved by you")
        await until_says(api, MIRA, "Approved by Paula")
        await settled(made, api)
        assert "Approved by Paula" in request.text
        assert request.labels == ["Session 1"]
        asker = next(one for one in api.chats[ANA].from_bot if "Approved by Paula" in one.text)
        assert asker.labels == ["Session 1"]
        assert [one for one in api.calls("editMessageText") if one.status != 200] == []
        api.press(RITA, request.id, approve)
        await settled(made, api)
        [late] = [one for one in api.calls("answerCallbackQuery") if "decided already" in str(one.params.get("text"))]
        assert late.status == 200
        with made.engine.connect() as connection:
            [row] = connection.execute(select(t.consents)).all()
            assert (row.status, row.phone) == ("approved", None)
            [session] = connection.execute(select(t.scheduled_sessions.c.status)).scalars()
            assert session == "cancelled"


async def test_a_decision_whose_messages_a_stop_cut_off_is_told_by_the_next_process(
    database: str, api: BotApi
) -> None:
    """It is committed before anybody hears of it: what was to be said is said, and nothing is decided twice."""
    async with serving(database, api, ticking=False) as made:
        await asked(api, made)
        await settled(made, api)
        api.fault("sendMessage", hang=30.0, times=None)
        api.fault("editMessageText", hang=30.0, times=None)
        api.press_label(PAULA, "Approve")
        await api.wait_for(lambda: api.calls("answerCallbackQuery")[-1].params.get("text"), timeout=10)
    api.faults.programmed.clear()
    async with serving(database, api) as made:
        for person in (ANA, MIRA, RITA):
            await until_says(api, person, "is cancelled. Reason: illness")
        await until_says(api, PAULA, "Approved by you")
        await settled(made, api)
        assert sum("is cancelled. Reason" in text for text in api.chats[MIRA].texts) == 1
        with made.engine.connect() as connection:
            kinds = connection.execute(select(t.learning_events.c.event_type)).scalars().all()
        assert sorted(kinds) == ["session", "session", "session_cancelled"]
