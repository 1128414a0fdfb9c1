"""One at a time: two rows with the same value in a column may not overlap in time. The database refuses it.

PostgreSQL has exclusion constraints for it. SQLite has triggers that look, and end the statement with an
IntegrityError "overlap: <whose>"; no other write can come between, as SQLite has one writer at a time.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

LONGEST_HOURS = 12
"""A session of no more than this: SQLite then looks only at those that start so long before, by an index."""

AS_LONG_BEFORE = f"datetime(substr(NEW.starts_at, 1, 19), '-{LONGEST_HOURS} hours') || substr(NEW.starts_at, 20)"
"""Moments are kept as text, 'YYYY-MM-DD HH:MM:SS.ffffff'; `datetime` would round the fraction, so it is put back."""


def never_two(table: str, column: str, *, whose: str, where: str = "", when_changed: str = "") -> None:
    """Refuse that two rows of a table which meet `where` have the same in `column` and overlap in time.

    `whose` is what SQLite's refusal says; `when_changed` names the columns that `where` is about. A table without
    `where` is taken to be small and is looked through without a lower bound.
    """
    connection = op.get_bind()
    if connection.dialect.name != "sqlite":
        only = f" WHERE ({where})" if where else ""
        op.execute(
            sa.text(
                f"ALTER TABLE {table} ADD CONSTRAINT ex_{table}_{column} EXCLUDE USING gist"
                f" ({column} WITH =, tstzrange(starts_at, ends_at) WITH &&){only}"
            )
        )
        return
    key = _key(table, connection)
    of_new = f"WHEN {_of_new(where, when_changed)} " if where else ""
    bounded = f" AND starts_at > {AS_LONG_BEFORE} AND ({where})" if where else ""
    changed = ", ".join(name for name in (column, "starts_at", "ends_at", when_changed) if name)
    for name, event in (("insert", "INSERT"), ("update", f"UPDATE OF {changed}")):
        connection.exec_driver_sql(
            f"CREATE TRIGGER {_trigger(table, column, name)} BEFORE {event} ON {table} {of_new}BEGIN"
            f" SELECT RAISE(ABORT, 'overlap: {whose}') WHERE EXISTS (SELECT 1 FROM {table}"
            f" WHERE {column} = NEW.{column} AND starts_at < NEW.ends_at AND ends_at > NEW.starts_at"
            f" AND {key} <> NEW.{key}{bounded}); END"
        )


def forget_never_two(table: str, column: str) -> None:
    """Undo it. A table that is dropped takes it along."""
    if op.get_bind().dialect.name != "sqlite":
        op.execute(sa.text(f"ALTER TABLE {table} DROP CONSTRAINT ex_{table}_{column}"))
        return
    for name in ("insert", "update"):
        op.execute(sa.text(f"DROP TRIGGER {_trigger(table, column, name)}"))


def _trigger(table: str, column: str, event: str) -> str:
    return f"ex_{table}_{column}_{event}"


def _key(table: str, connection: sa.Connection) -> str:
    [key] = sa.inspect(connection).get_pk_constraint(table)["constrained_columns"]
    return key


def _of_new(where: str, columns: str) -> str:
    """A condition of a row, said of the row that is being written."""
    for column in columns.split(", "):
        where = where.replace(column, f"NEW.{column}")
    return where
