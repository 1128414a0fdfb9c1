"""One at a time: what the database itself refuses of booked sessions and held times, whoever writes them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, Table, delete, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from storage import tables as t
from storage.engine import is_sqlite
from tests.conftest import MACHINE_1
from tests.playbook import START

HOUR, MOMENT = timedelta(hours=1), timedelta(microseconds=1)
ANA, BEN, MIRA, NOOR = (UUID(int=n) for n in (1, 2, 3, 4))
MACHINE, ROOM = MACHINE_1["id"], UUID(int=9)
SERIES = {MIRA: UUID(int=13), NOOR: UUID(int=14)}
WHOSE = ("coach_id", "coachee_id", "resource_id")
APART: dict[str, Any] = {"coach_id": BEN, "coachee_id": NOOR, "resource_id": ROOM}
"""All that is another's than in `TOGETHER`."""
TOGETHER: dict[str, Any] = {"coach_id": ANA, "coachee_id": MIRA, "resource_id": MACHINE}
OVERLAPS = (
    (timedelta(0), HOUR),  # the same
    (-HOUR, 3 * HOUR),  # around it
    (HOUR / 4, HOUR / 2),  # within it
    (-HOUR, HOUR + MOMENT),  # into its start, by a microsecond
    (HOUR - MOMENT, HOUR),  # into its end
    (-11 * HOUR, 12 * HOUR),  # as long as may be
)
"""Starts, from that of a session of an hour, and how long."""
TOUCHES = ((-HOUR, HOUR), (HOUR, HOUR), (-12 * HOUR, 12 * HOUR), (HOUR, 12 * HOUR), (-HOUR, MOMENT))


@pytest.fixture
def booked(engine: Engine) -> Engine:
    """Two coaches, two coachees, a machine and a room, and a session of the first of each."""
    with engine.begin() as connection:
        for user in (ANA, BEN, MIRA, NOOR):
            plain = {"name": "?", "language": "en", "timezone": "UTC", "created_at": START}
            connection.execute(insert(t.users).values(id=user, telegram_id=user.int, **plain))
        room = {"id": ROOM, "number": 2, "kind": "room", "name": "Garden", "created_at": START}
        connection.execute(insert(t.resources).values(room))
        for coachee, series in SERIES.items():
            row = {"id": series, "coachee_id": coachee, "timezone": "UTC", "minutes": 60, "created_at": START}
            connection.execute(insert(t.programmes).values(row))
    assert takes(engine, session())
    return engine


def session(starts_at: datetime = START, long: timedelta = HOUR, **more: Any) -> dict[str, Any]:
    """A row of a session."""
    who = TOGETHER | more
    plain = {"status": "scheduled", "version": 1, "calendar_uid": "", "updated_at": START, "created_at": START}
    times = {"starts_at": starts_at, "ends_at": starts_at + long}
    own = {"id": uuid4(), "programme_id": SERIES[who["coachee_id"]], "session_number": uuid4().int % 10**9 + 1}
    return plain | times | own | who


def hold(held_by: UUID, starts_at: datetime = START, long: timedelta = HOUR, **more: Any) -> dict[str, Any]:
    """A row of a time that somebody is choosing."""
    times = {"starts_at": starts_at, "ends_at": starts_at + long, "expires_at": START, "created_at": START}
    return {"held_by": held_by} | times | TOGETHER | more


def why_not(engine: Engine, statement: Any) -> str:
    """Why the database refuses a statement; empty where it was done."""
    try:
        with engine.begin() as connection:
            connection.execute(statement)
    except IntegrityError as error:
        return str(error.orig)
    return ""


def takes(engine: Engine, row: dict[str, Any], table: Table = t.scheduled_sessions) -> bool:
    """Whether the row is kept."""
    return not why_not(engine, insert(table).values(row))


def named(engine: Engine, column: str, table: Table = t.scheduled_sessions) -> str:
    """What a refusal names."""
    held = "held " if table is t.slot_holds else ""
    return f"overlap: {held}{column.removesuffix('_id')}" if is_sqlite(engine) else f"ex_{table.name}_{column}"


