"""A coach's own question in a conversation that they lead, as the coachee gets it.

It comes as a timer (`session_question`) into the coachee's chat, and is put at once as what the next words answer
(`Conversation.question`), one at a time. The coachee is told before they answer who will see it, and can leave it.
What they say is kept beside the open question, which is put again after it. A question that finds no conversation is
not put, and the coach is told.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from flows.answers import LONGEST_ANSWER
from flows.bookings import went_on
from flows.changes import QuestionPut
from flows.diary import Question, Scheduled
from flows.effects import Choice, Edit, Line, Notify, Say, Screen, SetTimer, Text, acknowledge, say, text_line
from flows.events import ButtonPressed, Event, TimerFired
from flows.ids import long_id, short_id
from flows.notices import told
from flows.people import Other, Subject
from flows.putting import asked, closed, kept, running, with_session
from flows.session_cards import button
from flows.session_news import Scene, coaching
from flows.state import Chat, Decision, Session
from flows.walk import noted

AGAIN = timedelta(seconds=10)
"""How long a question waits for something else that is under way."""
TRIES = 30
"""How often it waits for words that another card asked for."""
ASIDE = "coach:"
"""What the name of a coach's question begins with, on the turn that answers it."""


def name_of(question_id: UUID) -> str:
    """The name of a coach's question, where turns name the question that they answer."""
    return f"{ASIDE}{question_id}"


def timer(question: Question, chat_id: int, now: datetime, attempt: int = 0) -> SetTimer:
    """A question comes into the coachee's chat."""
    return SetTimer(
        key=f"ask:{question.question_id}",
        kind="session_question",
        subject=question.session_id,
        due_at=now + AGAIN if attempt else now,
        attempt=attempt,
        of=chat_id,
    )


def marked(question: Question, session: Scheduled, now: datetime) -> QuestionPut:
    """A question as it is now."""
    assert question.coach_id is not None
    return QuestionPut(
        question_id=question.question_id,
        session_id=question.session_id,
        coach_id=question.coach_id,
        coachee_id=session.coachee.user_id,
        text=question.text,
        status=question.status,
        answer=question.answer,
        at=now,
    )


# ---- it is put


def due(chat: Chat, event: TimerFired, now: datetime) -> Decision:
    """A coach's question comes (`session_question`): it is put, waits, or is not put any more."""
    session = chat.book.session
    subject = chat.around.subject if session is not None else None
    question = next((q for q in chat.book.questions if f"ask:{q.question_id}" == event.key), None)
    if session is None or subject is None or question is None or question.status != "waiting":
        return Decision(chat=chat)
    coach, here = coaching(subject, question.coach_id), chat.conversation
    gone = chat.someone.standing != "active" or chat.someone.unreachable_since is not None
    led = here.session is not None and here.session.scheduled == session.session_id
    if coach is None or gone or not led or here.session is None or here.session.phase in ("complete", "stopped"):
        why = "away" if gone else "over"
        return dropped(chat, (question,), session, subject, why, now)
    if here.session.phase == "paused":
        tell = _tell(coach, session, now, "told.ask.paused", question=question) if event.attempt == 0 else ()
        return Decision(chat=chat, effects=tell)
    if here.question is not None:  # it comes after that one
        return Decision(chat=chat)
    if here.holding is not None or (here.awaiting is not None and event.attempt < TRIES):
        return Decision(chat=chat, effects=(timer(question, chat.chat_id, now, event.attempt + 1),))
    taken = closed(chat, now)
    decision = put(Decision(chat=chat, effects=taken), question, coach)
    return decision.keeping(marked(question.evolve(status="put"), session, now))


def put(decision: Decision, question: Question, coach: Other) -> Decision:
    """The question as a message; the next words are its answer."""
    here = decision.chat.conversation.evolve(question=question.question_id, awaiting="coach_answer")
    chat = decision.chat.evolve(conversation=here)
    skip = Choice(data=f"q:{short_id(question.question_id)}:skip", label=Text(key="button.ask.skip"))
    shown = Say(key=_key(chat), screen=Screen(lines=_lines(question, coach), choices=(skip,)))
    return decision.evolve(chat=chat).then(shown)


def _lines(question: Question, coach: Other) -> tuple[Line, ...]:
    return (text_line("ask.put", coach=coach.name), Line(text=question.text, style="quote"))


def _key(chat: Chat) -> str:
    """The key of the message that puts it. Like that of any question: words sent before it are known to be so."""
    return f"qc{chat.conversation.asked}"


def dropped(
    chat: Chat, questions: tuple[Question, ...], session: Scheduled, subject: Subject, why: str, now: datetime
) -> Decision:
    """Questions that are not put, or not answered, any more; the coach whose they are is told."""
    changes = tuple(marked(q.evolve(status="dropped"), session, now) for q in questions if q.coach_id is not None)
    told: list[Notify] = []
    for question in questions:
        coach = coaching(subject, question.coach_id)
        if coach is not None:
            told += _tell(coach, session, now, f"told.ask.{why}", question=question)
    return Decision(chat=chat, changes=changes, effects=tuple(told))


