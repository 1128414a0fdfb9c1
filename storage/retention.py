"""For how long things are kept: what is older goes, whoever it is about.

Each purge is a transaction of its own, or several small ones; it may be run at any time, any number of times.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy import Connection, Engine, delete, exists, func, or_, select, update

from flows.records import Record
from flows.state import Conversation, Keeping
from storage import tables as t
from storage.engine import reading
from storage.personal import apply_tombstones, erase

AT_ONCE = 100
"""Sessions that go in one transaction."""
OVERDUE = timedelta(days=1)
"""So long after the end of their days a person is forgotten here, should their timer not have done it."""


class Purged(Record):
    """What a purge did: how many people were forgotten, and how many other rows went."""

    people: int = 0
    rows: int = 0


def purge(engine: Engine, keeping: Keeping, now: datetime) -> Purged:
    """Everything that is older than it may be goes; people who have a tombstone and are there again go, too."""
    people = _forgotten(engine, keeping, now) + apply_tombstones(engine, (), now)
    with engine.begin() as connection:
        rows = _old_rows(connection, keeping, now)
    if keeping.sessions:
        before = now - timedelta(days=keeping.sessions)
        rows += _old_sessions(engine, before, now)
        with engine.begin() as connection:
            rows += _old_records(connection, before)
    return Purged(people=people, rows=rows)


def _old_rows(connection: Connection, keeping: Keeping, now: datetime) -> int:
    """What nobody needs any more: the log, links, what was set aside, timers that are over, times held too long."""
    a, i, u, o, m = t.audit_log.c, t.invites.c, t.updates.c, t.outbox.c, t.timers.c
    links, letters = now - timedelta(days=keeping.invites), now - timedelta(days=keeping.letters)
    old = (
        delete(t.audit_log).where(a.at < now - timedelta(days=keeping.audit)),
        delete(t.invites).where(or_(i.used_at < links, i.revoked_at < links, i.expires_at < links)),
        delete(t.updates).where(u.state != "claimed", u.claimed_at < letters),
        delete(t.outbox).where(o.status == "failed", o.created_at < letters),
        delete(t.timers).where(m.state != "pending", m.due_at < letters),
        delete(t.slot_holds).where(t.slot_holds.c.expires_at <= now),
    )
    return sum(connection.execute(statement).rowcount for statement in old)


def _old_sessions(engine: Engine, before: datetime, now: datetime) -> int:
    """Sessions that nothing was done with since then, with all that was made of them."""
    s, gone = t.coaching_sessions.c, 0
    old = select(s.id).where(s.updated_at < before).order_by(s.updated_at).limit(AT_ONCE)
    while True:
        with reading(engine).begin() as connection:
            ids = list(connection.execute(old).scalars())
        if not ids:
            return gone
        with engine.begin() as connection:
            _let_go(connection, ids, now)
            actions = select(t.action_plans.c.id).where(t.action_plans.c.session_id.in_(ids))
            about = t.timers.c.subject.in_([*ids, *connection.execute(actions).scalars()])
            connection.execute(delete(t.timers).where(about))
            connection.execute(delete(t.milestones).where(t.milestones.c.action_plan_id.in_(actions)))
            for table in (t.action_plans, t.summaries, t.stage_responses):
                connection.execute(delete(table).where(table.c.session_id.in_(ids)))
            gone += connection.execute(delete(t.coaching_sessions).where(s.id.in_(ids))).rowcount


def _old_records(connection: Connection, before: datetime) -> int:
    """The words of booked sessions that were over by then. That they took place, and their numbers, stay.

    A series needs them: a session waits for the one before it.
    """
    s, e, q, c = t.scheduled_sessions.c, t.learning_events.c, t.coach_questions.c, t.consents.c
    over = (s.ends_at < before) & (s.updated_at < before)
    words = (s.record_topic, s.coach_notes, s.cancellation_reason)
    statements = (
        delete(t.coach_questions).where(
            q.session_id.in_(select(s.id).where(over)), func.coalesce(q.answered_at, q.created_at) < before
        ),
        update(t.learning_events)
        .where(e.event_date < before, e.content_for_embedding != "")
        .values(event_data={}, content_for_embedding="", embedding=None),
        update(t.scheduled_sessions)
        .where(over, or_(*(column.is_not(None) for column in words)))
        .values({column.name: None for column in words}),
        update(t.consents)
        .where(c.session_id.in_(select(s.id).where(over)), c.status != "open", c.reason != "")
        .values(reason="", words=None),
    )
    return sum(connection.execute(statement).rowcount for statement in statements)


def _let_go(connection: Connection, ids: Iterable[UUID], now: datetime) -> None:
    """Conversations that are in one of these sessions, or have a plan of one, are in none, and have none of it.

    Their rows are locked first: what happens in them waits, and finds the session gone.
    """
    c, s, gone = t.conversations.c, t.coaching_sessions.c, set(ids)
    of_theirs = select(s.user_id).where(s.id.in_(gone))
    theirs = select(c.chat_id, c.state).where(c.user_id.in_(of_theirs)).order_by(c.chat_id)
    for row in connection.execute(theirs.with_for_update()).all():
        state = msgspec.convert(row.state, Conversation)
        left = state
        if state.session is not None and state.session.session_id in gone:
            left = Conversation(
                **{name: getattr(state, name) for name in STAYS},
                awaiting=None if state.awaiting == "item" else state.awaiting,
            )
        if left.beside is not None and left.beside.session_id in gone:
            left = left.evolve(beside=None)
        if state.plan is not None:
            drafts = tuple(draft for draft in state.plan.drafts if draft.session_id not in gone)
            if drafts != state.plan.drafts:
                plan = state.plan.evolve(drafts=drafts, at=None, changing=None, heard=None) if drafts else None
                left = left.evolve(plan=plan, awaiting=None if left.awaiting == "item" else left.awaiting)
            else:
                left = left.evolve(plan=state.plan, awaiting=state.awaiting)
        if left != state:
            moving = update(t.conversations).where(c.chat_id == row.chat_id)
            connection.execute(moving.values(state=msgspec.to_builtins(left), version=c.version + 1, updated_at=now))


STAYS = (
    *("asked", "cards", "let_go", "joining", "view", "about", "notified", "seen", "forgetting", "copied_at"),
    "beside",
)
"""What a conversation keeps when its session goes: numbers that tell old buttons, and what is no session's."""


