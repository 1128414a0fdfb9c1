"""The coachee's session: begin or resume, answer, back, pause, stop.

Every function takes the chat as it is and gives the decision; what is said at a step is in `asking`, which step comes
next is in `stages` and `walk`.
"""

from __future__ import annotations

from datetime import date, datetime

from flows import answers as fitting
from flows.asking import choices, plan_lines, screen, stage_name, wording
from flows.changes import AnyChange, SessionBegun, SessionMoved, StageKept
from flows.documents import short
from flows.effects import (
    AnyEffect,
    Choice,
    Edit,
    RequestSummary,
    Say,
    Screen,
    Text,
    acknowledge,
    say,
    text_line,
)
from flows.errors import UnfitAnswerError
from flows.events import ButtonPressed, Event, TextSent
from flows.plans import added, open_items, reminders, reviewed
from flows.stages import STEPS, Pick, Several, Stage, Words
from flows.state import Chat, Decision, Review, Session
from flows.times import local, today
from flows.walk import Answers, answered, corrected, counting, gone_back, noted, stage_of, start

BEFORE_REVIEW = fitting.Given(text="", choice="before")
MOST_REVIEWED = 10
"""Earlier actions that one session reviews, the soonest due first; more would be a session of its own."""


def running(chat: Chat) -> Session | None:
    """The session in which a question is open now."""
    session = chat.conversation.session
    return session if session is not None and session.phase == "open" else None


def begin(chat: Chat, event: Event, now: datetime) -> Decision:
    """Begin a session, or go on exactly where one was."""
    session = chat.conversation.session
    if session is not None and session.phase in ("open", "paused"):
        return resume(chat, now)
    person = chat.someone
    items = open_items(chat)[:MOST_REVIEWED]
    session = Session(
        session_id=event.derived("session"),
        position=start(),
        reviewing=tuple(Review(action_id=i.action_id, title=i.title, status=i.status, due=i.due) for i in items),
        begun_at=now,
        since=now,
    )
    begun = SessionBegun(
        session_id=session.session_id, user_id=person.user_id, session_type=session.session_type, at=now
    )
    fresh = chat.evolve(answers={}, conversation=chat.conversation.evolve(session=session, awaiting=None))
    greeting = [text_line("session.greeting.again" if items else "session.greeting", name=person.name)]
    greeting.append(text_line("session.manner"))
    if chat.model:
        greeting.append(text_line("session.model"))
    hello = Say(screen=Screen(lines=tuple(greeting), keyboard="walk"))
    return asked(Decision(chat=fresh, changes=(begun,), effects=(hello,)), now)


def resume(chat: Chat, now: datetime) -> Decision:
    """Put the open question again, after a pause or when asked for."""
    session = chat.conversation.session
    assert session is not None
    changes: tuple[AnyChange, ...] = ()
    if session.phase != "open":
        session = session.evolve(phase="open", since=now)
        changes = (moved(session, chat.answers, now),)
    stage = stage_of(session)
    line = text_line("session.resumed", n=int(stage), name=stage_name(stage))
    welcome = Say(screen=Screen(lines=(line,), keyboard="walk"))
    taken = closed(chat, now)
    chat = with_session(chat, session)
    return asked(Decision(chat=chat, changes=changes, effects=(*taken, welcome)), now)


def missed(chat: Chat, session: Session, event: TextSent, now: datetime) -> Decision:
    """Words of a person who was away: the open question may never have reached them, so it is put again.

    The words are kept beside it.
    """
    before = chat.answers
    said, source = event.text[: fitting.LONGEST_ANSWER], event.message_id
    session, answers = noted(session, before, said, at=now, question=wording(session, before), source=source)
    said_too = kept(session, before, answers)
    again = resume(with_session(chat, session).evolve(answers=answers), now)
    return again.evolve(changes=(*said_too, *again.changes))


def pause(chat: Chat, now: datetime) -> Decision:
    """Put the session down; everything stays."""
    session = running(chat)
    if session is None:
        return Decision(chat=chat, effects=(_nothing_running(chat),))
    return _put_down(chat, session.evolve(phase="paused", since=now), "session.paused", "button.continue", now)


