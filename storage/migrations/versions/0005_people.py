"""people: standing, roles, coaches and coachees, parents, invitations, what others may see, the audit log.

Revision: 0005, after 0004
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from storage.migrations.remake import recheck

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
MOMENT = sa.DateTime(timezone=True)

KINDS_BEFORE = "kind IN ('say', 'edit', 'file', 'request_summary', 'reflect', 'transcribe')"
KINDS = "kind IN ('say', 'edit', 'file', 'link', 'commands', 'export', 'request_summary', 'reflect', 'transcribe')"
STANDING = "CONSTRAINT ck_users_standing CHECK (standing IN ('joining', 'waiting', 'active', 'inactive'))"
ROLES = "role IN ('coachee', 'coach', 'parent', 'operator')"
KIND = "kind IN ('primary', 'secondary')"
NEW_TABLES = (
    "tombstones",
    "audit_log",
    "coach_notes",
    "invites",
    "guardianships",
    "coach_coachee_mappings",
    "user_roles",
)
NEW_COLUMNS = ("birth_year", "sharing", "quiet_from", "quiet_until", "daily_cap", "muted", "deletion_due_at")


def upgrade() -> None:
    """The way here. Who is there already says once how old they are, as anybody who comes new."""
    recheck("outbox", "kind", KINDS_BEFORE, KINDS)
    op.execute(sa.text(f"ALTER TABLE users ADD COLUMN standing VARCHAR(8) DEFAULT 'joining' NOT NULL {STANDING}"))
    op.add_column("users", sa.Column("birth_year", sa.Integer(), nullable=True))
    op.add_column("users", sa.Column("sharing", JSON, nullable=False, server_default="{}"))
    op.add_column("users", sa.Column("quiet_from", sa.String(length=5), nullable=True))
    op.add_column("users", sa.Column("quiet_until", sa.String(length=5), nullable=True))
    op.add_column("users", sa.Column("daily_cap", sa.Integer(), nullable=True))
    op.add_column("users", sa.Column("muted", JSON, nullable=False, server_default="[]"))
    op.add_column("users", sa.Column("deletion_due_at", MOMENT, nullable=True))
    _roles()
    _pairs()
    _invites()
    _records()
    op.execute(
        sa.text("INSERT INTO user_roles (user_id, role, created_at) SELECT id, 'coachee', created_at FROM users")
    )


def downgrade() -> None:
    """The way back. Who may do what, and what they had set, is not known there."""
    for name in NEW_TABLES:
        op.drop_table(name)
    for name in NEW_COLUMNS:
        op.drop_column("users", name)
    op.execute(sa.text("ALTER TABLE users DROP COLUMN standing"))
    op.execute(sa.text("DELETE FROM outbox WHERE kind IN ('link', 'commands', 'export')"))
    recheck("outbox", "kind", KINDS, KINDS_BEFORE)


def _person(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Uuid(), nullable=nullable)


def _refers(table: str, column: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], ["users.id"], name=op.f(f"fk_{table}_{column}"))


def _created() -> sa.Column[Any]:
    return sa.Column("created_at", MOMENT, nullable=False)


def _roles() -> None:
    op.create_table(
        "user_roles",
        _person("user_id"),
        sa.Column("role", sa.String(length=8), nullable=False),
        _person("granted_by", nullable=True),
        _created(),
        sa.CheckConstraint(ROLES, name=op.f("ck_user_roles_role")),
        _refers("user_roles", "user_id"),
        sa.PrimaryKeyConstraint("user_id", "role", name=op.f("pk_user_roles")),
    )


def _pairs() -> None:
    op.create_table(
        "coach_coachee_mappings",
        sa.Column("id", sa.Uuid(), nullable=False),
        _person("coach_id"),
        _person("coachee_id"),
        sa.Column("kind", sa.String(length=9), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("updated_at", MOMENT, nullable=False),
        _created(),
        sa.CheckConstraint(KIND, name=op.f("ck_coach_coachee_mappings_kind")),
        sa.CheckConstraint("coach_id <> coachee_id", name=op.f("ck_coach_coachee_mappings_two_people")),
        _refers("coach_coachee_mappings", "coach_id"),
        _refers("coach_coachee_mappings", "coachee_id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_coach_coachee_mappings")),
        sa.UniqueConstraint("coach_id", "coachee_id", name=op.f("uq_coach_coachee_mappings_coach_id_coachee_id")),
    )
    op.create_index("ix_coach_coachee_mappings_coachee_id", "coach_coachee_mappings", ["coachee_id"])
    connection = op.get_bind()
    active = "active" if connection.dialect.name == "postgresql" else "active = 1"
    op.create_index(
        "uq_coach_coachee_mappings_primary",
        "coach_coachee_mappings",
        ["coachee_id"],
        unique=True,
        sqlite_where=sa.text(f"kind = 'primary' AND {active}"),
        postgresql_where=sa.text(f"kind = 'primary' AND {active}"),
    )
    op.create_table(
        "guardianships",
        sa.Column("id", sa.Uuid(), nullable=False),
        _person("parent_id"),
        _person("child_id"),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("agreed_at", MOMENT, nullable=True),
        sa.Column("withdrawn_at", MOMENT, nullable=True),
        sa.Column("updated_at", MOMENT, nullable=False),
        _created(),
        sa.CheckConstraint("parent_id <> child_id", name=op.f("ck_guardianships_two_people")),
        _refers("guardianships", "parent_id"),
        _refers("guardianships", "child_id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_guardianships")),
        sa.UniqueConstraint("parent_id", "child_id", name=op.f("uq_guardianships_parent_id_child_id")),
    )
    op.create_index("ix_guardianships_child_id", "guardianships", ["child_id"])


def _invites() -> None:
    op.create_table(
        "invites",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=True),
        sa.Column("role", sa.String(length=8), nullable=False),
        _person("inviter_id", nullable=True),
        _person("coachee_id", nullable=True),
        _person("coach_id", nullable=True),
        sa.Column("kind", sa.String(length=9), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT, nullable=True),
        _person("used_by", nullable=True),
        sa.Column("revoked_at", MOMENT, nullable=True),
        _created(),
        sa.CheckConstraint(ROLES, name=op.f("ck_invites_role")),
        sa.CheckConstraint(KIND, name=op.f("ck_invites_kind")),
        *(_refers("invites", name) for name in ("inviter_id", "coachee_id", "coach_id", "used_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invites")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_invites_token_hash")),
    )
    for name in ("inviter_id", "coachee_id", "coach_id", "used_by"):
        op.create_index(f"ix_invites_{name}", "invites", [name])


def _records() -> None:
    op.create_table(
        "coach_notes",
        sa.Column("id", sa.Uuid(), nullable=False),
        _person("coach_id"),
        _person("coachee_id"),
        sa.Column("text", sa.Text(), nullable=False),
        _created(),
        _refers("coach_notes", "coach_id"),
        _refers("coach_notes", "coachee_id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_coach_notes")),
    )
    for name in ("coach_id", "coachee_id"):
        op.create_index(f"ix_coach_notes_{name}", "coach_notes", [name])
    op.create_table(
        "audit_log",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        _person("actor_id", nullable=True),
        sa.Column("via", sa.String(length=8), nullable=False),
        sa.Column("action", sa.String(length=32), nullable=False),
        _person("subject_id", nullable=True),
        sa.Column("outcome", sa.String(length=7), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=False),
        sa.CheckConstraint("via IN ('chat', 'command', 'clock')", name=op.f("ck_audit_log_via")),
        sa.CheckConstraint("outcome IN ('done', 'refused')", name=op.f("ck_audit_log_outcome")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_log")),
    )
    for name in ("at", "actor_id", "subject_id"):
        op.create_index(f"ix_audit_log_{name}", "audit_log", [name])
    op.create_table(
        "tombstones",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("erased_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_tombstones")),
    )
