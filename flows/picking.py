"""Choosing a time for a session: a new one of a coachee, or another time for one that is booked.

    slots, move -> month <-> day -> take (the time is held) -> book
                     ^--------------- leave (it is given back)

What is chosen is in the conversation (`Booking`). Each step looks at the time again, on rows that nobody else changes
meanwhile where it takes it (`session_acts`): a time that is gone is answered with the nearest that are free. Coachees
and parents choose within the coach's hours; a coach and an operator may also name any other time in words.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import UUID

from flows import bookings, life, pick_screens
from flows.acts import Act
from flows.changes import AnyChange, HoldEnded, HoldPut
from flows.diary import Hold, Programme, Scheduled
from flows.effects import Acknowledge, Line, Say, Screen, Text, text_line
from flows.events import TextSent
from flows.on_card import at_the_bottom
from flows.people import Subject
from flows.pick_screens import Choosing
from flows.rights import allowed_as
from flows.session_acts import LOOKED_AHEAD, day_code, day_of, moment_of
from flows.session_cards import button, card_of
from flows.session_news import Scene
from flows.session_press import Handler, Press, WordsHandler, done, scene, shown, why_not
from flows.slots import Slot, Wanted, free_at, free_between, nearest, why_taken
from flows.state import Booking, Chat, Decision
from flows.times import at_wall, local, today

ANY_TIME = ("coach", "operator")
"""They book at any time that is not taken, whatever the hours and the notice."""


# ---- what is chosen


def begin(chat: Chat, press: Press, now: datetime) -> Decision:
    """A new session of a coachee: the calendar."""
    booking = Booking(card=press.card, coachee=press.whose.person.user_id)
    return _begun(chat, press, booking, now)


def move(chat: Chat, press: Press, now: datetime) -> Decision:
    """Another time for a session: the calendar."""
    about = press.about
    consent = press.consent.consent_id if press.consent is not None else None
    booking = Booking(card=press.card, coachee=about.coachee.user_id, session=about.session_id, consent=consent)
    return _begun(chat, press, booking, now)


def _begun(chat: Chat, press: Press, booking: Booking, now: datetime) -> Decision:
    chat = _with(chat, booking)
    choosing = _choosing(chat, press.action, press.whose, now)
    chat = _with(chat, booking.evolve(minutes=choosing.wanted.minutes))
    return _barred(chat, press, choosing, now) or shown(chat, press, calendar(chat, press.card, choosing, None, now))


def _with(chat: Chat, booking: Booking | None) -> Chat:
    return chat.evolve(conversation=chat.conversation.evolve(booking=booking, awaiting=None))


def _chosen(chat: Chat) -> Booking:
    booking = chat.conversation.booking
    assert booking is not None
    return booking


def _choosing(chat: Chat, action: str, subject: Subject, now: datetime) -> Choosing:
    """What is chosen, as it stands now."""
    booking, book = _chosen(chat), chat.book
    session = book.session if booking.session is not None else None
    coach = book.coach if book.coach is not None and book.coach.standing == "active" else None
    hours = book.hours if coach is not None else book.hours.evolve(weekly=(), exceptions={})
    minutes = int(session.length / timedelta(minutes=1)) if session is not None else booking.minutes or hours.minutes
    prefers = session.resource.resource_id if session is not None else None
    if book.hold is not None and book.hold.starts_at == booking.chosen:
        prefers = book.hold.resource_id
    wanted = Wanted(
        coach_id=coach.user_id if coach is not None else None,
        coachee_id=subject.person.user_id,
        zone=coach.timezone if coach is not None else subject.person.timezone,
        hours=hours,
        taken=book.taken,
        resources=book.resources,
        minutes=minutes,
        prefers=prefers,
        moving=session.session_id if session is not None else None,
    )
    me, year = chat.someone.user_id, local(now, chat.someone.timezone).year
    any_time = bool(allowed_as(action, me, chat.around.roles, subject, year) & set(ANY_TIME))
    return Choosing(wanted=wanted, subject=subject, coach=coach, session=session, any_time=any_time)


def _barred(chat: Chat, press: Press, choosing: Choosing, now: datetime) -> Decision | None:
    """A session that cannot be moved: why, and what can be done."""
    session = choosing.session
    if session is None:
        return None
    instead = _chosen(chat).consent
    if session.status not in ("scheduled", "pending") or (instead is not None and not _asked(session, instead)):
        return shown(_with(chat, None), press, card_of(chat, press.card, session, press.whose, now), _over(instead))
    notice = choosing.wanted.hours.notice
    if session.moves >= chat.policy.moves:
        key = "pick.moved_enough.coach" if choosing.any_time else "pick.moved_enough"
        line = text_line(key, count=session.moves, n=session.number)
    elif instead is not None:  # who is asked whether it is to be cancelled may move it instead, however near it is
        return None
    elif not choosing.any_time and session.starts_at <= now:
        line = text_line("pick.its_time", n=session.number)
    elif not choosing.any_time and session.starts_at < now + timedelta(hours=notice):
        line = text_line("pick.too_near", count=notice, n=session.number)
    else:
        return None
    back = button(press.card, "card", session, label="button.pick.back")
    return shown(_with(chat, None), press, Screen(lines=(line,), choices=(back,)))


def _asked(session: Scheduled, consent: UUID) -> bool:
    """Whether it is still asked for."""
    return session.asked is not None and session.asked.consent_id == consent


def _over(consent: UUID | None) -> str | None:
    return "toast.consent.over" if consent is not None else None


# ---- the calendar


def calendar(chat: Chat, card: int, choosing: Choosing, month: date | None, now: datetime) -> Screen:
    """A month's days on which there are free times; without a month named, the first that has any."""
    zone = chat.someone.timezone
    here = today(now, zone)
    last = here + timedelta(days=LOOKED_AHEAD)
    first = min(max((month or here).replace(day=1), here.replace(day=1)), last.replace(day=1))
    while True:
        ends = min(pick_screens.next_month(first) - timedelta(days=1), last)
        free = free_between(choosing.wanted, max(first, here), ends, zone, now) if choosing.coach else {}
        if free or month is not None or ends >= last:
            break
        first = pick_screens.next_month(first)
    if not free and month is None:
        return pick_screens.nothing(chat, card, choosing, now)
    return pick_screens.month(chat, card, choosing, first, frozenset(free), (here, last), now)


