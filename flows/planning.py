"""Planning several sessions of a coachee at once, on one card: what is chosen, a look at all of it, and one save.

    plan      a new plan of a coachee
    set       a choice (`day.261201`, `time.1700`, `weeks.2`, `count.8`, `minutes.45`, `place.1`) or its question
              (`day`); of one session: another time (`in.<day>.<moment>`), or left out (`out.<day>`); `all`: the
              first proposals, `back`: all as at first
    preview   every session, what is in the way of it, and what could be instead
    save      on rows that nothing else changes meanwhile: all of them, or none and the preview again
    undo      for some minutes, all that was saved is taken back

What is chosen is in the conversation (`Booking`); nothing is kept of it before it is saved.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

from flows import life
from flows import planning_cards as show
from flows.bookings import booked, taken_back
from flows.cards import refusal
from flows.diary import Programme, Scheduled
from flows.effects import Screen, acknowledge, say
from flows.events import TextSent
from flows.hours import LENGTHS
from flows.on_card import at_the_bottom
from flows.people import Other
from flows.planned import Plan, complete, minutes_of, plan_of, proposals, zone_of
from flows.series import MOST, NEAR
from flows.session_acts import day_of, moment_of
from flows.session_press import Handler, Press, WordsHandler, done, scene, shown, why_not
from flows.state import Booking, Chat, Decision
from flows.times import local, today

AHEAD = timedelta(days=366)
"""The first session is not further away."""
LONGEST = 480
"""Minutes of a session (the database's own limit for a programme)."""
OVER = ("saved", "undone")
"""What the `part` of a plan is once nothing can be chosen any more."""


def _plan(chat: Chat, press: Press, now: datetime) -> Decision:
    coachee = press.whose.person
    booking = Booking(card=press.card, coachee=coachee.user_id, part="plan", minutes=chat.book.hours.minutes)
    chat = _holding(chat, booking)
    return shown(chat, press, show.question(chat, booking, coachee, "day", now))


def _on_plan(act: Callable[[Chat, Press, Booking, datetime], Decision]) -> Handler:
    """An act on a plan that is not over yet: on the card of one that is, everything shows how it ended."""

    def handler(chat: Chat, press: Press, now: datetime) -> Decision:
        booking = chat.conversation.booking
        if booking is None or booking.part not in ("plan", *OVER):
            return Decision(chat=chat, effects=acknowledge(press.event.press_id, "toast.old_card"))
        if booking.part in OVER:
            return shown(chat, press, _ended(chat, booking, press.whose.person, now))
        return act(_holding(chat, booking), press, booking, now)

    return handler


def _set(chat: Chat, press: Press, booking: Booking, now: datetime) -> Decision:
    name, _, value = press.argument.partition(".")
    coachee = press.whose.person
    if name in ("in", "out", "all", "back"):
        return _of_session(chat, press, booking, now)
    if value == "other" and name in ("day", "time", "count"):
        chat = chat.evolve(conversation=chat.conversation.evolve(awaiting=f"plan_{name}"))
        return shown(chat, press, show.words_wanted(chat, booking, coachee, name))
    if name == "form" or (name in show.QUESTIONS and not value):
        screen = show.question(chat, booking, coachee, name, now) if value == "" and name != "form" else None
        return shown(chat, press, screen or _next(chat, booking, coachee, now))
    changed = _with(chat, booking, name, value, now)
    if changed is None:
        return shown(chat, press, _next(chat, booking, coachee, now), "toast.planning.unknown")
    chat = _holding(chat, changed)
    return shown(chat, press, _next(chat, changed, coachee, now))


def _with(chat: Chat, booking: Booking, name: str, value: str, now: datetime) -> Booking | None:
    """The plan with another choice; None where it is none. What was chosen for single sessions does not hold then."""
    plain = booking.evolve(skipped=(), instead={})
    number = int(value) if value.isascii() and value.isdigit() and len(value) < 5 else 0
    match name:
        case "day" if (day := day_of(value)) is not None and len(value) == 6 and _in_reach(chat, day, now):
            return plain.evolve(first=day)
        case "time" if len(value) == 4 and value.isascii() and value.isdigit() and (number < 2400):
            return plain.evolve(time=f"{value[:2]}:{value[2:]}") if number % 100 < 60 else None
        case "weeks" if number in show.EVERY_WEEKS:
            return plain.evolve(weeks=number)
        case "count" if 1 <= number <= MOST:
            return plain.evolve(count=number)
        case "minutes" if number in (*LENGTHS, chat.book.hours.minutes) and number <= LONGEST:
            return plain.evolve(minutes=number)
        case "place" if value == "any":
            return booking.evolve(resource=None)
        case "place":
            there = next((r for r in chat.book.resources if r.number == number and r.in_service), None)
            return booking.evolve(resource=there.resource_id) if there is not None else None
    return None


def _in_reach(chat: Chat, day: date, now: datetime) -> bool:
    here = today(now, zone_of(chat))
    return here <= day <= here + AHEAD


def _next(chat: Chat, booking: Booking, coachee: Other, now: datetime) -> Screen:
    """What is asked next: the first thing that has to be chosen, or all of it to be looked at."""
    for name, value in (("day", booking.first), ("time", booking.time), ("count", booking.count)):
        if value is None:
            return show.question(chat, booking, coachee, name, now)
    return show.form(chat, booking, coachee)


def _of_session(chat: Chat, press: Press, booking: Booking, now: datetime) -> Decision:
    """Something else for single sessions of the plan, and the preview again."""
    coachee = press.whose.person
    if not complete(booking):
        return shown(chat, press, _next(chat, booking, coachee, now), "toast.planning.unknown")
    name, _, rest = press.argument.partition(".")
    code, _, last = rest.partition(".")
    day, at = day_of(code), moment_of(last)
    known = day is not None and any(one.day == day for one in plan_of(chat, booking, coachee, now).meetings)
    changed: Booking | None = None
    if name == "back":
        changed, day = booking.evolve(skipped=(), instead={}), None
    elif name == "all":
        plan = plan_of(chat, booking, coachee, now)
        first = {
            d.isoformat(): times[0] for d, times in proposals(chat, booking, coachee, plan, now).items() if times
        }
        changed, day = booking.evolve(instead={**booking.instead, **first}), None
    elif known and day is not None and name == "out":
        changed = booking.evolve(skipped=(*booking.skipped, day))
    elif known and day is not None and at is not None and now < at and _near(chat, at, day):
        changed = booking.evolve(instead={**booking.instead, day.isoformat(): at})
    if changed is None:
        return _look(chat, press, booking, None, now, "toast.planning.unknown")
    return _look(_holding(chat, changed), press, changed, day, now)


def _near(chat: Chat, at: datetime, day: date) -> bool:
    return abs(local(at, zone_of(chat)).date() - day) <= NEAR


def _preview(chat: Chat, press: Press, booking: Booking, now: datetime) -> Decision:
    page = press.argument
    number = int(page) if page.isascii() and page.isdigit() and len(page) < 3 else None
    return _look(chat, press, booking, None, now, page=number)


def _look(
    chat: Chat,
    press: Press,
    booking: Booking,
    day: date | None,
    now: datetime,
    toast: str | None = None,
    page: int | None = None,
) -> Decision:
    """The preview: the page of a session, or the first one on which there is something to do."""
    coachee = press.whose.person
    if not complete(booking):
        return shown(chat, press, _next(chat, booking, coachee, now), toast)
    plan = plan_of(chat, booking, coachee, now)
    number = show.page_of(plan, day) if page is None else page
    return shown(chat, press, show.preview(chat, booking, coachee, plan, number, now), toast)


# ---- words


def _said(chat: Chat, event: TextSent, now: datetime) -> Decision:
    """A day, a time or a number that was asked for."""
    booking, subject = chat.conversation.booking, chat.around.subject
    name = (chat.conversation.awaiting or "").removeprefix("plan_")
    if booking is None or booking.part != "plan" or subject is None or subject.person.user_id != booking.coachee:
        gone = chat.evolve(conversation=chat.conversation.evolve(awaiting=None))
        return Decision(chat=gone, effects=(say("toast.old_card"),))
    if reason := why_not(chat, "plan_sessions", subject, local(now, chat.someone.timezone).year):
        gone = chat.evolve(conversation=chat.conversation.evolve(awaiting=None))
        return refusal(gone, event, "plan_sessions", reason, now, subject)
    changed = _with(chat, booking, name, _value(event, name), now)
    if changed is None:
        return Decision(chat=chat, effects=(say(f"planning.not_read.{name}", most=MOST),))
    changed = changed.evolve(card=chat.conversation.cards + 1)
    chat = _holding(chat, changed)
    return at_the_bottom(chat, _next(chat, changed, subject.person, now))


def _value(event: TextSent, name: str) -> str:
    """What words mean, as a button would say it."""
    reading = event.reading
    if name == "day":
        return f"{reading.day:%y%m%d}" if reading.day is not None and reading.day.year // 100 == 20 else ""
    if name == "time":
        return (reading.time or "").replace(":", "")
    return str(reading.number) if reading.number is not None else ""


def left(chat: Chat, now: datetime) -> Decision:
    """Words that were asked for are not given: the card stays as it is."""
    return Decision(chat=chat, effects=(say("planning.left"),))


# ---- saving it, and taking it back


def _save(chat: Chat, press: Press, booking: Booking, now: datetime) -> Decision:
    coachee = press.whose.person
    if not complete(booking):
        return shown(chat, press, _next(chat, booking, coachee, now))
    plan = plan_of(chat, booking, coachee, now)
    if plan.open or not plan.meetings:
        return _look(chat, press, booking, None, now, "toast.planning.taken")
    sessions, programme = _sessions(chat, press, booking, plan)
    act = booked(sessions, scene(chat, press.whose, press.event, now), programme)
    kept = Booking(
        card=booking.card,
        coachee=booking.coachee,
        part="saved",
        chosen=now,
        saved=tuple(session.session_id for session in sessions),
    )
    chat = _holding(chat, kept)
    return done(chat, press, act, show.saved(chat, kept, coachee, sessions, now), now)


def _sessions(
    chat: Chat, press: Press, booking: Booking, plan: Plan
) -> tuple[tuple[Scheduled, ...], Programme | None]:
    """The sessions of a plan, numbered on from those that are still open, or from 1 in a programme of their own.

    Where the others come later, or are another coach's, they are on their own, too (`life.goes_on`).
    """
    book, coachee = chat.book, press.whose.person
    coach_id, first = book.coach.user_id if book.coach is not None else None, plan.meetings[0].starts_at
    still = any(session.open for session in book.programme)
    goes_on = still and life.goes_on(book.programme, coach_id, first)
    programme = Programme(
        programme_id=book.programme[0].programme_id if goes_on else press.event.derived("programme"),
        coachee_id=coachee.user_id,
        coach_id=coach_id,
        timezone=zone_of(chat),
        minutes=minutes_of(booking, book.hours),
        created_by=chat.someone.user_id,
    )
    before = max((session.number for session in book.programme), default=0) if goes_on else 0
    sessions = []
    for number, one in enumerate(plan.meetings, before + 1):
        assert one.resource is not None
        sessions.append(
            Scheduled(
                session_id=press.event.derived(f"planned {number}"),
                programme_id=programme.programme_id,
                number=number,
                coachee=coachee,
                coach=book.coach,
                resource=one.resource,
                starts_at=one.starts_at,
                ends_at=one.ends_at,
            )
        )
    return tuple(sessions), None if goes_on else programme


def _undo(chat: Chat, press: Press, now: datetime) -> Decision:
    booking, coachee = chat.conversation.booking, press.whose.person
    if booking is None or booking.part not in OVER:
        return Decision(chat=chat, effects=acknowledge(press.event.press_id, "toast.old_card"))
    if booking.part == "undone":
        return shown(chat, press, _ended(chat, booking, coachee, now))
    standing = tuple(s for s in _saved(chat, booking) if s.status == "scheduled" and s.starts_at > now)
    if booking.chosen is None or now >= booking.chosen + show.UNDO or not standing:
        return shown(chat, press, _ended(chat, booking, coachee, now), "toast.planning.too_late")
    over = booking.evolve(part="undone", count=len(standing))
    act = taken_back(standing, scene(chat, press.whose, press.event, now))
    return done(_holding(chat, over), press, act, _ended(chat, over, coachee, now), now)


def _saved(chat: Chat, booking: Booking) -> tuple[Scheduled, ...]:
    """The sessions that were saved, as they stand."""
    return tuple(one for one in chat.book.programme if one.session_id in booking.saved)


def _ended(chat: Chat, booking: Booking, coachee: Other, now: datetime) -> Screen:
    """The card of a plan that is saved, or was taken back."""
    if booking.part == "undone":
        return show.undone(booking, coachee, booking.count or 0)
    return show.saved(chat, booking, coachee, _saved(chat, booking), now)


def _holding(chat: Chat, booking: Booking) -> Chat:
    """The conversation with the plan as it is now; it waits for no words."""
    return chat.evolve(conversation=chat.conversation.evolve(booking=booking, awaiting=None))


HANDLERS: dict[str, Handler] = {
    "plan": _plan,
    "set": _on_plan(_set),
    "preview": _on_plan(_preview),
    "save": _on_plan(_save),
    "undo": _undo,
}
"""What each act does."""
SAID: dict[str, WordsHandler] = {"plan_day": _said, "plan_time": _said, "plan_count": _said}
"""What each kind of awaited words does."""
