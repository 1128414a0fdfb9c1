"""The tables. Names are fixed in the design; what the database can refuse, it refuses itself.

Those of booked sessions are in `session_tables`; all are reached from here.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
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
    UniqueConstraint,
    Uuid,
    true,
)

from storage.columns import Json, created, one_of
from storage.columns import Moment as Moment
from storage.columns import metadata as metadata
from storage.session_tables import availabilities as availabilities
from storage.session_tables import calendar_feeds as calendar_feeds
from storage.session_tables import coach_questions as coach_questions
from storage.session_tables import consents as consents
from storage.session_tables import learning_events as learning_events
from storage.session_tables import programmes as programmes
from storage.session_tables import resources as resources
from storage.session_tables import scheduled_sessions as scheduled_sessions
from storage.session_tables import slot_holds as slot_holds

users = Table(
    "users",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("telegram_id", BigInteger, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("language", String(35), nullable=False),
    Column("timezone", String(64), nullable=False),
    Column("model_help", Boolean, nullable=False, server_default=true()),
    Column("unreachable_since", Moment),
    Column("standing", String(8), nullable=False, server_default="joining"),
    Column("birth_year", Integer),
    Column("sharing", Json, nullable=False, server_default="{}"),
    Column("quiet_from", String(5)),
    Column("quiet_until", String(5)),
    Column("daily_cap", Integer),
    Column("muted", Json, nullable=False, server_default="[]"),
    Column("deletion_due_at", Moment),
    created(),
    one_of("standing", "joining", "waiting", "active", "inactive"),
)

# Who may do what is asked of these rows at the moment of the act; nothing else says it.
user_roles = Table(
    "user_roles",
    metadata,
    Column("user_id", Uuid, ForeignKey("users.id"), primary_key=True),
    Column("role", String(8), primary_key=True),
    Column("granted_by", Uuid),
    created(),
    one_of("role", "coachee", "coach", "parent", "operator"),
)

# One row for a pair of people; it is ended and taken up again, never doubled.
coach_coachee_mappings = Table(
    "coach_coachee_mappings",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("coach_id", Uuid, ForeignKey("users.id"), nullable=False),
    Column("coachee_id", Uuid, ForeignKey("users.id"), nullable=False, index=True),
    Column("kind", String(9), nullable=False),
    Column("active", Boolean, nullable=False),
    Column("ended_at", Moment),
    Column("updated_at", Moment, nullable=False),
    created(),
    one_of("kind", "primary", "secondary"),
    UniqueConstraint("coach_id", "coachee_id"),
    CheckConstraint("coach_id <> coachee_id", name="two_people"),
)
_PRIMARY = (coach_coachee_mappings.c.kind == "primary") & coach_coachee_mappings.c.active
Index(
    "uq_coach_coachee_mappings_primary",
    coach_coachee_mappings.c.coachee_id,
    unique=True,
    sqlite_where=_PRIMARY,
    postgresql_where=_PRIMARY,
)

# A parent of a coachee. `agreed_at`: their agreement, where the coachee is too young to give it.
guardianships = Table(
    "guardianships",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("parent_id", Uuid, ForeignKey("users.id"), nullable=False),
    Column("child_id", Uuid, ForeignKey("users.id"), nullable=False, index=True),
    Column("active", Boolean, nullable=False),
    Column("agreed_at", Moment),
    Column("withdrawn_at", Moment),
    Column("updated_at", Moment, nullable=False),
    created(),
    UniqueConstraint("parent_id", "child_id"),
    CheckConstraint("parent_id <> child_id", name="two_people"),
)

# One-time links. The token itself is nowhere: it is made as the link is sent, and its hash is kept.
invites = Table(
    "invites",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("token_hash", String(64), unique=True),
    Column("role", String(8), nullable=False),
    Column("inviter_id", Uuid, ForeignKey("users.id"), index=True),
    Column("coachee_id", Uuid, ForeignKey("users.id"), index=True),
    Column("coach_id", Uuid, ForeignKey("users.id"), index=True),
    Column("kind", String(9), nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("used_at", Moment),
    Column("used_by", Uuid, ForeignKey("users.id"), index=True),
    Column("revoked_at", Moment),
    created(),
    one_of("role", "coachee", "coach", "parent", "operator"),
    one_of("kind", "primary", "secondary"),
)

# A coach's own notes of a coachee, for nobody else.
coach_notes = Table(
    "coach_notes",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("coach_id", Uuid, ForeignKey("users.id"), nullable=False, index=True),
    Column("coachee_id", Uuid, ForeignKey("users.id"), nullable=False, index=True),
    Column("text", Text, nullable=False),
    created(),
)

# Who did, or tried to do, what to whom. It holds no words; ids outlive the people they were.
audit_log = Table(
    "audit_log",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("actor_id", Uuid),
    Column("via", String(8), nullable=False),
    Column("action", String(32), nullable=False),
    Column("subject_id", Uuid),
    Column("outcome", String(7), nullable=False),
    Column("reason", String(64), nullable=False),
    one_of("via", "chat", "command", "clock"),
    one_of("outcome", "done", "refused"),
    Index("ix_audit_log_at", "at"),
    Index("ix_audit_log_actor_id", "actor_id"),
    Index("ix_audit_log_subject_id", "subject_id"),
)

# People who are gone, by nothing but the id they had here: what a restored backup brings back is erased again.
tombstones = Table(
    "tombstones",
    metadata,
    Column("user_id", Uuid, primary_key=True),
    Column("erased_at", Moment, nullable=False),
)

conversations = Table(
    "conversations",
    metadata,
    Column("chat_id", BigInteger, primary_key=True, autoincrement=False),
    Column("user_id", Uuid, ForeignKey("users.id"), nullable=False, index=True),
    Column("state", Json, nullable=False),
    Column("version", Integer, nullable=False),
    Column("updated_at", Moment, nullable=False),
)

# Claimed update ids. One that could not be handled stays as a dead letter with its event and the reason.
updates = Table(
    "updates",
    metadata,
    Column("update_id", BigInteger, primary_key=True, autoincrement=False),
    Column("chat_id", BigInteger, nullable=False),
    Column("claimed_at", Moment, nullable=False),
    Column("state", String(8), nullable=False),
    Column("event", Json),
    Column("reason", Text),
    one_of("state", "claimed", "failed", "retry"),
    Index("ix_updates_claimed_at", "claimed_at"),
)
Index(
    "ix_updates_set_aside",
    updates.c.state,
    sqlite_where=updates.c.state != "claimed",
    postgresql_where=updates.c.state != "claimed",
)

# Ids are time-ordered (UUID version 7): a chat's messages leave in the order of their ids.
outbox = Table(
    "outbox",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("chat_id", BigInteger, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("key", String(64)),
    Column("payload", Json, nullable=False),
    Column("status", String(8), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("owner", String(64)),
    Column("lease_until", Moment),
    Column("message_id", BigInteger),
    Column("reason", Text),
    Column("done_at", Moment),
    created(),
    one_of(
        "kind",
        *("say", "edit", "file", "link", "commands", "export", "invitation", "feed"),
        *("request_summary", "reflect", "transcribe", "calendar"),
    ),
    one_of("status", "pending", "done", "failed"),
)
_PENDING = outbox.c.status == "pending"
_FAILED = outbox.c.status == "failed"
_NAMED = (outbox.c.key.is_not(None)) & (outbox.c.kind == "say")
Index("ix_outbox_due_at", outbox.c.due_at, sqlite_where=_PENDING, postgresql_where=_PENDING)
Index("ix_outbox_failed", outbox.c.id, sqlite_where=_FAILED, postgresql_where=_FAILED)
Index("ix_outbox_named", outbox.c.chat_id, outbox.c.key, sqlite_where=_NAMED, postgresql_where=_NAMED)

timers = Table(
    "timers",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("chat_id", BigInteger, nullable=False),
    Column("key", String(64), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("subject", Uuid, nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("wall", String(16)),
    Column("attempt", Integer, nullable=False),
    Column("state", String(9), nullable=False),
    Column("reason", Text),
    created(),
    one_of("state", "pending", "fired", "cancelled", "failed"),
    UniqueConstraint("chat_id", "key"),
)
_WAITING = timers.c.state == "pending"
Index("ix_timers_due_at", timers.c.due_at, sqlite_where=_WAITING, postgresql_where=_WAITING)

coaching_sessions = Table(
    "coaching_sessions",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey("users.id"), nullable=False, index=True),
    Column("session_type", String(16), nullable=False),
    Column("current_stage", Integer, nullable=False),
    Column("is_complete", Boolean, nullable=False),
    Column("ended", String(9)),
    Column("summary", Json),
    Column("topic", Text),
    Column("notes", Text),
    Column("record_status", String(9), nullable=False),
    Column("updated_at", Moment, nullable=False),
    created(),
    one_of("session_type", "self_coaching", "coach_led"),
    one_of("ended", "completed", "stopped"),
    one_of("record_status", "draft", "submitted"),
    CheckConstraint("current_stage BETWEEN 1 AND 5", name="current_stage"),
)

stage_responses = Table(
    "stage_responses",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("session_id", Uuid, ForeignKey("coaching_sessions.id"), nullable=False),
    Column("stage_number", Integer, nullable=False),
    Column("responses", Json, nullable=False),
    Column("updated_at", Moment, nullable=False),
    created(),
    UniqueConstraint("session_id", "stage_number"),
    CheckConstraint("stage_number BETWEEN 1 AND 5", name="stage_number"),
)

# One row is one action item, whoever made it.
action_plans = Table(
    "action_plans",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey("users.id"), nullable=False, index=True),
    Column("session_id", Uuid, ForeignKey("coaching_sessions.id"), nullable=False, index=True),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("goal_statement", Text, nullable=False),
    Column("smart_criteria", Json, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("status", String(11), nullable=False),
    Column("timeline_start", Date, nullable=False),
    Column("timeline_end", Date),
    Column("origin", String(16), nullable=False),
    Column("evidence", Json, nullable=False),
    Column("completed_at", Moment),
    Column("dropped_at", Moment),
    Column("updated_at", Moment, nullable=False),
    created(),
    one_of("status", "pending", "in_progress", "completed", "blocked"),
    one_of("origin", "coachee", "suggestion"),
    CheckConstraint("priority BETWEEN 1 AND 5", name="priority"),
    CheckConstraint("timeline_end IS NULL OR timeline_end >= timeline_start", name="timeline"),
)

# What an action item goes through on the way to its end, as the coachee named it.
milestones = Table(
    "milestones",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("action_plan_id", Uuid, ForeignKey("action_plans.id"), nullable=False, index=True),
    Column("number", Integer, nullable=False),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("due_date", Date),
    Column("completed", Boolean, nullable=False),
    Column("completed_at", Moment),
    created(),
    UniqueConstraint("action_plan_id", "number"),
)

# Every summary that was written of a session, the newest with the highest version; that one is on the session too.
summaries = Table(
    "summaries",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("session_id", Uuid, ForeignKey("coaching_sessions.id"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("document", Json, nullable=False),
    Column("writer", String(8), nullable=False),
    Column("prompt", String(64)),
    Column("model", Text),
    created(),
    one_of("writer", "model", "plain"),
    UniqueConstraint("session_id", "version"),
)

# What the model cost, by UTC's day: tokens as its API counts them.
model_usage = Table(
    "model_usage",
    metadata,
    Column("day", Date, primary_key=True),
    Column("user_id", Uuid, ForeignKey("users.id"), primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("model", String(128), primary_key=True),
    Column("calls", Integer, nullable=False),
    Column("estimated_calls", Integer, nullable=False),
    Column("prompt_tokens", BigInteger, nullable=False),
    Column("cached_tokens", BigInteger, nullable=False),
    Column("completion_tokens", BigInteger, nullable=False),
    one_of("kind", "summary", "reflect", "transcribe"),
    Index("ix_model_usage_user_id", "user_id", "day"),
)
