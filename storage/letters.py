"""Dead letters: updates, timers and outbox rows that could not be dealt with, with the reason, and trying again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import msgspec
from sqlalchemy import Connection, Engine, delete, select, update

from flows.events import AnyEvent
from flows.records import Record
from storage import tables as t
from storage.engine import reading
from storage.statements import upsert
from storage.unit_of_work import Claim, Incoming

REMEMBER = timedelta(hours=48)
"""How long claimed update ids are kept: Telegram does not deliver an update later than 24 hours."""


class Letter(Record):
    """Something set aside. It is shown without a person's words."""

    id: str
    kind: Literal["update", "timer", "message"]
    chat_id: int
    since: datetime
    reason: str


def _takes_part(connection: Connection, incoming: Incoming) -> bool:
    """Whether the words of an event may be kept: not those of who is not in, or waits for a parent."""
    u = t.users.c
    here = select(u.standing).where(u.telegram_id == incoming.event.chat_id)
    return connection.execute(here).scalar() == "active"


def set_aside(connection: Connection, incoming: Incoming, reason: str, now: datetime) -> None:
    """Keep an event that could not be handled, with its reason, in the place of its claim."""
    claim = incoming.claim
    if claim is None:
        return
    if claim.kind in ("update", "retry"):
        values = {
            "update_id": claim.id,
            "chat_id": incoming.event.chat_id,
            "claimed_at": now,
            "state": "failed",
            "event": msgspec.to_builtins(incoming.event) if _takes_part(connection, incoming) else None,
            "reason": reason,
        }
        connection.execute(upsert(connection, t.updates, ("update_id",)), values)
    elif claim.kind == "timer":
        failing = update(t.timers).where(t.timers.c.id == claim.id)
        connection.execute(failing.values(state="failed", reason=reason))
    else:
        failing = update(t.outbox).where(t.outbox.c.id == claim.id)
        connection.execute(failing.values(status="failed", reason=reason, done_at=now))


def unreadable(engine: Engine, update_id: int, reason: str, now: datetime) -> None:
    """Keep that there was an update which cannot be read; it holds nothing that could be tried again."""
    values = {"update_id": update_id, "chat_id": 0, "claimed_at": now, "state": "failed", "reason": reason}
    with engine.begin() as connection:
        connection.execute(upsert(connection, t.updates, ("update_id",)), values)


def letters(engine: Engine) -> list[Letter]:
    """All that is set aside, the oldest first."""
    u, m, o = t.updates.c, t.timers.c, t.outbox.c
    found: list[Letter] = []
    with reading(engine).begin() as connection:
        for row in connection.execute(
            select(u.update_id, u.chat_id, u.claimed_at, u.reason).where(u.state == "failed")
        ):
            found.append(_letter(f"u{row.update_id}", "update", row.chat_id, row.claimed_at, row.reason))
        for row in connection.execute(select(m.id, m.chat_id, m.due_at, m.reason).where(m.state == "failed")):
            found.append(_letter(f"t{row.id.hex}", "timer", row.chat_id, row.due_at, row.reason))
        for row in connection.execute(select(o.id, o.chat_id, o.created_at, o.reason).where(o.status == "failed")):
            found.append(_letter(f"m{row.id.hex}", "message", row.chat_id, row.created_at, row.reason))
    return sorted(found, key=lambda letter: letter.since)


def retry(engine: Engine, letter_id: str, now: datetime) -> bool:
    """Have a letter tried again by the running process; False where there is no such letter."""
    kind, name = letter_id[:1], letter_id[1:]
    with engine.begin() as connection:
        try:
            if kind == "u" and abs(int(name)) < 2**63:
                row = update(t.updates).where(t.updates.c.update_id == int(name), t.updates.c.state == "failed")
                row = row.where(t.updates.c.event.is_not(None))
                again = row.values(state="retry").returning(t.updates.c.update_id)
            elif kind == "t":
                row = update(t.timers).where(t.timers.c.id == UUID(name), t.timers.c.state == "failed")
                again = row.values(state="pending").returning(t.timers.c.id)
            elif kind == "m":
                row = update(t.outbox).where(t.outbox.c.id == UUID(name), t.outbox.c.status == "failed")
                fresh = {"status": "pending", "due_at": now, "attempts": 0, "owner": None, "lease_until": None}
                again = row.values(fresh).returning(t.outbox.c.id)
            else:
                return False
        except ValueError:
            return False
        return connection.execute(again).first() is not None


def to_retry(engine: Engine, limit: int = 100) -> list[Incoming]:
    """Updates that the operator wants tried again."""
    c = t.updates.c
    with reading(engine).begin() as connection:
        query = select(c.update_id, c.event).where(c.state == "retry").order_by(c.update_id).limit(limit)
        return [
            Incoming(event=msgspec.convert(row.event, AnyEvent), claim=Claim(kind="retry", id=row.update_id))
            for row in connection.execute(query)
        ]


def prune(engine: Engine, now: datetime) -> int:
    """Forget update ids claimed long ago; gives how many. Dead letters stay."""
    c = t.updates.c
    with engine.begin() as connection:
        old = delete(t.updates).where(c.state == "claimed", c.claimed_at < now - REMEMBER)
        return connection.execute(old).rowcount


def _letter(
    letter_id: str, kind: Literal["update", "timer", "message"], chat_id: int, since: datetime, reason: str | None
) -> Letter:
    return Letter(id=letter_id, kind=kind, chat_id=chat_id, since=since, reason=reason or "unknown")
