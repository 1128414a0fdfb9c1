"""What becomes of booked sessions when a coach coaches somebody no more, or somebody is forgotten.

That they have no coach any more is a change (`SessionsReleased`); here is who is told, and what calendars need.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from flows.acts import Act, myself, opens
from flows.bookings import entry_of
from flows.diary import Scheduled
from flows.effects import AnyEffect, Choice, Line, Screen, Text, UpdateCalendar, text_line
from flows.events import TimerFired
from flows.ids import short_id
from flows.notices import told
from flows.people import Other, Subject
from flows.session_news import MOST_TOLD, Scene, concerned
from flows.state import Chat
from flows.times import local

NOBODY = 0
"""A chat that is nobody's: what comes of an entry is no event of somebody who is forgotten."""


def left_alone(chat: Chat, act: str, subject: Subject, second: Subject | None, now: datetime) -> Act:
    """After a coach was taken from a coachee, or takes no part any more: a new coach is told what there is to take;
    the operators are told where nobody is left who could."""
    if chat.diary is None:
        return Act()
    person, mine = subject.person, [one for one in chat.book.mine if one.open]
    match act:
        case "assign":
            gone = {
                tie.coach.user_id
                for tie in subject.ties
                if tie.active and tie.kind == "primary" and tie.coachee.user_id == person.user_id
            }
            lost = [one for one in mine if one.coachee.user_id == person.user_id and _had(one, gone)]
        case "end" if second is not None:
            lost = [one for one in mine if one.coachee.user_id == person.user_id]
            lost = [one for one in lost if _had(one, {second.person.user_id})]
        case _:
            if "coach" not in subject.roles:
                return Act()
            lost = [one for one in mine if _had(one, {person.user_id})]
    effects: list[AnyEffect] = list(_calendars(chat, lost))
    if act == "assign" and second is not None:
        free = [one for one in mine if one.coachee.user_id == person.user_id and one.coach is None]
        return Act(effects=(*effects, *_to_take(second.person, person, [*lost, *free], now)))
    without = second.person.user_id if act == "end" and second is not None else None
    if lost and not (act == "end" and _others(subject, without)):
        key = "told.sessions.left" if act == "end" else "told.sessions.left.coach"
        line = Line(text=Text(key=key, args={"name": person.name}, count=len(lost)))
        for operator in chat.around.operators:
            effects += told(operator, Screen(lines=(line,), choices=opens(person)), now)
    return Act(effects=tuple(effects))


def _had(session: Scheduled, coaches: set[UUID]) -> bool:
    return session.coach is not None and session.coach.user_id in coaches


def _others(subject: Subject, without: UUID | None) -> bool:
    """Whether anybody else coaches them."""
    return any(tie.coach.user_id != without for tie in subject.coaches)


def _to_take(coach: Other, coachee: Other, free: list[Scheduled], now: datetime) -> tuple[AnyEffect, ...]:
    if not free:
        return ()
    line = Line(text=Text(key="told.sessions.to_take", args={"name": coachee.name}, count=len(free)))
    theirs = Choice(data=f"b:0:{short_id(coachee.user_id)}:theirs", label=Text(key="button.sessions"))
    return told(coach, Screen(lines=(line,), choices=(theirs,)), now)


def _calendars(chat: Chat, sessions: list[Scheduled]) -> tuple[UpdateCalendar, ...]:
    return tuple(entry_of(one) for one in sessions) if chat.policy.calendar else ()


Lost = dict[UUID, tuple[Other, tuple[Line, ...]]]
"""Who is told what of their sessions, by their ids."""


def forgotten(chat: Chat, event: TimerFired, now: datetime) -> tuple[Lost, tuple[UpdateCalendar, ...]]:
    """Somebody is forgotten: what those are told who have sessions to come with them, by when these are and without a
    word of who they were with. An entry in the shared calendar goes with the coachee, by its own id."""
    me = chat.someone.user_id
    mine = [one for one in chat.book.mine if one.open] if chat.diary is not None else []
    scene = Scene(subject=myself(chat), event=event, now=now)
    found: dict[UUID, tuple[Other, str, list[Scheduled]]] = {}
    for session in mine:
        own = session.coachee.user_id == me
        key = "privacy.sessions_gone" if own else "privacy.sessions_no_coach"
        people = [person for _, person in concerned(session, scene)] if own else [session.coachee]
        for person in people:
            if person.user_id != me:
                found.setdefault(person.user_id, (person, key, []))[2].append(session)
    lost = {user_id: (person, _times(person, key, theirs)) for user_id, (person, key, theirs) in found.items()}
    alone = [one for one in mine if one.coachee.user_id != me]
    for operator in chat.around.operators:
        if alone and operator.user_id != me:
            _, before = lost.get(operator.user_id, (operator, ()))
            line = Line(text=Text(key="privacy.sessions_alone", count=len(alone)))
            lost[operator.user_id] = (operator, (*before, line))
    if not chat.policy.calendar:
        return lost, ()
    entries = [entry_of(one).evolve(of=NOBODY) for one in mine if one.coachee.user_id == me]
    return lost, (*entries, *_calendars(chat, alone))


def _times(person: Other, key: str, sessions: list[Scheduled]) -> tuple[Line, ...]:
    lines = [text_line(key)]
    lines += [text_line("privacy.session_at", at=local(s.starts_at, person.timezone)) for s in sessions[:MOST_TOLD]]
    if len(sessions) > MOST_TOLD:
        lines.append(Line(text=Text(key="session.more", count=len(sessions) - MOST_TOLD)))
    return tuple(lines)