def _month(chat: Chat, press: Press, now: datetime) -> Decision:
    chat = _with(chat, _chosen(chat).evolve(part="", chosen=None))
    choosing = _choosing(chat, press.action, press.whose, now)
    month = day_of(press.argument)
    return _barred(chat, press, choosing, now) or shown(chat, press, calendar(chat, press.card, choosing, month, now))


def _day(chat: Chat, press: Press, now: datetime) -> Decision:
    """The free times of a day; or the question for a time in words."""
    chat = _with(chat, _chosen(chat).evolve(part="", chosen=None))
    choosing = _choosing(chat, press.action, press.whose, now)
    if (no := _barred(chat, press, choosing, now)) is not None:
        return no
    if press.argument == "t" and choosing.any_time:
        asked = _with(chat, _chosen(chat).evolve(part="pick"))
        asked = asked.evolve(conversation=asked.conversation.evolve(awaiting="pick_time"))
        return shown(asked, press, pick_screens.ask_time(chat, press.card, choosing))
    day = day_of(press.argument)
    if day is None:
        return shown(chat, press, calendar(chat, press.card, choosing, None, now))
    free = free_between(choosing.wanted, day, day, chat.someone.timezone, now).get(day, ())
    if not free:
        at = at_wall(datetime.combine(day, datetime.min.time()) + timedelta(hours=12), chat.someone.timezone)
        line = text_line("pick.day_full", day=day)
        return shown(chat, press, _others(chat, press.card, choosing, line, at, now))
    return shown(chat, press, pick_screens.day(chat, press.card, choosing, day, free))


def _none(chat: Chat, press: Press, now: datetime) -> Decision:
    """A cell of the calendar with nothing behind it."""
    word = Acknowledge(press_id=press.event.press_id or "", text=Text(key="toast.no_time"))
    return Decision(chat=chat, effects=(word,) if press.event.press_id else ())