def stop(chat: Chat, now: datetime) -> Decision:
    """End the session where it is; what was said is kept, and one tap comes back."""
    session = chat.conversation.session
    if session is None or session.phase not in ("open", "paused"):
        return Decision(chat=chat, effects=(_nothing_running(chat),))
    return _put_down(chat, session.evolve(phase="stopped", since=now), "session.stopped", "button.come_back", now)


def come_back(chat: Chat, now: datetime) -> Decision | None:
    """Take up a session that was stopped or paused; None where there is none."""
    session = chat.conversation.session
    if session is None or session.phase == "complete":
        return None
    return resume(chat, now)


def back(chat: Chat, now: datetime) -> Decision:
    """One question back."""
    session = running(chat)
    if session is None:
        return Decision(chat=chat, effects=(_nothing_running(chat),))
    if not session.trail:
        return Decision(chat=chat, effects=(say("session.first_question"),))
    before = chat.answers
    undone = counting(session, before)[-1]
    session, answers = gone_back(session, before)
    decision = Decision(
        chat=with_session(chat, session).evolve(answers=answers),
        changes=kept(session, before, answers),
        effects=(*closed(chat, now), say("session.back")),
    )
    if undone.step == "review_status":  # the item stands as it did before it was reviewed
        decision = review_moved(decision, session, undone.step, undone.index, BEFORE_REVIEW, now)
    return asked(decision, now)


def text(chat: Chat, session: Session, event: TextSent, now: datetime) -> Decision:
    """Words while a question is open: its answer, an addition to the last one, or something that does not fit."""
    if event.ahead and session.trail and chat.conversation.fresh:
        return _added(chat, session, event, now)
    assert session.position is not None
    step = STEPS[session.position.step]
    try:
        given = fitting.from_text(step, event.text, event.reading, local_day(chat, now), chat.conversation.picks)
    except UnfitAnswerError as unfit:
        return _unfit(chat, session, event.text, event.message_id, str(unfit.args[0]), now)
    return _answer(chat, session, given, event.message_id, now)


def button(chat: Chat, event: ButtonPressed, now: datetime) -> Decision | None:
    """A press under a question. An old one is told how things stand. None where the data is not one of ours."""
    parts = event.data.split(":")
    if len(parts) != 3 or parts[0] != "a" or not parts[1].isascii() or not parts[1].isdigit():
        return None
    session = running(chat)
    if session is None or session.position is None:
        return Decision(chat=chat, effects=acknowledge(event.press_id, "toast.not_running"))
    if int(parts[1]) != chat.conversation.asked:
        return _old_press(chat, event, int(parts[1]), now)
    step = STEPS[session.position.step]
    code = parts[2]
    if isinstance(step.takes, Several) and code in step.takes.options:
        return _marked(chat, event, code, now)
    if isinstance(step.takes, Pick) and event.data not in {c.data for c in choices(chat, local_day(chat, now))}:
        return Decision(chat=chat, effects=acknowledge(event.press_id, "toast.unknown"))
    try:
        given = fitting.from_button(step, code, event.label, local_day(chat, now), chat.conversation.picks)
    except UnfitAnswerError as unfit:
        return Decision(chat=chat, effects=acknowledge(event.press_id, f"toast.{unfit.args[0]}"))
    decision = _answer(chat, session, given, None, now)
    return decision.evolve(effects=(*acknowledge(event.press_id), *decision.effects))


def _answer(chat: Chat, session: Session, given: fitting.Given, source: int | None, now: datetime) -> Decision:
    """An answer counts: it is kept, the question shows it, and the next one is put, or the session is complete."""
    before, was = chat.answers, session
    assert was.position is not None
    question = wording(session, before)
    session, answers = answered(session, before, given, at=now, question=question, source=source)
    decision = Decision(
        chat=with_session(chat, session).evolve(answers=answers),
        changes=kept(session, before, answers),
        effects=closed(chat, now, given.text),
    )
    decision = review_moved(decision, session, was.position.step, was.position.index, given, now)
    if session.position is None:
        return _completed(decision, now)
    if stage_of(session) != stage_of(was) or was.position.step == "topic":
        decision = decision.keeping(moved(session, answers, now))
    return asked(decision, now, fresh=True)


