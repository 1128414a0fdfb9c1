"""The chats of a batch, locked and loaded in a fixed number of queries, whatever the batch's size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Connection, func, select

from flows.diary import Hours
from flows.documents import Document
from flows.events import AnyEvent
from flows.needs import NOTHING, Needs
from flows.state import Chat, Conversation, Person, StageAnswers, Timer
from storage import tables as t
from storage.circles import add_circles
from storage.diaries import add_diaries, with_sessions, with_subjects
from storage.kept import items_of, stage_answers, summaries_of

NeedsOf = Callable[[Chat, AnyEvent], Needs]
PEOPLE_LOCK = 0x5741594D5045
READY = tuple(msgspec.json.Decoder(kind) for kind in (Conversation, StageAnswers, Document, Hours))
"""What these records are made of is looked up here, once. Two writer threads that do it at one time crash msgspec
0.22 by a segmentation fault, as a process begins under load on PostgreSQL (tests/test_kill.py met it)."""


def load(connection: Connection, events: Sequence[AnyEvent], needs: NeedsOf, now: datetime) -> dict[int, Chat]:
    """The chats of the events, by chat id, as they are `now`.

    On PostgreSQL their rows stay locked until the transaction ends.

    Both rows of a chat are locked, the conversation's and the person's: who waited for them reads them as they are.

    What else is loaded for an event is what `needs` names.
    """
    chats = _conversations(connection, {event.chat_id for event in events})
    _add_answers(connection, chats)
    wanted = {e.chat_id: needs(chats[e.chat_id], e) for e in events}
    if own := {chat_id for chat_id, want in wanted.items() if want.own and chats[chat_id].person}:
        _add_plans(connection, chats, own)
    if around := {chat_id: want for chat_id, want in wanted.items() if want != NOTHING}:
        around = with_subjects(connection, with_sessions(connection, around))
        add_circles(connection, chats, around)
        add_diaries(connection, chats, around, now)
    return chats


def one_at_a_time(connection: Connection, chat_ids: set[int] | None = None) -> None:
    """Wait for every other transaction that changes who people are to each other. SQLite has one writer anyway.

    All chats of a batch are locked now, in the order in which every batch locks its own: were they locked as each
    is decided, two batches could wait for each other.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(PEOPLE_LOCK)))
        if chat_ids:
            _conversations(connection, chat_ids)


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
            u.standing,
            u.birth_year,
            u.sharing,
            u.quiet_from,
            u.quiet_until,
            u.daily_cap,
            u.muted,
            u.deletion_due_at,
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
                standing=row.standing,
                birth_year=row.birth_year,
                sharing={audience: tuple(kinds) for audience, kinds in row.sharing.items()},
                quiet_from=row.quiet_from,
                quiet_until=row.quiet_until,
                daily_cap=row.daily_cap,
                muted=tuple(row.muted),
                deletion_due_at=row.deletion_due_at,
            ),
            conversation=msgspec.convert(row.state, Conversation),
        )
    return chats


def _add_answers(connection: Connection, chats: dict[int, Chat]) -> None:
    of_session = {
        session.session_id: (chat_id, part)
        for chat_id, chat in chats.items()
        for part, session in (("beside", chat.conversation.beside), ("answers", chat.conversation.session))
        if session is not None
    }
    if not of_session:
        return
    for session_id, answers in stage_answers(connection, of_session).items():
        chat_id, part = of_session[session_id]
        chats[chat_id] = chats[chat_id].evolve(**{part: answers})


def _add_plans(connection: Connection, chats: dict[int, Chat], wanting: set[int]) -> None:
    people = [chats[chat_id].someone.user_id for chat_id in wanting]
    items, summaries = items_of(connection, people), summaries_of(connection, people)
    waiting: dict[int, list[Timer]] = {}
    query = select(t.timers).where(t.timers.c.chat_id.in_(wanting), t.timers.c.state == "pending")
    for row in connection.execute(query):
        timer = Timer(
            key=row.key, kind=row.kind, subject=row.subject, due_at=row.due_at, wall=row.wall, attempt=row.attempt
        )
        waiting.setdefault(row.chat_id, []).append(timer)
    for chat_id in wanting:
        user_id = chats[chat_id].someone.user_id
        chats[chat_id] = chats[chat_id].evolve(
            actions=items.get(user_id, ()),
            timers=tuple(waiting.get(chat_id, ())),
            summary=summaries.get(user_id),
        )
