"""Deeds about sessions on a stage, done as a press of a card does them: rows, timers, calendars, and who is told.

[first, second] = await books(play, ana, mira, "2026-11-24 17:00", "2026-12-01 17:00")
await does(play, ana, first, lambda session, scene: bookings.cancelled(session, "I am ill", scene)[0])
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select

from bot.render import settled
from flows import bookings
from flows.acts import Act
from flows.diary import Programme, Scheduled
from flows.events import AnyEvent, TextSent
from flows.needs import Needs
from flows.people import Subject
from flows.session_news import Scene
from flows.state import Chat, Decision
from storage import tables as t
from storage.unit_of_work import Incoming, Settled, handle
from tests.playbook import Coachee, Play
from tests.village import id_of

Deed = Callable[[Scheduled, Scene], Act]


def at(wall: str, zone: str = "Europe/Berlin") -> datetime:
    """The moment of "2026-11-24 17:00" on a wall clock."""
    return datetime.fromisoformat(wall).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


async def books(
    play: Play, coach: Coachee, coachee: Coachee, *walls: str, led: bool = True, of: UUID | None = None
) -> list[UUID]:
    """A coach books a new programme of sessions of 45 minutes; gives their ids. `led`: with the coach in them."""

    def decide(chat: Chat, event: AnyEvent) -> Act:
        subject, me = _subject(chat), next(tie.coach for tie in _subject(chat).ties if tie.active)
        programme = Programme(
            programme_id=event.derived("programme"),
            coachee_id=subject.person.user_id,
            coach_id=me.user_id if led else None,
            timezone="Europe/Berlin",
            minutes=45,
        )
        sessions = tuple(
            Scheduled(
                session_id=event.derived(f"session {n}"),
                programme_id=programme.programme_id,
                number=n,
                coachee=subject.person,
                coach=me if led else None,
                resource=chat.book.resources[0],
                starts_at=at(wall),
                ends_at=at(wall) + timedelta(minutes=45),
            )
            for n, wall in enumerate(walls, 1)
        )
        made.extend(session.session_id for session in sessions)
        return bookings.booked(sessions, _scene(chat, event, play), programme)

    made: list[UUID] = []
    await _done(play, coach, Needs(own=True, subject=id_of(play, coachee), agenda=True), decide)
    return made


async def does(play: Play, actor: Coachee, session: UUID, deed: Deed, *, quietly: bool = False) -> None:
    """Somebody does something about a session. `quietly`: what follows is not waited for."""

    def decide(chat: Chat, event: AnyEvent) -> Act:
        found = chat.book.session
        assert found is not None
        return deed(found, _scene(chat, event, play))

    await _done(play, actor, Needs(own=True, session=session), decide, quietly=quietly)


async def moves(play: Play, actor: Coachee, session: UUID, wall: str) -> UUID:
    """Somebody moves a session; gives the new row's id."""
    new: list[UUID] = []

    def deed(found: Scheduled, scene: Scene) -> Act:
        act, row = bookings.rescheduled(found, at(wall), found.resource, scene)
        new.append(row.session_id)
        return act

    await does(play, actor, session, deed)
    return new[0]


async def cancels(play: Play, actor: Coachee, session: UUID, reason: str = "I am ill until Thursday") -> None:
    """Somebody calls a session off."""
    await does(play, actor, session, lambda found, scene: bookings.cancelled(found, reason, scene)[0])


def row(play: Play, session: UUID) -> Scheduled:
    """The row of a session, as it is kept: its columns by name."""
    [found] = play.rows(select(t.scheduled_sessions).where(t.scheduled_sessions.c.id == session))
    return found  # type: ignore[no-any-return]


def _subject(chat: Chat) -> Subject:
    assert chat.around.subject is not None
    return chat.around.subject


def _scene(chat: Chat, event: AnyEvent, play: Play) -> Scene:
    return Scene(
        subject=_subject(chat),
        event=event,
        now=play.clock.now(),
        actor=chat.someone.user_id,
        calendar=play.core.policy.calendar,
    )


async def _done(
    play: Play, actor: Coachee, needed: Needs, decide: Callable[[Chat, AnyEvent], Act], *, quietly: bool = False
) -> None:
    event = TextSent(id=play.next_id(), chat_id=actor.chat_id, sender=actor.sender, text="")

    def settle(chat: Chat, happened: AnyEvent) -> Settled:
        act = decide(chat, happened)
        return settled(Decision(chat=chat, changes=act.changes, effects=act.effects))

    def write() -> None:
        [outcome] = handle(
            play.core.engine,
            [Incoming(event=event)],
            settle,
            lambda *_: needed,
            now=play.clock.now(),
            owner=play.core.owner,
        )
        assert outcome.error is None, outcome.error
        rows.extend(outcome.rows)

    rows: list[object] = []
    await asyncio.to_thread(write)
    play.core.performer.put(rows)  # type: ignore[arg-type]
    if not quietly:
        await play.core.performer.quiet()
