"""A message was edited: the answer it gave is corrected, as a new turn, and what follows from that."""

from __future__ import annotations

from datetime import date, datetime

from flows import answers as fitting
from flows.asking import screen
from flows.conversation import asked, closed, kept, local_day, moved, review_moved, running, text, with_session
from flows.documents import short
from flows.effects import Line, Say, say
from flows.errors import UnfitAnswerError
from flows.events import TextEdited, TextSent
from flows.stages import STEPS, Day, Words
from flows.state import Chat, Decision, Session, Turn
from flows.walk import corrected


def edited(chat: Chat, event: TextEdited, now: datetime) -> Decision:
    """A message was edited: the answer it gave is corrected, as a new turn."""
    session = chat.conversation.session
    said = said_in(chat, event.message_id)
    if session is None or said is None:
        return Decision(chat=chat, effects=(say("edit.unknown"),))
    if said.n not in session.trail:
        return _edited_aside(chat, session, said, event, now)
    parts = tuple((source, event.text if source == event.message_id else part) for source, part in said.parts)
    words = "\n".join(part for _, part in parts) if parts else event.text
    try:
        given = fitting.from_text(STEPS[said.step], words, event.reading, local_day(chat, now), _marks(said))
    except UnfitAnswerError:
        return Decision(chat=chat, effects=(say("edit.unfit"),))
    return _correct(chat, session, said, given, parts, event.message_id, now)


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


def _correct(
    chat: Chat,
    before: Session,
    old: Turn,
    given: fitting.Given,
    parts: tuple[tuple[int | None, str], ...],
    source: int | None,
    now: datetime,
) -> Decision:
    session, answers = corrected(before, chat.answers, old, given, at=now, source=source, parts=parts)
    if before.phase == "complete" and (session.position is not None or not isinstance(STEPS[old.step].takes, Words)):
        return Decision(chat=chat, effects=(say("edit.complete_fixed"),))
    decision = Decision(
        chat=with_session(chat, session).evolve(answers=answers),
        changes=(*kept(session, chat.answers, answers), moved(session, answers, now)),
        effects=(_corrected_to(old, given),),
    )
    decision = review_moved(decision, session, old.step, old.index, given, now)
    if session.phase == "complete":
        return decision.then(say("edit.complete"))
    stays = session.position == before.position
    if session.phase != "open" or (stays and _shows(chat, now) == _shows(decision.chat, now)):
        return decision
    anew = decision.evolve(effects=(*closed(chat, now), *decision.effects))
    return asked(anew if stays else anew.then(say("edit.elsewhere")), now)


def _corrected_to(old: Turn, given: fitting.Given) -> Say:
    """What an answer is now; of a day, the day it was understood as."""
    if isinstance(STEPS[old.step].takes, Day) and isinstance(given.value, str):
        return say("edit.done.day", day=date.fromisoformat(given.value))
    return say("edit.done", answer=short(given.text, 200))


def _shows(chat: Chat, now: datetime) -> tuple[Line, ...]:
    """The lines of the open question, without the stage's opening."""
    return screen(chat.evolve(conversation=chat.conversation.evolve(opening=False)), local_day(chat, now)).lines


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
