"""The way to the current tables and back, by Alembic. `upgrade` may be run any number of times."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.script.revision import RevisionError
from alembic.util import CommandError
from sqlalchemy import Engine, text

from storage.engine import is_sqlite

LOCK = 0x5741594D4947  # one migration at a time, also when several processes start together
LOSES_DATA: frozenset[str] = frozenset({"0001", "0003", "0004", "0005"})
"""Revisions whose way down drops what people said or chose. They are undone only with `lossy=True`."""


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
        undone = {r.revision for r in _scripts().iterate_revisions(current(engine), revision)}
    except (CommandError, RevisionError) as error:
        raise UnknownRevisionError(revision) from error
    if (losing := undone & LOSES_DATA) and not lossy:
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
