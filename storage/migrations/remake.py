"""What SQLite has no way to change, such as a CHECK: the table is made anew, its rows and indexes with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import sqlalchemy as sa
from alembic import op


def recheck(table: str, column: str, before: str, after: str) -> None:
    """Change the CHECK of a column ("ck_<table>_<column>") from one condition to another.

    Raises RuntimeError where the table is not as it was, or where SQLite's table is referred to: it cannot be made
    anew without what refers to it.
    """
    if op.get_bind().dialect.name == "sqlite":
        remake(table, [(before, after)])
        return
    name = f"ck_{table}_{column}"
    op.execute(sa.text(f"ALTER TABLE {table} DROP CONSTRAINT {name}"))
    op.execute(sa.text(f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({after})"))


def remake(table: str, changes: Iterable[tuple[str, str]], columns: Mapping[str, str | None] | None = None) -> None:
    """Make SQLite's table anew, each text of its definition changed from one to another.

    `columns` are those that come, as an expression of the rows of "<table>_before", and those that go, as None. Its
    triggers are not made again. Raises RuntimeError as `recheck` does; a table may refer to itself.
    """
    connection = op.get_bind()
    referring = sa.inspect(connection).get_multi_foreign_keys().items()
    if any(key["referred_table"] == table for (_, name), keys in referring for key in keys if name != table):
        raise RuntimeError(f"{table} is referred to")
    schema = sa.text("SELECT type, name, sql FROM sqlite_master WHERE tbl_name = :name AND sql IS NOT NULL")
    made = list(connection.execute(schema, {"name": table}))
    [sql] = [row.sql for row in made if row.type == "table"]
    for before, after in changes:
        if before not in sql:
            raise RuntimeError(f"{table} is not as the revision before makes it")
        sql = sql.replace(before, after)
    values = {column["name"]: column["name"] for column in sa.inspect(connection).get_columns(table)}
    values = {name: value for name, value in (values | dict(columns or {})).items() if value is not None}
    for row in made:
        if row.type == "trigger":
            connection.exec_driver_sql(f"DROP TRIGGER {row.name}")
    connection.exec_driver_sql(f"ALTER TABLE {table} RENAME TO {table}_before")
    connection.exec_driver_sql(sql)
    connection.exec_driver_sql(
        f"INSERT INTO {table} ({', '.join(values)}) SELECT {', '.join(values.values())} FROM {table}_before"
    )
    connection.exec_driver_sql(f"DROP TABLE {table}_before")
    for row in made:
        if row.type == "index":
            connection.exec_driver_sql(row.sql)
