"""The coach's side of a conversation that they lead: joining it, how far it is, questions of their own.

`join` begins it where it has not begun (once they said so), and shows how far it is where it runs. What the coachee
answers is behind the buttons of `cards`, where the coachee shares it; a private note is written there, too. A
question is written here and comes to the coachee as `led_questions` says.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from flows.acts import Act
from flows.answers import has_words
from flows.bookings import went_on
from flows.cards import refusal
from flows.changes import QuestionPut
from flows.diary import Question, Scheduled
from flows.documents import short
from flows.effects import CancelTimer, Choice, Line, Screen, SetTimer, Text, acknowledge, say, text_line
from flows.events import TextSent
from flows.ids import long_id, short_id
from flows.led import not_now
from flows.led_questions import marked, timer
from flows.on_card import at_the_bottom
from flows.people import Kind, Subject
from flows.rights import refused
from flows.session_cards import button
from flows.session_news import opens
from flows.session_press import Handler, Press, WordsHandler, audited, done, scene, shown, why_not
from flows.state import Booking, Chat, Decision
from flows.times import local

LONGEST_QUESTION = 500
MOST_WAITING = 3
"""Questions of a coach that wait to be answered in a session."""
MOST_SHOWN = 6
"""Questions that the card shows, the newest ones."""
PHASES = ("begun", "conversation_resumed", "conversation_paused")
"""What the history says of whether it goes on."""


def _join(chat: Chat, press: Press, now: datetime) -> Decision:
    session, subject = press.about, press.whose
    if session.conversation is not None:
        return shown(chat, press, live(chat, press.card, session, subject, now))
    below = (button(press.card, "join", session, label="button.led.refresh"), opens(session, press.card))
    why = not_now(session, subject, now) or _away(subject)
    about: dict[str, Any] = {"n": session.number, "name": session.coachee.name}
    if why is not None:
        line = text_line(f"led.join.{why}", at=local(session.starts_at, chat.someone.timezone), **about)
        return shown(chat, press, Screen(lines=(line,), choices=below, per_row=2))
    if press.argument != "now":
        begin = Choice(
            data=button(press.card, "join", session, "now").data, label=Text(key="button.led.begin", args=about)
        )
        line = text_line("led.join.ask", **about)
        return shown(chat, press, Screen(lines=(line,), choices=(begin, *below), per_row=1))
    begins = SetTimer(
        key=f"lead:{session.session_id}",
        kind="session_lead",
        subject=session.session_id,
        due_at=now,
        of=subject.person.chat_id,
    )
    screen = Screen(lines=(text_line("led.join.begins", **about),), choices=below, per_row=2)
    return done(chat, press, Act(effects=(begins,)), screen, now)


def _away(subject: Subject) -> str | None:
    """Whether the coachee can take part now."""
    person = subject.person
    return "away" if person.standing != "active" or person.unreachable_since is not None else None


# ---- how far it is


def live(chat: Chat, card: int, session: Scheduled, subject: Subject, now: datetime) -> Screen:
    """How far the conversation is, and what the coach can do about it."""
    about: dict[str, Any] = {"n": session.number, "name": session.coachee.name}
    lines = [Line(text=Text(key="led.live", args=about), style="bold"), *_where(chat, session, now)]
    mine = [q for q in chat.book.questions if q.coach_id == chat.someone.user_id and q.status != "dropped"]
    for question in mine[-MOST_SHOWN:]:
        lines.append(text_line(f"led.asked.{question.status}", text=short(question.text, 120)))
        if question.answer:
            lines.append(Line(text=short(question.answer, 200), style="quote"))
    buttons = []
    if not _is_over(chat, session):
        buttons.append(button(card, "ask", session))
    buttons += [
        Choice(
            data=button(card, "drop", session, short_id(q.question_id)).data,
            label=Text(key="button.ask.drop", args={"text": short(q.text, 24)}),
        )
        for q in mine
        if q.status == "waiting"
    ]
    named = f"p:{card}:{short_id(subject.person.user_id)}"
    buttons.append(Choice(data=f"{named}:note", label=Text(key="button.led.note")))
    buttons += [
        Choice(data=f"{named}:{kind}", label=Text(key=f"button.see.{kind}")) for kind in _seen(chat, subject, now)
    ]
    refresh = button(card, "join", session, label="button.led.refresh")
    return Screen(lines=tuple(lines), choices=(*buttons, refresh, opens(session, card)), per_row=2)


def _where(chat: Chat, session: Scheduled, now: datetime) -> list[Line]:
    """The step and since when, and how long ago the last answer was: times, and no word of it."""
    assert chat.look is not None
    held = next((h for h in chat.look.sessions if h.session_id == session.conversation), None)
    if held is None:
        return [text_line("led.live.none")]
    zone = chat.someone.timezone
    if held.ended is not None:
        return [text_line(f"led.live.{held.ended}", step=held.current_stage)]
    acts = [h.at for h in chat.book.history if h.data.get("act") in ("begun", "stage_finished")]
    since = max(acts, default=held.at)
    stage = Text(key=f"stage.{held.current_stage}")
    lines = [text_line("led.live.step", step=held.current_stage, stage=stage, at=local(since, zone))]
    if _paused(chat):
        lines.append(text_line("led.live.paused"))
    if chat.look.sessions[0].session_id == session.conversation:
        said = [turn.at for kept in chat.look.answers.values() for turn in kept.turns]
        if said:
            minutes = int((now - max(said)).total_seconds() // 60)
            lines.append(
                text_line("led.live.answered", count=minutes) if minutes else text_line("led.live.answered_now")
            )
    return lines


def _paused(chat: Chat) -> bool:
    """Whether it was put down last, as the history has it."""
    found = [(h.at, str(h.data.get("act", ""))) for h in chat.book.history]
    puts = [(at, PHASES.index(act)) for at, act in found if act in PHASES]
    return bool(puts) and PHASES[max(puts)[1]] == "conversation_paused"


def _is_over(chat: Chat, session: Scheduled) -> bool:
    """Whether it is done, or was stopped."""
    assert chat.look is not None
    held = next((h for h in chat.look.sessions if h.session_id == session.conversation), None)
    return held is None or held.ended is not None


def _seen(chat: Chat, subject: Subject, now: datetime) -> list[Kind]:
    """What of it the coachee lets them see."""
    me, year = chat.someone.user_id, local(now, chat.someone.timezone).year
    kinds: tuple[Kind, ...] = ("answers", "ratings")
    if subject.person.standing == "waiting":
        return []
    return [kind for kind in kinds if not refused(kind, me, chat.around.roles, subject, year)]


# ---- questions of their own


def _ask(chat: Chat, press: Press, now: datetime) -> Decision:
    session = press.about
    if session.conversation is None or _is_over(chat, session):
        return Decision(chat=chat, effects=acknowledge(press.event.press_id, "toast.led.not_running"))
    if _too_many(chat):
        return Decision(chat=chat, effects=acknowledge(press.event.press_id, "toast.ask.enough"))
    booking = Booking(card=press.card, coachee=session.coachee.user_id, session=session.session_id)
    asking = chat.evolve(conversation=chat.conversation.evolve(awaiting="ask", booking=booking))
    line = text_line("ask.write", name=session.coachee.name, most=LONGEST_QUESTION)
    back = button(press.card, "join", session, label="button.not_now")
    return shown(asking, press, Screen(lines=(line,), choices=(back,)))


def _too_many(chat: Chat) -> bool:
    me = chat.someone.user_id
    open_ones = [q for q in chat.book.questions if q.status in ("waiting", "put") and q.coach_id == me]
    return len(open_ones) >= MOST_WAITING


def _written(chat: Chat, event: TextSent, now: datetime) -> Decision:
    """The words of a question: it is on its way."""
    session, subject = chat.book.session, chat.around.subject
    reason = why_not(chat, "lead_session", subject, local(now, chat.someone.timezone).year)
    quiet = chat.evolve(conversation=chat.conversation.evolve(awaiting=None, booking=None))
    if session is None or subject is None or reason:
        return refusal(quiet, event, "lead_session", reason or "relation", now, subject)
    text = event.text.strip()
    if not has_words(text) or len(text) > LONGEST_QUESTION:
        return Decision(chat=chat, effects=(say("ask.unfit", said=len(text), most=LONGEST_QUESTION),))
    if session.conversation is None or _is_over(chat, session) or _too_many(chat):
        key = "toast.ask.enough" if not _is_over(chat, session) and session.conversation is not None else "ask.over"
        return Decision(chat=quiet, effects=(say(key, name=session.coachee.name),))
    question = Question(
        question_id=event.derived("question"),
        session_id=session.session_id,
        text=text,
        coach_id=chat.someone.user_id,
    )
    buttons = (
        button(0, "join", session, label="button.led.live"),
        button(0, "ask", session, label="button.ask.another"),
    )
    line = text_line("ask.on_its_way", name=session.coachee.name)
    put = at_the_bottom(quiet, Screen(lines=(line,), choices=buttons, per_row=2))
    changes = (
        marked(question, session, now),
        went_on(session, scene(chat, subject, event, now), "question_asked"),
        audited(chat, event, "lead_session", "ask", subject, now),
    )
    return put.keeping(*changes).then(timer(question, subject.person.chat_id, now))


def asking_left(chat: Chat, now: datetime) -> Decision:
    """/cancel, or /back: no question is asked."""
    quiet = chat.evolve(conversation=chat.conversation.evolve(awaiting=None, booking=None))
    return Decision(chat=quiet, effects=(say("ask.not_asked"),))


def _drop(chat: Chat, press: Press, now: datetime) -> Decision:
    """A question that waits is taken back."""
    session, subject = press.about, press.whose
    question = _mine(chat, long_id(press.argument))
    if question is None or question.status != "waiting":
        screen = live(chat, press.card, session, subject, now)
        return shown(chat, press, screen, "toast.ask.put" if question is not None else "toast.unknown")
    gone: QuestionPut = marked(question.evolve(status="dropped"), session, now)
    left = tuple(q for q in chat.book.questions if q != question)
    after = chat.evolve(diary=chat.book.evolve(questions=left))
    cancel = CancelTimer(key=f"ask:{question.question_id}", of=subject.person.chat_id)
    screen = live(after, press.card, session, subject, now)
    return done(chat, press, Act(changes=(gone,), effects=(cancel,)), screen, now)


def _mine(chat: Chat, question_id: UUID | None) -> Question | None:
    me = chat.someone.user_id
    return next((q for q in chat.book.questions if q.question_id == question_id and q.coach_id == me), None)


HANDLERS: dict[str, Handler] = {"join": _join, "ask": _ask, "drop": _drop}
"""What each act does."""
SAID: dict[str, WordsHandler] = {"ask": _written}
"""What each kind of awaited words does."""