def _forgotten(engine: Engine, keeping: Keeping, now: datetime) -> int:
    """Who never got in is forgotten, and who wanted to be and is still here.

    Whose parent agreed once, who has a session or a role, whom a coach waits for, did get in.
    """
    u, c, g, r, m = t.users.c, t.conversations.c, t.guardianships.c, t.user_roles.c, t.coach_coachee_mappings.c
    since = now - timedelta(days=keeping.waiting)
    got_in = or_(
        exists().where(t.coaching_sessions.c.user_id == u.id),
        exists().where(g.child_id == u.id, g.agreed_at.is_not(None)),
        exists().where(r.user_id == u.id),
        exists().where(m.coachee_id == u.id),
        exists().where(c.user_id == u.id, c.updated_at >= since),
    )
    never_in = (u.standing.in_(("joining", "waiting"))) & (u.created_at < since) & ~got_in
    with reading(engine).begin() as connection:
        found = list(
            connection.execute(select(u.id).where(or_(never_in, u.deletion_due_at < now - OVERDUE))).scalars()
        )
    for user_id in found:
        with engine.begin() as connection:
            # asked once more with their row locked: they may have come in, or changed their mind, just now
            still = select(u.id).where(u.id == user_id, or_(never_in, u.deletion_due_at < now - OVERDUE))
            if connection.execute(still.with_for_update()).first() is not None:
                erase(connection, user_id, now)
    return len(found)
