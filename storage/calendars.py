"""What calendars show: the sessions behind a private address, and a session as it stands for the shared calendar.

Only reads, which do not wait for the writer.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Engine, func, or_, select

from flows.diary import Scheduled
from flows.people import Other, Role, Subject
from flows.records import Record
from storage import tables as t
from storage.circles import others, roles_and_subjects
from storage.diaries import SINCE, resources_of, scheduled
from storage.engine import reading

MOST_FED = 2000
"""Sessions behind one address; more are cut off at the far end."""


class Feed(Record):
    """A person and the sessions that may concern them, by time. Whether they may see each, `flows.calendars` says.

    `subjects` are the coachees, by id; `changed` is when each session was changed last, by its id.
    """

    person: Other
    roles: tuple[Role, ...]
    sessions: tuple[Scheduled, ...]
    subjects: dict[UUID, Subject]
    changed: dict[UUID, datetime]


def held(engine: Engine, token_hash: str) -> bool:
    """Whether an address of this token is somebody's."""
    f = t.calendar_feeds.c
    with reading(engine).begin() as connection:
        return connection.execute(select(f.user_id).where(f.token_hash == token_hash)).first() is not None


def feed_of(engine: Engine, token_hash: str, now: datetime) -> Feed | None:
    """What is behind an address. None where there is no such address, or who has it takes no part (any more)."""
    f, s, g = t.calendar_feeds.c, t.scheduled_sessions.c, t.guardianships.c
    with reading(engine).begin() as connection:
        user_id = connection.execute(select(f.user_id).where(f.token_hash == token_hash)).scalar()
        person = others(connection, [user_id]).get(user_id) if user_id is not None else None
        if person is None or person.standing != "active" or person.deletion_due_at is not None:
            return None
        children = select(g.child_id).where(g.parent_id == user_id, g.active)
        mine = or_(s.coachee_id == user_id, s.coach_id == user_id, s.coachee_id.in_(children))
        query = select(t.scheduled_sessions).where(mine, s.status != "rescheduled", s.starts_at >= now - SINCE)
        rows = list(connection.execute(query.order_by(s.starts_at, s.id).limit(MOST_FED)))
        sessions = scheduled(connection, rows, resources_of(connection))
        roles, subjects = roles_and_subjects(connection, person.user_id, {row.coachee_id for row in rows})
        changed = {row.id: row.updated_at for row in rows}
        return Feed(person=person, roles=roles, sessions=sessions, subjects=subjects, changed=changed)


def standing_row(engine: Engine, session_id: UUID) -> Scheduled | None:
    """A session as it stands: where it was moved, the row in its place. None where it is forgotten."""
    s = t.scheduled_sessions.c
    with reading(engine).begin() as connection:
        named = select(s.programme_id, s.calendar_uid).where(s.id == session_id)
        found = connection.execute(named).first()
        if found is None:
            return None
        query = select(t.scheduled_sessions).where(s.programme_id == found[0], s.calendar_uid == found[1])
        rows = list(connection.execute(query.order_by(s.status == "rescheduled", s.moves.desc()).limit(1)))
        return scheduled(connection, rows, resources_of(connection))[0]


def not_written(engine: Engine) -> int:
    """How many sessions are not in the shared calendar as they stand."""
    s = t.scheduled_sessions.c
    with reading(engine).begin() as connection:
        count = select(func.count()).where(s.calendar_state == "failed")
        return int(connection.execute(count).scalar_one())
