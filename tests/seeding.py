"""A person with a word of their own in every column of every table that is theirs, found by walking the schema."""

from __future__ import annotations

from datetime import date, timedelta
from importlib import import_module
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    Date,
    Engine,
    Integer,
    String,
    Table,
    Text,
    Uuid,
    insert,
    select,
    update,
)

from storage import tables as t
from tests.playbook import START

MACHINE_1_ID: UUID = import_module("storage.migrations.versions.0007_resources").MACHINE_1_ID
"""The resource that there is in every database."""
CHOICES: dict[tuple[str, str], Any] = {
    ("users", "language"): "en",
    ("users", "timezone"): "Europe/Berlin",
    ("users", "standing"): "active",
    ("users", "quiet_from"): "22:00",
    ("users", "quiet_until"): "07:00",
    ("user_roles", "role"): "operator",
    ("coach_coachee_mappings", "kind"): "secondary",
    ("invites", "role"): "parent",
    ("invites", "kind"): "primary",
    ("audit_log", "via"): "chat",
    ("audit_log", "outcome"): "done",
    ("updates", "state"): "failed",
    ("outbox", "kind"): "say",
    ("outbox", "status"): "done",
    ("timers", "state"): "cancelled",
    ("coaching_sessions", "session_type"): "self_coaching",
    ("coaching_sessions", "ended"): "completed",
    ("coaching_sessions", "record_status"): "draft",
    ("action_plans", "status"): "pending",
    ("action_plans", "origin"): "coachee",
    ("summaries", "writer"): "plain",
    ("model_usage", "kind"): "summary",
    ("programmes", "timezone"): "Europe/Berlin",
    ("programmes", "minutes"): 60,
    ("scheduled_sessions", "status"): "completed",
    ("scheduled_sessions", "absent"): "coachee",
    ("scheduled_sessions", "cancellation_status"): "none",
    ("scheduled_sessions", "record_status"): "submitted",
    ("scheduled_sessions", "calendar_state"): "ok",
    ("availabilities", "weekly"): [[0, "15:00", "19:00"]],
    ("availabilities", "exceptions"): {"2026-12-24": []},
    ("learning_events", "event_type"): "session_completed",
    ("coach_questions", "status"): "answered",
    ("consents", "asked_as"): "coach",
    ("consents", "decider"): "parent",
    ("consents", "on_silence"): "approve",
    ("consents", "status"): "kept",
    ("consents", "phone"): None,  # it is kept only while a consent is open
    ("consents", "decided_as"): "parent",
    ("consents", "call_outcome"): "agreed",
}
"""Columns that hold one of a few words of ours, or a code: no person's words can be in them."""
BOOKED = ("programmes", "scheduled_sessions", "slot_holds", "learning_events", "coach_questions")
"""Tables of booked sessions that are about a coachee and a coach."""
PEOPLE: dict[str, tuple[tuple[str, str], ...]] = {
    "coachee": (
        ("coach_coachee_mappings", "coachee_id"),
        ("guardianships", "child_id"),
        ("coach_notes", "coachee_id"),
        ("invites", "coachee_id"),
        *((name, "coachee_id") for name in BOOKED),
        ("slot_holds", "held_by"),
        ("consents", "coachee_id"),
        ("consents", "decided_by"),
    ),
    "coach": (
        ("coach_coachee_mappings", "coach_id"),
        ("guardianships", "parent_id"),
        ("coach_notes", "coach_id"),
        ("invites", "inviter_id"),
        *((name, "coach_id") for name in BOOKED),
        ("slot_holds", "held_by"),
        ("consents", "asked_by"),
        ("consents", "decided_by"),
    ),
}
"""Which of the people of a row the person is, by their role; the others are somebody else, or nobody."""


def document(word: str) -> dict[str, Any]:
    """A summary."""
    return {
        "theme": word,
        "executive_summary": [{"text": word}],
        "key_insights": [],
        "goal_statement": {"text": word},
        "action_plan": [],
        "success_metrics": [],
        "support": [],
        "writer": "plain",
    }


SHAPES: dict[tuple[str, str], Any] = {
    ("users", "sharing"): lambda word: {word: ["plan"]},
    ("users", "muted"): lambda word: [word],
    ("conversations", "state"): lambda word: {"wording": word},
    ("coaching_sessions", "summary"): document,
    ("summaries", "document"): document,
    ("stage_responses", "responses"): lambda word: {
        "fields": {"topic": word},
        "turns": [{"n": 1, "step": "topic", "text": word, "at": START.isoformat(), "question": "ask.topic.1"}],
    },
}
"""JSON that is read by the product has its shape; any other is {"word": ...}."""


