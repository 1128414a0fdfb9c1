"""What becomes of a session, on its card: complete, missed, take back, cancel, coach it.

Every press is decided on the session as it stands: one that is stale, comes twice or was on no card changes nothing
and shows how things stand. What asks first carries the version that it asked about (`reopen:7`): a yes to another one
asks again. The record is in `session_record`, what happened in `session_history`, what a coach reads before a session
in `session_brief`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, get_args

from flows import bookings, consents, life, session_cards, session_record
from flows.acts import Act, myself
from flows.answers import has_words
from flows.cards import refusal
from flows.consent import asked_of, deadline, meaning
from flows.diary import Absent, Decider, Scheduled
from flows.effects import Choice, Line, Say, Screen, Text, text_line
from flows.events import TextSent
from flows.ids import short_id
from flows.on_card import at_the_bottom
from flows.people import Subject
from flows.session_cards import button, card_of, changing, resolves
from flows.session_news import REASONS, Part, acting_as, concerned, when, why
from flows.session_press import (
    Handler,
    Press,
    WordsHandler,
    done,
    meant,
    renewed,
    scene,
    shown,
    stands,
    why_not,
)
from flows.state import Booking, Chat, Decision
from flows.times import local

LONGEST_REASON = 300


# ---- it was held, or somebody was not there


def _complete(chat: Chat, press: Press, now: datetime) -> Decision:
    """It was held. Not before the sessions before it are resolved: those can be resolved right there."""
    session = press.about
    if session_record.writable(session):  # a second tap: the record is still what comes next
        record = session_record.screen(chat, press.card, session, press.whose, now)
        return shown(chat, press, record, "toast.session.stands")
    if not life.legal(session, "complete", now):
        return stands(chat, press, now, _not_yet(session, now))
    before = life.blocking(session, chat.book.programme)
    if before is not None:
        return shown(chat, press, _blocked(chat, press, before, now), "toast.session.blocked")
    if session.coach is None and _busy(chat, session):
        return _elsewhere(chat, press, now)
    deed = scene(chat, press.whose, press.event, now)
    act, held = bookings.completed(session, myself(chat).person, deed)
    chat = renewed(chat, held)
    return done(chat, press, act, session_record.screen(chat, press.card, held, press.whose, now), now)


def _blocked(chat: Chat, press: Press, before: Scheduled, now: datetime) -> Screen:
    """Which session comes first, with what resolves it, and the way back."""
    here, zone = life.as_of(before, now), chat.someone.timezone
    lines = (
        Line(text=Text(key="session.cannot_complete", args={"n": press.about.number}), style="bold"),
        text_line("session.resolve_first", n=before.number, at=local(before.starts_at, zone)),
    )
    buttons = []
    if here.status == "pending":
        buttons += [button(press.card, act, before) for act in ("complete", "missed")]
    buttons += changing(chat, press.card, here, press.whose, local(now, zone).year, now)
    back = resolves(press.card, press.about, "button.session.back_to")
    return Screen(lines=lines, choices=(*buttons, back), per_row=2)


def _missed(chat: Chat, press: Press, now: datetime) -> Decision:
    """Who was not there?"""
    if not life.legal(press.about, "miss", now):
        return stands(chat, press, now, _not_yet(press.about, now))
    answers = [button(press.card, "absent", press.about, who, f"button.absent.{who}") for who in get_args(Absent)]
    return shown(chat, press, _asking(chat, press, text_line("session.who_missed"), answers))


def _absent(chat: Chat, press: Press, now: datetime) -> Decision:
    """Who was not there is said; where parents may know of it, it is asked whether they are to be told."""
    session, (who, _, tell) = press.about, press.argument.partition(".")
    if who not in get_args(Absent) or tell not in ("", "tell", "quiet"):
        return refusal(chat, press.event, "press", "unknown", now, press.subject)
    if not life.legal(session, "miss", now):
        return stands(chat, press, now, _not_yet(session, now))
    deed = scene(chat, press.whose, press.event, now)
    parents = [person for part, person in concerned(session, deed) if part == "parent"]
    if parents and not tell:
        names = tuple(Text(key="name.as_it_is", args={"name": person.name}) for person in parents)
        answers = [
            button(press.card, "absent", session, f"{who}.{code}", f"button.parents.{code}")
            for code in ("tell", "quiet")
        ]
        return shown(chat, press, _asking(chat, press, text_line("session.tell_parents", names=names), answers))
    absent: Absent = "coachee" if who == "coachee" else "coach" if who == "coach" else "both"
    act, gone = bookings.missed(session, absent, deed, parents=bool(parents) and tell == "tell")
    return _after(chat, press, act, gone, now)


def _not_yet(session: Scheduled, now: datetime) -> str:
    return "toast.session.not_yet" if life.as_of(session, now).status == "scheduled" else "toast.session.stands"


# ---- taken back


def _reopen(chat: Chat, press: Press, now: datetime) -> Decision:
    """What was put down is taken back, unless the record is submitted or a later session rests on it."""
    session = press.about
    if not life.legal(session, "reopen", now):
        return stands(chat, press, now)
    if (later := life.resting(session, chat.book.programme)) is not None:
        line = text_line("session.rested_on", n=session.number, later=later.number)
        buttons = (
            resolves(press.card, later, "button.session_card"),
            button(press.card, "card", session, label="button.session.back"),
        )
        return shown(chat, press, Screen(lines=(line,), choices=buttons, per_row=2), "toast.session.stands")
    if not meant(press):
        line = text_line(f"session.reopen.{session.status}", n=session.number, name=session.coachee.name)
        yes = button(press.card, "reopen", session, str(session.version), "button.yes_do")
        return shown(chat, press, _asking(chat, press, line, [yes]), _again(press))
    act, again = bookings.reopened(session, scene(chat, press.whose, press.event, now), _heard(chat, session))
    return _after(chat, press, act, again, now)


def _heard(chat: Chat, session: Scheduled) -> tuple[Part, ...]:
    """Who was told what became of a session: parents only where the coach wanted it."""
    if session.status != "missed":
        return ()
    missed = [
        one.data
        for one in chat.book.history
        if one.session_id == session.session_id and one.event_type == "session_missed"
    ]
    return ("coachee", "coach", "parent") if missed and missed[-1].get("parents") else ("coachee", "coach")


# ---- cancelled


def _cancel(chat: Chat, press: Press, now: datetime) -> Decision:
    """Why does it not take place? A reason is chosen or written, and asked about once more."""
    session, code = press.about, press.argument
    if (no := _cannot(chat, press, now)) is not None:
        return no
    if code in REASONS:
        return shown(chat, press, _sure(chat, press.card, session, press.whose, code, code, now))
    if code == "other":
        asked = Booking(card=press.card, session=session.session_id, part="reason")
        chat = chat.evolve(conversation=chat.conversation.evolve(awaiting="cancel_reason", booking=asked))
        return shown(chat, press, _asking(chat, press, text_line("cancel.words", most=LONGEST_REASON), []))
    if code:
        return refusal(chat, press.event, "press", "unknown", now, press.subject)
    answers = [button(press.card, "cancel", session, one, f"button.cancel.{one}") for one in (*REASONS, "other")]
    line = text_line("cancel.why", n=session.number, name=session.coachee.name)
    return shown(chat, press, _asking(chat, press, line, answers))


def _cannot(chat: Chat, press: Press, now: datetime) -> Decision | None:
    """Why a session cannot be cancelled as it stands, if it cannot: it is over, who decides is asked already, or its
    time has come, and there is no time left to ask."""
    session = press.about
    if not life.legal(session, "cancel", now):
        return stands(chat, press, now)
    if session.asked is not None:
        return stands(chat, press, now, "toast.consent.asked")
    if _decider(chat, press.whose, now) is not None and session.starts_at <= now:
        return stands(chat, press, now, "toast.consent.too_late")
    return None


def _meant(session: Scheduled, decider: Decider | None) -> str:
    """What a yes is a yes to: the session as it was shown, and who was to be asked."""
    return f"{session.version}" + (f".{decider}" if decider is not None else "")


def _decider(chat: Chat, subject: Subject, now: datetime) -> Decider | None:
    """Who has to be asked; None where the person of the chat decides themselves."""
    return asked_of(subject, chat.around.operators, chat.someone.user_id, chat.policy, now)


def _said_reason(chat: Chat, event: TextSent, now: datetime) -> Decision:
    """The reason in words: read back, and asked about."""
    subject, session = chat.around.subject, chat.book.session
    year = local(now, chat.someone.timezone).year
    reason = "relation" if session is None else why_not(chat, "cancel_session", subject, year)
    if reason or subject is None or session is None:
        return refusal(_quiet(chat), event, "cancel_session", reason or "relation", now, subject)
    too_late = _decider(chat, subject, now) is not None and session.starts_at <= now
    if not life.legal(session, "cancel", now) or session.asked is not None or too_late:
        return at_the_bottom(_quiet(chat), session_cards.as_it_stands(chat, session, subject, now))
    words = " ".join(event.text.split())
    if not has_words(words) or len(words) > LONGEST_REASON:
        return Decision(chat=chat, effects=(_say("cancel.unfit", session, most=LONGEST_REASON),))
    number = chat.conversation.cards + 1
    asked = Booking(card=number, session=session.session_id, part="reason", words=words)
    chat = _quiet(chat)
    chat = chat.evolve(conversation=chat.conversation.evolve(booking=asked))
    return at_the_bottom(chat, _sure(chat, number, session, subject, "words", words, now))


def _sure(
    chat: Chat, card: int, session: Scheduled, subject: Subject, code: str, reason: str, now: datetime
) -> Screen:
    """Whether the session is to be cancelled for this reason; where somebody else decides, whether they are to be
    asked, until when, and what no answer means."""
    args: dict[str, Any] = {"n": session.number, "name": session.coachee.name, "reason": why(reason)}
    args |= when(session, chat.someone.timezone)
    lines, label = [text_line("cancel.sure", **args)], "button.cancel.yes"
    decider = _decider(chat, subject, now)
    if decider is not None:
        until = local(deadline(session, chat.policy, chat.book.notice, now), chat.someone.timezone)
        silence = text_line(f"consent.until.{meaning(decider, chat.policy)}", at=until)
        lines = [
            text_line(f"cancel.asks.{decider}", name=session.coachee.name),
            silence,
            text_line("cancel.ask", **args),
        ]
        label = "button.cancel.ask"
    yes = button(card, "cancelled", session, f"{code}.{_meant(session, decider)}", label)
    no = button(card, "card", session, label="button.cancel.no")
    return Screen(lines=tuple(lines), choices=(yes, no), per_row=2)


def _cancelled(chat: Chat, press: Press, now: datetime) -> Decision:
    """Yes to it. A session that changed since it was asked about is asked about again."""
    session, (code, _, version) = press.about, press.argument.partition(".")
    if (no := _cannot(chat, press, now)) is not None:
        return no
    booking, reason = chat.conversation.booking, code
    if code == "words":
        mine = booking is not None and (booking.card, booking.session) == (press.read.card, session.session_id)
        reason = booking.words if booking is not None and mine else ""
    elif code not in REASONS:
        return refusal(chat, press.event, "press", "unknown", now, press.subject)
    if not reason:
        return _cancel(chat, press.evolve(read=press.read.evolve(argument="")), now)
    if version != _meant(session, _decider(chat, press.whose, now)):
        sure = _sure(chat, press.card, session, press.whose, code, reason, now)
        return shown(chat, press, sure, "toast.session.changed")
    return cancel(chat, press, session, reason, now)


def cancel(chat: Chat, press: Press, session: Scheduled, reason: str, now: datetime) -> Decision:
    """A session is cancelled, or who decides on that is asked: the one place where anybody cancels one."""
    at, decider = scene(chat, press.whose, press.event, now), _decider(chat, press.whose, now)
    chat = chat.evolve(conversation=chat.conversation.evolve(booking=None))
    if decider is None:
        act, gone = bookings.cancelled(session, reason, at)
        return _after(chat, press, act, gone, now)
    me = myself(chat).person
    role = acting_as(session, at)
    act, waits = consents.asked(session, reason, decider, me, role, chat.book.notice, at)
    return _after(chat, press, act, waits, now)


# ---- somebody coaches it


def _mine(chat: Chat, press: Press, now: datetime) -> Decision:
    """A coach takes a session that has none, if they are free then."""
    session = press.about
    if session.coach is not None or not session.open:
        return stands(chat, press, now)
    if _busy(chat, session):
        return _elsewhere(chat, press, now)
    act, taken = bookings.taken_over(session, myself(chat).person, scene(chat, press.whose, press.event, now))
    return _after(chat, press, act, taken, now)


def _busy(chat: Chat, session: Scheduled) -> bool:
    """Whether the person of the chat is in another session at that time, in whatever part."""
    me = chat.someone.user_id
    return any(
        me in (taken.coach_id, taken.coachee_id) and taken.held_by is None
        for taken in chat.book.taken
        if taken.session_id != session.session_id
        and taken.starts_at < session.ends_at
        and session.starts_at < taken.ends_at
    )


def _elsewhere(chat: Chat, press: Press, now: datetime) -> Decision:
    card = card_of(chat, press.card, press.about, press.whose, now)
    return shown(chat, press, card.evolve(lines=(*card.lines, text_line("session.busy"))), "toast.session.busy")


# ---- what they share


def _after(chat: Chat, press: Press, act: Act, session: Scheduled, now: datetime) -> Decision:
    """A deed, and the session's card after it."""
    chat = renewed(chat, session)
    return done(chat, press, act, card_of(chat, press.card, session, press.whose, now), now)


