"""booked sessions: programmes, sessions, when coaches can be booked. Two at once are refused.

Revision: 0006, after 0005
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from storage.migrations.overlaps import never_two

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
MOMENT = sa.DateTime(timezone=True)

STATUS = "status IN ('scheduled', 'pending', 'completed', 'missed', 'rescheduled', 'cancelled')"
TAKES_PLACE = "status IN ('scheduled', 'pending', 'completed', 'missed')"
CANCELLATION = "cancellation_status IN ('none', 'pending', 'approved', 'rejected')"
CALENDAR = "calendar_state IN ('none', 'waiting', 'ok', 'failed')"
TWELVE_HOURS = {
    "postgresql": "ends_at - starts_at <= interval '12 hours'",
    "sqlite": "ends_at <= datetime(substr(starts_at, 1, 19), '+12 hours') || substr(starts_at, 20)",
}


def upgrade() -> None:
    """The way here."""
    postgres = op.get_bind().dialect.name == "postgresql"
    if postgres:
        op.execute(sa.text("CREATE EXTENSION IF NOT EXISTS btree_gist"))  # uuids in an exclusion constraint
    _programmes()
    _sessions(TWELVE_HOURS["postgresql" if postgres else "sqlite"])
    for column, whose in (("coach_id", "coach"), ("coachee_id", "coachee")):
        never_two("scheduled_sessions", column, whose=whose, where=TAKES_PLACE, when_changed="status")
    _availabilities()


def downgrade() -> None:
    """The way back. What was booked is not known there; PostgreSQL's extension may be others' by now, and stays."""
    for name in ("availabilities", "scheduled_sessions", "programmes"):
        op.drop_table(name)


def _column(name: str, of: Any, *, nullable: bool = False, default: str | None = None) -> sa.Column[Any]:
    return sa.Column(name, of, nullable=nullable, server_default=default)


def _refers(table: str, column: str, to: str, **options: Any) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [to], name=op.f(f"fk_{table}_{column}"), **options)


def _programmes() -> None:
    op.create_table(
        "programmes",
        _column("id", sa.Uuid()),
        _column("coachee_id", sa.Uuid()),
        _column("coach_id", sa.Uuid(), nullable=True),
        _column("timezone", sa.String(length=64)),
        _column("minutes", sa.Integer()),
        _column("created_by", sa.Uuid(), nullable=True),
        _column("created_at", MOMENT),
        sa.CheckConstraint("minutes BETWEEN 10 AND 480", name=op.f("ck_programmes_minutes")),
        _refers("programmes", "coachee_id", "users.id"),
        _refers("programmes", "coach_id", "users.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_programmes")),
    )
    for name in ("coachee_id", "coach_id"):
        op.create_index(f"ix_programmes_{name}", "programmes", [name])


def _sessions(twelve_hours: str) -> None:
    table = "scheduled_sessions"
    checks = {
        "status": STATUS,
        "cancellation_status": CANCELLATION,
        "absent": "absent IN ('coachee', 'coach', 'both')",
        "record_status": "record_status IN ('draft', 'submitted')",
        "calendar_state": CALENDAR,
        "ends_after_it_starts": "ends_at > starts_at",
        "at_most_twelve_hours": twelve_hours,
        "session_number": "session_number > 0",
    }
    op.create_table(
        table,
        _column("id", sa.Uuid()),
        _column("programme_id", sa.Uuid()),
        _column("session_number", sa.Integer()),
        _column("coachee_id", sa.Uuid()),
        _column("coach_id", sa.Uuid(), nullable=True),
        _column("starts_at", MOMENT),
        _column("ends_at", MOMENT),
        _column("status", sa.String(length=11)),
        _column("version", sa.Integer()),
        _column("replaces_id", sa.Uuid(), nullable=True),
        _column("moves", sa.Integer(), default="0"),
        _column("absent", sa.String(length=7), nullable=True),
        _column("resolved_at", MOMENT, nullable=True),
        _column("resolved_by", sa.Uuid(), nullable=True),
        _column("cancellation_status", sa.String(length=8), default="none"),
        _column("cancellation_requested_at", MOMENT, nullable=True),
        _column("cancellation_reason", sa.Text(), nullable=True),
        _column("cancellation_expires_at", MOMENT, nullable=True),
        _column("record_status", sa.String(length=9), nullable=True),
        _column("record_date", sa.Date(), nullable=True),
        _column("record_topic", sa.Text(), nullable=True),
        _column("coach_notes", sa.Text(), nullable=True),
        _column("conversation_id", sa.Uuid(), nullable=True),
        _column("calendar_uid", sa.String(length=64)),
        _column("calendar_sequence", sa.Integer(), default="0"),
        _column("calendar_state", sa.String(length=7), default="none"),
        _column("calendar_event_id", sa.Text(), nullable=True),
        _column("updated_at", MOMENT),
        _column("created_at", MOMENT),
        *(sa.CheckConstraint(check, name=op.f(f"ck_{table}_{name}")) for name, check in checks.items()),
        _refers(table, "programme_id", "programmes.id"),
        _refers(table, "coachee_id", "users.id"),
        _refers(table, "coach_id", "users.id"),
        _refers(table, "replaces_id", f"{table}.id"),
        _refers(table, "conversation_id", "coaching_sessions.id", ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )
    for name in ("programme_id", "replaces_id", "conversation_id"):
        op.create_index(f"ix_{table}_{name}", table, [name])
    for name in ("coachee_id", "coach_id"):
        op.create_index(f"ix_{table}_{name}", table, [name, "starts_at"])
    in_place = sa.text("status != 'rescheduled'")
    op.create_index(
        f"uq_{table}_number",
        table,
        ["programme_id", "session_number"],
        unique=True,
        sqlite_where=in_place,
        postgresql_where=in_place,
    )


def _availabilities() -> None:
    op.create_table(
        "availabilities",
        _column("coach_id", sa.Uuid()),
        _column("weekly", JSON),
        _column("exceptions", JSON),
        _column("minutes", sa.Integer()),
        _column("buffer", sa.Integer()),
        _column("notice_hours", sa.Integer()),
        _column("updated_at", MOMENT),
        _column("created_at", MOMENT),
        _refers("availabilities", "coach_id", "users.id"),
        sa.PrimaryKeyConstraint("coach_id", name=op.f("pk_availabilities")),
    )
