"""A conversation that a coach leads: how it begins, at the time of a booked session.

The coachee begins it by their own tap (`b:..:begin`, /session), or the coach does (`led_live`): what they decide
cannot change the coachee's conversation, so it comes there as a timer (`session_lead`). However it begins, it begins
once: the booked session names its conversation from then on.

A session of the coachee's own that is open is asked about first. It is put down as by /cancel and stays `beside`: one
tap goes on with it later. What the coach is told on the way is in `led_news`, their questions in `led_questions`.
"""

from __future__ import annotations

from datetime import datetime

from flows import conversation, drafts, life
from flows.acts import myself
from flows.asking import session_data, stage_name
from flows.bookings import conversation_begun
from flows.changes import AnyChange
from flows.diary import Scheduled
from flows.effects import AnyEffect, CancelTimer, Choice, Line, Notify, Say, Screen, Text, acknowledge, text_line
from flows.events import CommandSent, Event, Spoken, TimerFired
from flows.ids import short_id
from flows.notices import tell
from flows.people import Other, Subject
from flows.putting import closed, moved, running, with_session
from flows.rights import shared
from flows.session_cards import button
from flows.session_news import Scene, leader
from flows.session_press import Handler, Press
from flows.state import Chat, Decision, Session
from flows.times import local
from flows.walk import stage_of

# ---- by the coachee


def offered(chat: Chat, event: Spoken, now: datetime) -> Decision | None:
    """/session, or [Start a session]: the booked session whose time it is. None where it is about something else."""
    own, subject = chat.conversation.session, myself(chat)
    session = _its_time(chat, subject, now)
    if session is not None:
        return begun(chat, session, subject, event, now)
    waits = chat.conversation.beside is not None and (own is None or own.phase == "complete")
    if waits and isinstance(event, CommandSent):
        new = Choice(data="s:session", label=Text(key="button.new_session"))
        screen = Screen(lines=(text_line("led.own_waits"),), choices=(_return(chat), new))
        return Decision(chat=chat, effects=(Say(screen=screen),))
    return None


def _its_time(chat: Chat, subject: Subject, now: datetime) -> Scheduled | None:
    """The booked session at which a conversation can begin now."""
    if chat.diary is None:
        return None
    me = chat.someone.user_id
    mine = [s for s in chat.book.mine if s.coachee.user_id == me and life.leadable(s, now) and leader(s, subject)]
    return min(mine, key=lambda s: s.starts_at, default=None)


def _pressed(chat: Chat, press: Press, now: datetime) -> Decision:
    """[Begin] below the message that its time has come, and on the session's card; "now" where an own session that
    is open may be put down for it."""
    session, subject, here = press.about, press.whose, chat.conversation.session
    if here is not None and here.scheduled == session.session_id and here.phase in ("paused", "stopped"):
        again = conversation.resume(chat, now)
        return again.evolve(effects=(*acknowledge(press.event.press_id), *again.effects))
    if session.conversation is not None:
        return Decision(chat=chat, effects=acknowledge(press.event.press_id, "toast.led.begun"))
    if (why := not_now(session, subject, now)) is not None:
        return Decision(chat=chat, effects=acknowledge(press.event.press_id, f"toast.led.{why}"))
    decision = begun(chat, session, subject, press.event, now, sure=press.argument == "now")
    return decision.evolve(effects=(*acknowledge(press.event.press_id), *decision.effects))


def not_now(session: Scheduled, subject: Subject, now: datetime) -> str | None:
    """Why the conversation of a session cannot begin now (None: it can): it is not booked any more, it is too early
    or too late, or nobody leads it."""
    if not session.open:
        return "closed"
    if now >= session.ends_at:
        return "late"
    if now < session.starts_at - life.LEADS_BEFORE:
        return "early"
    return "nobody" if leader(session, subject) is None else None


# ---- by the coach


def called(chat: Chat, event: TimerFired, now: datetime) -> Decision:
    """A coach begins it for the coachee (`session_lead`, in the coachee's chat). What stands in the way they are
    told."""
    session = chat.book.session
    subject = chat.around.subject if session is not None else None
    coach = leader(session, subject) if session is not None and subject is not None else None
    if session is None or subject is None or coach is None or session.conversation is not None:
        return Decision(chat=chat)
    if chat.someone.standing != "active" or chat.someone.unreachable_since is not None:
        return Decision(chat=chat, effects=_about(coach, session, "led.away", now))
    if not_now(session, subject, now) is not None:
        return Decision(chat=chat, effects=_about(coach, session, "led.not_begun", now))
    chat, closing = drafts.unasked(chat, now)
    decision = begun(chat, session, subject, event, now, by=coach)
    if running(decision.chat) is running(chat):
        own = chat.conversation.session
        of_another = own is not None and own.scheduled is not None
        key = "led.asked_first.another" if of_another else "led.asked_first"
        decision = decision.then(*_about(coach, session, key, now))
    return decision.evolve(effects=(*closing, *decision.effects))


def _about(coach: Other, session: Scheduled, key: str, now: datetime) -> tuple[Notify, ...]:
    return tell(coach, now, key, choices=(button(0, "join", session),), n=session.number, name=session.coachee.name)


# ---- it begins


