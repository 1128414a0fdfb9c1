"""versions of a summary, milestones, items that were suggested, what the model costs, files.

Revision: 0004, after 0003
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, Literal
from uuid import NAMESPACE_OID, uuid5

import msgspec
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from storage.migrations.remake import recheck

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
MOMENT = sa.DateTime(timezone=True)

KINDS_BEFORE = "kind IN ('say', 'edit', 'request_summary', 'reflect', 'transcribe')"
KINDS = "kind IN ('say', 'edit', 'file', 'request_summary', 'reflect', 'transcribe')"
ORIGIN_BEFORE = "origin IN ('coachee')"
ORIGIN = "origin IN ('coachee', 'suggestion')"

sessions = sa.table(
    "coaching_sessions", sa.column("id", sa.Uuid()), sa.column("summary", JSON), sa.column("updated_at", MOMENT)
)
conversations = sa.table("conversations", sa.column("chat_id", sa.BigInteger()), sa.column("state", JSON))
summaries = sa.table(
    "summaries",
    sa.column("id", sa.Uuid()),
    sa.column("session_id", sa.Uuid()),
    sa.column("version", sa.Integer()),
    sa.column("document", JSON),
    sa.column("writer", sa.String(8)),
    sa.column("created_at", MOMENT),
)


PAGE = 500
"""Sessions whose documents are changed at once: a large table is not held in memory."""


# Alembic keeps no module of a revision: annotations that are only text could not be read, hence no `__future__` here.


class Step(msgspec.Struct, forbid_unknown_fields=True):
    """A line of the plan before this revision."""

    step: int
    title: str
    description: str
    due: str | None = None


class Before(msgspec.Struct, forbid_unknown_fields=True):
    """A document before this revision: its sections are texts."""

    theme: str
    executive_summary: str
    key_insights: list[str]
    goal_statement: str
    action_plan: list[Step]
    success_metrics: list[str]
    support: list[str]
    writer: Literal["model", "plain"]
    stood_in: bool = False


class Line(msgspec.Struct):
    """A line that can say what it rests on."""

    text: str


class Metric(msgspec.Struct):
    """A measure, in its parts."""

    what: str
    baseline: str = ""
    target: str = ""
    how: str = ""


class Item(msgspec.Struct):
    """A line of the plan from this revision on."""

    number: int
    title: str
    description: str
    due: str | None = None
    suggested: bool = False


class After(msgspec.Struct):
    """A document from this revision on: of what else is in it, nothing is known before."""

    theme: str
    executive_summary: list[Line]
    key_insights: list[Line]
    goal_statement: Line
    action_plan: list[Item]
    success_metrics: list[Metric]
    support: list[Line]
    writer: Literal["model", "plain"]
    reason: str | None = None


def upgrade() -> None:
    """The way here. A summary that was written becomes its first version; its lines rest on no words yet."""
    recheck("outbox", "kind", KINDS_BEFORE, KINDS)
    recheck("action_plans", "origin", ORIGIN_BEFORE, ORIGIN)
    op.create_table(
        "milestones",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("action_plan_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("due_date", sa.Date(), nullable=True),
        sa.Column("completed", sa.Boolean(), nullable=False),
        sa.Column("completed_at", MOMENT, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["action_plan_id"], ["action_plans.id"], name=op.f("fk_milestones_action_plan_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_milestones")),
        sa.UniqueConstraint("action_plan_id", "number", name=op.f("uq_milestones_action_plan_id_number")),
    )
    op.create_index("ix_milestones_action_plan_id", "milestones", ["action_plan_id"])
    op.create_table(
        "summaries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document", JSON, nullable=False),
        sa.Column("writer", sa.String(length=8), nullable=False),
        sa.Column("prompt", sa.String(length=64), nullable=True),
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.CheckConstraint("writer IN ('model', 'plain')", name=op.f("ck_summaries_writer")),
        sa.ForeignKeyConstraint(["session_id"], ["coaching_sessions.id"], name=op.f("fk_summaries_session_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_summaries")),
        sa.UniqueConstraint("session_id", "version", name=op.f("uq_summaries_session_id_version")),
    )
    op.create_table(
        "model_usage",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("model", sa.String(length=128), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("estimated_calls", sa.Integer(), nullable=False),
        sa.Column("prompt_tokens", sa.BigInteger(), nullable=False),
        sa.Column("cached_tokens", sa.BigInteger(), nullable=False),
        sa.Column("completion_tokens", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("kind IN ('summary', 'reflect', 'transcribe')", name=op.f("ck_model_usage_kind")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_model_usage_user_id")),
        sa.PrimaryKeyConstraint("day", "user_id", "kind", "model", name=op.f("pk_model_usage")),
    )
    op.create_index("ix_model_usage_user_id", "model_usage", ["user_id", "day"])
    _each_summary(_with_sources, keep=True)


def downgrade() -> None:
    """The way back. Older versions, milestones, what the model cost, and what was a suggestion are not known there.

    Nor is what the lines of a summary rest on; lines of it that were one text before are one text again.
    """
    _each_summary(_without_sources, keep=False)
    for name in ("model_usage", "summaries", "milestones"):
        op.drop_table(name)
    op.execute(sa.text("UPDATE action_plans SET origin = 'coachee' WHERE origin = 'suggestion'"))
    recheck("action_plans", "origin", ORIGIN, ORIGIN_BEFORE)
    op.execute(sa.text("DELETE FROM outbox WHERE kind = 'file'"))
    recheck("outbox", "kind", KINDS, KINDS_BEFORE)
    op.execute(sa.text("DELETE FROM timers WHERE kind = 'confirm'"))
    _nothing_awaited()


def _nothing_awaited() -> None:
    """Words for a plan's card are waited for no more: the code of before does not know the card."""
    connection = op.get_bind()
    for row in list(connection.execute(sa.select(conversations.c.chat_id, conversations.c.state))):
        if isinstance(row.state, dict) and row.state.get("awaiting") == "item":
            kept = {**row.state, "awaiting": None}
            here = conversations.c.chat_id == row.chat_id
            connection.execute(sa.update(conversations).where(here).values(state=kept))


