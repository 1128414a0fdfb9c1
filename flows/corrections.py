"""An answer is corrected: as a new turn in the old one's place, and what follows from that."""

from __future__ import annotations

from datetime import date, datetime

from flows import drafts
from flows.answers import Given
from flows.asking import screen, turn_of
from flows.completing import go_on
from flows.documents import material_of, short
from flows.effects import Choice, Line, Say, Screen, Text, say, text_line
from flows.plainly import in_own_words
from flows.putting import asked, closed, local_day, resaid
from flows.state import Chat, Decision, Session, Turn
from flows.steps import STEPS, Day, Words
from flows.walk import corrected

STEP_WORDS = ("step_what", "adjust_what")
"""The steps whose words an item of the plan is made of."""
Parts = tuple[tuple[int | None, str], ...]


def changed(chat: Chat, session: Session, given: Given, source: int | None, now: datetime) -> Decision:
    """The question of an earlier answer was asked again, and this is the new answer."""
    old = turn_of(chat.answers, chat.conversation.changing or 0)
    unchanged = chat.evolve(conversation=chat.conversation.evolve(changing=None))
    taken = closed(chat, now, given.text or None)
    if old is None or old.n not in session.trail:
        return asked(Decision(chat=unchanged, effects=taken), now)
    made = corrected(session, chat.answers, old, given, at=now, source=source, question=chat.conversation.wording)
    decision = resaid(unchanged, *made, now)
    told = say("answers.kept") if given.choice == "skip" else corrected_to(old, given)
    decision = decision.evolve(effects=(*taken, *decision.effects, told))
    return go_on(decision if made[0].position == session.position else decision.then(say("edit.elsewhere")), now)


def correct(
    chat: Chat, before: Session, old: Turn, given: Given, parts: Parts, source: int | None, now: datetime
) -> Decision:
    """The message of an answer was edited."""
    made = corrected(before, chat.answers, old, given, at=now, source=source, parts=parts)
    session = made[0]
    if before.phase == "complete" and (session.position is not None or not isinstance(STEPS[old.step].takes, Words)):
        return Decision(chat=chat, effects=(say("edit.complete_fixed"),))
    if chat.conversation.changing == old.n:  # it is being changed: what is changed is the newest turn of it
        chat = chat.evolve(conversation=chat.conversation.evolve(changing=session.turns))
    decision = resaid(chat, *made, now).then(corrected_to(old, given))
    if session.phase == "complete":
        return _of_complete(decision, session, old, now)
    stays = session.position == before.position
    if session.phase != "open" or chat.conversation.holding or chat.conversation.changing is not None:
        return decision
    if stays and _shows(chat, now) == _shows(decision.chat, now):
        return decision
    anew = decision.evolve(effects=(*closed(chat, now), *decision.effects))
    return go_on(anew if stays else anew.then(say("edit.elsewhere")), now)


def _of_complete(decision: Decision, session: Session, old: Turn, now: datetime) -> Decision:
    """What follows in a session that is over: a plan that waits has the new words, and what was written stays."""
    chat = decision.chat
    if chat.conversation.plan is not None and old.step in STEP_WORDS:
        zone = chat.someone.timezone
        said = material_of(session.session_id, chat.someone.language, zone, session.begun_at, chat.answers)
        decision = drafts.offered(decision, session.session_id, in_own_words(said), now)
    if session.summary != "written":  # it is being written
        return decision
    button = Choice(data="m:0:anew", label=Text(key="button.anew"))
    return decision.then(Say(screen=Screen(lines=(text_line("edit.complete"),), choices=(button,))))


def corrected_to(old: Turn, given: Given) -> Say:
    """What an answer is now; of a day, the day it was understood as."""
    if isinstance(STEPS[old.step].takes, Day) and isinstance(given.value, str):
        return say("edit.done.day", day=date.fromisoformat(given.value))
    return say("edit.done", answer=short(given.text, 200))


def _shows(chat: Chat, now: datetime) -> tuple[Line, ...]:
    """The lines of the open question."""
    return screen(chat, local_day(chat, now)).lines
