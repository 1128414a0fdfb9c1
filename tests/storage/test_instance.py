"""Which of the processes one is: a name no living process shares, free again when its holder is gone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from storage.engine import connect, is_sqlite
from storage.instance import AlreadyRunningError, Instance

ROOT = Path(__file__).parents[2]
HOLDER = """
import sys
from storage.engine import connect
from storage.instance import Instance
held = Instance(connect(sys.argv[1]))
print(held.name, flush=True)
sys.stdin.read()
"""


def holder(database: str) -> subprocess.Popen[str]:
    """A process that holds a name until it is killed."""
    return subprocess.Popen(
        [sys.executable, "-c", HOLDER, database],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_second_process_on_sqlite_is_refused_with_a_word_about_what_to_do(engine: Engine) -> None:
    if not is_sqlite(engine):
        pytest.skip("PostgreSQL serves many")
    refused = "another Waymark is running on .*waymark.db; stop it first, or use PostgreSQL"
    with Instance(engine), pytest.raises(AlreadyRunningError, match=refused):
        Instance(engine)


def test_processes_on_postgresql_have_names_of_their_own(database: str, engine: Engine) -> None:
    if is_sqlite(engine):
        pytest.skip("SQLite serves one process")
    other = connect(database)
    with Instance(engine) as first, Instance(engine) as second, Instance(other) as third:
        assert len({first.name, second.name, third.name}) == 3
    other.dispose()


def test_a_name_that_was_given_up_is_taken_by_the_next(engine: Engine) -> None:
    with Instance(engine) as first:
        name = first.name
    with Instance(engine) as second:
        assert second.name == name


def test_giving_up_twice_is_giving_up_once(engine: Engine) -> None:
    held = Instance(engine)
    held.close()
    held.close()
    Instance(engine).close()


def test_of_several_names_the_one_that_became_free_is_taken(engine: Engine) -> None:
    if is_sqlite(engine):
        pytest.skip("SQLite serves one process")
    with Instance(engine) as first:
        second = Instance(engine)
        with Instance(engine) as third:
            second.close()
            with Instance(engine) as again:
                assert again.name == second.name
                assert len({first.name, again.name, third.name}) == 3


def test_a_name_is_held_while_other_work_goes_on(engine: Engine) -> None:
    """Transactions begin and end, connections go back to the pool; the lock stays."""
    with Instance(engine) as first:
        for _ in range(20):
            with engine.begin() as connection:
                connection.execute(text("SELECT 1"))
        if is_sqlite(engine):
            with pytest.raises(AlreadyRunningError):
                Instance(engine)
        else:
            with Instance(engine) as second:
                assert second.name != first.name


def test_a_connection_that_held_a_name_does_not_keep_it_in_the_pool(engine: Engine) -> None:
    if is_sqlite(engine):
        pytest.skip("a file is locked, not a connection")
    Instance(engine).close()
    locks = text(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    with engine.connect() as connection:
        assert connection.execute(locks).scalar() == 0


@pytest.mark.processes
def test_a_killed_process_leaves_its_name_to_the_next(database: str, engine: Engine) -> None:
    with holder(database) as process:
        assert process.stdout is not None
        name = process.stdout.readline().strip()
        assert name
        if is_sqlite(engine):
            with pytest.raises(AlreadyRunningError):
                Instance(engine)
        process.kill()
        process.wait()
        with until_free(engine, name) as next_one:
            assert next_one.name == name


def until_free(engine: Engine, name: str) -> Instance:
    """An instance, as soon as the name is free: PostgreSQL notices a killed client a moment later."""
    while (made := Instance(engine)).name != name:
        made.close()
    return made
