"""The migration that puts existing sessions on Machine 1, on many sessions: how long, and whether every row is equal.

Sessions are written at revision 0006 of forty coaches, each with one an hour, so that many are at one time. Then
the database goes up to the newest revision, down to 0006 and up again. After each step every row of every table that
0006 has is hashed, with the columns of 0006, and on the way up what the migration adds is hashed as well.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from time import perf_counter
from typing import Any
from uuid import UUID, uuid4, uuid5

from sqlalchemy import Engine, create_engine, insert, inspect, select, text

from bench.machine import about
from storage import migrations
from storage import tables as t
from storage.engine import connect, database_url

ABOUT = "the migration to resources on many booked sessions: time, and every row hashed before and after"
SERVER = os.environ.get("TEST_POSTGRESQL_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
RESULTS = Path(__file__).parent / "results" / "migration.md"
FIRST = datetime(2026, 1, 5, 8, 0, 0, 123456, tzinfo=UTC)
NAMES = UUID(int=6)
COACHES, COACHEES_EACH, HOURS_A_DAY, AT_ONCE = 40, 10, 10, 5000


@dataclass(frozen=True)
class Step:
    """One way, how long it took, and the hashes after it: of what 0006 has, and of all there is."""

    name: str
    seconds: float
    of_0006: str
    of_all: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How many, and where the figures go."""
    parser.add_argument("--sessions", type=int, default=100_000)
    parser.add_argument("--write", action="store_true", help="write bench/results/migration.md")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Measure on both databases and print; 1 where a row is not equal."""
    command = f"python -m bench migration --sessions {options.sessions}"
    lines, equal = [HEAD.format(command=command, about=about(), sessions=options.sessions)], True
    for name, place in (("SQLite", _sqlite), ("PostgreSQL", _postgresql)):
        with place() as url:
            engine = connect(url)
            steps, not_held = _measured(engine, options.sessions)
            engine.dispose()
        equal &= _equal(steps)
        lines += [_row(name, step) for step in steps]
        lines.append(f"| {name} | {not_held:,} sessions do not hold the machine | | | |")
    lines.append(f"\nEvery row is equal: {'yes' if equal else 'NO'}.\n")
    print("\n".join(lines))
    if options.write:
        RESULTS.write_text("\n".join(lines))
    return 0 if equal else 1


HEAD = """# The migration to resources

`{command} --write`: {sessions:,} booked sessions at revision 0006 go up to the newest
revision (all on Machine 1), down to 0006 and up again. The hash is SHA-256 over every row: of the
tables and columns that 0006 has, and of all there is (on both databases the same rows have the same hash).

{about}

