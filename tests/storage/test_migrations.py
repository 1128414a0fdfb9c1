"""Migrations go up, down and up again with every row equal, and the database itself refuses what may not be."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import CheckConstraint, Engine, Table, delete, event, insert, inspect, select, text, update
from sqlalchemy.exc import IntegrityError

from storage import migrations
from storage import tables as t
from storage.engine import connect, is_sqlite

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 23, 9, 0, 0, 123456, tzinfo=UTC)
LATER = datetime(2038, 1, 19, 3, 14, 8, tzinfo=UTC)
BIG = 2**63 - 1
WORDS = "Ruf “Oma” an 👵🏽 \n\t שלום עולם · 'x'; DROP TABLE users; -- %s {name} \\ \u200f"
JSON = {"words": WORDS, "nothing": None, "list": [1, 2.5, True, {"deep": []}], "empty": "", "number": 2**53}


def some_id(number: int) -> UUID:
    return UUID(int=(2**127) + number)


Values = dict[str, Any]

ROWS: dict[Table, list[Values]] = {
    t.users: [
        {
            "id": some_id(1),
            "telegram_id": 2**52 - 1,
            "name": WORDS,
            "language": "zh-Hant-TW-x-a-long-language-tag-35",
            "timezone": "America/Argentina/ComodRivadavia",
            "model_help": False,
            "unreachable_since": LATER,
            "created_at": NOW,
        },
        {
            "id": some_id(2),
            "telegram_id": -1,
            "name": "",
            "language": "en",
            "timezone": "UTC",
            "model_help": True,
            "created_at": NOW,
        },
    ],
    t.conversations: [
        {"chat_id": -(2**63), "user_id": some_id(1), "state": JSON, "version": 2**31 - 1, "updated_at": NOW},
        {"chat_id": BIG, "user_id": some_id(2), "state": {}, "version": 1, "updated_at": LATER},
    ],
    t.updates: [
        {"update_id": 1, "chat_id": BIG, "claimed_at": NOW, "state": "failed", "event": JSON, "reason": WORDS},
        {"update_id": BIG, "chat_id": 1, "claimed_at": LATER, "state": "claimed"},
    ],
    t.outbox: [
        {
            "id": some_id(1),
            "chat_id": BIG,
            "kind": "say",
            "key": "q1",
            "payload": JSON,
            "status": "failed",
            "attempts": 3,
            "due_at": NOW,
            "owner": "local",
            "lease_until": LATER,
            "message_id": BIG,
            "reason": WORDS,
            "done_at": LATER,
            "created_at": NOW,
        },
        {
            "id": some_id(2),
            "chat_id": 1,
            "kind": "edit",
            "payload": {},
            "status": "pending",
            "attempts": 0,
            "due_at": NOW,
            "created_at": NOW,
        },
        *(
            {
                "id": some_id(number),
                "chat_id": BIG,
                "kind": kind,
                "payload": JSON,
                "status": "done",
                "attempts": 0,
                "due_at": NOW,
                "done_at": LATER,
                "created_at": NOW,
            }
            for number, kind in ((3, "request_summary"), (4, "reflect"), (5, "transcribe"))
        ),
    ],
    t.timers: [
        {
            "id": some_id(1),
            "chat_id": BIG,
            "key": "action_due:" + str(some_id(1)),
            "kind": "action_due",
            "subject": some_id(9),
            "due_at": LATER,
            "wall": "2026-11-27T09:00",
            "attempt": 2,
            "state": "failed",
            "reason": WORDS,
            "created_at": NOW,
        },
        {
            "id": some_id(2),
            "chat_id": BIG,
            "key": "summary",
            "kind": "summary",
            "subject": some_id(9),
            "due_at": NOW,
            "attempt": 0,
            "state": "pending",
            "created_at": NOW,
        },
    ],
    t.coaching_sessions: [
        {
            "id": some_id(1),
            "user_id": some_id(1),
            "session_type": "coach_led",
            "current_stage": 5,
            "is_complete": True,
            "ended": "completed",
            "summary": JSON,
            "topic": WORDS,
            "notes": WORDS,
            "record_status": "submitted",
            "updated_at": LATER,
            "created_at": NOW,
        },
        {
            "id": some_id(2),
            "user_id": some_id(2),
            "session_type": "self_coaching",
            "current_stage": 1,
            "is_complete": False,
            "record_status": "draft",
            "updated_at": NOW,
            "created_at": NOW,
        },
    ],
    t.stage_responses: [
        {
            "id": some_id(number),
            "session_id": some_id(1),
            "stage_number": number,
            "responses": JSON,
            "updated_at": LATER,
            "created_at": NOW,
        }
        for number in (1, 5)
    ],
    t.action_plans: [
        {
            "id": some_id(1),
            "user_id": some_id(1),
            "session_id": some_id(1),
            "title": WORDS,
            "description": WORDS,
            "goal_statement": WORDS,
            "smart_criteria": JSON,
            "priority": 5,
            "status": "completed",
            "timeline_start": date(2026, 2, 28),
            "timeline_end": date(2028, 2, 29),
            "origin": "coachee",
            "evidence": JSON,
            "completed_at": LATER,
            "dropped_at": LATER,
            "updated_at": LATER,
            "created_at": NOW,
        },
        {
            "id": some_id(2),
            "user_id": some_id(2),
            "session_id": some_id(2),
            "title": "",
            "description": "",
            "goal_statement": "",
            "smart_criteria": {},
            "priority": 1,
            "status": "blocked",
            "timeline_start": date(2026, 11, 23),
            "origin": "coachee",
            "evidence": {},
            "updated_at": NOW,
            "created_at": NOW,
        },
    ],
}
"""Rows of every table: one with everything in it, one with as little as may be, and one of each kind of order."""

NEW_COLUMNS = {("users", "model_help"): True, ("action_plans", "dropped_at"): None}
"""What revision 0003 adds, and what it is for a row that was there before."""
NEW_KINDS = ("reflect", "transcribe")
"""Rows of the outbox that there are from revision 0003 on: requests, of seconds' use."""


