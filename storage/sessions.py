"""A session's material, for its summary; and the summaries that were written of it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import Engine, and_, select, true

from flows.documents import Document, Material, material_of
from flows.records import Record
from flows.state import Chat
from storage import tables as t
from storage.engine import reading
from storage.kept import stage_answers
from storage.loading import chat_now


def serves_others(engine: Engine, chat_id: int) -> bool:
    """Whether the database keeps conversations of any other chat than this one."""
    c = t.conversations.c
    with reading(engine).begin() as connection:
        return connection.execute(select(c.chat_id).where(c.chat_id != chat_id).limit(1)).first() is not None


def chat_of(engine: Engine, chat_id: int) -> Chat:
    """A chat as it stands: the person, the conversation, and the answers of its session."""
    with reading(engine).begin() as connection:
        return chat_now(connection, chat_id)


class Owner(Record):
    """Whose session it is, and whether a model may take part now: they let it, and take part themselves."""

    user_id: UUID
    model_help: bool


def owner_of(engine: Engine, session_id: UUID) -> Owner | None:
    """The person whose session it is; None if there is no such session."""
    u = t.users.c
    may = and_(u.model_help, u.standing == "active").label("model_help")
    query = select(u.id, may).join_from(t.coaching_sessions, t.users)
    with reading(engine).begin() as connection:
        row = connection.execute(query.where(t.coaching_sessions.c.id == session_id)).first()
    return Owner(user_id=row.id, model_help=row.model_help) if row else None


class Kept(Record):
    """A version of a summary as it is kept."""

    session_id: UUID
    version: int
    language: str
    written_at: datetime
    prompt: str | None
    model: str | None
    document: Document


def newest_summaries(engine: Engine, limit: int = 20, *, of: UUID | None = None) -> list[Kept]:
    """The summaries written last, the newest first: of everybody, or of one session."""
    s = t.summaries.c
    which = true() if of is None else s.session_id == of
    query = (
        select(t.summaries, t.users.c.language)
        .join_from(t.summaries, t.coaching_sessions)
        .join(t.users)
        .where(which)
        .order_by(s.created_at.desc(), s.version.desc())
        .limit(limit)
    )
    with reading(engine).begin() as connection:
        rows = list(connection.execute(query))
    return [
        Kept(
            session_id=row.session_id,
            version=row.version,
            language=row.language,
            written_at=row.created_at,
            prompt=row.prompt,
            model=row.model,
            document=msgspec.convert(row.document, Document),
        )
        for row in rows
    ]


def material(engine: Engine, session_id: UUID) -> Material | None:
    """All that a writer may use of a session: its typed fields and turns; None if there is no such session."""
    u, c = t.users.c, t.coaching_sessions.c
    query = select(u.language, u.timezone, c.created_at).join_from(t.coaching_sessions, t.users)
    with reading(engine).begin() as connection:
        row = connection.execute(query.where(c.id == session_id)).first()
        if row is None:
            return None
        answers = stage_answers(connection, [session_id]).get(session_id, {})
    return material_of(session_id, row.language, row.timezone, row.created_at, answers)