| database | step | seconds | hash of what 0006 has | hash of all |
|---|---|---|---|---|"""


def _row(name: str, step: Step) -> str:
    return f"| {name} | {step.name} | {step.seconds:.1f} | {step.of_0006[:16]} | {step.of_all[:16]} |"


def _equal(steps: list[Step]) -> bool:
    """At 0006 all is as it was, at the newest revision what 0006 has is; up again is as up."""
    written, up, down, again, twice = steps
    same = {step.of_0006 for step in steps} == {written.of_0006}
    return same and down.of_all == written.of_all and up.of_all == again.of_all == twice.of_all


def _measured(engine: Engine, sessions: int) -> tuple[list[Step], int]:
    migrations.upgrade(engine, "0006")
    known = {table: [column["name"] for column in inspect(engine).get_columns(table)] for table in _tables(engine)}
    start = perf_counter()
    _write(engine, sessions)
    steps = [_after("written at 0006", engine, known, start)]
    for name, move in (
        ("up", lambda: migrations.upgrade(engine)),
        ("down", lambda: migrations.downgrade(engine, "0006", lossy=True)),
        ("up again", lambda: migrations.upgrade(engine)),
        ("up once more", lambda: migrations.upgrade(engine)),
    ):
        start = perf_counter()
        move()
        steps.append(_after(name, engine, known, start))
    with engine.connect() as connection:
        found = connection.execute(select(t.scheduled_sessions.c.resource_held)).scalars()
        return steps, sum(not held for held in found)


def _after(name: str, engine: Engine, known: dict[str, list[str]], start: float) -> Step:
    seconds = perf_counter() - start
    every = {table: [column["name"] for column in inspect(engine).get_columns(table)] for table in _tables(engine)}
    return Step(name, seconds, _hashed(engine, known), _hashed(engine, every))


def _tables(engine: Engine) -> list[str]:
    return sorted(set(inspect(engine).get_table_names()) - {"alembic_version"})


def _hashed(engine: Engine, known: dict[str, list[str]]) -> str:
    """Every row of these tables, with these columns, in the order of its key."""
    made = sha256()
    with engine.connect() as connection:
        for name, columns in known.items():
            table = t.metadata.tables[name]
            query = select(*(table.c[column] for column in sorted(columns))).order_by(*table.primary_key.columns)
            made.update(f"\n{name}\n".encode())
            for row in connection.execution_options(yield_per=1000).execute(query):
                made.update(repr(tuple(row)).encode())
    return made.hexdigest()


def _write(engine: Engine, sessions: int) -> None:
    """Each coach has a session an hour, of ten coachees in turn; every tenth is called off, every 20th was moved."""
    with engine.begin() as connection:
        coaches = [uuid5(NAMES, f"coach {n}") for n in range(COACHES)]
        coachees = [[uuid5(NAMES, f"coachee {n} {m}") for m in range(COACHEES_EACH)] for n in range(COACHES)]
        everybody = [*coaches, *(one for some in coachees for one in some)]
        plain = {"name": "", "language": "en", "timezone": "UTC", "created_at": FIRST}
        users = [{"id": one, "telegram_id": n, **plain} for n, one in enumerate(everybody)]
        connection.execute(insert(t.users), users)
        series = [
            {"id": one, "coachee_id": one, "coach_id": coach, "timezone": "UTC", "minutes": 60, "created_at": FIRST}
            for coach, some in zip(coaches, coachees, strict=True)
            for one in some
        ]
        connection.execute(insert(t.programmes), series)
        rows: list[dict[str, Any]] = []
        for n in range(sessions):
            rows.append(_session(n, coaches, coachees))
            if len(rows) == AT_ONCE or n == sessions - 1:
                connection.execute(insert(t.scheduled_sessions), rows)
                rows = []


def _session(n: int, coaches: list[UUID], coachees: list[list[UUID]]) -> dict[str, Any]:
    hour, coach = divmod(n, COACHES)
    coachee = coachees[coach][hour % COACHEES_EACH]
    starts_at = FIRST + timedelta(days=hour // HOURS_A_DAY, hours=hour % HOURS_A_DAY)
    status = "cancelled" if n % 10 == 3 else "rescheduled" if n % 20 == 4 else "completed"
    moved_from = uuid5(NAMES, f"session {n - COACHES}") if hour and (n - COACHES) % 20 == 4 else None
    return {
        "id": uuid5(NAMES, f"session {n}"),
        "programme_id": coachee,
        "session_number": hour // COACHEES_EACH + 1,
        "coachee_id": coachee,
        "coach_id": coaches[coach],
        "starts_at": starts_at,
        "ends_at": starts_at + timedelta(hours=1),
        "status": status,
        "version": n,
        "replaces_id": moved_from,
        "cancellation_reason": f"“{n}” 👵🏽\n" if status == "cancelled" else None,
        "record_topic": f"what was said {n}",
        "coach_notes": f"who was there, and what they left with {n} " * 3,
        "calendar_uid": f"{n}@waymark",
        "updated_at": starts_at,
        "created_at": FIRST,
    }


@contextmanager
def _sqlite() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as place:
        yield f"sqlite:///{place}/waymark.db"


@contextmanager
def _postgresql() -> Iterator[str]:
    admin = create_engine(database_url(SERVER), isolation_level="AUTOCOMMIT")
    name = f"waymark_bench_{uuid4().hex[:12]}"
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        yield database_url(SERVER).set(database=name).render_as_string(hide_password=False)
    finally:
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        admin.dispose()