@pytest.mark.parametrize("column", WHOSE)
def test_who_or_what_is_in_a_session_is_in_no_other_at_that_time(booked: Engine, column: str) -> None:
    """Each by itself, however the two times overlap; the refusal says whose it is."""
    shared = APART | {column: TOGETHER[column]}
    for after, long in OVERLAPS:
        why = why_not(booked, insert(t.scheduled_sessions).values(session(START + after, long, **shared)))
        assert named(booked, column) in why, (after, long)
        apart = session(START + after, long, **APART)
        assert takes(booked, apart), "others can be somewhere else"
        assert not why_not(booked, delete(t.scheduled_sessions).where(t.scheduled_sessions.c.id == apart["id"]))


@pytest.mark.parametrize("after_long", TOUCHES, ids=str)
def test_sessions_may_touch(booked: Engine, after_long: tuple[timedelta, timedelta]) -> None:
    after, long = after_long
    assert takes(booked, session(START + after, long))


def test_moments_of_a_whole_second_are_compared_as_any_other(booked: Engine) -> None:
    """SQLite keeps them as text; a day, a month and a year that end in between change nothing."""
    midnight = START.replace(month=12, day=31, hour=23, minute=59, second=59, microsecond=999999)
    assert takes(booked, session(midnight, 12 * HOUR))
    assert not takes(booked, session(midnight + 12 * HOUR - MOMENT, HOUR))
    assert takes(booked, session(midnight + 12 * HOUR, HOUR))
    assert not takes(booked, session(midnight - HOUR, HOUR + MOMENT))
    assert takes(booked, session(midnight - HOUR, HOUR))


@pytest.mark.parametrize("status", ["cancelled", "rescheduled"])
def test_what_does_not_take_place_takes_no_time(booked: Engine, status: str) -> None:
    """Neither the one that is there nor the one that comes; who brings it back finds the time taken."""
    off = session(status=status)
    assert takes(booked, off)
    s = t.scheduled_sessions
    assert why_not(booked, update(s).where(s.c.id == off["id"]).values(status="pending"))
    assert not why_not(booked, update(s).where(s.c.id != off["id"]).values(status=status))
    assert takes(booked, session())
    assert why_not(booked, update(s).where(s.c.id == off["id"]).values(status="scheduled"))


@pytest.mark.parametrize("status", ["scheduled", "pending", "completed", "missed"])
def test_what_takes_place_took_or_should_have_taken_takes_its_time(booked: Engine, status: str) -> None:
    s = t.scheduled_sessions
    assert not why_not(booked, update(s).values(status=status))
    for other in ("scheduled", "pending", "completed", "missed"):
        assert not takes(booked, session(status=other, **APART | {"coach_id": ANA}))


@pytest.mark.parametrize("column", WHOSE)
def test_a_change_is_refused_as_a_new_one_is(booked: Engine, column: str) -> None:
    """Of who is in it, and of when it is; one that leaves it where it is can be made."""
    s = t.scheduled_sessions
    other = session(START, HOUR, **APART)
    assert takes(booked, other)
    mine = update(s).where(s.c.id == other["id"])
    assert named(booked, column) in why_not(booked, mine.values({column: TOGETHER[column]}))
    later = START + 2 * HOUR
    assert not why_not(booked, mine.values({column: TOGETHER[column], "starts_at": later, "ends_at": later + HOUR}))
    assert named(booked, column) in why_not(booked, mine.values(starts_at=START + HOUR - MOMENT))
    assert not why_not(booked, mine.values(starts_at=START + HOUR))
    assert not why_not(booked, mine.values(starts_at=START + HOUR, ends_at=later, version=2, status="pending"))
    first = update(s).where(s.c.id != other["id"])
    assert named(booked, column) in why_not(booked, first.values(ends_at=START + HOUR + MOMENT))


def test_a_session_without_a_coach_is_in_nobodys_way(booked: Engine) -> None:
    """They are assigned later, if they are free then."""
    without = session(START, HOUR, **APART | {"coach_id": None})
    assert takes(booked, without)
    third = session(START + HOUR, HOUR, coach_id=None)
    assert takes(booked, third)
    s = t.scheduled_sessions
    assert why_not(booked, update(s).where(s.c.id == without["id"]).values(coach_id=ANA))
    assert not why_not(booked, update(s).where(s.c.id == without["id"]).values(coach_id=BEN))