def _others(chat: Chat, card: int, choosing: Choosing, line: Line, to: datetime, now: datetime) -> Screen:
    """Why a time cannot be had, and the nearest that can."""
    near = nearest(choosing.wanted, to, now) if choosing.coach is not None else ()
    return pick_screens.others(chat, card, choosing, line, near)


# ---- a time


def _take(chat: Chat, press: Press, now: datetime) -> Decision:
    """A time is held for who chose it, and read back."""
    chat = _with(chat, _chosen(chat).evolve(part="", chosen=None))
    choosing = _choosing(chat, press.action, press.whose, now)
    if (no := _barred(chat, press, choosing, now)) is not None:
        return no
    moment = moment_of(press.argument)
    if moment is None:
        return shown(chat, press, calendar(chat, press.card, choosing, None, now))
    slot = free_at(choosing.wanted, moment, now, by_coach=choosing.any_time)
    if slot is None:
        return _gone(chat, press, choosing, moment, now)
    until = now + timedelta(minutes=chat.policy.hold_minutes)
    hold = Hold(
        held_by=chat.someone.user_id,
        coach_id=choosing.wanted.coach_id,
        coachee_id=choosing.wanted.coachee_id,
        resource_id=slot.resource.resource_id,
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        expires_at=until,
    )
    chat = _with(chat, _chosen(chat).evolve(chosen=slot.starts_at))
    screen = pick_screens.check(chat, press.card, choosing, slot, until)
    return shown(chat, press, screen).keeping(HoldPut(hold=hold, at=now))


def _gone(chat: Chat, press: Press, choosing: Choosing, moment: datetime, now: datetime) -> Decision:
    """A time that cannot be had any more: what is held is given back, and the nearest times are offered."""
    chat = _with(chat, _chosen(chat).evolve(chosen=None))
    line = text_line("pick.gone", at=local(moment, chat.someone.timezone))
    there = shown(chat, press, _others(chat, press.card, choosing, line, moment, now))
    held = chat.book.hold
    return there.keeping(HoldEnded(held_by=held.held_by)) if held is not None else there


def _leave(chat: Chat, press: Press, now: datetime) -> Decision:
    """The time that is held is free again; with a month, the calendar goes on there."""
    ended: tuple[AnyChange, ...] = (HoldEnded(held_by=chat.someone.user_id),) if chat.book.hold is not None else ()
    month = day_of(press.argument)
    if month is not None:
        return _month(chat, press, now).keeping(*ended)
    session = chat.book.session if _chosen(chat).session is not None else None
    return shown(_with(chat, None), press, pick_screens.left(chat, press.card, press.whose, session)).keeping(*ended)


def _book(chat: Chat, press: Press, now: datetime) -> Decision:
    """The time that was read back becomes that of a session."""
    booking = _chosen(chat)
    choosing = _choosing(chat, press.action, press.whose, now)
    if (no := _barred(chat, press, choosing, now)) is not None:
        return no
    if booking.chosen is None:
        return shown(chat, press, calendar(chat, press.card, choosing, None, now))
    slot = free_at(choosing.wanted, booking.chosen, now, by_coach=choosing.any_time)
    if slot is None and (held := chat.book.hold) is not None and _holds(held, choosing, booking.chosen):
        # the time is theirs until the hold ends, even if the notice or the hours would not let anybody begin now
        slot = free_at(choosing.wanted, booking.chosen, now, by_coach=True)
    if slot is None:
        return _gone(chat, press, choosing, booking.chosen, now)
    act, session = _made(chat, choosing, slot, scene(chat, press.whose, press.event, now))
    if chat.book.hold is not None:
        act = act.and_(Act(changes=(HoldEnded(held_by=chat.someone.user_id),)))
    screen = pick_screens.booked(chat, press.card, choosing, session)
    return done(_with(chat, None), press, act, screen, now)


def _holds(hold: Hold, choosing: Choosing, moment: datetime) -> bool:
    """Whether a hold is of this time with this coach: one who takes no part any more does not give it."""
    return (hold.starts_at, hold.coach_id) == (moment, choosing.wanted.coach_id)