class Seeded:
    """A person's words, by table and column."""

    def __init__(self, user_id: UUID, chat_id: int, role: str, letter: str) -> None:
        self.user_id, self.chat_id, self.role, self.letter = user_id, chat_id, role, letter
        self.words: dict[tuple[str, str], str] = {}

    def word(self, table: Table, column: Column[Any]) -> str:
        """The word of a column: nobody else's, and in no other."""
        return self.words.setdefault((table.name, column.name), f"Zq{self.letter}x{len(self.words):03d}w")

    def id(self, name: str) -> UUID:
        """The id of their row of a table."""
        return uuid5(self.user_id, name)


def seed(engine: Engine, seeded: Seeded, other: UUID) -> Seeded:
    """Give a person who is known already a row of every table, with `other` as the other side of it."""
    with engine.begin() as connection:
        for table in t.metadata.sorted_tables:
            if table not in (t.tombstones, t.resources):  # a machine is about nobody: all are on the one there is
                _row(connection, table, seeded, other)
    return seeded


def _row(connection: Connection, table: Table, seeded: Seeded, other: UUID) -> None:
    values = {column.name: _value(table, column, seeded, other) for column in table.columns}
    if table is t.users:
        wanted = {n: v for n, v in values.items() if n not in ("id", "telegram_id", "created_at", "deletion_due_at")}
        connection.execute(update(table).where(table.c.id == seeded.user_id).values(wanted))
    elif table is t.conversations:
        mine = table.c.user_id == seeded.user_id
        state = connection.execute(select(table.c.state).where(mine)).scalar() or {}
        connection.execute(update(table).where(mine).values(state=state | values["state"]))
    elif table is t.user_roles and seeded.role == "coachee":
        return
    else:
        connection.execute(insert(table).values(values))


def _value(table: Table, column: Column[Any], seeded: Seeded, other: UUID) -> Any:
    name = (table.name, column.name)
    if name in CHOICES:
        return CHOICES[name]
    kind = column.type
    if isinstance(kind, JSON):
        word = seeded.word(table, column)
        return SHAPES.get(name, lambda word: {"word": word})(word)
    if isinstance(kind, String | Text):
        return seeded.word(table, column)
    if column.name in ("starts_at", "ends_at"):  # each person's own day: no two may have the machine at once
        return START + timedelta(days=ord(seeded.letter), hours=column.name == "ends_at")
    if isinstance(kind, t.Moment):
        return None if column.name in ("unreachable_since", "deletion_due_at", "dropped_at") else START
    if isinstance(kind, Uuid):
        if column.name == "resource_id":
            return MACHINE_1_ID
        return _who(table, column, seeded, other)
    if isinstance(kind, Boolean):
        return True
    if isinstance(kind, Date):
        return date(2026, 11, 23)
    if isinstance(kind, Integer | BigInteger):
        many = {"chat_id": seeded.chat_id, "update_id": 10**12 + seeded.chat_id, "birth_year": 1990}
        return many.get(column.name, 1)
    raise AssertionError(f"{table.name}.{column.name}: what is to be in it?")


def _who(table: Table, column: Column[Any], seeded: Seeded, other: UUID) -> UUID | None:
    referred = {key.column.table.name for key in column.foreign_keys}
    if "users" in referred and table.name in dict(PEOPLE[seeded.role]):
        if (table.name, column.name) in PEOPLE[seeded.role]:
            return seeded.user_id
        return None if column.nullable else other
    if "users" in referred or column.name in ("actor_id", "subject"):
        return seeded.user_id
    if referred:
        return seeded.id(referred.pop())
    return seeded.id(table.name) if column.primary_key else other


def dumped(engine: Engine) -> str:
    """All that the database holds: of SQLite the bytes of its file and its log, of PostgreSQL every row as text."""
    if engine.dialect.name == "sqlite":
        path = str(engine.url.database)
        raw = b""
        for end in ("", "-wal"):
            with open(path + end, "rb") as file:
                raw += file.read()
        return raw.decode("latin-1")
    with engine.connect() as connection:
        rows = [row for table in t.metadata.sorted_tables for row in connection.execute(select(table))]
    return "\n".join(repr(tuple(row)) for row in rows)  # whole: a row as text is cut where it is long


def rows_of(engine: Engine, seeded: Seeded) -> dict[str, list[Any]]:
    """The rows that hold a word of theirs, by table."""
    mine = f"Zq{seeded.letter}x"
    with engine.connect() as connection:
        return {
            table.name: [row for row in (repr(tuple(r)) for r in connection.execute(select(table))) if mine in row]
            for table in t.metadata.sorted_tables
        }
