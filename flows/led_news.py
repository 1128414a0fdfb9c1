"""What a coach is told of a conversation that they lead: that a stage ended, that it was put down, that it is done.

One look at each decision, before and after: nothing in the conversation itself knows of the coach. What is told is
where the coachee is, never what they said; nothing is told to who does not coach them any more. The same look keeps a
coach's question open while other things happen.
"""

from __future__ import annotations

from datetime import datetime

from flows import led
from flows.bookings import went_on
from flows.diary import Question, Scheduled
from flows.effects import Choice, Text
from flows.events import AnyEvent, Spoken
from flows.ids import short_id
from flows.led_questions import dropped, marked, open_question, put, timer
from flows.notices import tell
from flows.people import Subject
from flows.rights import shared
from flows.session_cards import button
from flows.session_news import Scene, coaching, opens
from flows.state import Chat, Decision, Session
from flows.steps import Stage
from flows.times import local
from flows.walk import stage_of


def followed(before: Chat, decision: Decision, event: AnyEvent, now: datetime) -> Decision:
    """The decision, with what follows from it for the coach who leads the conversation."""
    was, conversation = before.conversation.session, decision.chat.conversation
    if was is None or was.scheduled is None or was.phase == "complete" or before.conversation == conversation:
        return decision
    here = conversation.session
    if here is None or here.session_id != was.session_id:  # another one is in its place
        here = was.evolve(phase="stopped")
    if here.phase == "open":
        decision = _still_asked(before, decision)
    session = before.diary.session if before.diary is not None else None
    subject = before.circle.subject if before.circle is not None else None
    if session is None or subject is None or session.session_id != was.scheduled:
        return decision
    if (happened := _happened(was, here)) is not None:
        decision = _told(decision, session, subject, was, here, happened, _scene(before, subject, event, now))
    return _questions(before, decision, session, subject, was, here, now)


def _scene(chat: Chat, subject: Subject, event: AnyEvent, now: datetime) -> Scene:
    actor = chat.someone.user_id if isinstance(event, Spoken) else None
    return Scene(subject=subject, event=event, now=now, actor=actor)


def _happened(was: Session, here: Session) -> str | None:
    """What became of the conversation that its coach is told."""
    if here.phase != was.phase:
        return {"open": "resumed", "paused": "paused", "stopped": "stopped", "complete": "completed"}[here.phase]
    return "stage_finished" if here.opened > was.opened > 0 else None


def _told(
    decision: Decision, session: Scheduled, subject: Subject, was: Session, here: Session, happened: str, scene: Scene
) -> Decision:
    """The history has it, and the coach is told; of steps and pauses only who wants to hear of them."""
    stage = Stage(was.opened) if happened == "stage_finished" else stage_of(here)
    act = happened if happened == "stage_finished" else f"conversation_{happened}"
    decision = decision.keeping(went_on(session, scene, act, stage=int(stage)))
    if here.phase in ("complete", "stopped"):
        decision = decision.then(*led.own_waits(decision.chat))
    coach = coaching(subject, here.led_by)
    if coach is None:
        return decision
    over = happened == "completed" and not session.open  # nothing is left to be completed on its card
    told = tell(
        coach,
        scene.now,
        f"told.led.{happened}.over" if over else f"told.led.{happened}",
        choices=_buttons(session, subject, happened, scene.now),
        informs=happened in ("stage_finished", "paused", "resumed"),
        name=subject.person.name,
        n=session.number,
        step=int(stage),
        stage=Text(key=f"stage.{int(stage)}"),
    )
    return decision.then(*told)


def _buttons(session: Scheduled, subject: Subject, happened: str, now: datetime) -> tuple[Choice, ...]:
    """What a coach can do then. What the coachee shares can be looked at when it is done."""
    if happened != "completed":
        return (button(0, "join", session, label="button.led.live"),)
    person = subject.person
    seen = [k for k in ("answers", "ratings") if k in shared(person, "coach", local(now, person.timezone).year)]
    looks = [
        Choice(data=f"p:0:{short_id(person.user_id)}:{kind}", label=Text(key=f"button.see.{kind}")) for kind in seen
    ]
    return (opens(session), *looks)


# ---- a coach's question


def _still_asked(before: Chat, decision: Decision) -> Decision:
    """A question that the coachee is asked stays what the next words answer; where the open question was put again,
    it is put again after it."""
    chat = decision.chat
    here, known = chat.conversation, before.conversation
    if here.question is None or here.question != known.question or here.awaiting is not None:
        return decision
    if here.holding is not None:  # it comes back with the question that is held back
        return decision
    question, subject = open_question(before), before.circle.subject if before.circle is not None else None
    coach = coaching(subject, question.coach_id) if question is not None and subject is not None else None
    if question is not None and coach is not None and (here.asked > known.asked or known.holding is not None):
        return put(decision, question, coach)
    return decision.evolve(chat=chat.evolve(conversation=here.evolve(awaiting="coach_answer")))


def _questions(
    before: Chat,
    decision: Decision,
    session: Scheduled,
    subject: Subject,
    was: Session,
    here: Session,
    now: datetime,
) -> Decision:
    """Questions wait while the conversation is put down, and are not put any more when it is over."""
    if here.phase == was.phase:
        return decision
    known = before.book.questions
    asked = [q for q in known if q.question_id == before.conversation.question and q.status == "put"]
    waiting = [q for q in known if q.status == "waiting"]
    match here.phase:
        case "open":
            return decision.then(*(timer(q, before.chat_id, now) for q in waiting[:1]))
        case "paused":
            back = (marked(q.evolve(status="waiting"), session, now) for q in asked)
            return _unasked(decision).keeping(*back)
    gone: tuple[Question, ...] = (*asked, *waiting)
    over = dropped(before, gone, session, subject, "over", now)
    return _unasked(decision).keeping(*over.changes).then(*over.effects)


def _unasked(decision: Decision) -> Decision:
    here = decision.chat.conversation
    awaiting = None if here.awaiting == "coach_answer" else here.awaiting
    return decision.evolve(chat=decision.chat.evolve(conversation=here.evolve(question=None, awaiting=awaiting)))
