"""indexes of what waits: pending and failed messages, timers, and updates set aside.

Revision: 0002, after 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

INDEXES: tuple[tuple[str, str, list[str], str | None], ...] = (
    ("ix_outbox_due_at", "outbox", ["due_at"], "status = 'pending'"),
    ("ix_outbox_failed", "outbox", ["id"], "status = 'failed'"),
    ("ix_outbox_named", "outbox", ["chat_id", "key"], "key IS NOT NULL AND kind = 'say'"),
    ("ix_timers_due_at", "timers", ["due_at"], "state = 'pending'"),
    ("ix_updates_set_aside", "updates", ["state"], "state != 'claimed'"),
    ("ix_updates_claimed_at", "updates", ["claimed_at"], None),
)


def upgrade() -> None:
    """The way here."""
    for name, table, columns, where in INDEXES:
        only = sa.text(where) if where else None
        op.create_index(name, table, columns, sqlite_where=only, postgresql_where=only)


def downgrade() -> None:
    """The way back."""
    for name, table, *_ in reversed(INDEXES):
        op.drop_index(name, table)
