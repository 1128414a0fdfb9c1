"""The way to the current tables and back, by Alembic. `upgrade` may be run any number of times."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from alembic.script.revision import RevisionError
from alembic.util import CommandError
from sqlalchemy import Engine, text

from storage.engine import is_sqlite

LOCK = 0x5741594D4947  # one migration at a time, also when several processes start together
LOSES_DATA: frozenset[str] = frozenset({"0001", "0003", "0004", "0005", "0006", "0008"})
"""Revisions whose way down drops what people said or chose. They are undone only with `lossy=True`.

Where that depends on what is there, a revision says so itself, by `loses(connection)`.
"""


class LossyDowngradeError(Exception):
    """This step back would drop data."""


class UnknownRevisionError(Exception):
    """There is no such revision, or no way to it from here."""


def config() -> Config:
    """Alembic's configuration, which needs no file."""
    made = Config()
    made.set_main_option("script_location", str(Path(__file__).parent))
    return made


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Bring the database to a revision. Raises UnknownRevisionError."""
    _run(engine, "upgrade", revision)


def downgrade(engine: Engine, revision: str, *, lossy: bool = False) -> None:
    """Go back to a revision. Raises LossyDowngradeError where rows would be dropped and `lossy` does not say so."""
    try:
        undone = {r.revision: r for r in _scripts().iterate_revisions(current(engine), revision)}
    except (CommandError, RevisionError) as error:
        raise UnknownRevisionError(revision) from error
    if not lossy and (losing := (undone.keys() & LOSES_DATA) | _losing_here(engine, undone)):
        raise LossyDowngradeError(", ".join(sorted(losing)))
    _run(engine, "downgrade", revision)


def current(engine: Engine) -> str | None:
    """The database's revision; None where there is none yet."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def head() -> str:
    """The newest revision."""
    found = _scripts().get_current_head()
    assert found is not None
    return found


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(config())


def _losing_here(engine: Engine, undone: dict[str, Script]) -> set[str]:
    """Those that would drop something because of the rows that are there now."""
    asked = {name: loses for name, script in undone.items() if (loses := getattr(script.module, "loses", None))}
    with engine.connect() as connection:
        return {name for name, loses in asked.items() if loses(connection)}


def _run(engine: Engine, direction: str, revision: str) -> None:
    made = config()
    with engine.begin() as connection:
        if not is_sqlite(engine):
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        made.attributes["connection"] = connection
        try:
            getattr(command, direction)(made, revision)
        except (CommandError, RevisionError) as error:
            raise UnknownRevisionError(revision) from error
