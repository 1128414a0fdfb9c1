"""What is kept of people and their sessions, as records of `flows`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Connection, func, select

from flows.documents import Document, PlannedMilestone
from flows.state import ActionItem, KeptSummary, StageAnswers
from storage import tables as t


def stage_answers(connection: Connection, session_ids: Iterable[UUID]) -> dict[UUID, dict[int, StageAnswers]]:
    """What was said in sessions, by session and stage."""
    r = t.stage_responses.c
    query = select(r.session_id, r.stage_number, r.responses).where(r.session_id.in_(list(session_ids)))
    found: dict[UUID, dict[int, StageAnswers]] = {}
    for row in connection.execute(query.order_by(r.session_id, r.stage_number)):
        found.setdefault(row.session_id, {})[row.stage_number] = msgspec.convert(row.responses, StageAnswers)
    return found


def items_of(connection: Connection, people: Iterable[UUID]) -> dict[UUID, tuple[ActionItem, ...]]:
    """The action items of people."""
    people = list(people)
    a, m = t.action_plans.c, t.milestones.c
    on_the_way: dict[UUID, list[PlannedMilestone]] = {}
    between = select(m.action_plan_id, m.title, m.due_date).join_from(t.milestones, t.action_plans)
    for found in connection.execute(between.where(a.user_id.in_(people)).order_by(m.number)):
        milestone = PlannedMilestone(title=found.title, due=found.due_date)
        on_the_way.setdefault(found.action_plan_id, []).append(milestone)
    items: dict[UUID, tuple[ActionItem, ...]] = {}
    for row in connection.execute(select(t.action_plans).where(a.user_id.in_(people))):
        item = _item(row, tuple(on_the_way.get(row.id, ())))
        items[row.user_id] = (*items.get(row.user_id, ()), item)
    return items


def summaries_of(connection: Connection, people: Iterable[UUID]) -> dict[UUID, KeptSummary]:
    """The newest summary of each person."""
    s = t.coaching_sessions.c
    newest = (
        select(s.id, s.user_id, s.summary, func.max(t.summaries.c.version).label("version"))
        .join_from(t.coaching_sessions, t.summaries)
        .where(s.user_id.in_(list(people)), s.summary.is_not(None))
        .group_by(s.id)
        .order_by(s.created_at)
    )
    rows = {row.user_id: row for row in connection.execute(newest)}
    return {
        user_id: KeptSummary(session_id=row.id, version=row.version, document=msgspec.convert(row.summary, Document))
        for user_id, row in rows.items()
    }


def _item(row: Any, milestones: tuple[PlannedMilestone, ...]) -> ActionItem:
    return ActionItem(
        action_id=row.id,
        session_id=row.session_id,
        title=row.title,
        description=row.description,
        words=row.evidence.get("words"),
        status=row.status,
        due=row.timeline_end,
        done_on=row.completed_at.date() if row.completed_at else None,
        dropped=row.dropped_at is not None,
        milestones=milestones,
    )
