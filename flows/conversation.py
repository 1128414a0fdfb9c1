"""The coachee's session: begin or resume, answer, back, pause, stop.

Every function takes the chat as it is and gives the decision; what is said at a step is in `asking`, which step comes
next is in `stages` and `walk`, and `putting` puts the question.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from flows import answers as fitting
from flows import listening, settling
from flows.asking import UNCHANGED, buttons_only, open_step, position, screen, session_data, stage_name
from flows.changes import AnyChange, SessionBegun
from flows.completing import go_on
from flows.corrections import changed
from flows.documents import short
from flows.effects import (
    AnyEffect,
    CancelTimer,
    Choice,
    Edit,
    Line,
    Say,
    Screen,
    SetTimer,
    Text,
    acknowledge,
    say,
    text_line,
)
from flows.errors import UnfitAnswerError
from flows.events import ButtonPressed, Event, TextSent, TimerFired
from flows.lookback import listed
from flows.moments import aside, helped, needed, nothing_running, unfit, unsure
from flows.plans import open_items
from flows.putting import (
    asked,
    closed,
    kept,
    local_day,
    moved,
    offered,
    question_key,
    resaid,
    running,
    topic,
    with_session,
)
from flows.questions import used
from flows.state import Chat, Decision, Review, Session
from flows.steps import STEPS, Day, Pick, Scale, Several, Words
from flows.times import local
from flows.walk import EMPTYING, PASSING, answered, corrected, counting, gone_back, noted, stage_of, start

MOST_REVIEWED = 5
"""Earlier actions that one session reviews, the soonest due first; more would be a session of its own."""
LONG_AWAY = timedelta(days=1)
"""After so long a person is told where they were, and once after so long they are asked whether to go on."""


def wanted(chat: Chat, event: Event, now: datetime) -> Decision:
    """/session: begin, or go on where one was. After a stop that is the person's choice."""
    session = chat.conversation.session
    if session is None or session.phase != "stopped" or not session.trail:
        return begin(chat, event, now)
    stage = stage_of(session)
    lines = [text_line("session.left", n=int(stage), name=stage_name(stage))]
    if (about := topic(chat.answers)) is not None:
        lines.append(text_line("session.about", topic=about))
    buttons = (
        Choice(data=session_data(chat, "come_back"), label=Text(key="button.come_back")),
        Choice(data="s:session", label=Text(key="button.new_session")),
    )
    return Decision(chat=chat, effects=(Say(screen=Screen(lines=tuple(lines), choices=buttons)),))


def begin(
    chat: Chat,
    event: Event,
    now: datetime,
    kind: Literal["self_coaching", "coach_led"] = "self_coaching",
) -> Decision:
    """Begin a session, or go on exactly where one was."""
    session = chat.conversation.session
    if session is not None and session.phase in ("open", "paused"):
        return resume(chat, now)
    person, day = chat.someone, local_day(chat, now)
    items = open_items(chat)[:MOST_REVIEWED]
    session = Session(
        session_id=event.derived("session"),
        session_type=kind,
        position=start(),
        earlier=used(chat.answers),
        reviewing=tuple(
            Review(
                action_id=i.action_id,
                title=i.title,
                description=i.description,
                status=i.status,
                due=i.due,
                overdue=i.due is not None and i.due < day,
            )
            for i in items
        ),
        begun_at=now,
        since=now,
    )
    begun = SessionBegun(session_id=session.session_id, user_id=person.user_id, session_type=kind, at=now)
    conversation = chat.conversation.evolve(
        session=session,
        awaiting=None,
        header=None,
        changing=None,
        holding=None,
        heard=(),
        question=None,
        beside=chat.conversation.beside if kind == "coach_led" else None,
    )
    fresh = chat.evolve(answers={}, conversation=conversation)
    greeting = [text_line("session.greeting.again" if items else "session.greeting", name=person.name)]
    greeting.append(text_line("session.manner"))
    if chat.helped:
        greeting.append(text_line("session.model"))
    hello = Say(screen=Screen(lines=tuple(greeting), keyboard="walk"))
    return asked(Decision(chat=fresh, changes=(begun,), effects=(hello, _resume_timer(session, now))), now)


def resume(chat: Chat, now: datetime) -> Decision:
    """Put the open question again, after a pause or when asked for."""
    session = chat.conversation.session
    assert session is not None
    changes: tuple[AnyChange, ...] = ()
    effects = closed(chat, now)
    if session.phase != "open":
        effects = (*effects, _resume_timer(session, now))
        session = session.evolve(phase="open", since=now)
        changes = (moved(session, chat.answers, now),)
    welcome = Say(screen=Screen(lines=tuple(_welcome_back(chat, session, now)), keyboard="walk"))
    chat = with_session(chat, session)
    return asked(Decision(chat=chat, changes=changes, effects=(*effects, welcome)), now)


