"""resources: machines and rooms. Every session of before is on Machine 1.

Revision: 0007, after 0006

Sessions that were at one time before keep their rows: the later one does not hold the machine (`resource_held`).
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from uuid import NAMESPACE_OID, uuid5

import sqlalchemy as sa
from alembic import op

from storage.migrations.overlaps import forget_never_two, never_two
from storage.migrations.remake import remake

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
TAKES_PLACE = "status IN ('scheduled', 'pending', 'completed', 'missed')"

MACHINE_1_ID = uuid5(NAMESPACE_OID, "resource 1")
MACHINE_1 = {
    "id": MACHINE_1_ID,
    "number": 1,
    "kind": "machine",
    "name": "",
    "in_service": True,
    "created_at": datetime(2026, 1, 1, tzinfo=UTC),  # the same wherever it is made, and made again
}
"""The resource that there always is."""

resources = sa.table(
    "resources",
    sa.column("id", sa.Uuid()),
    sa.column("number", sa.Integer()),
    sa.column("kind", sa.String()),
    sa.column("name", sa.Text()),
    sa.column("in_service", sa.Boolean()),
    sa.column("created_at", MOMENT),
)

# A session overlaps one before it where the latest end of all before it is after its start: one pass, no join.
BEFORE_IT = "ORDER BY starts_at, id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING"
OVERLAPPING = (
    f"SELECT id FROM (SELECT id, starts_at, max(ends_at) OVER ({BEFORE_IT}) AS until"
    f" FROM scheduled_sessions WHERE {TAKES_PLACE}) AS taking_place WHERE until > starts_at"
)

# How SQLite's table says it, before and now.
STARTS = "\tstarts_at DATETIME NOT NULL"
WITH_RESOURCE = f"\tresource_id CHAR(32) NOT NULL, \n\tresource_held BOOLEAN DEFAULT 1 NOT NULL, \n{STARTS}"
REFERS = "\tCONSTRAINT fk_scheduled_sessions_replaces_id "
REFERS_TO_RESOURCE = (
    "\tCONSTRAINT fk_scheduled_sessions_resource_id FOREIGN KEY(resource_id) REFERENCES resources (id)"
    f" ON DELETE RESTRICT, \n{REFERS}"
)
CHANGES = ((STARTS, WITH_RESOURCE), (REFERS, REFERS_TO_RESOURCE))


def loses(connection: sa.Connection) -> bool:
    """Whether the way back drops what somebody said: where a session is, or what is known of Machine 1."""
    c = resources.c
    as_made = (c.id == MACHINE_1_ID) & (c.number == 1) & (c.kind == "machine") & (c.name == "") & c.in_service
    return connection.execute(sa.select(sa.exists().where(~as_made))).scalar_one()


def upgrade() -> None:
    """The way here."""
    op.create_table(
        "resources",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=7), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("in_service", sa.Boolean(), nullable=False, server_default=sa.true()),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.CheckConstraint("kind IN ('machine', 'room')", name=op.f("ck_resources_kind")),
        sa.CheckConstraint("number > 0", name=op.f("ck_resources_number")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_resources")),
        sa.UniqueConstraint("number", name=op.f("uq_resources_number")),
    )
    op.get_bind().execute(sa.insert(resources), MACHINE_1)
    if op.get_bind().dialect.name == "sqlite":
        _on_machine_1_in_sqlite()
    else:
        _on_machine_1()
    op.create_index("ix_scheduled_sessions_resource_id", "scheduled_sessions", ["resource_id", "starts_at"])
    never_two(
        "scheduled_sessions",
        "resource_id",
        whose="resource",
        where=f"{TAKES_PLACE} AND resource_held",
        when_changed="status, resource_held",
    )


def downgrade() -> None:
    """The way back. Where a session is, is not known there."""
    forget_never_two("scheduled_sessions", "resource_id")
    op.drop_index("ix_scheduled_sessions_resource_id", "scheduled_sessions")
    if op.get_bind().dialect.name == "sqlite":
        _remade([(now, before) for before, now in CHANGES], {"resource_id": None, "resource_held": None})
    else:
        op.drop_column("scheduled_sessions", "resource_held")
        op.drop_column("scheduled_sessions", "resource_id")
    op.drop_table("resources")


def _on_machine_1() -> None:
    """A default for the moment: PostgreSQL then writes no row anew but those that do not hold the machine."""
    table = "ALTER TABLE scheduled_sessions"
    for statement in (
        f"{table} ADD COLUMN resource_id UUID NOT NULL DEFAULT '{MACHINE_1_ID}'",
        f"{table} ALTER COLUMN resource_id DROP DEFAULT",
        f"{table} ADD CONSTRAINT fk_scheduled_sessions_resource_id FOREIGN KEY (resource_id)"
        " REFERENCES resources (id) ON DELETE RESTRICT",
        f"{table} ADD COLUMN resource_held BOOLEAN NOT NULL DEFAULT true",
        f"UPDATE scheduled_sessions SET resource_held = false WHERE id IN ({OVERLAPPING})",
        "SET CONSTRAINTS ALL IMMEDIATE",  # what was written waits for checks; a table that waits cannot be altered
    ):
        op.execute(sa.text(statement))


def _on_machine_1_in_sqlite() -> None:
    held = f"id NOT IN ({OVERLAPPING.replace('scheduled_sessions', 'scheduled_sessions_before')})"
    _remade(CHANGES, {"resource_id": f"'{MACHINE_1_ID.hex}'", "resource_held": held})


def _remade(changes: Iterable[tuple[str, str]], columns: dict[str, str | None]) -> None:
    """SQLite's table made anew, and the triggers that went with it."""
    remake("scheduled_sessions", changes, columns)
    for column, whose in (("coach_id", "coach"), ("coachee_id", "coachee")):
        never_two("scheduled_sessions", column, whose=whose, where=TAKES_PLACE, when_changed="status")