def _asking(chat: Chat, press: Press, line: Line, answers: list[Choice]) -> Screen:
    """A question about a session, with the way not to answer it."""
    zone, session = chat.someone.timezone, press.about
    head = text_line("session.asked", n=session.number, name=session.coachee.name, **when(session, zone))
    back = button(press.card, "card", session, label="button.not_now")
    return Screen(lines=(head.evolve(style="bold"), line), choices=(*answers, back), per_row=2)


def _again(press: Press) -> str | None:
    """A yes that was about the session as it was before."""
    return "toast.session.changed" if press.argument else None


def _quiet(chat: Chat) -> Chat:
    """The chat, with no words awaited any more."""
    return chat.evolve(conversation=chat.conversation.evolve(awaiting=None))


def _say(key: str, session: Scheduled, **args: int) -> Say:
    back = button(0, "card", session, label="button.not_now")
    return Say(screen=Screen(lines=(text_line(key, **args),), choices=(back,)))


def left(chat: Chat, now: datetime, asking: str) -> Decision:
    """/cancel or /back where words were asked for: nothing was written, and there is the way back."""
    booking = chat.conversation.booking
    line = text_line(f"left.{asking}")
    if booking is None or booking.session is None:
        return Decision(chat=chat, effects=(Say(screen=Screen(lines=(line,))),))
    act = "record" if asking == "record" else "card"
    back = Choice(data=f"b:0:{short_id(booking.session)}:{act}", label=Text(key="button.session.back"))
    return Decision(chat=chat, effects=(Say(screen=Screen(lines=(line,), choices=(back,))),))


HANDLERS: dict[str, Handler] = {
    "complete": _complete,
    "missed": _missed,
    "absent": _absent,
    "reopen": _reopen,
    "cancel": _cancel,
    "cancelled": _cancelled,
    "mine": _mine,
    **session_record.HANDLERS,
}
SAID: dict[str, WordsHandler] = {"cancel_reason": _said_reason, **session_record.SAID}