def _made(chat: Chat, choosing: Choosing, slot: Slot, at: Scene) -> tuple[Act, Scheduled]:
    """The session of a slot: in the place of the one that is moved, or a new one."""
    if choosing.session is not None:
        return bookings.rescheduled(choosing.session, slot.starts_at, slot.resource, at)
    programme, number = _programme(chat, choosing, slot, at)
    session = Scheduled(
        session_id=at.event.derived("session"),
        programme_id=programme if isinstance(programme, UUID) else programme.programme_id,
        number=number,
        coachee=choosing.subject.person,
        coach=choosing.coach,
        resource=slot.resource,
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
    )
    return bookings.booked((session,), at, programme if isinstance(programme, Programme) else None), session


def _programme(chat: Chat, choosing: Choosing, slot: Slot, at: Scene) -> tuple[UUID | Programme, int]:
    """The programme that a new session is of, and its number there.

    It goes on with the coachee's newest one where that can be (`life.goes_on`).
    """
    there, coach = chat.book.programme, choosing.coach
    if life.goes_on(there, coach.user_id if coach is not None else None, slot.starts_at):
        return there[0].programme_id, max(session.number for session in there) + 1
    made = Programme(
        programme_id=at.event.derived("programme"),
        coachee_id=choosing.subject.person.user_id,
        coach_id=coach.user_id if coach is not None else None,
        timezone=choosing.wanted.zone,
        minutes=choosing.wanted.minutes,
        created_by=at.actor,
    )
    return made, 1


# ---- a time in words


def _time_said(chat: Chat, event: TextSent, now: datetime) -> Decision:
    """A day and a time in words: read back, and what is in the way of it."""
    booking, subject = chat.conversation.booking, chat.around.subject
    action = "move_session" if booking is not None and booking.session is not None else "book_session"
    year = local(now, chat.someone.timezone).year
    if booking is None or subject is None or why_not(chat, action, subject, year):
        return leave_words(chat, now)
    choosing = _choosing(chat, action, subject, now)
    if not choosing.any_time or (booking.session is not None and choosing.session is None):
        return leave_words(chat, now)
    day, clock, zone = event.reading.day, event.reading.time, chat.someone.timezone
    if day is None or clock is None or day_of(day_code(day)) != day:  # no button can name it, and no clock reach it
        screen = Screen(lines=(text_line("pick.time_unknown"),), choices=(pick_screens.back(booking.card),))
        return Decision(chat=chat, effects=(Say(screen=screen),))
    at = at_wall(datetime.combine(day, datetime.strptime(clock, "%H:%M").time()), zone)  # noqa: DTZ007
    card = chat.conversation.cards + 1
    chat = _with(chat, booking.evolve(card=card, chosen=at))
    slot = free_at(choosing.wanted, at, now, by_coach=True)
    if slot is not None:
        return at_the_bottom(chat, pick_screens.check(chat, card, choosing, slot, None))
    chat = _with(chat, booking.evolve(card=card, part="", chosen=None))
    why = why_taken(choosing.wanted, at, by_coach=True)
    names = tuple(Text(key=f"pick.taken.{what}", args={"name": _name(choosing, what)}) for what in why)
    here = local(at, zone)
    line = text_line("pick.taken", at=here, what=names) if why else text_line("pick.out_of_reach", at=here)
    return at_the_bottom(chat, _others(chat, card, choosing, line, at, now))


def _name(choosing: Choosing, what: str) -> str:
    if what == "coach" and choosing.coach is not None:
        return choosing.coach.name
    return choosing.subject.person.name


def leave_words(chat: Chat, now: datetime) -> Decision:
    """No time is asked for any more."""
    chat = _with(chat, None)
    return at_the_bottom(chat, pick_screens.nothing_booked(chat))


def put_back(chat: Chat, now: datetime) -> Decision | None:
    """/cancel while a time is held: it is free again at once. None where none is."""
    booking = chat.conversation.booking
    if booking is None or booking.chosen is None or booking.part:
        return None
    return leave_words(chat, now).keeping(HoldEnded(held_by=chat.someone.user_id))


HANDLERS: dict[str, Handler] = {
    "slots": begin,
    "move": move,
    "month": _month,
    "day": _day,
    "none": _none,
    "take": _take,
    "book": _book,
    "leave": _leave,
}
"""What each act does."""
SAID: dict[str, WordsHandler] = {"pick_time": _time_said}
"""What each kind of awaited words does."""
