"""Fixtures. Whatever touches a database runs on SQLite and on PostgreSQL, each test on a fresh, migrated one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis
from sqlalchemy import Engine, create_engine, delete, insert, text
from sqlalchemy.exc import OperationalError

from storage import migrations
from storage.engine import connect, database_url
from storage.tables import metadata, resources

MACHINE_1 = import_module("storage.migrations.versions.0007_resources").MACHINE_1
"""The resource that there is in every database from its migration on."""

SERVER = os.environ.get("TEST_POSTGRESQL_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
REQUIRED = os.environ.get("WAYMARK_REQUIRE_POSTGRESQL") == "1"
DEEP = os.environ.get("WAYMARK_TESTS") == "deep"
"""The deep profile: as many steps and kills as the promises are stated for. The fast one is what `make test` runs."""

os.environ.update(LC_ALL="C.UTF-8")  # the terminal speaks the machine's language, and the tests read English

_quiet = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large]
hypothesis.register_profile("fast", max_examples=60, deadline=None, suppress_health_check=_quiet, derandomize=True)
hypothesis.register_profile("deep", max_examples=2000, deadline=None, suppress_health_check=_quiet)
hypothesis.load_profile("deep" if DEEP else "fast")


@pytest.fixture(scope="session")
def deep() -> bool:
    """Whether the deep profile runs."""
    return DEEP


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite database to copy."""
    path = tmp_path_factory.mktemp("template") / "waymark.db"
    engine = connect(f"sqlite:///{path}")
    migrations.upgrade(engine)
    engine.dispose()  # the last connection to close folds SQLite's log into the file
    return path


@pytest.fixture(scope="session")
def postgresql_admin() -> Iterator[Engine]:
    """The PostgreSQL server; without one the tests on it are skipped, or fail where it is required."""
    engine = create_engine(database_url(SERVER), isolation_level="AUTOCOMMIT")
    try:
        engine.connect().close()
    except OperationalError:
        if REQUIRED:
            raise
        pytest.skip("no PostgreSQL here (TEST_POSTGRESQL_URL)")
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def postgresql_template(postgresql_admin: Engine) -> Iterator[str]:
    """A migrated PostgreSQL database to copy; gives its name."""
    name = f"waymark_template_{uuid4().hex[:12]}"
    with postgresql_admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine = connect(_at(name))
    migrations.upgrade(engine)
    engine.dispose()
    yield name
    with postgresql_admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture(scope="session")
def postgresql_spare(postgresql_admin: Engine, postgresql_template: str) -> Iterator[list[str]]:
    """Databases that are empty and can be used again: to make one costs the server more than to empty it."""
    spare: list[str] = []
    yield spare
    for name in spare:
        with postgresql_admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


def _emptied(admin: Engine, name: str) -> None:
    """Take every row out of a database, whoever still holds on to it."""
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"
    with admin.connect() as connection:
        connection.execute(text(others), {"name": name})
    engine = create_engine(_at(name))
    with engine.begin() as connection:
        # TRUNCATE makes new files for every table and index, and the server waits for the disk
        full = [table for table in reversed(metadata.sorted_tables) if connection.execute(delete(table)).rowcount]
        connection.execute(insert(resources), MACHINE_1)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        # where there are holes, rows would be found in another order than they came in
        connection.execute(text(f"VACUUM {', '.join(table.name for table in full)}"))
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a fresh, migrated database: each test that asks for one runs on both kinds."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "waymark.db")
        yield f"sqlite:///{tmp_path}/waymark.db"
        return
    spare: list[str] = request.getfixturevalue("postgresql_spare")
    admin: Engine = request.getfixturevalue("postgresql_admin")
    template = request.getfixturevalue("postgresql_template")
    changes_tables = "migrations" in request.node.nodeid
    if changes_tables or not spare:
        name = f"waymark_{uuid4().hex[:12]}"
        with admin.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
            # no test pulls the server's plug: what it has said to be committed is, and is written when it likes
            connection.execute(text(f"ALTER DATABASE {name} SET synchronous_commit TO off"))
    else:
        name = spare.pop()
    yield _at(name)
    if changes_tables:
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    else:
        _emptied(admin, name)
        spare.append(name)


@pytest.fixture
def engine(database: str) -> Iterator[Engine]:
    """An engine on a fresh database of each kind."""
    made = connect(database)
    yield made
    made.dispose()


def _at(name: str) -> str:
    """The URL of a database on the server."""
    return database_url(SERVER).set(database=name).render_as_string(hide_password=False)
