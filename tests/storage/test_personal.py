"""What is kept of a person, table by table: every table is known, a copy has every word, forgetting leaves none."""

from __future__ import annotations

from uuid import UUID

import msgspec
import pytest
from sqlalchemy import Engine, insert, select, update

from storage import tables as t
from storage.personal import (
    HOLDINGS,
    Tombstone,
    apply_tombstones,
    erase,
    export_of,
    tombstones,
)
from tests.playbook import START
from tests.seeding import Seeded, seed


def people(engine: Engine) -> tuple[Seeded, ...]:
    """Mira and Noor, who do not know each other, Ana, who coaches both, and Sol, whom Ana coaches too."""
    found = tuple(Seeded(UUID(int=n), 100 + n, role, letter) for n, role, letter in PEOPLE)
    with engine.begin() as connection:
        for one in found:
            connection.execute(
                insert(t.users).values(
                    id=one.user_id,
                    telegram_id=one.chat_id,
                    name="?",
                    language="en",
                    timezone="UTC",
                    standing="active",
                    sharing={},
                    muted=[],
                    created_at=START,
                )
            )
            connection.execute(
                insert(t.conversations).values(
                    chat_id=one.chat_id, user_id=one.user_id, state={}, version=1, updated_at=START
                )
            )
    return found


OF_A_COACH = {("coach_notes", "text"), ("audit_log", "action"), ("audit_log", "reason")}
"""What of the rows about a coachee is the coach's: notes they wrote, and who did something to them."""
PEOPLE = ((1, "coachee", "M"), (2, "coachee", "N"), (3, "coach", "A"), (4, "coachee", "S"))


def test_every_table_is_known_once_and_before_what_it_refers_to() -> None:
    """Who adds a table says what becomes of it; what is withheld are columns that there are, each with a reason."""
    names = [holding.table.name for holding in HOLDINGS]
    assert sorted(names) == sorted(t.metadata.tables), "storage/personal.py: HOLDINGS has every table once"
    for holding in HOLDINGS:
        assert set(holding.withheld) <= set(holding.table.columns.keys())
        assert all(holding.withheld.values())
        assert bool(holding.stays) == (holding.erase is not None), f"{holding.table.name}: what stays, and why?"
        for key in holding.table.foreign_keys:
            referred = names.index(key.column.table.name)
            assert names.index(holding.table.name) <= referred, f"{holding.table.name} goes before {names[referred]}"


@pytest.mark.parametrize("role", ["coachee", "coach"])
def test_a_copy_has_every_word_of_a_person_and_none_of_anybody_else(engine: Engine, role: str) -> None:
    """Found by walking the schema: a column that is added is in the copy, or withheld with a reason."""
    mira, noor, ana, sol = people(engine)
    mine = mira if role == "coachee" else ana
    others = [one for one in (mira, noor, ana) if one is not mine]
    for one in (mira, noor):
        seed(engine, one, ana.user_id)
    seed(engine, ana, sol.user_id)
    found = export_of(engine, mine.user_id)
    assert found is not None
    text = msgspec.json.encode(found).decode()
    left_out = {("invites", "token_hash"), ("calendar_feeds", "token_hash")}
    if role == "coachee":
        left_out.add(("coach_notes", "text"))  # the coach's own
        assert ana.words["users", "name"] in text, "the name of the coach"
    else:
        left_out.add(("outbox", "payload"))  # what others let a coach see
        left_out |= {("scheduled_sessions", "cancellation_reason"), ("coach_questions", "answer")}  # the coachee's
        left_out |= {name for name in mine.words if name[0] == "learning_events"}
    missing = {name for name, word in mine.words.items() if word not in text}
    assert missing == left_out
    for other in others:
        there = {name for name, word in other.words.items() if word in text}
        assert there <= ({("users", "name")} if role == "coachee" else OF_A_COACH)
        assert str(other.user_id) not in text
    assert set(found) == set(t.metadata.tables) - {"tombstones", "resources"}


def test_a_link_is_not_in_a_copy_however_deep(engine: Engine) -> None:
    """An event that was set aside may hold the hash of a link."""
    mira, *_ = people(engine)
    event = {"type": "InviteOpened", "token_hash": "abc123", "deep": [{"token_hash": "abc123", "kept": "yes"}]}
    with engine.begin() as connection:
        connection.execute(
            insert(t.updates).values(
                update_id=1, chat_id=mira.chat_id, claimed_at=START, state="failed", event=event, reason="x"
            )
        )
    found = export_of(engine, mira.user_id)
    assert found is not None
    assert "abc123" not in msgspec.json.encode(found).decode()
    assert found["updates"][0]["event"]["deep"] == [{"kept": "yes"}]


