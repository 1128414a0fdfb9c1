"""The audit log, for the operator: who did, or tried to do, what to whom. It holds no words of a person."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import Engine, or_, select

from flows.changes import Audited
from flows.records import Record
from storage import tables as t
from storage.engine import reading
from storage.relations import add_audit


class Entry(Record):
    """An entry of the log. The names are those of now; None where nobody has the id (any more)."""

    at: datetime
    via: Literal["chat", "command", "clock"]
    action: str
    outcome: Literal["done", "refused"]
    reason: str
    actor_id: UUID | None = None
    actor: str | None = None
    subject_id: UUID | None = None
    subject: str | None = None


def record(engine: Engine, audited: Audited) -> None:
    """Add an entry for what no chat's event led to."""
    with engine.begin() as connection:
        add_audit(connection, [audited], audited.at)


def entries(
    engine: Engine,
    *,
    person: UUID | None = None,
    refused: bool = False,
    since: datetime | None = None,
    limit: int | None = None,
) -> list[Entry]:
    """The log, the newest first: of what a person did or what was done to them, of what was refused, since when."""
    a = t.audit_log.c
    actor, subject = t.users.alias("actor"), t.users.alias("subject")
    query = (
        select(t.audit_log, actor.c.name.label("actor"), subject.c.name.label("subject"))
        .outerjoin(actor, actor.c.id == a.actor_id)
        .outerjoin(subject, subject.c.id == a.subject_id)
        .order_by(a.at.desc(), a.id.desc())
        .limit(limit)
    )
    if person is not None:
        query = query.where(or_(a.actor_id == person, a.subject_id == person))
    if refused:
        query = query.where(a.outcome == "refused")
    if since is not None:
        query = query.where(a.at >= since)
    with reading(engine).begin() as connection:
        rows = list(connection.execute(query))
    return [Entry(**{name: value for name, value in row._mapping.items() if name != "id"}) for row in rows]
