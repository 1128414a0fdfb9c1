"""The sessions that concern a person, and as what: for lists, the menu card, calendars.

What is loaded as `Diary.mine` is whatever may concern them; whether they may see it is asked of the matrix here, as
their card of it is: a parent sees the sessions of a child who shares the attendance.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from flows import life
from flows.diary import Scheduled
from flows.people import Role, Subject
from flows.rights import allowed_as
from flows.state import Chat
from flows.times import local

As = Literal["coachee", "coach", "parent", "operator"]
"""As what somebody reads of a session."""


def part_of(me: UUID, roles: tuple[Role, ...], session: Scheduled, subject: Subject | None, year: int) -> As | None:
    """As what a session concerns a person (None: it does not, or they may not see it). By the matrix, as its card."""
    ways = allowed_as("sessions", me, roles, subject, year)
    if session.coachee.user_id == me and "coachee" in ways:
        return "coachee"
    if session.coach is not None and session.coach.user_id == me and "coach" in ways:
        return "coach"
    return "parent" if "parent" in ways else None


def to_come(chat: Chat, now: datetime) -> tuple[Scheduled, ...]:
    """The loaded sessions that are still to be resolved, as they stand now, by time."""
    return tuple(life.as_of(session, now) for session in chat.book.mine if session.open)


def listed(chat: Chat, now: datetime) -> tuple[Scheduled, ...]:
    """Those of them that concern the person: their own, those that they coach or could take, their children's."""
    return tuple(session for session in to_come(chat, now) if _ways(chat, session, now))


def upcoming(chat: Chat, now: datetime, view: Role) -> Scheduled | None:
    """The next session of somebody as a coachee, a coach or a parent; one that runs counts until it ends."""
    if chat.diary is None:
        return None
    me = chat.someone.user_id
    found = [s for s in to_come(chat, now) if s.ends_at > now and view in _ways(chat, s, now)]
    if view == "coach":
        found = [s for s in found if s.coach is not None and s.coach.user_id == me]
    return min(found, key=lambda s: s.starts_at, default=None)


def parts(chat: Chat, now: datetime) -> tuple[tuple[Scheduled, As], ...]:
    """The person's sessions that are to come, with what they read them as."""
    me, roles, year = chat.someone.user_id, chat.around.roles, local(now, chat.someone.timezone).year
    found = ((s, part_of(me, roles, s, _whose(chat, s), year)) for s in to_come(chat, now))
    return tuple((session, part) for session, part in found if part is not None)


def _ways(chat: Chat, session: Scheduled, now: datetime) -> set[Role]:
    """The roles in which a session concerns the person of the chat; an operator's is none: they see everybody's."""
    year = local(now, chat.someone.timezone).year
    ways = allowed_as("sessions", chat.someone.user_id, chat.around.roles, _whose(chat, session), year)
    return ways - {"operator"}


def _whose(chat: Chat, session: Scheduled) -> Subject:
    """The coachee of a session, as they stand to the person of the chat."""
    return Subject(person=session.coachee, ties=chat.around.ties, guardianships=chat.around.guardianships)
