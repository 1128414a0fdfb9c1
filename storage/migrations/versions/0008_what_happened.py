"""times that are being chosen, what happened, a coach's own questions, calendars.

Revision: 0008, after 0007
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from storage.migrations.overlaps import never_two
from storage.migrations.remake import recheck

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
MOMENT = sa.DateTime(timezone=True)

KINDS_BEFORE = (
    "kind IN ('say', 'edit', 'file', 'link', 'commands', 'export', 'request_summary', 'reflect', 'transcribe')"
)
KINDS = (
    "kind IN ('say', 'edit', 'file', 'link', 'commands', 'export', 'invitation', 'feed',"
    " 'request_summary', 'reflect', 'transcribe', 'calendar')"
)
EVENTS = (
    "event_type IN ('session', 'assessment', 'video', 'quiz', 'badge', 'streak', 'level_up', 'daily_recommendations',"
    " 'session_completed', 'session_cancelled', 'session_rescheduled', 'session_missed')"
)


def upgrade() -> None:
    """The way here."""
    recheck("outbox", "kind", KINDS_BEFORE, KINDS)
    _holds()
    _events()
    _questions()
    _feeds()


def downgrade() -> None:
    """The way back. What happened, what a coach asked, and the addresses of calendars are not known there."""
    for name in ("calendar_feeds", "coach_questions", "learning_events", "slot_holds"):
        op.drop_table(name)
    op.execute(sa.text("DELETE FROM outbox WHERE kind IN ('invitation', 'feed', 'calendar')"))
    recheck("outbox", "kind", KINDS, KINDS_BEFORE)


def _column(name: str, of: Any, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, of, nullable=nullable)


def _refers(table: str, column: str, to: str = "users.id", **options: Any) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [to], name=op.f(f"fk_{table}_{column}"), **options)


def _indexes(table: str, *columns: str) -> None:
    for name in columns:
        op.create_index(f"ix_{table}_{name}", table, [name])


def _holds() -> None:
    op.create_table(
        "slot_holds",
        _column("held_by", sa.Uuid()),
        _column("coach_id", sa.Uuid(), nullable=True),
        _column("coachee_id", sa.Uuid()),
        _column("resource_id", sa.Uuid()),
        _column("starts_at", MOMENT),
        _column("ends_at", MOMENT),
        _column("expires_at", MOMENT),
        _column("created_at", MOMENT),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_slot_holds_ends_after_it_starts")),
        *(_refers("slot_holds", name) for name in ("held_by", "coach_id", "coachee_id")),
        _refers("slot_holds", "resource_id", "resources.id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("held_by", name=op.f("pk_slot_holds")),
    )
    _indexes("slot_holds", "coach_id", "coachee_id", "resource_id")
    for whose in ("coach", "coachee", "resource"):
        never_two("slot_holds", f"{whose}_id", whose=f"held {whose}")


def _events() -> None:
    op.create_table(
        "learning_events",
        _column("id", sa.Uuid()),
        _column("coachee_id", sa.Uuid()),
        _column("coach_id", sa.Uuid(), nullable=True),
        _column("session_id", sa.Uuid(), nullable=True),
        _column("event_type", sa.String(length=21)),
        _column("event_date", MOMENT),
        _column("event_data", JSON),
        _column("content_for_embedding", sa.Text()),
        _column("embedding", JSON, nullable=True),
        _column("created_at", MOMENT),
        sa.CheckConstraint(EVENTS, name=op.f("ck_learning_events_event_type")),
        _refers("learning_events", "coachee_id"),
        _refers("learning_events", "coach_id"),
        _refers("learning_events", "session_id", "scheduled_sessions.id", ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_learning_events")),
    )
    _indexes("learning_events", "coach_id", "session_id")
    op.create_index("ix_learning_events_coachee_id", "learning_events", ["coachee_id", "event_date"])


def _questions() -> None:
    status = "status IN ('waiting', 'put', 'answered', 'skipped', 'dropped')"
    op.create_table(
        "coach_questions",
        _column("id", sa.Uuid()),
        _column("session_id", sa.Uuid()),
        _column("coach_id", sa.Uuid(), nullable=True),
        _column("coachee_id", sa.Uuid()),
        _column("text", sa.Text()),
        _column("status", sa.String(length=8)),
        _column("answer", sa.Text(), nullable=True),
        _column("answered_at", MOMENT, nullable=True),
        _column("created_at", MOMENT),
        sa.CheckConstraint(status, name=op.f("ck_coach_questions_status")),
        _refers("coach_questions", "session_id", "scheduled_sessions.id"),
        _refers("coach_questions", "coach_id"),
        _refers("coach_questions", "coachee_id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_coach_questions")),
    )
    _indexes("coach_questions", "session_id", "coach_id", "coachee_id")


def _feeds() -> None:
    op.create_table(
        "calendar_feeds",
        _column("user_id", sa.Uuid()),
        _column("token_hash", sa.String(length=64), nullable=True),
        _column("created_at", MOMENT),
        _refers("calendar_feeds", "user_id"),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_calendar_feeds")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_calendar_feeds_token_hash")),
    )
