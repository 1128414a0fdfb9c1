"""Moments in which a person does not answer: "I don't know", "why do you ask?", "just tell me", what does not fit."""

from __future__ import annotations

from datetime import datetime

from flows import answers as fitting
from flows.asking import open_step, position, session_data
from flows.effects import Choice, Say, Screen, Text, say, text_line
from flows.events import TextSent
from flows.putting import asked, closed, kept, running, with_session
from flows.state import Chat, Decision, Session
from flows.steps import Step, Words
from flows.walk import noted


def unsure(chat: Chat, session: Session, step: Step, event: TextSent, now: datetime) -> Decision | fitting.Given:
    """ "I don't know", or no word at all: helped once, with another question; the second time it is accepted.

    Accepted means that a list has no more entries, that the question is skipped where it may be, and else that these
    are the coachee's words.
    """
    if len(event.text) > fitting.LONGEST_ANSWER:
        return unfit(chat, session, event.text, event.message_id, "unfit.long", now)
    if helped(chat, session):
        offers_none = isinstance(step.takes, Words) and "enough" in step.takes.instead
        choice = "enough" if offers_none else "skip" if step.skip else None
        return fitting.Given(text=event.text, choice=choice, sense=event.reading.sense)
    noted_chat, decision = aside(chat, session, event.text, event.message_id, now, event)
    if event.reading.sense == "empty":
        return decision.evolve(chat=noted_chat, effects=(say("unfit.words"),))
    told = say(f"unsure.{int(step.stage)}")
    return asked(decision.evolve(chat=noted_chat, effects=(*closed(chat, now), told)), now, other=True)


def helped(chat: Chat, session: Session) -> bool:
    """Whether the open question was helped with already, since the last answer that counts."""
    here, since = position(chat), session.trail[-1] if session.trail else 0
    asides = [
        turn for kept in chat.answers.values() for turn in kept.turns if turn.kind == "aside" and turn.n > since
    ]
    return here is not None and any(
        turn.sense in ("unsure", "empty") and (turn.step, turn.index) == (here.step, here.index) for turn in asides
    )


def unfit(chat: Chat, session: Session, said: str, source: int | None, why: str, now: datetime) -> Decision:
    """Words that do not answer the question are kept beside it, and told what would fit. Nothing moves."""
    if why == "unfit.long":
        most, count = fitting.LONGEST_ANSWER, len(said)
        return Decision(chat=chat, effects=(say("unfit.long", said=count, most=most),))
    noted_chat, decision = aside(chat, session, said, source, now)
    return decision.evolve(chat=noted_chat, effects=(say(why),))


def beside(chat: Chat, session: Session, said: str, source: int | None, now: datetime) -> Decision:
    """Words that came for another question are kept beside the open one."""
    noted_chat, decision = aside(chat, session, said, source, now)
    return decision.evolve(chat=noted_chat, effects=(say("unfit.ahead"),))


def aside(
    chat: Chat, session: Session, said: str, source: int | None, now: datetime, event: TextSent | None = None
) -> tuple[Chat, Decision]:
    """Words are kept beside the open question; nothing is said."""
    sense = event.reading.sense if event else None
    question = chat.conversation.wording
    session, answers = noted(
        session,
        chat.answers,
        said,
        here=position(chat),
        at=now,
        question=question,
        source=source,
        sense=sense,
    )
    changed = with_session(chat, session).evolve(answers=answers)
    return changed, Decision(chat=changed, changes=kept(session, chat.answers, answers))


def why(chat: Chat, now: datetime) -> Decision:
    """What the open question is asked for, and the question again."""
    step = open_step(chat)
    if running(chat) is None or step is None:
        return Decision(chat=chat, effects=(nothing_running(chat),))
    return asked(Decision(chat=chat, effects=(*closed(chat, now), say(f"why.{reason_of(step)}"))), now)


def advice(chat: Chat, now: datetime) -> Decision:
    """ "Just tell me what to do": the wish is named and given back, and the question put from another side."""
    if running(chat) is None:
        return Decision(chat=chat, effects=(nothing_running(chat),))
    return asked(Decision(chat=chat, effects=(*closed(chat, now), say("advice.wished"))), now, other=True)


def needed(chat: Chat, step: Step, now: datetime) -> Decision:
    """A question that cannot be skipped: what it is for, and the question again."""
    lines = (text_line("skip.needed"), text_line(f"why.{reason_of(step)}"))
    return asked(Decision(chat=chat, effects=(*closed(chat, now), Say(screen=Screen(lines=lines)))), now)


def reason_of(step: Step) -> str:
    """The name under which the reason for a step's question is told."""
    if step.name.endswith("_check"):
        return "check"
    return "topic_clarify" if step.name == "topic_clarify_again" else step.name


def nothing_running(chat: Chat) -> Say:
    """There is no open question: what can be done instead."""
    session = chat.conversation.session
    if session is not None and session.phase in ("paused", "stopped"):
        data, label = session_data(chat, "come_back"), "button.continue"
    else:
        data, label = "s:session", "button.session"
    button = Choice(data=data, label=Text(key=label))
    return Say(screen=Screen(lines=(text_line("session.none"),), choices=(button,)))