def _welcome_back(chat: Chat, session: Session, now: datetime) -> list[Line]:
    stage = stage_of(session)
    lines = [text_line("session.resumed", n=int(stage), name=stage_name(stage))]
    turns = counting(session, chat.answers)
    if turns and now - turns[-1].at >= LONG_AWAY:
        at = local(turns[-1].at, chat.someone.timezone)
        lines = [text_line("session.resumed.long", n=int(stage), name=stage_name(stage), day=at.date())]
        if (about := topic(chat.answers)) is not None:
            lines.append(text_line("session.about", topic=about))
        said = next((turn.text for turn in reversed(turns) if turn.text), None)
        if said is not None:
            lines.append(text_line("session.last_said", said=short(said, 120)))
    return lines


def _resume_timer(session: Session, since: datetime) -> SetTimer:
    return SetTimer(
        key=f"resume:{session.session_id}", kind="resume", subject=session.session_id, due_at=since + LONG_AWAY
    )


def left_lying(chat: Chat, event: TimerFired, now: datetime) -> Decision:
    """A session was left a day ago, paused or in the middle: one card says where it is, and one tap goes on."""
    session = chat.conversation.session
    if session is None or session.session_id != event.subject or session.phase not in ("open", "paused"):
        return Decision(chat=chat)
    turns = [turn for answers in chat.answers.values() for turn in answers.turns]
    last = max([session.since, *(turn.at for turn in turns)])
    if now - last < LONG_AWAY or chat.someone.unreachable_since is not None:
        return Decision(chat=chat, effects=(_resume_timer(session, last if now - last < LONG_AWAY else now),))
    stage = stage_of(session)
    lines = [text_line("resume.card", name=chat.someone.name, n=int(stage), stage=stage_name(stage))]
    if (about := topic(chat.answers)) is not None:
        lines.append(text_line("session.about", topic=about))
    lines.append(text_line("resume.kept", count=len(listed(chat))))
    buttons = (
        Choice(data=session_data(chat, "come_back"), label=Text(key="button.continue")),
        Choice(data="k:0:0", label=Text(key="button.answers")),
        Choice(data=session_data(chat, "stop"), label=Text(key="button.stop")),
    )
    return Decision(chat=chat, effects=(Say(screen=Screen(lines=tuple(lines), choices=buttons)),))


def missed(chat: Chat, session: Session, event: TextSent, now: datetime) -> Decision:
    """Words of a person who was away: the open question may never have reached them, so it is put again.

    The words are kept beside it.
    """
    before = chat.answers
    said, source = event.text[: fitting.LONGEST_ANSWER], event.message_id
    question = chat.conversation.wording
    session, answers = noted(session, before, said, here=position(chat), at=now, question=question, source=source)
    said_too = kept(session, before, answers)
    again = resume(with_session(chat, session).evolve(answers=answers), now)
    return again.evolve(changes=(*said_too, *again.changes))


def pause(chat: Chat, now: datetime) -> Decision:
    """Put the session down; everything stays."""
    session = running(chat)
    if session is None:
        return Decision(chat=chat, effects=(nothing_running(chat),))
    decision = _put_down(chat, session.evolve(phase="paused", since=now), "session.paused", "button.continue", now)
    return decision.then(_resume_timer(session, now))


def stop(chat: Chat, now: datetime) -> Decision:
    """End the session where it is; what was said is kept, and one tap comes back."""
    session = chat.conversation.session
    if session is None or session.phase not in ("open", "paused"):
        return Decision(chat=chat, effects=(nothing_running(chat),))
    stopped = session.evolve(phase="stopped", since=now)
    decision = _put_down(chat, stopped, "session.stopped", "button.come_back", now)
    return decision.then(CancelTimer(key=f"resume:{session.session_id}"))


def come_back(chat: Chat, now: datetime) -> Decision | None:
    """Take up a session that was stopped or paused; None where there is none."""
    session = chat.conversation.session
    if session is None or session.phase == "complete":
        return None
    return resume(chat, now)


