"""The way in, as a person answers it who sees what a person sees; and people who are in already."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from uuid import UUID, uuid5

from sqlalchemy import Engine, select

from storage import tables as t
from tests.servers import BotApi
from tests.servers.bot_api_chats import ChatMessage

BORN = "1990"
PLACE = "Europe/London"
WANTED = {"language": "en", "zone": PLACE, "zone_check": "yes", "notice": "yes"}
"""What is pressed at each step."""
PEOPLE = UUID("b0c5d3a2-6b0e-4d5c-9a51-1f3a5a5d7a11")


class Arriving:
    """One person on their way in: answers each card once, also where a crash sent it twice."""

    def __init__(self, server: BotApi, chat_id: int) -> None:
        self._server, self._chat_id = server, chat_id
        self._answered: set[str] = set()
        self.through = False
        self.updates: list[int] = []

    def meets(self, message: ChatMessage) -> bool:
        """Whether a message is a card of the way in that still asks; it is answered if it was not yet."""
        data = next((data for _, data in message.buttons if data.startswith("j:")), None)
        if data is None:
            return False
        _, card, step, _ = data.split(":", 3)
        if card not in self._answered:
            self._answered.add(card)
            if step == "birth_year":
                self.updates.append(self._server.say(self._chat_id, BORN))
                self.through = True
            else:
                choice = f"j:{card}:{step}:{WANTED[step]}"
                self.updates.append(self._server.press(self._chat_id, message.id, choice))
        return True


async def arrive(server: BotApi, chat_id: int, first: str = "/start", within: float = 20) -> None:
    """Write to the bot for the first time, and answer what it asks until it asks no more about who one is."""
    server.say(chat_id, first)
    chat, person = server.chats[chat_id], Arriving(server, chat_id)
    looked = len(chat.messages)
    while not person.through:
        await server.wait_for(lambda seen=looked: len(chat.messages) > seen, within, "the way in")  # type: ignore[misc]
        for message in chat.messages[looked:]:
            looked += 1
            if message.from_bot:
                person.meets(message)


def are_in(engine: Engine, chat_ids: Iterable[int], name: str = "Mira", timezone: str = "UTC") -> None:
    """People who have been here for a while: rows, for tests that are about something else."""
    then = datetime(2026, 1, 1, tzinfo=UTC)
    with engine.begin() as connection:
        here = set(connection.execute(select(t.users.c.telegram_id)).scalars())
        for chat_id in (chat_id for chat_id in chat_ids if chat_id not in here):
            user_id = uuid5(PEOPLE, str(chat_id))
            person = {"id": user_id, "telegram_id": chat_id, "name": name, "language": "en", "timezone": timezone}
            connection.execute(
                t.users.insert().values(**person, standing="active", sharing={}, muted=[], created_at=then)
            )
            connection.execute(t.user_roles.insert().values(user_id=user_id, role="coachee", created_at=then))
            connection.execute(
                t.conversations.insert().values(
                    chat_id=chat_id, user_id=user_id, state={}, version=1, updated_at=then
                )
            )