def _each_summary(change: Callable[[Any], dict[str, Any]], *, keep: bool) -> None:
    """Change the documents of all sessions, but for those of an unknown shape: they stay as they are."""
    connection = op.get_bind()
    c = sessions.c
    found = sa.select(c.id, c.summary, c.updated_at).where(c.summary.is_not(None)).order_by(c.id).limit(PAGE)
    page = list(connection.execute(found))
    while page:
        made = []
        for row in page:
            with suppress(msgspec.ValidationError):
                made.append((row, change(row.summary)))
        if made:
            changing = sa.update(sessions).where(c.id == sa.bindparam("session"))
            connection.execute(changing, [{"session": row.id, "summary": document} for row, document in made])
        if made and keep:
            connection.execute(sa.insert(summaries), [_first_version(row, document) for row, document in made])
        page = list(connection.execute(found.where(c.id > page[-1].id)))


def _first_version(row: Any, document: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": uuid5(NAMESPACE_OID, f"summary {row.id}"),
        "session_id": row.id,
        "version": 1,
        "document": document,
        "writer": document["writer"],
        "created_at": row.updated_at,
    }


def _with_sources(document: Any) -> dict[str, Any]:
    """A document whose sections are texts, as one whose lines can say what they rest on."""
    was = msgspec.convert(document, Before)
    return {
        "theme": was.theme,
        "executive_summary": [{"text": was.executive_summary}],
        "key_insights": [{"text": text} for text in was.key_insights],
        "goal_statement": {"text": was.goal_statement},
        "action_plan": [
            {"number": item.step, "title": item.title, "description": item.description, "due": item.due}
            for item in was.action_plan
        ],
        "success_metrics": [{"what": text} for text in was.success_metrics],
        "support": [{"text": text} for text in was.support],
        "writer": was.writer,
        "reason": "outage" if was.stood_in else None,
    }


def _without_sources(document: Any) -> dict[str, Any]:
    """The way back of it. What was only suggested is not the coachee's plan."""
    is_now = msgspec.convert(document, After)
    before = Before(
        theme=is_now.theme,
        executive_summary=" ".join(line.text for line in is_now.executive_summary),
        key_insights=[line.text for line in is_now.key_insights],
        goal_statement=is_now.goal_statement.text,
        action_plan=[
            Step(step=item.number, title=item.title, description=item.description, due=item.due)
            for item in is_now.action_plan
            if not item.suggested
        ],
        success_metrics=[_measured(metric) for metric in is_now.success_metrics],
        support=[line.text for line in is_now.support],
        writer=is_now.writer,
        stood_in=is_now.reason is not None,
    )
    return dict(msgspec.to_builtins(before))


def _measured(metric: Metric) -> str:
    return "; ".join(part for part in (metric.what, metric.baseline, metric.target, metric.how) if part)