def back(chat: Chat, now: datetime, questions: int = 1) -> Decision:
    """Some questions back; from an answer that is being changed, back to the open question."""
    session = running(chat)
    if session is None:
        return Decision(chat=chat, effects=(nothing_running(chat),))
    if chat.conversation.changing is not None:
        unchanged = chat.evolve(conversation=chat.conversation.evolve(changing=None))
        return go_on(Decision(chat=unchanged, effects=(*closed(chat, now), say("answers.unchanged"))), now)
    if not session.trail:
        return Decision(chat=chat, effects=(say("session.first_question"),))
    gone = gone_back(session, chat.answers, questions)
    decision = resaid(chat, *gone, now)
    told = say("session.back", count=len(session.trail) - len(gone[0].trail))
    return asked(decision.evolve(effects=(*closed(chat, now), *decision.effects, told)), now)


def text(chat: Chat, session: Session, event: TextSent, now: datetime) -> Decision:
    """Words while a question is open: its answer, an addition to the last one, or something that does not fit."""
    early = event.ahead or chat.conversation.holding == "reflection"
    if early and session.trail and chat.conversation.fresh and chat.conversation.changing is None:
        return _added(chat, session, event, now)
    step = open_step(chat)
    assert step is not None
    if chat.conversation.changing is not None and event.reading.choice == UNCHANGED:
        return back(chat, now)
    if buttons_only(chat) and event.reading.choice is None and event.reading.sense is None:
        return unfit(chat, session, event.text, event.message_id, "unfit.day.button", now)
    may_be_left = step.skip or not isinstance(step.takes, Scale | Pick | Day)
    first_time = event.reading.sense == "unsure" and not helped(chat, session)
    if event.reading.sense in ("unsure", "empty") and (may_be_left or first_time):
        accepted = unsure(chat, session, step, event, now)
        if isinstance(accepted, Decision):
            return accepted
        decision = answer(chat, session, accepted, event.message_id, now)
        told = (say("skip.accepted"),) if accepted.choice == "skip" else ()
        return decision.evolve(effects=(*told, *decision.effects))
    try:
        given = fitting.from_text(step, event.text, event.reading, local_day(chat, now), chat.conversation.picks)
    except UnfitAnswerError as error:
        if chat.conversation.holding == "breaths":  # the question is not there yet: it is put now
            noted_chat, decision = aside(chat, session, event.text[: fitting.LONGEST_ANSWER], event.message_id, now)
            over = settling.over(noted_chat, now)
            return over.evolve(changes=(*decision.changes, *over.changes))
        return unfit(chat, session, event.text, event.message_id, str(error.args[0]), now)
    return answer(chat, session, given, event.message_id, now)


def button(chat: Chat, event: ButtonPressed, now: datetime) -> Decision | None:
    """A press under a question. An old one is told how things stand. None where the data is not one of ours."""
    parts = event.data.split(":")
    if len(parts) != 3 or parts[0] != "a" or not parts[1].isascii() or not parts[1].isdigit():
        return None
    session, step = running(chat), open_step(chat)
    if session is None or step is None:
        return Decision(chat=chat, effects=acknowledge(event.press_id, "toast.not_running"))
    number, code = int(parts[1][:9]), parts[2]
    if number != chat.conversation.asked or chat.conversation.holding is not None:
        return _old_press(chat, event, number, now)
    if code == UNCHANGED and chat.conversation.changing is not None:
        decision = back(chat, now)
        return decision.evolve(effects=(*acknowledge(event.press_id), *decision.effects))
    if isinstance(step.takes, Several) and code in step.takes.options:
        return _marked(chat, event, code, now)
    if isinstance(step.takes, Pick) and event.data not in offered(chat, now):
        return Decision(chat=chat, effects=acknowledge(event.press_id, "toast.unknown"))
    try:
        given = fitting.from_button(step, code, event.label, local_day(chat, now), chat.conversation.picks)
    except UnfitAnswerError as error:
        return Decision(chat=chat, effects=acknowledge(event.press_id, f"toast.{error.args[0]}"))
    decision = answer(chat, session, given, None, now)
    return decision.evolve(effects=(*acknowledge(event.press_id), *decision.effects))


def answer(chat: Chat, session: Session, given: fitting.Given, source: int | None, now: datetime) -> Decision:
    """An answer counts: it is kept, the question shows it, and the next one is put, or the session is complete."""
    if chat.conversation.changing is not None:
        return changed(chat, session, given, source, now)
    taken = closed(chat, now, given.text or None)
    back_again: tuple[AnyEffect, ...] = ()
    if session.trail and now - counting(session, chat.answers)[-1].at >= LONG_AWAY:
        back_again = (_resume_timer(session, now),)
    session, answers = answered(
        session, chat.answers, given, at=now, question=chat.conversation.wording, source=source
    )
    unheld = chat.evolve(conversation=chat.conversation.evolve(holding=None))
    decision = resaid(unheld, session, answers, now)
    decision = decision.evolve(effects=(*taken, *decision.effects, *back_again))
    if session.position is not None and STEPS[session.position.step].interlude == "breaths":
        return settling.begin(decision, now)
    if listening.wanted(chat, decision.chat, given):
        return listening.begin(decision)
    return go_on(decision, now, fresh=True)


