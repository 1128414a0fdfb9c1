"""requests to the model's ear; people who want no model; items that were let go.

Revision: 0003, after 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.migrations.remake import recheck

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

KINDS_BEFORE = "kind IN ('say', 'edit', 'request_summary')"
KINDS = "kind IN ('say', 'edit', 'request_summary', 'reflect', 'transcribe')"


def upgrade() -> None:
    """The way here."""
    op.add_column("users", sa.Column("model_help", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.add_column("action_plans", sa.Column("dropped_at", sa.DateTime(timezone=True), nullable=True))
    recheck("outbox", "kind", KINDS_BEFORE, KINDS)


def downgrade() -> None:
    """The way back. Who wanted no model, and which items were let go, is not known there."""
    op.execute(sa.text("DELETE FROM outbox WHERE kind IN ('reflect', 'transcribe')"))  # requests, of seconds' use
    recheck("outbox", "kind", KINDS, KINDS_BEFORE)
    op.drop_column("action_plans", "dropped_at")
    op.drop_column("users", "model_help")
