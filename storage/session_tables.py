"""The tables of booked sessions: programmes, resources, sessions, hours, holds, what happened, calendars.

That a coach, a coachee or a resource is in one session at a time is refused by the database: by an exclusion
constraint on PostgreSQL, by the triggers of the migrations on SQLite.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    Uuid,
    false,
    func,
    true,
)
from sqlalchemy.dialects.postgresql import ExcludeConstraint

from storage.columns import Json, Moment, created, metadata, one_of

TAKES_PLACE = "status IN ('scheduled', 'pending', 'completed', 'missed')"
"""The sessions that take their time: no other one of the same coach, coachee or resource may be then."""

# Machines and rooms. Each is for one session at a time; one that has sessions cannot be deleted.
resources = Table(
    "resources",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("number", Integer, nullable=False, unique=True),
    Column("kind", String(7), nullable=False),
    Column("name", Text, nullable=False),
    Column("in_service", Boolean, nullable=False, server_default=true()),
    created(),
    one_of("kind", "machine", "room"),
    CheckConstraint("number > 0", name="number"),
)

# A series of sessions of a coachee. `timezone` is the one whose wall clock its times keep.
programmes = Table(
    "programmes",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("coachee_id", Uuid, ForeignKey("users.id"), nullable=False, index=True),
    Column("coach_id", Uuid, ForeignKey("users.id"), index=True),
    Column("timezone", String(64), nullable=False),
    Column("minutes", Integer, nullable=False),
    Column("created_by", Uuid),
    created(),
    CheckConstraint("minutes BETWEEN 10 AND 480", name="minutes"),
)

# One row is one time of a session. One that is rescheduled stays, and `replaces_id` of the new one names it; both
# have the same number. `resource_held` is false where two sessions were on one resource before this was refused.
scheduled_sessions = Table(
    "scheduled_sessions",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("programme_id", Uuid, ForeignKey("programmes.id"), nullable=False, index=True),
    Column("session_number", Integer, nullable=False),
    Column("coachee_id", Uuid, ForeignKey("users.id"), nullable=False),
    Column("coach_id", Uuid, ForeignKey("users.id")),
    Column("resource_id", Uuid, ForeignKey("resources.id", ondelete="RESTRICT"), nullable=False),
    Column("resource_held", Boolean, nullable=False, server_default=true()),
    Column("starts_at", Moment, nullable=False),
    Column("ends_at", Moment, nullable=False),
    Column("status", String(11), nullable=False),
    Column("version", Integer, nullable=False),
    Column("replaces_id", Uuid, ForeignKey("scheduled_sessions.id"), index=True),
    Column("moves", Integer, nullable=False, server_default="0"),
    Column("absent", String(7)),
    Column("resolved_at", Moment),
    Column("resolved_by", Uuid),
    Column("cancellation_status", String(8), nullable=False, server_default="none"),
    Column("cancellation_requested_at", Moment),
    Column("cancellation_reason", Text),
    Column("cancellation_expires_at", Moment),
    Column("record_status", String(9)),
    Column("record_date", Date),
    Column("record_topic", Text),
    Column("coach_notes", Text),
    Column("conversation_id", Uuid, ForeignKey("coaching_sessions.id", ondelete="SET NULL"), index=True),
    Column("calendar_uid", String(64), nullable=False),
    Column("calendar_sequence", Integer, nullable=False, server_default="0"),
    Column("calendar_state", String(7), nullable=False, server_default="none"),
    Column("calendar_event_id", Text),
    Column("updated_at", Moment, nullable=False),
    created(),
    one_of("status", "scheduled", "pending", "completed", "missed", "rescheduled", "cancelled"),
    one_of("cancellation_status", "none", "pending", "approved", "rejected"),
    one_of("absent", "coachee", "coach", "both"),
    one_of("record_status", "draft", "submitted"),
    one_of("calendar_state", "none", "waiting", "ok", "failed"),
    CheckConstraint("ends_at > starts_at", name="ends_after_it_starts"),
    CheckConstraint("session_number > 0", name="session_number"),
    Index("ix_scheduled_sessions_coachee_id", "coachee_id", "starts_at"),
    Index("ix_scheduled_sessions_coach_id", "coach_id", "starts_at"),
    Index("ix_scheduled_sessions_resource_id", "resource_id", "starts_at"),
)
_S = scheduled_sessions.c
_IN_PLACE = _S.status != "rescheduled"
Index(
    "uq_scheduled_sessions_number",
    _S.programme_id,
    _S.session_number,
    unique=True,
    sqlite_where=_IN_PLACE,
    postgresql_where=_IN_PLACE,
)


def _never_two(table: Table, column: str, where: str | None = None) -> None:
    table.append_constraint(
        ExcludeConstraint(
            (table.c[column], "="),
            (func.tstzrange(table.c.starts_at, table.c.ends_at), "&&"),
            name=f"ex_{table.name}_{column}",
            using="gist",
            where=where,
        ).ddl_if(dialect="postgresql")
    )


_never_two(scheduled_sessions, "coach_id", TAKES_PLACE)
_never_two(scheduled_sessions, "coachee_id", TAKES_PLACE)
_never_two(scheduled_sessions, "resource_id", f"{TAKES_PLACE} AND resource_held")

# SQLite's triggers look twelve hours back, so no session is longer. Moments are text there, of six decimals.
for _dialect, _condition in (
    ("postgresql", "ends_at - starts_at <= interval '12 hours'"),
    ("sqlite", "ends_at <= datetime(substr(starts_at, 1, 19), '+12 hours') || substr(starts_at, 20)"),
):
    scheduled_sessions.append_constraint(
        CheckConstraint(_condition, name="at_most_twelve_hours").ddl_if(dialect=_dialect)
    )

# That a session be cancelled, asked of who decides on it, and what came of it. There is one that is open for a
# session at a time, and it is decided once: each change names the version that it was decided on.
consents = Table(
    "consents",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("session_id", Uuid, ForeignKey("scheduled_sessions.id"), nullable=False, index=True),
    Column("coachee_id", Uuid, ForeignKey("users.id"), nullable=False),
    Column("asked_by", Uuid, ForeignKey("users.id"), index=True),
    Column("asked_as", String(8), nullable=False),
    Column("reason", Text, nullable=False),
    Column("asked_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("decider", String(8), nullable=False),
    Column("on_silence", String(8), nullable=False),
    Column("status", String(9), nullable=False),
    Column("version", Integer, nullable=False),
    Column("escalated", Boolean, nullable=False, server_default=false()),
    Column("decided_at", Moment),
    Column("decided_by", Uuid, ForeignKey("users.id"), index=True),
    Column("decided_as", String(9)),
    Column("words", Text),
    Column("called_at", Moment),
    Column("call_by", Uuid, ForeignKey("users.id"), index=True),
    Column("call_until", Moment),
    Column("call_left", Integer, nullable=False, server_default="0"),
    Column("phone", String(32)),
    Column("call_outcome", String(9)),
    Column("reported_at", Moment),
    created(),
    one_of("asked_as", "coachee", "coach", "parent", "operator"),
    one_of("decider", "parent", "coachee", "operator"),
    one_of("on_silence", "approve", "keep", "escalate"),
    one_of("status", "open", "approved", "kept", "moved", "withdrawn", "overtaken"),
    one_of("decided_as", "parent", "coachee", "coach", "operator", "no_answer"),
    one_of("call_outcome", "agreed", "keep", "another", "unreached"),
    CheckConstraint("(status = 'open') = (decided_at IS NULL)", name="decided_once"),
    CheckConstraint("decided_as <> 'no_answer' OR decided_by IS NULL", name="no_answer_is_nobodys"),
    CheckConstraint("status = 'open' OR phone IS NULL", name="phone_while_open"),
    Index("ix_consents_coachee_id", "coachee_id", "asked_at"),
)
_OPEN = consents.c.status == "open"
Index("uq_consents_open", consents.c.session_id, unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN)

# When a coach can be booked, on their own wall clock: `weekly` is [[weekday from 0 (Monday), "15:00", "19:00"], ...],
# `exceptions` is {"2026-12-24": [["09:00", "11:00"], ...]}, a day without any hours being off.
availabilities = Table(
    "availabilities",
    metadata,
    Column("coach_id", Uuid, ForeignKey("users.id"), primary_key=True),
    Column("weekly", Json, nullable=False),
    Column("exceptions", Json, nullable=False),
    Column("minutes", Integer, nullable=False),
    Column("buffer", Integer, nullable=False),
    Column("notice_hours", Integer, nullable=False),
    Column("updated_at", Moment, nullable=False),
    created(),
)

# A time that somebody is choosing, theirs until it runs out. A person holds one at a time.
slot_holds = Table(
    "slot_holds",
    metadata,
    Column("held_by", Uuid, ForeignKey("users.id"), primary_key=True),
    Column("coach_id", Uuid, ForeignKey("users.id"), index=True),
    Column("coachee_id", Uuid, ForeignKey("users.id"), nullable=False, index=True),
    Column("resource_id", Uuid, ForeignKey("resources.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("starts_at", Moment, nullable=False),
    Column("ends_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    created(),
    CheckConstraint("ends_at > starts_at", name="ends_after_it_starts"),
)
for _column in ("coach_id", "coachee_id", "resource_id"):
    _never_two(slot_holds, _column)

# What happened in a coachee's learning, for their history and for what is read out of it later.
learning_events = Table(
    "learning_events",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("coachee_id", Uuid, ForeignKey("users.id"), nullable=False),
    Column("coach_id", Uuid, ForeignKey("users.id"), index=True),
    Column("session_id", Uuid, ForeignKey("scheduled_sessions.id", ondelete="SET NULL"), index=True),
    Column("event_type", String(21), nullable=False),
    Column("event_date", Moment, nullable=False),
    Column("event_data", Json, nullable=False),
    Column("content_for_embedding", Text, nullable=False),
    Column("embedding", Json),
    created(),
    one_of(
        "event_type",
        *("session", "assessment", "video", "quiz", "badge", "streak", "level_up", "daily_recommendations"),
        *("session_completed", "session_cancelled", "session_rescheduled", "session_missed"),
    ),
    Index("ix_learning_events_coachee_id", "coachee_id", "event_date"),
)

# A coach's own question in a session that they lead, and what the coachee said to it.
coach_questions = Table(
    "coach_questions",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("session_id", Uuid, ForeignKey("scheduled_sessions.id"), nullable=False, index=True),
    Column("coach_id", Uuid, ForeignKey("users.id"), index=True),
    Column("coachee_id", Uuid, ForeignKey("users.id"), nullable=False, index=True),
    Column("text", Text, nullable=False),
    Column("status", String(8), nullable=False),
    Column("answer", Text),
    Column("answered_at", Moment),
    created(),
    one_of("status", "waiting", "put", "answered", "skipped", "dropped"),
)

# The private address of a person's calendar. Only the hash of its token is kept.
calendar_feeds = Table(
    "calendar_feeds",
    metadata,
    Column("user_id", Uuid, ForeignKey("users.id"), primary_key=True),
    Column("token_hash", String(64), unique=True),
    created(),
)
