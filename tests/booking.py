"""Booked sessions on a stage, made as the product makes them: rows, history, timers; only that nobody is told.

four = await booked(play, ana, mira, soon(play), n=4)
await ana.press_data(press(four, "complete"))
assert row_of(play, four).status == "completed"
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4, uuid5

from sqlalchemy import select

from flows.bookings import booked as deed
from flows.diary import Programme, Scheduled
from flows.effects import CancelTimer, SetTimer
from flows.events import Event
from flows.ids import short_id
from flows.needs import Needs
from flows.session_news import Scene
from storage import tables as t
from storage.circles import add_circles
from storage.diaries import resources_of
from storage.loading import chat_now
from storage.saving import save
from storage.unit_of_work import Settled
from tests.playbook import Coachee, Play
from tests.village import id_of

PROGRAMMES = UUID("6a1c0b63-5b5e-5d0e-9f0c-0a2f4f7f9b11")
"""A coachee has one programme with each coach, unless a test says otherwise."""


async def booked(
    play: Play,
    coach: Coachee | None,
    coachee: Coachee,
    at: datetime,
    n: int = 1,
    minutes: int = 45,
    *,
    resource: int = 1,
    programme: UUID | None = None,
) -> UUID:
    """A session of a coachee with a coach, or with none yet, number `n` of its programme, on a machine or room by
    number. It may begin before now. Gives its id."""
    who, child = (id_of(play, coach) if coach is not None else None), id_of(play, coachee)
    made = programme or uuid5(PROGRAMMES, child.hex)
    with play.core.engine.begin() as connection:
        chats = {coachee.chat_id: chat_now(connection, coachee.chat_id)}
        add_circles(connection, chats, {coachee.chat_id: Needs(own=True, subject=child, second=who)})
        chat = chats[coachee.chat_id]
        around = chat.around
        assert around.subject is not None
        on = next(one for one in resources_of(connection).values() if one.number == resource)
        session = Scheduled(
            session_id=uuid4(),
            programme_id=made,
            number=n,
            coachee=around.subject.person,
            coach=around.second.person if around.second is not None else None,
            resource=on,
            starts_at=at,
            ends_at=at + timedelta(minutes=minutes),
            uid=f"{uuid4()}@waymark",
        )
        event = Event(id=uuid4(), chat_id=coachee.chat_id)
        scene = Scene(subject=around.subject, event=event, now=play.clock.now(), actor=who)
        known = connection.execute(select(t.programmes.c.id).where(t.programmes.c.id == made)).first()
        new = Programme(programme_id=made, coachee_id=child, coach_id=who, timezone=play.timezone, minutes=minutes)
        act = deed((session,), scene, new if known is None else None)
        timers = tuple(effect for effect in act.effects if isinstance(effect, SetTimer | CancelTimer))
        settled = Settled(chat=chat, changes=act.changes, timers=timers)
        save(connection, [(chat, settled)], now=play.clock.now(), owner="test")
    return session.session_id


def soon(play: Play, **later: float) -> datetime:
    """A moment from now: `soon(play, days=2, hours=-1)`; tomorrow at this time if nothing is said."""
    return play.clock.now() + (timedelta(**later) if later else timedelta(days=1))


def press(session: UUID, act: str, argument: str = "", card: int = 0) -> str:
    """The data of a button about a session."""
    return f"b:{card}:{short_id(session)}:{act}" + (f":{argument}" if argument else "")


def row_of(play: Play, session: UUID) -> Any:
    """A session as the database has it."""
    [row] = play.rows(select(t.scheduled_sessions).where(t.scheduled_sessions.c.id == session))
    return row


def diary(play: Play) -> list[str]:
    """All rows of booked sessions and what happened to them: equal where nothing was changed."""
    tables = (t.scheduled_sessions, t.learning_events, t.programmes)
    return sorted(repr(tuple(row)) for table in tables for row in play.rows(select(table)))


def happened(play: Play, session: UUID) -> list[str]:
    """What the history keeps of a session, in order: the type, or what was done."""
    e = t.learning_events.c
    query = select(e.event_type, e.event_data).where(e.session_id == session).order_by(e.event_date, e.created_at)
    return [row.event_data.get("act", row.event_type) for row in play.rows(query)]