def _tell(
    coach: Other, session: Scheduled, now: datetime, key: str, *, question: Question, answer: str = ""
) -> tuple[Notify, ...]:
    lines = [text_line(key, name=session.coachee.name), Line(text=question.text, style="quote")]
    if answer:
        lines += [text_line("told.ask.answer", name=session.coachee.name), Line(text=answer, style="quote")]
    buttons = [button(0, "join", session, label="button.led.live")]
    if key in ("told.ask.answered", "told.ask.skipped"):
        buttons.insert(0, button(0, "ask", session, label="button.ask.another"))
    return told(coach, Screen(lines=tuple(lines), choices=tuple(buttons), per_row=2), now)


# ---- it is answered, or left


def open_question(chat: Chat) -> Question | None:
    """The coach's question that the coachee is asked."""
    if chat.conversation.question is None or chat.diary is None or running(chat) is None:
        return None
    return next((q for q in chat.book.questions if q.question_id == chat.conversation.question), None)


def answered(chat: Chat, session: Session, text: str, source: int | None, event: Event, now: datetime) -> Decision:
    """Words that answer it: kept beside the open question, and told to the coach."""
    question, booked, subject = open_question(chat), chat.book.session, chat.around.subject
    if question is None or booked is None or subject is None:
        return _on(chat, now, say("ask.gone"))
    if not text.strip():
        return Decision(chat=chat, effects=(say("unfit.words"),))
    if len(text) > LONGEST_ANSWER:
        return Decision(chat=chat, effects=(say("unfit.long", said=len(text), most=LONGEST_ANSWER),))
    coach, before = coaching(subject, question.coach_id), chat.answers
    session, answers = noted(
        session,
        before,
        text,
        here=session.position,
        at=now,
        question=name_of(question.question_id),
        source=source,
    )
    said_too = kept(session, before, answers)
    closing = _closed(chat, question, coach)
    chat = with_session(chat, session).evolve(answers=answers)
    if coach is None:  # they coach no more: it stays with the coachee
        unanswered = marked(question.evolve(status="dropped"), booked, now)
        decision = _on(chat, now, *closing, say("ask.kept"))
        return decision.evolve(changes=(*said_too, unanswered, *decision.changes))
    tell = _tell(coach, booked, now, "told.ask.answered", question=question, answer=text)
    decision = _on(chat, now, *closing, say("ask.answered", coach=coach.name))
    done = marked(question.evolve(status="answered", answer=text), booked, now)
    learned = went_on(booked, _scene(chat, subject, event, now), "question_answered")
    return decision.evolve(changes=(*said_too, done, learned, *decision.changes)).then(*tell)


def left(chat: Chat, event: Event, now: datetime) -> Decision:
    """It is left without an answer, which the coach is told."""
    question, booked, subject = open_question(chat), chat.book.session, chat.around.subject
    if question is None or booked is None or subject is None:
        return _on(chat, now, say("ask.gone"))
    coach = coaching(subject, question.coach_id)
    tell = _tell(coach, booked, now, "told.ask.skipped", question=question) if coach is not None else ()
    closing = _closed(chat, question, coach)
    decision = _on(chat, now, *closing, say("ask.skipped"))
    skipped = marked(question.evolve(status="skipped"), booked, now)
    learned = went_on(booked, _scene(chat, subject, event, now), "question_skipped")
    return decision.evolve(changes=(skipped, learned, *decision.changes)).then(*tell)


def pressed(chat: Chat, event: ButtonPressed, now: datetime) -> Decision | None:
    """[Skip] below a coach's question (`q:<question>:skip`). None where the data is not one of ours."""
    parts = event.data.split(":")
    named = long_id(parts[1]) if len(parts) == 3 and parts[2] == "skip" else None
    if named is None:
        return None
    if named != chat.conversation.question or running(chat) is None:
        return Decision(chat=chat, effects=acknowledge(event.press_id, "toast.answered"))
    decision = left(chat, event, now)
    return decision.evolve(effects=(*acknowledge(event.press_id), *decision.effects))


def _on(chat: Chat, now: datetime, *effects: Edit | Say) -> Decision:
    """The open question is put again; another one of the coach's comes after it."""
    this = chat.conversation.question
    here = chat.evolve(conversation=chat.conversation.evolve(question=None, awaiting=None))
    decision = asked(Decision(chat=here, effects=effects), now)
    waiting = [q for q in chat.book.questions if q.status == "waiting" and q.question_id != this]
    return decision.then(*(timer(q, chat.chat_id, now) for q in waiting[:1]))


def _closed(chat: Chat, question: Question, coach: Other | None) -> tuple[Edit, ...]:
    """Its message has no button any more."""
    if coach is None:
        return (Edit(key=_key(chat), screen=Screen(lines=(Line(text=question.text, style="quote"),))),)
    return (Edit(key=_key(chat), screen=Screen(lines=_lines(question, coach))),)


def _scene(chat: Chat, subject: Subject, event: Event, now: datetime) -> Scene:
    return Scene(subject=subject, event=event, now=now, actor=chat.someone.user_id)
