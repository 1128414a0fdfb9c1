"""What comes of itself about a booked session: reminders, its time, and a word where nobody said what became of it.

A timer carries the session's id only; what it says is what holds as it fires. One whose session was moved, called off
or held meanwhile says nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from flows import life
from flows.acts import myself
from flows.bookings import REMINDED, came, unresolved
from flows.diary import Scheduled
from flows.effects import AnyEffect, Choice, Line, Notify, Screen, Text, text_line
from flows.events import TimerFired
from flows.notices import told
from flows.people import Other, Subject
from flows.quiet import is_quiet
from flows.session_cards import button
from flows.session_news import Part, Scene, concerned, leader, opens, resolving, when, where
from flows.state import Chat, Decision


def begun(chat: Chat, event: TimerFired, now: datetime) -> Decision:
    """A session's time has come (`session_begin`, in the coachee's chat): it is pending, and all who take part are
    told, with what they can do now. Where its end is past, too, whoever coaches it is told that it is to be resolved.

    It comes whether or not the coachee takes part here now: what became of the session has to be said anyhow.
    """
    session = chat.book.session
    subject = chat.around.subject if session is not None else None
    if session is None or subject is None or not life.legal(session, "come", now):
        return Decision(chat=chat)
    scene = Scene(subject=subject, event=event, now=now, calendar=chat.policy.calendar)
    act, here = came(session, scene)
    effects: list[AnyEffect] = list(unresolved(here, scene))
    if here.ends_at <= now:
        for coach in resolving(here, scene):
            effects += told(coach, Screen(lines=(_line("session.over", here, coach),), choices=(opens(here),)), now)
        return Decision(chat=chat, changes=act.changes, effects=tuple(effects))
    whom = list(concerned(here, scene))
    if here.coach is None:  # whoever coaches the coachee can take it, or lead its conversation
        whom += [("coach", coach) for coach in resolving(here, scene)]
    for part, person in whom:
        if here.conversation is None and (part == "coach" or (part == "coachee" and person.standing == "active")):
            screen = _screen("session.time", part, here, person)
            choices = (*_can_do(part, here, subject), *screen.choices)
            effects += told(person, screen.evolve(choices=choices), now)
    return Decision(chat=chat, changes=act.changes, effects=tuple(effects))


def _can_do(part: str, session: Scheduled, subject: Subject) -> tuple[Choice, ...]:
    """What each can do as the time comes: the coachee begins, the coach joins, where somebody leads."""
    if leader(session, subject) is None:
        return ()
    return (button(0, "begin" if part == "coachee" else "join", session),)


def due(chat: Chat, event: TimerFired, now: datetime) -> Decision:
    """The morning after: nobody has said what became of a session (`session_due`, in the chat of who coaches it)."""
    session = chat.book.session
    subject = chat.around.subject if session is not None else None
    if session is None or subject is None or session.status != "pending":
        return Decision(chat=chat)
    mine = myself(chat).person
    if mine.user_id not in [
        coach.user_id for coach in resolving(session, Scene(subject=subject, event=event, now=now))
    ]:
        return Decision(chat=chat)
    screen = Screen(lines=(_line("session.unresolved", session, mine),), choices=(opens(session),))
    return Decision(chat=chat, effects=told(mine, screen, now))


def soon(chat: Chat, event: TimerFired, now: datetime) -> Decision:
    """A session is near (`session_soon`, in the chat of who is reminded).

    One that comes late, as after an outage, says nothing where a later one is due by now, too: they say the same.
    """
    session, me = chat.book.session, chat.someone
    subject = chat.around.subject if session is not None else None
    if session is None or subject is None or session.status != "scheduled" or session.starts_at <= now:
        return Decision(chat=chat)
    scene = Scene(subject=subject, event=event, now=now)
    part = next((part for part, person in concerned(session, scene) if person.user_id == me.user_id), None)
    if part is None or _due_since(event.key, part, session, now):
        return Decision(chat=chat)
    mine = myself(chat).person
    screen = _screen("session.soon", part, session, mine)
    return Decision(chat=chat, effects=(Notify(to=mine, screen=screen, silent=is_quiet(mine, now)),))


def _due_since(key: str, part: Part, session: Scheduled, now: datetime) -> bool:
    """Whether a later reminder of the same session is due by now."""
    return any(
        session.starts_at - timedelta(hours=hours) <= now
        for hours in REMINDED[part]
        if hours < int(key.rpartition(":")[2])
    )


def _screen(key: str, part: str, session: Scheduled, person: Other) -> Screen:
    """A session that is near or begins. Its coach reads, too, that the coachee takes no part here now."""
    lines = [_line(key if part == "coachee" else f"{key}.other", session, person)]
    if part == "coach" and session.coachee.standing != "active":
        lines.append(text_line("session.away", name=session.coachee.name))
    return Screen(lines=tuple(lines), choices=(opens(session),))


def _line(key: str, session: Scheduled, person: Other) -> Line:
    args: dict[str, Any] = {
        "n": session.number,
        "name": session.coachee.name,
        "coach": session.coach.name if session.coach is not None else Text(key="session.no_coach"),
        "where": where(session.resource),
        **when(session, person.timezone),
    }
    return text_line(key, **args)
