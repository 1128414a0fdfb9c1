"""A hundred people race for one time: one gets it, the others get other times, on either database.

Each round they press at once, through real transactions of several writers: in one round the time on a calendar
(`take`), in the next [Book it] for a time that nobody holds any more. WAYMARK_TESTS=deep races 1,000 rounds.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from random import Random
from threading import Barrier
from uuid import UUID, uuid4

import msgspec
import pytest
from sqlalchemy import Engine, select

from bot.render import settled
from flows.changes import HoursSet
from flows.decide import decide
from flows.diary import Hours
from flows.events import AnyEvent, ButtonPressed, Sender
from flows.needs import Needs, needs
from flows.session_acts import moment_code
from flows.state import Booking, Chat
from storage import tables as t
from storage.engine import connect, is_sqlite
from storage.unit_of_work import Incoming, Settled, handle
from tests.storage.people import ANA, NOW, come, granted, keep, tie, user

PEOPLE = 100
RACERS = tuple(range(1000, 1000 + PEOPLE))
BATCH = 5
EVERY_DAY = Hours(weekly=tuple((day, ("09:00", "17:00")) for day in range(7)))


@pytest.fixture
def start(engine: Engine) -> Engine:
    """Ana, whose hours are every day from nine to five, and the hundred whom she coaches."""
    come(engine, ANA, *RACERS)
    keep(engine, granted(ANA, "coach"), HoursSet(coach_id=user(ANA), hours=EVERY_DAY, at=NOW))
    keep(engine, *(granted(racer, "coachee") for racer in RACERS), *(tie(ANA, racer) for racer in RACERS))
    return engine


class Round:
    """One time, and what each of them saw of it."""

    def __init__(self, number: int) -> None:
        self.now = NOW + timedelta(days=number)
        self.at: datetime = self.now + timedelta(days=1, hours=1)
        self.held = number % 2 == 0
        self.buttons: dict[int, set[str]] = {}
        order = list(RACERS)
        Random(number).shuffle(order)
        self.order = order

    def pressed(self, racer: int, act: str) -> Incoming:
        sender = Sender(name=f"Person {racer}")
        return Incoming(event=ButtonPressed(id=uuid4(), chat_id=racer, sender=sender, data=f"b:1::{act}"))

    def first(self, racer: int) -> Incoming:
        return self.pressed(racer, f"take:{moment_code(self.at)}" if self.held else "book")

    def chat(self, chat: Chat) -> Chat:
        """Somebody who looks at a calendar; where nobody holds the time, they chose it before."""
        chosen = chat.conversation.booking.chosen if chat.conversation.booking else None
        booking = Booking(card=1, coachee=user(chat.chat_id), minutes=45, chosen=chosen if self.held else self.at)
        return chat.evolve(conversation=chat.conversation.evolve(cards=1, booking=booking))

    def needs(self, chat: Chat, event: AnyEvent) -> Needs:
        return needs(self.chat(chat), event)

    def settle(self, chat: Chat, event: AnyEvent) -> Settled:
        made = settled(decide(self.chat(chat), event, self.now))
        mine = [out for out in made.outgoing if out.chat_id == chat.chat_id]
        data = {button["data"] for out in mine for row in msgspec.to_builtins(out.payload)["rows"] for button in row}
        self.buttons[chat.chat_id] = data
        return made

    def handled(self, engine: Engine, batch: list[Incoming]) -> None:
        outcomes = handle(engine, batch, self.settle, self.needs, now=self.now, owner="me")
        assert [o.error for o in outcomes if o.error] == []

    def winners(self) -> list[int]:
        """Who has the time, by what they were shown."""
        won = "b:1::book" if self.held else ":card"
        return [racer for racer, data in self.buttons.items() if any(d.endswith(won) for d in data)]

    def with_others(self) -> list[int]:
        """Who was offered other times, and none of them the one that is gone."""
        gone = f"b:1::take:{moment_code(self.at)}"
        return [
            racer
            for racer, data in self.buttons.items()
            if any(":take:" in d for d in data) and gone not in data and "b:1::book" not in data
        ]


def test_one_of_a_hundred_gets_a_time_and_the_others_get_other_times(
    database: str, start: Engine, deep: bool
) -> None:
    rounds = [Round(number) for number in range(1000 if deep else 15)]
    writers = 2 if is_sqlite(start) else 4
    engines = [start, *(connect(database) for _ in range(writers - 1))]
    together = Barrier(writers)
    counts: list[tuple[int, int, int]] = []

    def work(number: int, engine: Engine) -> None:
        try:
            for race in rounds:
                mine = race.order[number::writers]
                together.wait(120)
                for at in range(0, len(mine), BATCH):
                    race.handled(engine, [race.first(racer) for racer in mine[at : at + BATCH]])
                together.wait(120)
                if number == 0:
                    counts.append(_finish(engine, race))
        except BaseException:
            together.abort()
            raise

    with ThreadPoolExecutor(writers) as pool:
        for done in [pool.submit(work, number, engine) for number, engine in enumerate(engines)]:
            done.result()
    for other in engines[1:]:
        other.dispose()
    assert counts == [(1, PEOPLE - 1, 1)] * len(rounds)


def _finish(engine: Engine, race: Round) -> tuple[int, int, int]:
    """Who holds the time books it. How many won, how many were offered others, how many sessions there are."""
    won, others = race.winners(), race.with_others()
    if race.held:
        assert _held_by(engine) == [user(racer) for racer in won]
        race.handled(engine, [race.pressed(racer, "book") for racer in won])
    s = t.scheduled_sessions.c
    with engine.connect() as connection:
        found = connection.execute(select(s.coachee_id, s.coach_id).where(s.starts_at == race.at)).all()
    assert [tuple(row) for row in found] == [(user(racer), user(ANA)) for racer in won]
    return len(won), len(others), len(found)


def _held_by(engine: Engine) -> list[UUID]:
    with engine.connect() as connection:
        return list(connection.execute(select(t.slot_holds.c.held_by)).scalars())