def review_moved(
    decision: Decision, session: Session, step: str, index: int, given: fitting.Given, now: datetime
) -> Decision:
    """An answer about an earlier action item moves the item."""
    if step != "review_status" or given.choice is None:
        return decision
    moved, effects = reviewed(session.reviewing[index], given.choice, now, decision.chat.someone.timezone)
    return decision.keeping(moved).then(*effects)


def _added(chat: Chat, session: Session, event: TextSent, now: datetime) -> Decision:
    """Words sent before the open question could be seen belong to the answer before it."""
    last = counting(session, chat.answers)[-1]
    joined = f"{last.text}\n{event.text}"
    if not isinstance(STEPS[last.step].takes, Words) or last.choice or len(joined) > 2 * fitting.LONGEST_ANSWER:
        before = chat.answers
        question = wording(session, before)
        session, answers = noted(
            session,
            before,
            event.text[: fitting.LONGEST_ANSWER],
            at=now,
            question=question,
            source=event.message_id,
        )
        chat = with_session(chat, session).evolve(answers=answers)
        return Decision(chat=chat, changes=kept(session, before, answers), effects=(say("unfit.ahead"),))
    before = chat.answers
    given = fitting.Given(text=joined)
    parts = (*(last.parts or ((last.source, last.text),)), (event.message_id, event.text))
    session, answers = corrected(session, before, last, given, at=now, source=last.source, parts=parts)
    chat_now = with_session(chat, session).evolve(answers=answers)
    return Decision(
        chat=chat_now,
        changes=(*kept(session, before, answers), moved(session, answers, now)),
        effects=(say("answer.added"),),
    )


def _unfit(chat: Chat, session: Session, said: str, source: int | None, why: str, now: datetime) -> Decision:
    """Words that do not answer the question are kept beside it, and told what would fit. Nothing moves."""
    if why == "unfit.long":
        most, count = fitting.LONGEST_ANSWER, len(said)
        return Decision(chat=chat, effects=(say("unfit.long", count=count, most=most),))
    before = chat.answers
    session, answers = noted(session, before, said, at=now, question=wording(session, before), source=source)
    chat = with_session(chat, session).evolve(answers=answers)
    return Decision(chat=chat, changes=kept(session, before, answers), effects=(say(why),))


def _marked(chat: Chat, event: ButtonPressed, code: str, now: datetime) -> Decision:
    """One of several is marked, or unmarked."""
    picks = chat.conversation.picks
    if any(picked == code for picked, _ in picks):
        picks = tuple(p for p in picks if p[0] != code)
    else:
        picks = (*picks, (code, event.label or code))
    chat = chat.evolve(conversation=chat.conversation.evolve(picks=picks))
    shown = Edit(key=_key(chat), screen=screen(chat, local_day(chat, now)))
    return Decision(chat=chat, effects=(*acknowledge(event.press_id), shown))


def _old_press(chat: Chat, event: ButtonPressed, number: int, now: datetime) -> Decision:
    """A button of an earlier question. Pressed twice, a word is enough; if older, the open question is put again."""
    if number >= chat.conversation.asked - 1:
        return Decision(chat=chat, effects=acknowledge(event.press_id, "toast.answered"))
    decision = Decision(chat=chat, effects=(*acknowledge(event.press_id, "toast.old"), *closed(chat, now)))
    return asked(decision, now)


def _completed(decision: Decision, now: datetime) -> Decision:
    """The last question is answered: the plan becomes rows, reminders are set, the summary is asked for."""
    chat = decision.chat
    session = chat.conversation.session
    assert session is not None
    session = session.evolve(phase="complete", summary="asked", since=now)
    person = chat.someone
    rows = added(person.user_id, session, chat.answers, local_day(chat, now))
    timers = reminders(session, chat.answers, rows, now, person.timezone)
    lines = [text_line("session.complete"), *plan_lines(chat.answers)]
    if moments := sorted({timer.due_at for timer in timers}):
        lines.append(text_line("plan.reminders"))
        lines.extend(text_line("plan.reminder", at=local(moment, person.timezone)) for moment in moments)
    if person.timezone == "UTC":
        lines.append(text_line("plan.no_timezone"))
    lines.append(text_line("summary.coming"))
    return (
        decision.evolve(chat=with_session(chat, session))
        .keeping(*rows, moved(session, chat.answers, now))
        .then(
            Say(screen=Screen(lines=tuple(lines), keyboard="rest")),
            *timers,
            RequestSummary(session_id=session.session_id),
        )
    )