def skip(chat: Chat, now: datetime) -> Decision:
    """The open question is left, where it may be. Where it may not, the coach says what it is for."""
    session, step = running(chat), open_step(chat)
    if session is None or step is None:
        return Decision(chat=chat, effects=(nothing_running(chat),))
    if chat.conversation.holding is not None:
        return Decision(chat=chat) if chat.conversation.holding == "reflection" else settling.over(chat, now)
    none = [code for code in getattr(step.takes, "instead", ()) if code in EMPTYING | PASSING]
    if not step.skip and not none:
        return needed(chat, step, now)
    given = fitting.Given(text="", choice=none[0] if none else "skip")
    return answer(chat, session, given, None, now)


def _added(chat: Chat, session: Session, event: TextSent, now: datetime) -> Decision:
    """Words sent before the open question could be seen belong to the answer before it."""
    unseen = chat.conversation.holding == "reflection"
    last = counting(session, chat.answers)[-1]
    joined = f"{last.text}\n{event.text}"
    if not isinstance(STEPS[last.step].takes, Words) or last.choice or len(joined) > 2 * fitting.LONGEST_ANSWER:
        before, question = chat.answers, chat.conversation.wording
        words, source = event.text[: fitting.LONGEST_ANSWER], event.message_id
        here = position(chat)
        session, answers = noted(session, before, words, here=here, at=now, question=question, source=source)
        chat = with_session(chat, session).evolve(answers=answers)
        told = () if unseen else (say("unfit.ahead"),)
        return Decision(chat=chat, changes=kept(session, before, answers), effects=told)
    given = fitting.Given(text=joined, value=last.value, sense=None)
    parts = (*(last.parts or ((last.source, last.text),)), (event.message_id, event.text))
    joined_in = corrected(session, chat.answers, last, given, at=now, source=last.source, parts=parts)
    stays = joined_in[0].position == session.position
    decision = resaid(chat, *joined_in, now)
    if unseen:
        return decision
    if stays:
        return decision.then(say("answer.added"))
    # what was vague is clear now, and another question is next
    return go_on(decision.evolve(effects=(*closed(chat, now), *decision.effects)), now, fresh=True)


def _marked(chat: Chat, event: ButtonPressed, code: str, now: datetime) -> Decision:
    """One of several is marked, or unmarked."""
    picks = chat.conversation.picks
    if any(picked == code for picked, _ in picks):
        picks = tuple(p for p in picks if p[0] != code)
    else:
        picks = (*picks, (code, event.label or code))
    chat = chat.evolve(conversation=chat.conversation.evolve(picks=picks))
    shown = Edit(key=question_key(chat), screen=screen(chat, local_day(chat, now)))
    return Decision(chat=chat, effects=(*acknowledge(event.press_id), shown))


def _old_press(chat: Chat, event: ButtonPressed, number: int, now: datetime) -> Decision:
    """A button of an earlier question. Pressed twice, a word is enough; if older, the open question is put again."""
    if number >= chat.conversation.asked - 1 or chat.conversation.holding is not None:
        return Decision(chat=chat, effects=acknowledge(event.press_id, "toast.answered"))
    decision = Decision(chat=chat, effects=(*acknowledge(event.press_id, "toast.old"), *closed(chat, now)))
    return asked(decision, now)


def _put_down(chat: Chat, session: Session, said: str, way_back: str, now: datetime) -> Decision:
    stage = stage_of(session)
    line = text_line(said, n=int(stage), name=stage_name(stage))
    buttons = [Choice(data=session_data(chat, "come_back"), label=Text(key=way_back))]
    if session.phase == "stopped":
        buttons.append(Choice(data="s:session", label=Text(key="button.session")))
    taken = closed(chat, now)
    conversation = chat.conversation.evolve(session=session, holding=None, changing=None)
    return Decision(
        chat=chat.evolve(conversation=conversation),
        changes=(moved(session, chat.answers, now),),
        effects=(
            *taken,
            Say(screen=Screen(lines=(line,), keyboard="rest")),
            Say(screen=Screen(lines=(text_line(f"{said}.next"),), choices=tuple(buttons))),
        ),
    )
