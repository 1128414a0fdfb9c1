"""The chats of a batch, locked and loaded in a fixed number of queries, whatever the batch's size."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Connection, func, select

from flows.documents import Document, PlannedMilestone
from flows.events import AnyEvent
from flows.state import ActionItem, Chat, Conversation, KeptSummary, Person, StageAnswers, Timer
from storage import tables as t

NeedsPlan = Callable[[Chat, AnyEvent], bool]


def load(connection: Connection, events: Sequence[AnyEvent], needs_plan: NeedsPlan) -> dict[int, Chat]:
    """The chats of the events, by chat id. On PostgreSQL their rows stay locked until the transaction ends.

    Both rows of a chat are locked, the conversation's and the person's: who waited for them reads them as they are.

    The action items and timers are loaded for those events that `needs_plan` names.
    """
    chats = _conversations(connection, {event.chat_id for event in events})
    _add_answers(connection, chats)
    wanting = {e.chat_id for e in events if chats[e.chat_id].person and needs_plan(chats[e.chat_id], e)}
    if wanting:
        _add_plans(connection, chats, wanting)
    return chats


def chat_now(connection: Connection, chat_id: int) -> Chat:
    """One chat as it stands, without its plan, to look at and not to decide on: nothing is locked."""
    chats = _conversations(connection, {chat_id}, lock=False)
    _add_answers(connection, chats)
    return chats[chat_id]


def _conversations(connection: Connection, chat_ids: set[int], *, lock: bool = True) -> dict[int, Chat]:
    c, u = t.conversations.c, t.users.c
    query = (
        select(
            c.chat_id,
            c.state,
            u.id.label("user_id"),
            u.name,
            u.language,
            u.timezone,
            u.model_help,
            u.unreachable_since,
        )
        .join_from(t.conversations, t.users)
        .where(c.chat_id.in_(chat_ids))
        .order_by(c.chat_id)
    )
    if lock:
        query = query.with_for_update(of=[t.conversations, t.users], key_share=True)
    chats = {chat_id: Chat(chat_id=chat_id) for chat_id in chat_ids}
    for row in connection.execute(query):
        chats[row.chat_id] = Chat(
            chat_id=row.chat_id,
            person=Person(
                user_id=row.user_id,
                name=row.name,
                language=row.language,
                timezone=row.timezone,
                model_help=row.model_help,
                unreachable_since=row.unreachable_since,
            ),
            conversation=msgspec.convert(row.state, Conversation),
        )
    return chats


def _add_answers(connection: Connection, chats: dict[int, Chat]) -> None:
    of_session = {
        chat.conversation.session.session_id: chat_id
        for chat_id, chat in chats.items()
        if chat.conversation.session is not None
    }
    if not of_session:
        return
    for session_id, answers in stage_answers(connection, of_session).items():
        chat_id = of_session[session_id]
        chats[chat_id] = chats[chat_id].evolve(answers=answers)


def stage_answers(connection: Connection, session_ids: Iterable[UUID]) -> dict[UUID, dict[int, StageAnswers]]:
    """What was said in sessions, by session and stage."""
    r = t.stage_responses.c
    query = select(r.session_id, r.stage_number, r.responses).where(r.session_id.in_(list(session_ids)))
    found: dict[UUID, dict[int, StageAnswers]] = {}
    for row in connection.execute(query.order_by(r.session_id, r.stage_number)):
        found.setdefault(row.session_id, {})[row.stage_number] = msgspec.convert(row.responses, StageAnswers)
    return found


def _add_plans(connection: Connection, chats: dict[int, Chat], wanting: set[int]) -> None:
    by_user = {chats[chat_id].someone.user_id: chat_id for chat_id in wanting}
    items: dict[int, list[ActionItem]] = {}
    a, m = t.action_plans.c, t.milestones.c
    on_the_way: dict[UUID, list[PlannedMilestone]] = {}
    between = select(m.action_plan_id, m.title, m.due_date).join_from(t.milestones, t.action_plans)
    for found in connection.execute(between.where(a.user_id.in_(by_user)).order_by(m.number)):
        milestone = PlannedMilestone(title=found.title, due=found.due_date)
        on_the_way.setdefault(found.action_plan_id, []).append(milestone)
    for row in connection.execute(select(t.action_plans).where(a.user_id.in_(by_user))):
        item = _item(row, tuple(on_the_way.get(row.id, ())))
        items.setdefault(by_user[row.user_id], []).append(item)
    waiting: dict[int, list[Timer]] = {}
    query = select(t.timers).where(t.timers.c.chat_id.in_(wanting), t.timers.c.state == "pending")
    for row in connection.execute(query):
        timer = Timer(
            key=row.key, kind=row.kind, subject=row.subject, due_at=row.due_at, wall=row.wall, attempt=row.attempt
        )
        waiting.setdefault(row.chat_id, []).append(timer)
    s = t.coaching_sessions.c
    kept: dict[int, Any] = {}
    newest = (
        select(s.id, s.user_id, s.summary, func.max(t.summaries.c.version).label("version"))
        .join_from(t.coaching_sessions, t.summaries)
        .where(s.user_id.in_(by_user), s.summary.is_not(None))
        .group_by(s.id)
        .order_by(s.created_at)
    )
    for row in connection.execute(newest):
        kept[by_user[row.user_id]] = row
    summaries = {
        chat_id: KeptSummary(session_id=row.id, version=row.version, document=msgspec.convert(row.summary, Document))
        for chat_id, row in kept.items()
    }
    for chat_id in wanting:
        chats[chat_id] = chats[chat_id].evolve(
            actions=tuple(items.get(chat_id, ())),
            timers=tuple(waiting.get(chat_id, ())),
            summary=summaries.get(chat_id),
        )


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