def _put_down(chat: Chat, session: Session, said: str, way_back: str, now: datetime) -> Decision:
    stage = stage_of(session)
    line = text_line(said, n=int(stage), name=stage_name(stage), count=len(session.trail))
    buttons = [Choice(data="s:come_back", label=Text(key=way_back))]
    if session.phase == "stopped":
        buttons.append(Choice(data="s:session", label=Text(key="button.session")))
    return Decision(
        chat=with_session(chat, session),
        changes=(moved(session, chat.answers, now),),
        effects=(
            *closed(chat, now),
            Say(screen=Screen(lines=(line,), keyboard="rest")),
            Say(screen=Screen(lines=(text_line(f"{said}.next"),), choices=tuple(buttons))),
        ),
    )


def asked(decision: Decision, now: datetime, *, fresh: bool = False) -> Decision:
    """The decision, and the open question put as a new message; `fresh` where an answer led to it."""
    conversation = decision.chat.conversation
    session = conversation.session
    assert session is not None
    stage = int(stage_of(session))
    conversation = conversation.evolve(
        asked=conversation.asked + 1,
        opening=stage > session.opened,
        fresh=fresh,
        picks=(),
        awaiting=None,
        session=session.evolve(opened=max(session.opened, stage)),
    )
    chat = decision.chat.evolve(conversation=conversation)
    return decision.evolve(chat=chat).then(Say(key=_key(chat), screen=screen(chat, local_day(chat, now))))


def closed(chat: Chat, now: datetime, chosen: str | None = None) -> tuple[AnyEffect, ...]:
    """The open question loses its buttons and shows what was chosen. One without buttons stays as it is."""
    if running(chat) is None:
        return ()
    put = screen(chat, local_day(chat, now))
    if not put.choices:
        return ()
    lines = put.lines if chosen is None else (*put.lines, text_line("answer.chosen", answer=short(chosen, 200)))
    return (Edit(key=_key(chat), screen=Screen(lines=lines)),)


def _key(chat: Chat) -> str:
    """The key of the message that puts the open question."""
    return f"q{chat.conversation.asked}"


def kept(session: Session, before: Answers, answers: Answers) -> tuple[AnyChange, ...]:
    """The stages in which something was said or counts differently."""
    return tuple(
        StageKept(session_id=session.session_id, stage=stage, fields=kept.fields, turns=kept.turns)
        for stage, kept in answers.items()
        if kept is not before.get(stage)
    )


def moved(session: Session, answers: Answers, now: datetime) -> SessionMoved:
    """The columns of the session's row."""
    topic = answers[Stage.STARTING_POINT].fields.get("topic") if Stage.STARTING_POINT in answers else None
    complete, stopped = session.phase == "complete", session.phase == "stopped"
    return SessionMoved(
        session_id=session.session_id,
        current_stage=int(stage_of(session)),
        topic=short(topic) if topic else None,
        is_complete=complete,
        at=now,
        ended="completed" if complete else "stopped" if stopped else None,
    )


def with_session(chat: Chat, session: Session) -> Chat:
    """The chat with its session changed."""
    return chat.evolve(conversation=chat.conversation.evolve(session=session))


def local_day(chat: Chat, now: datetime) -> date:
    """The person's date."""
    return today(now, chat.someone.timezone)


def _nothing_running(chat: Chat) -> Say:
    """There is no open question: what can be done instead."""
    session = chat.conversation.session
    if session is not None and session.phase in ("paused", "stopped"):
        data, label = "s:come_back", "button.continue"
    else:
        data, label = "s:session", "button.session"
    button = Choice(data=data, label=Text(key=label))
    return Say(screen=Screen(lines=(text_line("session.none"),), choices=(button,)))