def test_a_coach_is_forgotten_and_their_coachees_stay(engine: Engine) -> None:
    """Ties and notes go; links that are open are void; what the coachee said stays."""
    mira, noor, ana, sol = people(engine)
    seed(engine, mira, ana.user_id)
    seed(engine, ana, sol.user_id)
    with engine.begin() as connection:
        fresh = {"used_at": None, "revoked_at": None, "used_by": None}
        connection.execute(update(t.invites).where(t.invites.c.id == ana.id("invites")).values(fresh))
        assert erase(connection, ana.user_id, START)
        assert not erase(connection, ana.user_id, START), "twice is once"
    with engine.connect() as connection:
        assert list(connection.execute(select(t.coach_coachee_mappings))) == []
        assert list(connection.execute(select(t.coach_notes))) == []
        link = connection.execute(select(t.invites).where(t.invites.c.id == ana.id("invites"))).one()
        assert (link.revoked_at, link.inviter_id) == (START, None)
        assert {row.id for row in connection.execute(select(t.users.c.id))} == {
            mira.user_id,
            noor.user_id,
            sol.user_id,
        }
        assert len(list(connection.execute(select(t.stage_responses)))) == 1
        theirs = select(t.outbox.c.payload).where(t.outbox.c.chat_id == mira.chat_id)
        assert connection.execute(theirs).scalar() == {}, "what was said of the coach to others goes, too"


def test_a_coach_who_is_forgotten_is_taken_out_of_sessions_whose_records_stay(engine: Engine) -> None:
    """Their hours, what they were choosing and their calendar go; of who did something it stays that it was done."""
    mira, _, ana, sol = people(engine)
    seed(engine, mira, ana.user_id)
    seed(engine, ana, sol.user_id)
    with engine.begin() as connection:
        connection.execute(update(t.scheduled_sessions).values(resolved_by=ana.user_id))
        connection.execute(update(t.programmes).values(created_by=ana.user_id))
        assert erase(connection, ana.user_id, START)
    with engine.connect() as connection:
        for table in (t.programmes, t.scheduled_sessions, t.learning_events, t.coach_questions):
            rows = connection.execute(select(table)).all()
            assert {(row.coachee_id, row.coach_id) for row in rows} == {(mira.user_id, None), (sol.user_id, None)}
        assert set(connection.execute(select(t.scheduled_sessions.c.resolved_by)).scalars()) == {None}
        assert set(connection.execute(select(t.programmes.c.created_by)).scalars()) == {None}
        of_sol = select(t.scheduled_sessions).where(t.scheduled_sessions.c.coachee_id == sol.user_id)
        assert connection.execute(of_sol).one().coach_notes == ana.words["scheduled_sessions", "coach_notes"]
        for table in (t.availabilities, t.calendar_feeds):
            assert len(connection.execute(select(table)).all()) == 1, "Mira's own"
        assert set(connection.execute(select(t.slot_holds.c.held_by)).scalars()) == {mira.user_id}


def test_a_coachee_who_is_forgotten_takes_their_sessions_along(engine: Engine) -> None:
    """With the series, what happened in them, and what a coach asked; the machine is nobody's and stays."""
    mira, noor, ana, _ = people(engine)
    for one in (mira, noor):
        seed(engine, one, ana.user_id)
    with engine.begin() as connection:
        connection.execute(update(t.scheduled_sessions).values(coach_id=ana.user_id))
        assert erase(connection, mira.user_id, START)
    with engine.connect() as connection:
        for table in (t.programmes, t.scheduled_sessions, t.learning_events, t.coach_questions, t.slot_holds):
            assert [row.coachee_id for row in connection.execute(select(table))] == [noor.user_id]
        assert len(connection.execute(select(t.resources)).all()) == 1


def test_both_have_a_sessions_record_in_their_copy_and_the_coachee_alone_why_it_was_called_off(
    engine: Engine,
) -> None:
    """Neither has an id of the other; the coachee has the name of their coach."""
    mira, _, ana, _ = people(engine)
    seed(engine, mira, ana.user_id)
    with engine.begin() as connection:
        connection.execute(update(t.scheduled_sessions).values(coach_id=ana.user_id))
        connection.execute(update(t.users).where(t.users.c.id == ana.user_id).values(name="Ana"))
    copies = [export_of(engine, one.user_id) for one in (mira, ana)]
    [[of_mira], [of_ana]] = [copy["scheduled_sessions"] for copy in copies if copy is not None]
    shared = ("session_number", "starts_at", "status", "record_topic", "coach_notes")
    assert [of_mira[name] for name in shared] == [of_ana[name] for name in shared]
    assert of_mira["coach_notes"] == mira.words["scheduled_sessions", "coach_notes"]
    assert (of_mira["you"], of_mira["coach"], of_ana["you"]) == ("coachee", "Ana", "coach")
    assert of_mira["cancellation_reason"] == mira.words["scheduled_sessions", "cancellation_reason"]
    assert not {"cancellation_reason", "coachee_id", "coach_id", "resolved_by"} & of_ana.keys()


def test_tombstones_are_applied_to_who_is_there_and_to_nobody_else(engine: Engine) -> None:
    """By id: somebody who came back, with another id in the same chat, stays."""
    mira, *others = people(engine)
    stones = [Tombstone(user_id=mira.user_id, erased_at=START), Tombstone(user_id=mira.id("old"), erased_at=START)]
    assert apply_tombstones(engine, stones, START) == 1
    assert apply_tombstones(engine, stones, START) == 0
    assert {stone.user_id for stone in tombstones(engine)} == {stone.user_id for stone in stones}
    with engine.connect() as connection:
        there = {row.chat_id for row in connection.execute(select(t.conversations))}
    assert there == {one.chat_id for one in others}
