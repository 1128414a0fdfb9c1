"""A session's material, for its summary."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Engine, select

from flows.documents import Material, SaidTurn
from flows.state import Chat
from storage import tables as t
from storage.engine import reading
from storage.loading import chat_now, stage_answers


def serves_others(engine: Engine, chat_id: int) -> bool:
    """Whether the database keeps conversations of any other chat than this one."""
    c = t.conversations.c
    with reading(engine).begin() as connection:
        return connection.execute(select(c.chat_id).where(c.chat_id != chat_id).limit(1)).first() is not None


def chat_of(engine: Engine, chat_id: int) -> Chat:
    """A chat as it stands: the person, the conversation, and the answers of its session."""
    with reading(engine).begin() as connection:
        return chat_now(connection, chat_id)


def material(engine: Engine, session_id: UUID) -> Material | None:
    """All that a writer may use of a session: its typed fields and turns, in order; None if there is no such session.

    Answers that were corrected or taken back since are left out; what was said beside a question is kept.
    """
    query = (
        select(t.users.c.language)
        .join_from(t.coaching_sessions, t.users)
        .where(t.coaching_sessions.c.id == session_id)
    )
    with reading(engine).begin() as connection:
        language = connection.execute(query).scalar()
        if language is None:
            return None
        stages = stage_answers(connection, [session_id]).get(session_id, {})
    turns = sorted((turn for kept in stages.values() for turn in kept.turns), key=lambda turn: turn.n)
    last = {(turn.step, turn.index): turn.n for turn in turns if turn.kind != "aside"}
    return Material(
        session_id=session_id,
        language=language,
        fields={stage: kept.fields for stage, kept in stages.items()},
        turns=tuple(
            SaidTurn(n=turn.n, question=turn.question, text=turn.text)
            for turn in turns
            if turn.text and (turn.kind == "aside" or turn.n == last[turn.step, turn.index])
        ),
    )
