"""who decides whether a session may be cancelled: what is asked of them, and what came of it.

Revision: 0009, after 0008
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
CHECKS = {
    "asked_as": "asked_as IN ('coachee', 'coach', 'parent', 'operator')",
    "decider": "decider IN ('parent', 'coachee', 'operator')",
    "on_silence": "on_silence IN ('approve', 'keep', 'escalate')",
    "status": "status IN ('open', 'approved', 'kept', 'moved', 'withdrawn', 'overtaken')",
    "decided_as": "decided_as IN ('parent', 'coachee', 'coach', 'operator', 'no_answer')",
    "call_outcome": "call_outcome IN ('agreed', 'keep', 'another', 'unreached')",
    "decided_once": "(status = 'open') = (decided_at IS NULL)",
    "no_answer_is_nobodys": "decided_as <> 'no_answer' OR decided_by IS NULL",
    "phone_while_open": "status = 'open' OR phone IS NULL",
}


def loses(connection: sa.Connection) -> bool:
    """The way back knows of no consent."""
    return connection.execute(sa.text("SELECT 1 FROM consents LIMIT 1")).first() is not None


def upgrade() -> None:
    """The way here."""
    op.create_table(
        "consents",
        _column("id", sa.Uuid()),
        _column("session_id", sa.Uuid()),
        _column("coachee_id", sa.Uuid()),
        _column("asked_by", sa.Uuid(), nullable=True),
        _column("asked_as", sa.String(length=8)),
        _column("reason", sa.Text()),
        _column("asked_at", MOMENT),
        _column("expires_at", MOMENT),
        _column("decider", sa.String(length=8)),
        _column("on_silence", sa.String(length=8)),
        _column("status", sa.String(length=9)),
        _column("version", sa.Integer()),
        sa.Column("escalated", sa.Boolean(), nullable=False, server_default=sa.false()),
        _column("decided_at", MOMENT, nullable=True),
        _column("decided_by", sa.Uuid(), nullable=True),
        _column("decided_as", sa.String(length=9), nullable=True),
        _column("words", sa.Text(), nullable=True),
        _column("called_at", MOMENT, nullable=True),
        _column("call_by", sa.Uuid(), nullable=True),
        _column("call_until", MOMENT, nullable=True),
        sa.Column("call_left", sa.Integer(), nullable=False, server_default="0"),
        _column("phone", sa.String(length=32), nullable=True),
        _column("call_outcome", sa.String(length=9), nullable=True),
        _column("reported_at", MOMENT, nullable=True),
        _column("created_at", MOMENT),
        *(sa.CheckConstraint(text, name=op.f(f"ck_consents_{name}")) for name, text in CHECKS.items()),
        _refers("session_id", "scheduled_sessions.id"),
        *(_refers(name, "users.id") for name in ("coachee_id", "asked_by", "decided_by", "call_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consents")),
    )
    for name in ("session_id", "asked_by", "decided_by", "call_by"):
        op.create_index(f"ix_consents_{name}", "consents", [name])
    op.create_index("ix_consents_coachee_id", "consents", ["coachee_id", "asked_at"])
    open_ones = sa.text("status = 'open'")
    op.create_index(
        "uq_consents_open",
        "consents",
        ["session_id"],
        unique=True,
        sqlite_where=open_ones,
        postgresql_where=open_ones,
    )


def downgrade() -> None:
    """The way back: a session that waits for a decision stays booked, and nothing falls due."""
    op.drop_table("consents")
    op.execute(sa.text("DELETE FROM timers WHERE kind IN ('consent_over', 'consent_call', 'consent_soon')"))


def _column(name: str, of: Any, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, of, nullable=nullable)


def _refers(column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [to], name=op.f(f"fk_consents_{column}"))
