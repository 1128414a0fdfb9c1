"""A message was edited: if it gave an answer, the answer is corrected."""

from __future__ import annotations

from datetime import datetime

from flows import answers as fitting
from flows.conversation import text
from flows.corrections import correct
from flows.effects import say
from flows.errors import UnfitAnswerError
from flows.events import TextEdited, TextSent
from flows.led_questions import ASIDE
from flows.putting import local_day, running
from flows.state import Chat, Decision, Session, Turn
from flows.steps import STEPS
from flows.walk import counting


def edited(chat: Chat, event: TextEdited, now: datetime) -> Decision:
    """A message was edited: the answer it gave is corrected, as a new turn."""
    session = chat.conversation.session
    said = said_in(chat, event.message_id)
    if session is None or said is None:
        return Decision(chat=chat, effects=(say("edit.unknown"),))
    if said.question.startswith(ASIDE):  # the coach has it as it was
        return Decision(chat=chat, effects=(say("edit.coach_answer"),))
    same = [t.n for t in counting(session, chat.answers) if (t.step, t.index) == (said.step, said.index)]
    if said.n in same[:-1]:  # the question was asked again since, and that answer counts
        return Decision(chat=chat, effects=(say("edit.unknown"),))
    if said.n not in session.trail:
        return _edited_aside(chat, session, said, event, now)
    parts = tuple((source, event.text if source == event.message_id else part) for source, part in said.parts)
    words = "\n".join(part for _, part in parts) if parts else event.text
    try:
        given = fitting.from_text(STEPS[said.step], words, event.reading, local_day(chat, now), _marks(said))
    except UnfitAnswerError:
        return Decision(chat=chat, effects=(say("edit.unfit"),))
    return correct(chat, session, said, given, parts, event.message_id, now)


def said_in(chat: Chat, source: int) -> Turn | None:
    """The turn that a message made: the one that counts, if one does, else the newest."""
    turns = [turn for kept in chat.answers.values() for turn in kept.turns]
    made = [turn for turn in turns if source == turn.source or source in (part for part, _ in turn.parts)]
    session = chat.conversation.session
    counts = [turn for turn in made if session is not None and turn.n in session.trail]
    return max(counts or made, key=lambda turn: turn.n, default=None)


def _marks(turn: Turn) -> tuple[tuple[str, str], ...]:
    """The choices marked in an answer whose last part was written: they stay when its words are edited."""
    if not isinstance(turn.value, tuple):
        return ()
    labels = turn.text.split(", ")
    return tuple(zip(turn.value[:-1], labels, strict=False))


def _edited_aside(chat: Chat, session: Session, said: Turn, event: TextEdited, now: datetime) -> Decision:
    """What did not fit the question that is still open was edited: it may fit now. Anything older is past."""
    here = session.position
    about_it = here is not None and said.kind == "aside" and (said.step, said.index) == (here.step, here.index)
    if running(chat) is None or not about_it:
        return Decision(chat=chat, effects=(say("edit.unknown"),))
    again = TextSent(
        id=event.id,
        chat_id=event.chat_id,
        sender=event.sender,
        text=event.text,
        message_id=event.message_id,
        reading=event.reading,
    )
    return text(chat, session, again, now)