def populate(engine: Engine) -> None:
    """Fill the database with `ROWS`, or with what its revision can hold of them."""
    held = {table: columns(engine, table) for table in t.metadata.sorted_tables}
    with engine.begin() as connection:
        for table, names in held.items():
            for values in ROWS[table]:
                if values.get("kind") not in NEW_KINDS or "model_help" in held[t.users]:
                    connection.execute(insert(table), {name: v for name, v in values.items() if name in names})


def columns(engine: Engine, table: Table) -> set[str]:
    """The columns that a table has in the database."""
    return {column["name"] for column in inspect(engine).get_columns(table.name)}


def everything(engine: Engine) -> dict[str, list[Values]]:
    """All rows of all tables, with the columns that there are."""
    found = {}
    for table in t.metadata.sorted_tables:
        names = columns(engine, table)
        query = select(*(c for c in table.c if c.name in names)).order_by(*table.primary_key)
        with engine.connect() as connection:
            found[table.name] = [dict(row._mapping) for row in connection.execute(query)]
    return found


def as_before_0003(rows: dict[str, list[Values]]) -> dict[str, list[Values]]:
    """Rows as revision 0002 holds them: without the columns and the requests that it does not know."""
    return {
        table: [
            {name: value for name, value in row.items() if (table, name) not in NEW_COLUMNS}
            for row in of_table
            if row.get("kind") not in NEW_KINDS or table != "outbox"
        ]
        for table, of_table in rows.items()
    }


def as_after_0003(rows: dict[str, list[Values]]) -> dict[str, list[Values]]:
    """Rows of revision 0002 as revision 0003 finds them."""
    new = {table: {name: value for (of, name), value in NEW_COLUMNS.items() if of == table} for table in rows}
    return {table: [row | new[table] for row in of_table] for table, of_table in rows.items()}


def going_back(engine: Engine, revision: str) -> None:
    """The way down, whatever it loses."""
    migrations.downgrade(engine, revision, lossy=True)


def emptied(engine: Engine) -> Engine:
    """The database as it was before the first migration."""
    migrations.downgrade(engine, "base", lossy=True)
    return engine


# ---- up, down and up again


def test_the_rows_of_these_tests_hold_a_value_and_where_it_may_be_nothing_in_every_column() -> None:
    for table in t.metadata.sorted_tables:
        for column in table.c:
            held = {row.get(column.name) is None for row in ROWS[table]}
            assert held == ({True, False} if column.nullable else {False}), column


def test_the_way_down_to_the_first_tables_and_up_again_loses_what_0003_adds_and_nothing_else(engine: Engine) -> None:
    """Two columns, and requests of seconds' use; all else is equal, on the way and after it."""
    populate(engine)
    left = as_before_0003(everything(engine))
    migrations.downgrade(engine, "0002", lossy=True)
    assert everything(engine) == left
    migrations.downgrade(engine, "0001")  # an index is no data
    assert migrations.current(engine) == "0001"
    assert everything(engine) == left
    migrations.upgrade(engine, "0002")
    assert everything(engine) == left
    migrations.upgrade(engine)
    assert migrations.current(engine) == migrations.head()
    assert everything(engine) == as_after_0003(left)