def test_a_series_that_is_written_at_once_is_written_whole_or_not_at_all(booked: Engine) -> None:
    rows = [session(START + n * HOUR, HOUR, **APART) for n in (1, 2, 3)]
    rows.append(session(START + 2 * HOUR, HOUR, **APART | {"coach_id": None, "coachee_id": MIRA}))
    assert why_not(booked, insert(t.scheduled_sessions).values(rows))
    with booked.connect() as connection:
        assert len(connection.execute(select(t.scheduled_sessions)).all()) == 1
    assert not why_not(booked, insert(t.scheduled_sessions).values(rows[:3]))


def test_the_number_of_a_session_is_once_in_its_series_but_for_those_in_whose_place_another_is(
    booked: Engine,
) -> None:
    far = START + timedelta(days=7)
    fifth = session(far, session_number=5)
    assert takes(booked, fifth)
    assert not takes(booked, session(far + HOUR, session_number=5))
    assert not takes(booked, session(far + HOUR, session_number=5, status="cancelled"))
    assert takes(booked, session(far + HOUR, session_number=5, **APART)), "another series"
    s = t.scheduled_sessions
    assert not why_not(booked, update(s).where(s.c.id == fifth["id"]).values(status="rescheduled"))
    assert takes(booked, session(far + 2 * HOUR, session_number=5, replaces_id=fifth["id"]))
    assert why_not(booked, update(s).where(s.c.id == fifth["id"]).values(status="cancelled"))


def test_a_resource_with_sessions_is_not_deleted_and_one_that_is_only_held_is(booked: Engine) -> None:
    """Also where its sessions did not take place."""
    assert takes(booked, hold(ANA, **APART), t.slot_holds)
    assert why_not(booked, delete(t.resources).where(t.resources.c.id == MACHINE))
    assert not why_not(booked, update(t.scheduled_sessions).values(status="cancelled"))
    assert why_not(booked, delete(t.resources).where(t.resources.c.id == MACHINE))
    assert not why_not(booked, delete(t.resources).where(t.resources.c.id == ROOM))
    with booked.connect() as connection:
        assert connection.execute(select(t.slot_holds)).all() == []


@pytest.mark.parametrize("column", WHOSE)
def test_a_time_is_held_once(booked: Engine, column: str) -> None:
    """For a coach, a coachee and a resource; holding it is no session, and takes nothing from those there are."""
    assert takes(booked, hold(ANA), t.slot_holds)
    shared = APART | {column: TOGETHER[column]}
    for after, long in OVERLAPS:
        why = why_not(booked, insert(t.slot_holds).values(hold(BEN, START + after, long, **shared)))
        assert named(booked, column, t.slot_holds) in why
    assert takes(booked, hold(BEN, START + HOUR, HOUR, **shared), t.slot_holds)
    h = t.slot_holds
    why = why_not(booked, update(h).where(h.c.held_by == BEN).values(starts_at=START))
    assert named(booked, column, t.slot_holds) in why
    assert not takes(booked, hold(BEN, START + 5 * HOUR), t.slot_holds), "one at a time"
    assert takes(booked, hold(NOOR, START, HOUR, **APART | {"coach_id": None}), t.slot_holds)


def test_sqlite_finds_an_overlap_by_an_index_however_many_sessions_there_are(booked: Engine) -> None:
    """What its triggers ask is answered from the sessions of twelve hours of one coach, coachee or machine."""
    if not is_sqlite(booked):
        pytest.skip("PostgreSQL has an index of its own for it")
    with booked.connect() as connection:
        names = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'scheduled_sessions'"
        triggers = connection.execute(text(names)).all()
        assert len(triggers) == 6
        for name, sql in triggers:
            asked = sql[sql.index("(SELECT 1") + 1 : sql.index("); END")]
            for value in ("coach_id", "coachee_id", "resource_id", "starts_at", "ends_at", "id"):
                asked = asked.replace(f"NEW.{value}", "'2026-11-23 09:00:00.000000'")
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked}").all()
            column = name.removeprefix("ex_scheduled_sessions_").rpartition("_")[0]
            index = f"INDEX ix_scheduled_sessions_{column} ({column}=? AND starts_at>? AND starts_at<?)"
            assert [index in row.detail for row in plan] == [True], plan
