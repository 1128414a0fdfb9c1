"""The outbox: every message and every request, from the commit that ordered it until it is performed.

A row belongs to the instance that wrote it until its lease ends; what is left over after a crash is taken up by the
next one. Performing comes before marking, so a crash in between costs a duplicate and never a loss.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Connection, Engine, bindparam, delete, func, or_, select, update
from uuid_utils.compat import uuid7

from flows.records import Record
from storage import tables as t
from storage.engine import reading

Kind = Literal[
    "say",
    "edit",
    "file",
    "link",
    "commands",
    "export",
    "invitation",
    "feed",
    "request_summary",
    "reflect",
    "transcribe",
    "calendar",
]

LEASE: dict[str, timedelta] = {
    "say": timedelta(minutes=2),
    "edit": timedelta(minutes=2),
    "file": timedelta(minutes=2),
    "link": timedelta(minutes=2),
    "commands": timedelta(minutes=2),
    "export": timedelta(minutes=5),
    "invitation": timedelta(minutes=2),
    "feed": timedelta(minutes=2),
    "request_summary": timedelta(minutes=10),
    "reflect": timedelta(seconds=15),
    "transcribe": timedelta(minutes=2),
    "calendar": timedelta(minutes=3),
}
"""How long a row stays with the instance that took it: longer than performing it can take."""
KEEP = timedelta(days=30)
"""How long a performed row is kept: buttons under its message can be changed so long."""


class Outgoing(Record):
    """A message or request to be written to the outbox. `payload` is what the performer needs, rendered."""

    chat_id: int
    kind: Kind
    payload: dict[str, Any]
    key: str | None = None


class Row(Record):
    """A row to perform. `attempts` counts the tries before; `again`: it may have been performed already, by a process
    that died before it could say so."""

    id: UUID
    chat_id: int
    kind: Kind
    payload: dict[str, Any]
    key: str | None = None
    attempts: int = 0
    again: bool = False


class Mark(Record):
    """What became of a row: `done` (with Telegram's message id), `failed` (and why), or `held` (until when).

    A held row stays with its instance, which goes on when the time is over.
    """

    id: UUID
    outcome: Literal["done", "failed", "held"]
    message_id: int | None = None
    reason: str | None = None
    due_at: datetime | None = None


def new_id() -> UUID:
    """A time-ordered id."""
    return uuid7()


def mark(connection: Connection, marks: Sequence[Mark], now: datetime) -> None:
    """Write down what became of rows."""
    if not marks:
        return
    c = t.outbox.c
    row = update(t.outbox).where(c.id == bindparam("row"), c.status == "pending")
    free = {"owner": None, "lease_until": None}
    if done := [m for m in marks if m.outcome == "done"]:
        connection.execute(
            row.values(status="done", done_at=now, **free),
            [{"row": m.id, "message_id": m.message_id, "reason": m.reason} for m in done],
        )
    if failed := [m for m in marks if m.outcome == "failed"]:
        connection.execute(
            row.values(status="failed", done_at=now, **free), [{"row": m.id, "reason": m.reason} for m in failed]
        )
    held = [(m.id, m.due_at) for m in marks if m.outcome == "held" and m.due_at is not None]
    if held:
        connection.execute(
            row.values(attempts=c.attempts + 1),
            [{"row": id_, "due_at": due, "lease_until": due + LEASE["say"]} for id_, due in held],
        )


def release(engine: Engine, owner: str, now: datetime) -> None:
    """Free the rows of an instance's earlier life: a new process of the same name proves that it is over.

    They are due at once, also those that were held, so that none overtakes another of its chat.
    """
    with engine.begin() as connection:
        mine = update(t.outbox).where(t.outbox.c.owner == owner, t.outbox.c.status == "pending")
        connection.execute(mine.values(owner=None, lease_until=None, due_at=now))


def take(engine: Engine, owner: str, now: datetime, limit: int = 200) -> list[Row]:
    """Take rows that are due and that nobody performs, the oldest first. Each is taken by one instance only."""
    c = t.outbox.c
    free = or_(c.lease_until.is_(None), c.lease_until < now)
    query = (
        select(c.id, c.chat_id, c.kind, c.key, c.payload, c.attempts)
        .where(c.status == "pending", c.due_at <= now, free)
        .order_by(c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    with engine.begin() as connection:
        rows = [Row(**row._mapping, again=True) for row in connection.execute(query)]
        for kind, lease in LEASE.items():
            if ids := [row.id for row in rows if row.kind == kind]:
                taking = update(t.outbox).where(c.id.in_(ids))
                connection.execute(taking.values(owner=owner, lease_until=now + lease))
    return rows


def anything_due(engine: Engine, now: datetime) -> bool:
    """Whether `take` would find a row: asked first, so that an idle process never takes SQLite's write lock."""
    c = t.outbox.c
    free = or_(c.lease_until.is_(None), c.lease_until < now)
    with reading(engine).begin() as connection:
        query = select(c.id).where(c.status == "pending", c.due_at <= now, free).limit(1)
        return connection.execute(query).first() is not None


def sent_as(engine: Engine, chat_id: int, key: str) -> int | None:
    """Telegram's id of the newest message sent under a key in a chat, if it was sent."""
    c = t.outbox.c
    query = select(c.message_id).where(c.chat_id == chat_id, c.key == key, c.kind == "say").order_by(c.id.desc())
    with reading(engine).begin() as connection:
        return connection.execute(query.limit(1)).scalar()


def waiting(engine: Engine) -> dict[str, int]:
    """How many rows there are that were not performed, by status."""
    c = t.outbox.c
    about = (c.status, func.count().label("number"))
    query = select(*about).where(c.status.in_(("pending", "failed"))).group_by(c.status)
    with reading(engine).begin() as connection:
        return {row.status: row.number for row in connection.execute(query)}


def prune(engine: Engine, now: datetime) -> int:
    """Forget rows that were performed long ago; gives how many."""
    c = t.outbox.c
    with engine.begin() as connection:
        old = delete(t.outbox).where(c.status == "done", c.done_at < now - KEEP)
        return connection.execute(old).rowcount
