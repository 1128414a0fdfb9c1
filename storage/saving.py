"""Changes and effects as set-based statements: one for each kind of row, whatever the batch's size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid5

import msgspec
from sqlalchemy import Boolean, Connection, bindparam, delete, func, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from flows.changes import (
    ActionAdded,
    ActionMoved,
    ActionReviewed,
    Audited,
    Change,
    ModelUsed,
    PersonChanged,
    PersonErased,
    PersonMet,
    ReachChanged,
    SessionBegun,
    SessionMoved,
    StageKept,
    SummaryKept,
)
from flows.effects import SetTimer
from flows.state import Chat
from storage import tables as t
from storage.bookings import BOOKINGS
from storage.outbox import LEASE, Row, new_id
from storage.personal import erase_found
from storage.relations import RELATIONS, add_audit
from storage.statements import upsert

if TYPE_CHECKING:
    from storage.unit_of_work import Settled

USAGE_KEYS = ("day", "user_id", "kind", "model")
USAGE_COUNTS = ("calls", "estimated_calls", "prompt_tokens", "cached_tokens", "completion_tokens")


def save(
    connection: Connection, settled: Sequence[tuple[Chat, Settled]], *, now: datetime, owner: str
) -> list[tuple[Row, ...]]:
    """Save what was settled, each beside the chat it was settled on; gives the outbox rows of each.

    People come before their conversations, sessions before what refers to them. A chat whose person is forgotten has
    nobody any more after it: neither its conversation nor a timer is written.
    """
    by_kind: dict[type[Change], list[Any]] = {}
    for _, s in settled:
        for change in s.changes:
            by_kind.setdefault(type(change), []).append(change)
    for kind, write in WRITERS:
        if found := by_kind.get(kind):
            write(connection, found, now)
    _conversations(connection, settled, now)
    _timers(connection, settled, now)
    return _outbox(connection, settled, now, owner)


def _conversations(connection: Connection, settled: Sequence[tuple[Chat, Settled]], now: datetime) -> None:
    fresh, known = [], []
    for before, s in settled:
        if s.chat.person is None or (s.chat.conversation == before.conversation and before.person is not None):
            continue
        values = {"state": msgspec.to_builtins(s.chat.conversation), "updated_at": now}
        if before.person is None:
            person = s.chat.person.user_id
            fresh.append({"chat_id": s.chat.chat_id, "user_id": person, "version": 1, **values})
        else:
            known.append({"chat": s.chat.chat_id, **values})
    c = t.conversations.c
    if fresh:
        connection.execute(insert(t.conversations), fresh)
    if known:
        moving = update(t.conversations).where(c.chat_id == bindparam("chat"))
        connection.execute(moving.values(version=c.version + 1), known)


def _outbox(
    connection: Connection, settled: Sequence[tuple[Chat, Settled]], now: datetime, owner: str
) -> list[tuple[Row, ...]]:
    rows = [
        tuple(Row(id=new_id(), chat_id=o.chat_id, kind=o.kind, key=o.key, payload=o.payload) for o in s.outgoing)
        for _, s in settled
    ]
    values = [
        {
            "id": row.id,
            "chat_id": row.chat_id,
            "kind": row.kind,
            "key": row.key,
            "payload": row.payload,
            "status": "pending",
            "attempts": 0,
            "due_at": now,
            "owner": owner,
            "lease_until": now + LEASE[row.kind],
            "created_at": now,
        }
        for mine in rows
        for row in mine
    ]
    if values:
        connection.execute(insert(t.outbox), values)
    return rows


def _timers(connection: Connection, settled: Sequence[tuple[Chat, Settled]], now: datetime) -> None:
    setting, cancelling = {}, []
    for _, s in settled:
        if s.chat.person is None:
            continue
        for timer in s.timers:
            chat_id = s.chat.chat_id if timer.of is None else timer.of
            name = (chat_id, timer.key)
            if isinstance(timer, SetTimer):
                setting[name] = {
                    "id": new_id(),
                    "chat_id": chat_id,
                    "key": timer.key,
                    "kind": timer.kind,
                    "subject": timer.subject,
                    "due_at": timer.due_at,
                    "wall": timer.wall,
                    "attempt": timer.attempt,
                    "state": "pending",
                    "reason": None,
                    "created_at": now,
                }
            else:
                setting.pop(name, None)
                cancelling.append({"chat": chat_id, "named": timer.key})
    if cancelling:
        c = t.timers.c
        stop = update(t.timers).where(
            c.chat_id == bindparam("chat"), c.key == bindparam("named"), c.state == "pending"
        )
        connection.execute(stop.values(state="cancelled"), cancelling)
    if setting:
        connection.execute(upsert(connection, t.timers, ("chat_id", "key")), list(setting.values()))


def _people(connection: Connection, found: list[PersonMet], now: datetime) -> None:
    connection.execute(
        insert(t.users),
        [
            {
                "id": p.user_id,
                "telegram_id": p.telegram_id,
                "name": p.name,
                "language": p.language,
                "timezone": p.timezone,
                "model_help": True,
                "standing": p.standing,
                "sharing": {},
                "muted": [],
                "created_at": now,
            }
            for p in found
        ],
    )


def _people_changed(connection: Connection, found: list[PersonChanged], now: datetime) -> None:
    for change in found:
        values = msgspec.structs.asdict(change)
        user_id = values.pop("user_id")
        connection.execute(update(t.users).where(t.users.c.id == user_id).values(**values))


def _reach(connection: Connection, found: list[ReachChanged], now: datetime) -> None:
    for change in found:
        moving = update(t.users).where(t.users.c.id == change.user_id)
        connection.execute(moving.values(unreachable_since=change.unreachable_since))


def _sessions(connection: Connection, found: list[SessionBegun], now: datetime) -> None:
    connection.execute(
        insert(t.coaching_sessions),
        [
            {
                "id": s.session_id,
                "user_id": s.user_id,
                "session_type": s.session_type,
                "current_stage": 1,
                "is_complete": False,
                "record_status": "draft",
                "created_at": s.at,
                "updated_at": s.at,
            }
            for s in found
        ],
    )


def _sessions_moved(connection: Connection, found: list[SessionMoved], now: datetime) -> None:
    latest = {s.session_id: s for s in found}
    connection.execute(
        update(t.coaching_sessions).where(t.coaching_sessions.c.id == bindparam("session")),
        [
            {
                "session": s.session_id,
                "current_stage": s.current_stage,
                "topic": s.topic,
                "is_complete": s.is_complete,
                "ended": s.ended,
                "updated_at": s.at,
            }
            for s in latest.values()
        ],
    )


def _stages(connection: Connection, found: list[StageKept], now: datetime) -> None:
    latest = {(s.session_id, s.stage): s for s in found}
    statement = upsert(connection, t.stage_responses, ("session_id", "stage_number"), kept=("id", "created_at"))
    connection.execute(
        statement,
        [
            {
                "id": uuid5(s.session_id, f"stage {s.stage}"),
                "session_id": s.session_id,
                "stage_number": s.stage,
                "responses": {"fields": s.fields, "turns": s.turns},
                "updated_at": now,
                "created_at": now,
            }
            for s in latest.values()
        ],
    )


def _summaries(connection: Connection, found: list[SummaryKept], now: datetime) -> None:
    """A new version each; the newest is on the session too."""
    for kept in found:
        document = msgspec.to_builtins(kept.document)
        newest = select(func.max(t.summaries.c.version)).where(t.summaries.c.session_id == kept.session_id)
        version = (connection.execute(newest).scalar() or 0) + 1
        connection.execute(
            insert(t.summaries).values(
                id=uuid5(kept.session_id, f"summary {version}"),
                session_id=kept.session_id,
                version=version,
                document=document,
                writer=kept.document.writer,
                prompt=kept.document.prompt,
                model=kept.document.model,
                created_at=now,
            )
        )
        moving = update(t.coaching_sessions).where(t.coaching_sessions.c.id == kept.session_id)
        connection.execute(moving.values(summary=document, updated_at=now))


def add_usage(connection: Connection, found: list[ModelUsed], now: datetime) -> None:
    """Add to what was spent that day. Rows are written in the order of their keys: no two writers wait for each
    other in a circle."""
    totals: dict[tuple[Any, ...], dict[str, Any]] = {}
    for used in found:
        key = (used.day, used.user_id, used.spent.kind, used.spent.model[:128])
        row = totals.setdefault(key, dict(zip(USAGE_KEYS, key, strict=True)) | dict.fromkeys(USAGE_COUNTS, 0))
        row["calls"] += 1
        row["estimated_calls"] += used.spent.estimated
        row["prompt_tokens"] += used.spent.prompt
        row["cached_tokens"] += used.spent.cached
        row["completion_tokens"] += used.spent.completion
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(t.model_usage)
    more = {name: t.model_usage.c[name] + statement.excluded[name] for name in USAGE_COUNTS}
    rows = [totals[key] for key in sorted(totals, key=str)]
    connection.execute(statement.on_conflict_do_update(index_elements=USAGE_KEYS, set_=more), rows)


def _actions(connection: Connection, found: list[ActionAdded], now: datetime) -> None:
    connection.execute(
        upsert(connection, t.action_plans, ("id",), kept=("created_at",)),
        [
            {
                "id": a.action_id,
                "user_id": a.user_id,
                "session_id": a.session_id,
                "title": a.title,
                "description": a.description,
                "goal_statement": a.goal_statement,
                "smart_criteria": a.smart_criteria,
                "priority": a.priority,
                "status": "pending",
                "timeline_start": a.timeline_start,
                "timeline_end": a.timeline_end,
                "origin": a.origin,
                "evidence": a.evidence,
                "updated_at": now,
                "created_at": now,
            }
            for a in found
        ],
    )
    milestones = [
        {
            "id": uuid5(a.action_id, f"milestone {number}"),
            "action_plan_id": a.action_id,
            "number": number,
            "title": milestone.title,
            "description": "",
            "due_date": milestone.due,
            "completed": False,
            "created_at": now,
        }
        for a in found
        for number, milestone in enumerate(a.milestones, 1)
    ]
    m = t.milestones.c
    connection.execute(delete(t.milestones).where(m.action_plan_id.in_([a.action_id for a in found])))
    if milestones:
        connection.execute(insert(t.milestones), milestones)


def _actions_moved(connection: Connection, found: list[ActionMoved], now: datetime) -> None:
    latest = {a.action_id: a for a in found}
    connection.execute(
        update(t.action_plans).where(t.action_plans.c.id == bindparam("action")),
        [
            {
                "action": a.action_id,
                "status": a.status,
                "completed_at": a.at if a.status == "completed" else None,
                "updated_at": a.at,
            }
            for a in latest.values()
        ],
    )


def _actions_reviewed(connection: Connection, found: list[ActionReviewed], now: datetime) -> None:
    c = t.action_plans.c
    stands = (c.status == bindparam("was")) & (c.dropped_at.is_not(None) == bindparam("was_dropped"))
    connection.execute(
        update(t.action_plans).where(c.id == bindparam("action"), or_(bindparam("always", type_=Boolean), stands)),
        [
            {
                "action": a.action_id,
                "always": a.was is None,
                "was": a.was or a.status,
                "was_dropped": a.was_dropped,
                "status": a.status,
                "title": a.title,
                "description": a.description,
                "timeline_end": a.due,
                "completed_at": a.at if a.status == "completed" else None,
                "dropped_at": a.at if a.dropped else None,
                "updated_at": a.at,
            }
            for a in found
        ],
    )


Writer = Callable[[Connection, list[Any], datetime], None]
WRITERS: tuple[tuple[type[Change], Writer], ...] = (
    (PersonMet, _people),
    (PersonChanged, _people_changed),
    (ReachChanged, _reach),
    *RELATIONS,
    (SessionBegun, _sessions),
    (SessionMoved, _sessions_moved),
    (StageKept, _stages),
    (SummaryKept, _summaries),
    (ModelUsed, add_usage),
    (ActionAdded, _actions),
    (ActionMoved, _actions_moved),
    (ActionReviewed, _actions_reviewed),
    *BOOKINGS,
    (Audited, add_audit),
    (PersonErased, erase_found),
)
"""In the order in which rows may refer to each other; who is forgotten comes last."""
