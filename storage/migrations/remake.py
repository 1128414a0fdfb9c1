"""CHECKs that change. SQLite has no way to change one: the table is made anew, its rows and indexes with it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


def recheck(table: str, column: str, before: str, after: str) -> None:
    """Change the CHECK of a column ("ck_<table>_<column>") from one condition to another.

    Raises RuntimeError where the table is not as it was, or where SQLite's table is referred to: it cannot be made
    anew without what refers to it.
    """
    connection = op.get_bind()
    if connection.dialect.name != "sqlite":
        name = f"ck_{table}_{column}"
        op.execute(sa.text(f"ALTER TABLE {table} DROP CONSTRAINT {name}"))
        op.execute(sa.text(f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({after})"))
        return
    referring = sa.inspect(connection).get_multi_foreign_keys().values()
    if any(key["referred_table"] == table for keys in referring for key in keys):
        raise RuntimeError(f"{table} is referred to")
    schema = sa.text("SELECT type, sql FROM sqlite_master WHERE tbl_name = :name AND sql IS NOT NULL")
    made = [(row.type, row.sql) for row in connection.execute(schema, {"name": table})]
    [sql] = [sql for kind, sql in made if kind == "table"]
    if before not in sql:
        raise RuntimeError(f"{table} is not as the revision before makes it")
    op.execute(sa.text(f"ALTER TABLE {table} RENAME TO {table}_before"))
    connection.exec_driver_sql(sql.replace(before, after))
    op.execute(sa.text(f"INSERT INTO {table} SELECT * FROM {table}_before"))
    op.execute(sa.text(f"DROP TABLE {table}_before"))
    for kind, sql in made:
        if kind == "index":
            connection.exec_driver_sql(sql)