def test_rows_that_hold_nothing_of_0003_are_equal_after_the_way_down_and_up_again(engine: Engine) -> None:
    """Who let the model help and dropped nothing loses nothing."""
    populate(engine)
    with engine.begin() as connection:
        connection.execute(update(t.users).values(model_help=True))
        connection.execute(update(t.action_plans).values(dropped_at=None))
        connection.execute(delete(t.outbox).where(t.outbox.c.kind.in_(NEW_KINDS)))
    before = everything(engine)
    migrations.downgrade(engine, "0001", lossy=True)
    migrations.upgrade(engine)
    assert everything(engine) == before


def test_people_of_a_database_at_0002_let_the_model_help_from_0003_on(engine: Engine) -> None:
    """Nobody was asked before there was the choice; all else they have is as it was."""
    at_revision(engine, "0002")
    populate(engine)
    before = everything(engine)
    assert len(before["users"]) == 2
    migrations.upgrade(engine)
    assert everything(engine) == as_after_0003(before)
    assert [row["model_help"] for row in everything(engine)["users"]] == [True, True]


def at_revision(engine: Engine, revision: str) -> Engine:
    """An empty database that has only ever been brought up to a revision."""
    migrations.upgrade(emptied(engine), revision)
    return engine


def test_checks_and_indexes_are_the_same_after_the_way_down_and_up_again(engine: Engine) -> None:
    """SQLite's outbox is made anew on both ways: nothing of it is forgotten."""
    populate(engine)
    names = [table.name for table in t.metadata.sorted_tables]
    above = [described(engine, name) for name in names]
    migrations.downgrade(engine, "0002", lossy=True)
    below = [described(engine, name) for name in names]
    migrations.upgrade(engine)
    assert [described(engine, name) for name in names] == above
    at_revision(engine, "0002")
    assert [described(engine, name) for name in names] == below
    assert set(inspect(engine).get_table_names()) == {*names, "alembic_version"}


def test_the_outbox_takes_the_requests_of_its_revision_and_no_others(engine: Engine) -> None:
    populate(engine)
    for revision, taken in (("0003", True), ("0002", False), ("0003", True)):
        if migrations.current(engine) != revision:
            (migrations.upgrade if taken else going_back)(engine, revision)
        for kind in NEW_KINDS:
            assert (refusal(engine, *of(t.outbox, kind=kind)) == "") is taken, (revision, kind)
        assert refusal(engine, *of(t.outbox, kind="edit")) == ""
        assert "ck_outbox_kind" in refusal(engine, *of(t.outbox, kind="shout"))


@pytest.mark.parametrize(("move", "to"), [(migrations.upgrade, "0003"), (going_back, "0002")], ids=["up", "down"])
def test_a_migration_that_breaks_at_its_end_leaves_the_database_as_it_was(
    engine: Engine, move: Callable[[Engine, str], None], to: str
) -> None:
    if to == "0003":
        at_revision(engine, "0002")
    before = migrations.current(engine)
    populate(engine)
    rows = everything(engine)
    tables = {name: described(engine, name) for name in inspect(engine).get_table_names()}

    def die(_: Any, __: Any, statement: str, *___: Any) -> None:
        if statement.startswith("UPDATE alembic_version"):
            raise RuntimeError("killed")

    event.listen(engine, "before_cursor_execute", die)
    with pytest.raises(RuntimeError, match="killed"):
        move(engine, to)
    event.remove(engine, "before_cursor_execute", die)
    assert migrations.current(engine) == before != to
    assert everything(engine) == rows
    assert {name: described(engine, name) for name in inspect(engine).get_table_names()} == tables


def test_what_is_read_is_what_was_written(engine: Engine) -> None:
    populate(engine)
    for table in t.metadata.sorted_tables:
        written = [{column.name: values.get(column.name) for column in table.c} for values in ROWS[table]]
        found = everything(engine)[table.name]
        assert sorted(found, key=repr) == sorted(written, key=repr)


def test_each_step_down_can_be_undone_and_done_again(engine: Engine) -> None:
    """The stairway: from nothing, each revision up, down and up."""
    emptied(engine)
    steps = [script.revision for script in reversed(list(migrations._scripts().walk_revisions()))]
    assert steps[-1] == migrations.head()
    for below, step in zip(["base", *steps], steps, strict=False):
        migrations.upgrade(engine, step)
        migrations.downgrade(engine, below, lossy=True)
        migrations.upgrade(engine, step)
        assert migrations.current(engine) == step


