"""Statements that are written the same for both databases."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def upsert(connection: Connection, table: Table, keys: tuple[str, ...], kept: tuple[str, ...] = ()) -> Any:
    """An insert that takes the place of the row with the same keys, but for the columns in `kept`."""
    return _upsert(connection.dialect.name, table, keys, kept)


@cache
def _upsert(name: str, table: Table, keys: tuple[str, ...], kept: tuple[str, ...]) -> Any:
    dialect = postgresql if name == "postgresql" else sqlite
    statement = dialect.insert(table)
    changed = {c.name: statement.excluded[c.name] for c in table.c if c.name not in (*keys, *kept)}
    return statement.on_conflict_do_update(index_elements=keys, set_=changed)
