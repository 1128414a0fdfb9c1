"""Putting the open question, and closing it: what every part of the conversation ends with."""

from __future__ import annotations

from datetime import date, datetime

from flows.asking import choices, family, position, screen, wordings
from flows.changes import AnyChange, SessionMoved, StageKept
from flows.documents import short
from flows.effects import AnyEffect, Edit, Say, Screen, text_line
from flows.plans import reviews_moved
from flows.progress import headed
from flows.questions import named_by
from flows.state import Chat, Decision, Session
from flows.steps import Stage
from flows.times import today
from flows.walk import Answers, stage_of


def running(chat: Chat) -> Session | None:
    """The session in which a question is open now."""
    session = chat.conversation.session
    return session if session is not None and session.phase == "open" else None


def asked(
    decision: Decision,
    now: datetime,
    *,
    fresh: bool = False,
    other: bool = False,
    wording: str | None = None,
    reflection: str = "",
) -> Decision:
    """The decision, and the open question put as a new message.

    `fresh`: an answer led to it. `other`: in another wording than before. A question that was held back has its
    number already.
    """
    chat = decision.chat
    conversation = chat.conversation
    number = conversation.asked if conversation.holding else conversation.asked + 1
    again = wording or (_other_wording(chat) if other else _same_wording(chat, fresh=fresh))
    conversation = conversation.evolve(
        asked=number,
        wording=again or wordings(chat)[0],
        reflection=reflection,
        fresh=fresh,
        holding=None,
        picks=() if fresh or again != conversation.wording else conversation.picks,
        awaiting=None,
    )
    chat, effects = headed(chat.evolve(conversation=conversation))
    put = Say(key=question_key(chat), screen=screen(chat, local_day(chat, now)))
    return decision.evolve(chat=chat).then(*effects, put)


def _other_wording(chat: Chat) -> str | None:
    """Another wording than the one the question stands in."""
    return next((key for key in wordings(chat) if key != chat.conversation.wording), None)


def _same_wording(chat: Chat, *, fresh: bool) -> str | None:
    """The wording of a question that is put again: as it stands, or as it was when it was answered.

    A question that an answer led to is put again where its own answer was taken back.
    """
    here, name, session = position(chat), family(chat), chat.conversation.session
    turns = [turn for kept in chat.answers.values() for turn in kept.turns]
    before = [turn for turn in turns if here and (turn.step, turn.index) == (here.step, here.index)]
    if fresh and session is not None:
        before = [turn for turn in before if turn.n not in session.trail and turn.kind != "aside"]
    newest = max(before, key=lambda turn: turn.n, default=None)
    for wording in ("" if fresh else chat.conversation.wording, newest.question if newest else ""):
        if (known := named_by(wording)) and known[0] == name:
            return wording
    return None


def closed(chat: Chat, now: datetime, chosen: str | None = None) -> tuple[AnyEffect, ...]:
    """The open question loses its buttons and shows what was chosen. One without buttons stays as it is."""
    if running(chat) is None or chat.conversation.holding == "reflection":
        return ()
    if chat.conversation.holding == "breaths":
        return (Edit(key=breath_key(chat), screen=Screen(lines=(text_line("breath.end"),))),)
    put = screen(chat, local_day(chat, now))
    if not put.choices:
        return ()
    lines = put.lines if chosen is None else (*put.lines, text_line("answer.chosen", answer=short(chosen, 200)))
    return (Edit(key=question_key(chat), screen=Screen(lines=lines)),)


def question_key(chat: Chat) -> str:
    """The key of the message that puts the open question."""
    return f"q{chat.conversation.asked}"


def breath_key(chat: Chat) -> str:
    """The key of the message that guides the breaths before the open question."""
    return f"b{chat.conversation.asked}"


def resaid(chat: Chat, session: Session, answers: Answers, now: datetime) -> Decision:
    """The chat with what was said and counts now, and everything that is to be kept of the difference."""
    before = chat.answers
    known = chat.conversation.session
    changes, timers = reviews_moved(session, before, answers, now, chat.someone.timezone)
    moves: tuple[AnyChange, ...] = ()
    if known is not None and _row(known, before) != _row(session, answers):
        moves = (moved(session, answers, now),)
    return Decision(
        chat=with_session(chat, session).evolve(answers=answers),
        changes=(*kept(session, before, answers), *changes, *moves),
        effects=timers,
    )


def kept(session: Session, before: Answers, answers: Answers) -> tuple[AnyChange, ...]:
    """The stages in which something was said or counts differently."""
    return tuple(
        StageKept(session_id=session.session_id, stage=stage, fields=kept.fields, turns=kept.turns)
        for stage, kept in answers.items()
        if kept is not before.get(stage)
    )


def _row(session: Session, answers: Answers) -> tuple[Stage, str | None, str]:
    """What the session's row shows of it."""
    return stage_of(session), topic(answers), session.phase


def moved(session: Session, answers: Answers, now: datetime) -> SessionMoved:
    """The columns of the session's row."""
    complete, stopped = session.phase == "complete", session.phase == "stopped"
    return SessionMoved(
        session_id=session.session_id,
        current_stage=int(stage_of(session)),
        topic=topic(answers),
        is_complete=complete,
        at=now,
        ended="completed" if complete else "stopped" if stopped else None,
    )


def topic(answers: Answers) -> str | None:
    """What the session is about, in a line; None before it was said."""
    said = answers[Stage.STARTING_POINT].fields.get("topic") if Stage.STARTING_POINT in answers else None
    return short(said) if said else None


def with_session(chat: Chat, session: Session) -> Chat:
    """The chat with its session changed."""
    return chat.evolve(conversation=chat.conversation.evolve(session=session))


def local_day(chat: Chat, now: datetime) -> date:
    """The person's date."""
    return today(now, chat.someone.timezone)


def offered(chat: Chat, now: datetime) -> set[str]:
    """The data of the buttons under the open question."""
    return {choice.data for choice in choices(chat, local_day(chat, now))}