def test_migrating_twice_changes_nothing(engine: Engine) -> None:
    populate(engine)
    before = everything(engine)
    migrations.upgrade(engine)
    migrations.upgrade(engine)
    assert everything(engine) == before


@pytest.mark.parametrize(
    ("revision", "losing"), [("base", "0001, 0003"), ("0001", "0003"), ("0002", "0003"), ("-1", "0003")]
)
def test_going_back_past_what_people_said_or_chose_is_refused_and_nothing_changes(
    engine: Engine, revision: str, losing: str
) -> None:
    populate(engine)
    before = everything(engine)
    with pytest.raises(migrations.LossyDowngradeError, match=f"^{losing}$"):
        migrations.downgrade(engine, revision)
    assert migrations.current(engine) == migrations.head()
    assert everything(engine) == before


def test_who_says_lossy_gets_an_empty_database_that_can_be_filled_anew(engine: Engine) -> None:
    populate(engine)
    emptied(engine)
    assert migrations.current(engine) is None
    assert set(inspect(engine).get_table_names()) <= {"alembic_version"}
    migrations.upgrade(engine)
    assert not any(everything(engine).values())
    populate(engine)


@pytest.mark.processes
def test_processes_that_migrate_at_once_all_succeed(database: str, engine: Engine) -> None:
    """The lock is held here until both wait for it, so that they are at it together."""
    if is_sqlite(engine):
        pytest.skip("SQLite serves one process")
    emptied(engine)
    waiting = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as held:
        held.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": migrations.LOCK})
        starting = [_migrate(database) for _ in range(2)]
        while held.execute(waiting).scalar() != 2:
            assert all(process.poll() is None for process in starting), "one did not wait"
        held.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": migrations.LOCK})
        ended = [process.communicate(timeout=60) for process in starting]
    assert [process.returncode for process in starting] == [0, 0], ended
    assert migrations.current(engine) == migrations.head()


