"""Timers that are due."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Engine, select

from flows.records import Record
from storage import tables as t
from storage.engine import reading


class Due(Record):
    """A timer whose time has come. It fires when its event is claimed, not before."""

    id: UUID
    chat_id: int
    key: str
    kind: str
    subject: UUID
    attempt: int


def due(engine: Engine, now: datetime, limit: int = 100) -> list[Due]:
    """The timers that are due, the earliest first."""
    c = t.timers.c
    query = (
        select(c.id, c.chat_id, c.key, c.kind, c.subject, c.attempt)
        .where(c.state == "pending", c.due_at <= now)
        .order_by(c.due_at)
        .limit(limit)
    )
    with reading(engine).begin() as connection:
        return [Due(**row._mapping) for row in connection.execute(query)]