def begun(
    chat: Chat,
    session: Scheduled,
    subject: Subject,
    event: Event,
    now: datetime,
    *,
    sure: bool = False,
    by: Other | None = None,
) -> Decision:
    """The five stages, led by a coach; `by` is the coach where it is they who begin.

    Where the coachee is in a session of their own they are asked first, unless they are `sure`.
    """
    coach, own = leader(session, subject), chat.conversation.session
    assert coach is not None
    between = ("open",) if by is not None else ("open", "paused")
    if not sure and own is not None and own.trail and own.phase in between:
        return _asks(chat, session, coach, own)
    chat, changes, effects = _put_down(chat, now)
    decision = conversation.begin(chat, event, now, kind="coach_led")
    here = running(decision.chat)
    assert here is not None
    here = here.evolve(scheduled=session.session_id, led_by=coach.user_id)
    actor = by.user_id if by is not None else chat.someone.user_id
    scene = Scene(
        subject=subject,
        event=event,
        now=now,
        actor=actor,
        calendar=chat.policy.calendar,
        operators=chat.around.operators,
        policy=chat.policy,
    )
    act, _ = conversation_begun(session, here.session_id, scene)
    hello = Say(screen=Screen(lines=_what_is_seen(session, subject.person, coach, now, by)))
    told = tell(
        coach,
        now,
        "told.led.begun",
        choices=(button(0, "join", session, label="button.led.live"),),
        n=session.number,
        name=session.coachee.name,
    )
    return Decision(
        chat=with_session(decision.chat, here),
        changes=(*changes, *decision.changes, *act.changes),
        effects=(*effects, hello, *decision.effects, *told, *act.effects),
    )


def _what_is_seen(
    session: Scheduled, person: Other, coach: Other, now: datetime, by: Other | None
) -> tuple[Line, ...]:
    """What begins, and what the coach is told and can see of it: as the coachee chose."""
    kinds = shared(person, "coach", local(now, person.timezone).year)
    seen = "answers" if "answers" in kinds else "ratings" if "ratings" in kinds else "none"
    return (
        text_line("led.begins" if by is None else "led.begins.by", n=session.number, coach=coach.name),
        text_line(f"led.sees.{seen}", coach=coach.name),
        text_line("led.sees.choose", kinds=tuple(Text(key=f"kind.{kind}") for kind in kinds or ("none",))),
    )


def _asks(chat: Chat, session: Scheduled, coach: Other, own: Session) -> Decision:
    stage = stage_of(own)
    of_another = own.scheduled is not None  # one that a coach leads, also where its session was moved
    key = "led.in_between.another" if of_another else "led.in_between"
    line = text_line(key, n=session.number, coach=coach.name, step=int(stage), stage=stage_name(stage))
    begin = Text(key="button.led.begin_now", args={"n": session.number})
    buttons = (
        Choice(data=button(0, "begin", session, "now").data, label=begin),
        Choice(
            data=session_data(chat, "come_back"),
            label=Text(key="button.led.go_on_there" if of_another else "button.led.go_on"),
        ),
    )
    return Decision(chat=chat, effects=(Say(screen=Screen(lines=(line,), choices=buttons)),))


# ---- the coachee's own session, beside it


def _put_down(chat: Chat, now: datetime) -> tuple[Chat, tuple[AnyChange, ...], tuple[AnyEffect, ...]]:
    """A session that is not complete is stopped, and stays beside if anything was said in it."""
    own = chat.conversation.session
    if own is None or own.phase == "complete":
        return chat, (), ()
    taken = closed(chat, now)
    stopped = own.evolve(phase="stopped", since=now)
    changes = (moved(stopped, chat.answers, now),) if own.phase != "stopped" else ()
    here = chat.conversation.evolve(
        session=None,
        holding=None,
        changing=None,
        question=None,
        beside=stopped if own.trail else chat.conversation.beside,
    )
    return (
        chat.evolve(conversation=here),
        changes,
        (*taken, CancelTimer(key=f"resume:{own.session_id}")),
    )


def _return(chat: Chat) -> Choice:
    return Choice(data=return_data(chat), label=Text(key="button.led.return"))


def return_data(chat: Chat) -> str:
    """The data of the button that goes on with the session that was put down."""
    beside = chat.conversation.beside
    return f"s:return:{short_id(beside.session_id) if beside is not None else ''}"


def own_waits(chat: Chat) -> tuple[Say, ...]:
    """What the coachee was in before is still there."""
    if chat.conversation.beside is None:
        return ()
    return (Say(screen=Screen(lines=(text_line("led.own_waits"),), choices=(_return(chat),))),)


def returned(chat: Chat, now: datetime) -> Decision | None:
    """The session that was put down is gone on with; an open one is put down for it. None where there is none."""
    own, answers = chat.conversation.beside, chat.beside
    if own is None:
        return None
    chat, changes, effects = _put_down(chat.evolve(conversation=chat.conversation.evolve(beside=None)), now)
    here = chat.conversation.evolve(session=own, header=None, wording="", reflection="", picks=(), heard=())
    again = conversation.resume(chat.evolve(answers=answers, beside={}, conversation=here), now)
    return again.evolve(changes=(*changes, *again.changes), effects=(*effects, *again.effects))


HANDLERS: dict[str, Handler] = {"begin": _pressed}
"""What each act does."""