def _migrate(database: str) -> subprocess.Popen[str]:
    """`waymark migrate`, in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "bot", "migrate"],
        env={**os.environ, "DATABASE_URL": database},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


# ---- models and migrations agree


def test_the_migrations_lead_to_the_tables_of_the_models(engine: Engine) -> None:
    options = {"compare_type": True, "compare_server_default": True}
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection, opts=options), t.metadata) == []


@pytest.fixture
def modelled(database: str, engine: Engine, tmp_path: Path) -> Iterator[Engine]:
    """A database made from the models themselves, without migrations."""
    if is_sqlite(engine):
        made = connect(f"sqlite:///{tmp_path}/modelled.db")
    else:
        with engine.begin() as connection:
            connection.execute(text("CREATE SCHEMA modelled"))
        made = connect(f"{database}?options=-csearch_path%3Dmodelled")
    t.metadata.create_all(made)
    yield made
    made.dispose()


def described(engine: Engine, table: str) -> Values:
    """What the database says of a table: also its checks and which rows a partial index holds."""
    found = inspect(engine)
    foreign = [
        {key: value for key, value in fk.items() if key != "referred_schema"} for fk in found.get_foreign_keys(table)
    ]
    return {
        "columns": {c["name"]: (str(c["type"]), c["nullable"], c["default"]) for c in found.get_columns(table)},
        "primary key": found.get_pk_constraint(table),
        "foreign keys": sorted(foreign, key=repr),
        "unique": sorted(found.get_unique_constraints(table), key=repr),
        "checks": sorted(found.get_check_constraints(table), key=repr),
        "indexes": sorted((_index(index) for index in found.get_indexes(table)), key=repr),
    }


def _index(index: Any) -> Values:
    options = index.get("dialect_options", {})
    kept = {key: str(value).replace('"', "") for key, value in options.items() if key.endswith("where")}
    return {"name": index["name"], "columns": index["column_names"], "unique": index["unique"], **kept}


def test_checks_and_partial_indexes_are_those_of_the_models(engine: Engine, modelled: Engine) -> None:
    names = {table.name for table in t.metadata.sorted_tables}
    assert set(inspect(engine).get_table_names()) - {"alembic_version"} == names
    for table in sorted(names):
        assert described(engine, table) == described(modelled, table)


def test_every_partial_index_is_partial(engine: Engine) -> None:
    partial = {
        index["name"]
        for table in inspect(engine).get_table_names()
        for index in inspect(engine).get_indexes(table)
        if any(key.endswith("where") for key in index.get("dialect_options", {}))
    }
    assert partial == {
        "ix_outbox_due_at",
        "ix_outbox_failed",
        "ix_outbox_named",
        "ix_timers_due_at",
        "ix_updates_set_aside",
    }


# ---- what the database refuses


def of(table: Table, **changes: Any) -> tuple[Table, Values]:
    """A row like one of `ROWS`, under keys of its own, but for some values."""
    fresh = {"id": some_id(77), "chat_id": 77, "update_id": 77, "telegram_id": 77, "stage_number": 3}
    own = {name: value for name, value in fresh.items() if name in table.c}
    return table, {**ROWS[table][1], **own, **changes}


CHECKED = {
    "ck_updates_state": [of(t.updates, state="lost")],
    "ck_outbox_kind": [of(t.outbox, kind="shout")],
    "ck_outbox_status": [of(t.outbox, status="lost")],
    "ck_timers_state": [of(t.timers, state="lost")],
    "ck_coaching_sessions_current_stage": [of(t.coaching_sessions, current_stage=n) for n in (0, 6)],
    "ck_coaching_sessions_session_type": [of(t.coaching_sessions, session_type="séance")],
    "ck_coaching_sessions_ended": [of(t.coaching_sessions, ended="vanished")],
    "ck_coaching_sessions_record_status": [of(t.coaching_sessions, record_status="lost")],
    "ck_stage_responses_stage_number": [of(t.stage_responses, stage_number=n) for n in (0, 6)],
    "ck_action_plans_priority": [of(t.action_plans, priority=n) for n in (0, 6)],
    "ck_action_plans_status": [of(t.action_plans, status="lost")],
    "ck_action_plans_origin": [of(t.action_plans, origin="somewhere")],
    "ck_action_plans_timeline": [of(t.action_plans, timeline_end=date(2026, 11, 22))],
}
"""Rows by the check that refuses them."""

REFUSED = {
    "somebody with the Telegram id of another": of(t.users, telegram_id=-1),
    "somebody without a name": of(t.users, name=None),
    "a second conversation in a chat": of(t.conversations, chat_id=BIG),
    "a conversation of nobody": of(t.conversations, user_id=some_id(99)),
    "an update claimed twice": of(t.updates, update_id=BIG),
    "an outbox row without a payload": of(t.outbox, payload=None),
    "a second timer of a name in a chat": of(t.timers, chat_id=BIG, key="summary"),
    "a session of nobody": of(t.coaching_sessions, user_id=some_id(99)),
    "a stage of no session": of(t.stage_responses, session_id=some_id(99)),
    "a stage of a session twice": of(t.stage_responses, stage_number=5),
    "an item of nobody": of(t.action_plans, user_id=some_id(99)),
    "an item of no session": of(t.action_plans, session_id=some_id(99)),
}
"""Rows that keys and NOT NULL refuse."""


def refusal(engine: Engine, table: Table, values: Values) -> str:
    """Why the database refuses a row; empty if it takes it. Nothing is kept either way."""
    with engine.connect() as connection, connection.begin() as transaction:
        try:
            connection.execute(insert(table), values)
        except IntegrityError as error:
            return str(error.orig)
        finally:
            transaction.rollback()
    return ""


def test_the_rows_that_the_refusals_are_made_from_are_good(engine: Engine) -> None:
    populate(engine)
    for table in t.metadata.sorted_tables:
        assert refusal(engine, *of(table)) == ""


def test_every_check_of_the_models_refuses_what_it_is_for(engine: Engine) -> None:
    populate(engine)
    checks = {
        str(check.name)
        for table in t.metadata.sorted_tables
        for check in table.constraints
        if isinstance(check, CheckConstraint)
    }
    assert set(CHECKED) == checks
    for name, bad in CHECKED.items():
        for table, values in bad:
            assert name in refusal(engine, table, values)


def test_keys_refuse_what_is_there_twice_or_refers_to_nothing(engine: Engine) -> None:
    populate(engine)
    assert [what for what, (table, values) in REFUSED.items() if not refusal(engine, table, values)] == []


def test_a_person_who_is_referred_to_cannot_be_deleted(engine: Engine) -> None:
    populate(engine)
    with pytest.raises(IntegrityError), engine.begin() as connection:
        connection.execute(delete(t.users))
    assert len(everything(engine)["users"]) == 2
