"""Who is told that sessions are in another place, or have none: each person once, of all that concerns them.

Whoever a session concerns is told where it is now. That there is no other place for one is told to its coach, with
the button that gives it another time.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from flows.diary import Resource, Scheduled
from flows.effects import Choice, Line, Notify, Screen, Text
from flows.ids import short_id
from flows.notices import told
from flows.people import Other
from flows.session_news import MOST_TOLD, Part, Scene, concerned, opens, when, where

Theirs = list[tuple[Part, Scheduled]]


def news(
    moved: tuple[tuple[Scheduled, Scene], ...],
    stayed: tuple[Scheduled, ...],
    gone: Resource,
    now: datetime,
    actor: UUID,
) -> tuple[Notify, ...]:
    """What everybody but who did it is told. `moved` are the sessions as they are now, `gone` where they were."""
    people: dict[UUID, Other] = {}
    now_in: dict[UUID, Theirs] = {}
    stuck: dict[UUID, Theirs] = {}
    for session, scene in moved:
        for part, person in concerned(session, scene):
            people.setdefault(person.user_id, person)
            now_in.setdefault(person.user_id, []).append((part, session))
    for session in stayed:
        if session.coach is not None:
            people.setdefault(session.coach.user_id, session.coach)
            stuck.setdefault(session.coach.user_id, []).append(("coach", session))
    found: list[Notify] = []
    for user_id, person in people.items():
        if user_id != actor:
            screen = _screen(person, now_in.get(user_id, []), stuck.get(user_id, []), gone)
            found += told(person, screen, now)
    return tuple(found)


def _screen(person: Other, moved: Theirs, stuck: Theirs, gone: Resource) -> Screen:
    lines: list[Line] = []
    buttons: list[Choice] = []
    if moved:
        lines.append(_head("told.stock.moved", gone, moved))
        lines += _listed(person, moved, "told.stock.there.other", "told.stock.there")
        buttons += [opens(session) for _, session in moved] if len(moved) == 1 else []
    if stuck:
        lines.append(_head("told.stock.stuck", gone, stuck))
        lines += _listed(person, stuck, "told.stock.at.other")
        buttons += [reschedule(session) for _, session in stuck[:MOST_TOLD]]
    return Screen(lines=tuple(lines), choices=tuple(buttons))


def reschedule(session: Scheduled) -> Choice:
    """The button that gives a session another time."""
    label = Text(key="button.stock.reschedule", args={"n": session.number, "name": session.coachee.name})
    return Choice(data=f"b:0:{short_id(session.session_id)}:move", label=label)


def _head(key: str, gone: Resource, sessions: Theirs) -> Line:
    return Line(text=Text(key=key, args={"where": where(gone)}, count=len(sessions)))


def _listed(person: Other, sessions: Theirs, key: str, own: str = "") -> list[Line]:
    """Each session's time; a coachee reads "session 4" (`own`), the others whose it is."""
    lines = []
    for part, session in sessions[:MOST_TOLD]:
        args = {
            "n": session.number,
            "name": session.coachee.name,
            "where": where(session.resource),
            **when(session, person.timezone),
        }
        lines.append(Line(text=Text(key=own if part == "coachee" else key, args=args)))
    if len(sessions) > MOST_TOLD:
        lines.append(Line(text=Text(key="session.more", count=len(sessions) - MOST_TOLD)))
    return lines
