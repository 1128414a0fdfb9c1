"""requests to the model's ear; people who want no model; items that were let go.

Revision: 0003, after 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

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
    _check_kinds(KINDS_BEFORE, KINDS)


def downgrade() -> None:
    """The way back. Who wanted no model, and which items were let go, is not known there."""
    op.execute(sa.text("DELETE FROM outbox WHERE kind IN ('reflect', 'transcribe')"))  # requests, of seconds' use
    _check_kinds(KINDS, KINDS_BEFORE)
    op.drop_column("action_plans", "dropped_at")
    op.drop_column("users", "model_help")


def _check_kinds(before: str, after: str) -> None:
    """Change which kinds of rows the outbox takes. SQLite has no way to change a CHECK: the table is made anew."""
    connection = op.get_bind()
    if connection.dialect.name != "sqlite":
        op.execute(sa.text("ALTER TABLE outbox DROP CONSTRAINT ck_outbox_kind"))
        op.execute(sa.text(f"ALTER TABLE outbox ADD CONSTRAINT ck_outbox_kind CHECK ({after})"))
        return
    schema = sa.text("SELECT type, sql FROM sqlite_master WHERE tbl_name = 'outbox' AND sql IS NOT NULL")
    made = [(row.type, row.sql) for row in connection.execute(schema)]
    [table] = [sql for kind, sql in made if kind == "table"]
    if before not in table:
        raise RuntimeError("the outbox is not as revision 0001 makes it")
    op.execute(sa.text("ALTER TABLE outbox RENAME TO outbox_before"))
    connection.exec_driver_sql(table.replace(before, after))
    op.execute(sa.text("INSERT INTO outbox SELECT * FROM outbox_before"))
    op.execute(sa.text("DROP TABLE outbox_before"))
    for kind, sql in made:
        if kind == "index":
            connection.exec_driver_sql(sql)
