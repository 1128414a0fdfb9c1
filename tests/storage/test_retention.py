"""For how long things are kept: what is older goes, what is not stays, and nothing that goes leaves a hole."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, func, insert, select, update

from flows.state import Keeping
from storage import tables as t
from storage.retention import purge
from tests.coachee import conversation, finish, walk
from tests.playbook import START, Coachee, Play
from tests.seeding import Seeded, dumped, seed

NOW = START + timedelta(days=1000)


@pytest.fixture
async def play(database: str) -> AsyncIterator[Play]:
    """A stage on each database, where what was said is kept for a hundred days."""
    async with Play(database, keep_sessions_days=100, keep_letters_days=1000) as made:
        yield made


def number(engine: Engine, table: Any) -> int:
    """How many rows a table has."""
    with engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def person(engine: Engine, telegram_id: int, standing: str = "active", days: int = 100) -> UUID:
    """Somebody who came so many days ago and did nothing since."""
    came = NOW - timedelta(days=days)
    user_id = uuid4()
    values = {"id": user_id, "telegram_id": telegram_id, "name": "?", "language": "en", "timezone": "UTC"}
    with engine.begin() as connection:
        connection.execute(insert(t.users).values(**values, standing=standing, created_at=came))
        connection.execute(
            insert(t.conversations).values(chat_id=telegram_id, user_id=user_id, state={}, version=1, updated_at=came)
        )
    return user_id


def test_the_log_the_links_and_what_was_set_aside_go_after_their_days(engine: Engine) -> None:
    """Of each one that is too old by an hour, and one that is not by an hour."""
    keeping = Keeping(audit=10, invites=20, letters=30)
    me = person(engine, 1)
    hour = timedelta(hours=1)
    with engine.begin() as connection:
        for n, by in enumerate((hour, -hour)):
            audit, links, letters = (NOW - timedelta(days=days) - by for days in (10, 20, 30))
            connection.execute(
                insert(t.audit_log).values(id=uuid4(), at=audit, via="chat", action="x", outcome="done", reason="")
            )
            for name in ("used_at", "revoked_at", "expires_at"):
                times = {"expires_at": NOW + hour, name: links}
                invite = {"id": uuid4(), "role": "parent", "inviter_id": me, "kind": "primary", "created_at": links}
                connection.execute(insert(t.invites).values(**invite, **times))
            for state in ("failed", "retry", "claimed"):
                update_id = n * 10 + len(state)
                connection.execute(
                    insert(t.updates).values(update_id=update_id, chat_id=1, claimed_at=letters, state=state)
                )
            for status in ("failed", "pending", "done"):
                row = {"id": uuid4(), "chat_id": 1, "kind": "say", "payload": {}, "attempts": 0, "due_at": letters}
                connection.execute(insert(t.outbox).values(**row, status=status, created_at=letters))
            for state in ("fired", "cancelled", "failed", "pending"):
                row = {"id": uuid4(), "chat_id": 1, "kind": "k", "subject": me, "attempt": 0, "due_at": letters}
                connection.execute(insert(t.timers).values(**row, key=f"{state}{n}", state=state, created_at=letters))
    assert purge(engine, keeping, NOW).rows == 1 + 3 + 2 + 1 + 3
    left = {table: number(engine, table) for table in (t.audit_log, t.invites, t.updates, t.outbox, t.timers)}
    assert list(left.values()) == [1, 3, 4, 5, 5]
    assert purge(engine, keeping, NOW).rows == 0, "and once is enough"


def test_who_never_got_in_is_forgotten(engine: Engine) -> None:
    """Not who came lately, is active, wrote since, has a session, another part, or a parent who agreed once."""
    keeping = Keeping(waiting=30)
    gone = {person(engine, 1, "joining"), person(engine, 2, "waiting")}
    person(engine, 3, "joining", days=29)
    person(engine, 4)
    person(engine, 5, "inactive")
    wrote, began, coach, agreed = (person(engine, n, "waiting") for n in (6, 7, 8, 9))
    with engine.begin() as connection:
        late = {"updated_at": NOW - timedelta(days=3)}
        connection.execute(update(t.conversations).where(t.conversations.c.user_id == wrote).values(late))
        connection.execute(insert(t.coaching_sessions).values(id=uuid4(), user_id=began, **SESSION))
        connection.execute(insert(t.user_roles).values(user_id=coach, role="coach", created_at=NOW))
        family = {"id": uuid4(), "parent_id": coach, "child_id": agreed, "active": False, "agreed_at": NOW}
        connection.execute(insert(t.guardianships).values(**family, updated_at=NOW, created_at=NOW))
    assert purge(engine, keeping, NOW).people == 2
    with engine.connect() as connection:
        left = set(connection.execute(select(t.users.c.id)).scalars())
        assert not gone & left
        assert len(left) == 7
        assert set(connection.execute(select(t.tombstones.c.user_id)).scalars()) == gone


SESSION = {
    "session_type": "self_coaching",
    "current_stage": 1,
    "is_complete": False,
    "record_status": "draft",
    "created_at": NOW - timedelta(days=900),
    "updated_at": NOW - timedelta(days=900),
}


def test_many_old_sessions_go_and_the_newer_ones_stay(engine: Engine) -> None:
    """In several transactions, with all that was made of them."""
    me = person(engine, 1)
    with engine.begin() as connection:
        for n in range(250):
            session = uuid4()
            connection.execute(insert(t.coaching_sessions).values(id=session, user_id=me, **SESSION))
            item = {"id": uuid4(), "user_id": me, "session_id": session, "title": "?", "description": "?"}
            rest = {"goal_statement": "?", "smart_criteria": {}, "priority": 3, "status": "pending", "evidence": {}}
            when = {"timeline_start": date(2026, 1, 1), "updated_at": START, "created_at": START}
            connection.execute(insert(t.action_plans).values(**item, **rest, **when, origin="coachee"))
            timer = {"id": uuid4(), "chat_id": 1, "key": str(n), "kind": "action_due", "subject": item["id"]}
            far = {"due_at": NOW + timedelta(days=9), "attempt": 0, "state": "pending", "created_at": START}
            connection.execute(insert(t.timers).values(**timer, **far))
        fresh = {**SESSION, "updated_at": NOW - timedelta(days=9)}
        connection.execute(insert(t.coaching_sessions).values(id=uuid4(), user_id=me, **fresh))
    assert purge(engine, Keeping(), NOW).rows == 0, "they are kept as long as the person is here"
    assert purge(engine, Keeping(sessions=10), NOW).rows == 250
    assert [number(engine, table) for table in (t.coaching_sessions, t.action_plans, t.timers)] == [1, 0, 0]


def test_the_words_of_old_booked_sessions_go_and_that_they_took_place_stays(engine: Engine) -> None:
    """Also of one that a conversation belongs to, which goes; what is booked far ahead keeps its words."""
    me = Seeded(person(engine, 1), 1, "coachee", "M")
    seed(engine, me, person(engine, 2))
    ahead = {"starts_at": NOW + timedelta(days=9), "ends_at": NOW + timedelta(days=9, hours=1)}
    words = ("record_topic", "coach_notes", "cancellation_reason")
    with engine.begin() as connection:
        connection.execute(update(t.coaching_sessions).values(updated_at=START))
        row = dict(connection.execute(select(t.scheduled_sessions)).one()._mapping)
        later = {"id": uuid4(), "session_number": 2, "replaces_id": row["id"], "conversation_id": None}
        connection.execute(insert(t.scheduled_sessions).values(row | later | ahead))
    assert purge(engine, Keeping(audit=9999, invites=9999, letters=9999), NOW).rows == 1, "the time that was held"
    keeping = Keeping(audit=9999, invites=9999, letters=9999, sessions=100)
    assert purge(engine, keeping, NOW).rows == 1 + 1 + 1 + 1 + 1
    assert purge(engine, keeping, NOW).rows == 0
    with engine.connect() as connection:
        old, new = connection.execute(
            select(t.scheduled_sessions).order_by(t.scheduled_sessions.c.session_number)
        ).all()
        assert [getattr(old, name) for name in words] == [None] * 3
        assert all(getattr(new, name) for name in words)
        assert (old.status, old.conversation_id, new.replaces_id) == ("completed", None, old.id)
        event = connection.execute(select(t.learning_events)).one()
        assert (event.event_data, event.content_for_embedding, event.embedding) == ({}, "", None)
        consent = connection.execute(select(t.consents)).one()
        assert (consent.status, consent.reason, consent.words) == ("kept", "", None)
    assert number(engine, t.coach_questions) == 0
    assert number(engine, t.coaching_sessions) == 0


def test_a_time_is_held_until_it_runs_out(engine: Engine) -> None:
    """To the moment."""
    me = Seeded(person(engine, 1), 1, "coachee", "M")
    seed(engine, me, person(engine, 2))
    just = timedelta(microseconds=1)
    for now, left in ((START - just, 1), (START, 0)):
        purge(engine, Keeping(), now)
        assert number(engine, t.slot_holds) == left


@pytest.mark.parametrize("where", ["in the middle", "with a plan", "at its end"])
async def test_the_session_that_a_chat_is_in_can_go(play: Play, where: str) -> None:
    """After a hundred days without a word its answers go; the chat is there, old buttons lead nowhere, and the next
    session begins as ever."""
    mira: Coachee = play.coachee()
    await mira.says("/session")
    if where == "in the middle":
        await walk(play, mira, until="commitment_level")
    elif where == "with a plan":
        await walk(play, mira)
    else:
        await finish(play, mira)
    old = [data for shown in mira.screen for data in shown.buttons.values()]
    play.clock.move(play.clock.now() + timedelta(days=99))
    assert await play.core.chores.purge() == 0
    play.clock.move(play.clock.now() + timedelta(days=2))
    assert await play.core.chores.purge() > 0
    assert await play.core.chores.purge() == 0, "once a day"
    for table in (t.coaching_sessions, t.stage_responses, t.action_plans, t.summaries):
        assert number(play.core.engine, table) == 0
    found = conversation(play, mira)
    assert (found.session, found.plan) == (None, None)
    assert found.asked > 0, "questions go on counting: an old button is known by its number"
    with play.core.engine.begin() as connection:  # what was sent goes after its own thirty days
        connection.execute(t.outbox.delete())
    await play.core.chores._wipe()
    assert "with my cousin" not in dumped(play.core.engine)
    for data in sorted(set(old)):
        await mira.press_data(data)
    await play.pass_time(timedelta(days=30))
    await mira.says("/plan")
    await mira.says("/session")
    assert play.core.runner.set_aside == 0
