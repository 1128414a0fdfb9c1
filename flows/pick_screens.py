"""The screens of choosing a time: a month, a day, the time that is read back, what there is instead.

Times are on the wall clock of who reads them, by its name; where the coach's clock shows something else, both are
said.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from flows.diary import Scheduled
from flows.effects import Choice, Line, Screen, Text, text_line
from flows.hours import A_MONDAY, bookable, place
from flows.people import Other, Subject
from flows.records import Record
from flows.session_acts import day_code, moment_code
from flows.session_cards import button, coachee_button
from flows.session_news import opens, when, where
from flows.slots import Slot, Wanted
from flows.state import Chat
from flows.times import local

EMPTY = "\u2800"
"""What stands on a cell of no day: Telegram takes no button without a character, and spaces are none."""
WEEK = 7


class Choosing(Record):
    """What a time is chosen for: `session` is the one that is moved. `any_time`: not only the coach's hours."""

    wanted: Wanted
    subject: Subject
    coach: Other | None = None
    session: Scheduled | None = None
    any_time: bool = False


def next_month(first: date) -> date:
    """The first day of the month after that of a day."""
    return (first.replace(day=1) + timedelta(days=32)).replace(day=1)


def _title(chat: Chat, choosing: Choosing) -> list[Line]:
    """What a time is chosen for, and whose clock the times are by."""
    session, zone, coach = choosing.session, chat.someone.timezone, choosing.coach
    name, by = choosing.subject.person.name, coach.name if coach is not None else Text(key="session.no_coach")
    if session is not None:
        title = Text(key="pick.title.move", args={"n": session.number, "at": local(session.starts_at, zone)})
    else:
        own = choosing.subject.person.user_id == chat.someone.user_id
        title = Text(key="pick.title.own" if own else "pick.title", args={"name": name, "coach": by})
    lines = [Line(text=title, style="bold")]
    if coach is not None and coach.timezone != zone and coach.user_id != chat.someone.user_id:
        theirs = place(coach.timezone)
        lines.append(text_line("pick.zones", zone=place(zone), coach=coach.name, theirs=theirs))
    else:
        lines.append(text_line("pick.zone", zone=place(zone)))
    return lines


def back(card: int) -> Choice:
    """The button to the calendar."""
    return button(card, "month", label="button.pick.calendar")


def _out(chat: Chat, card: int, choosing: Choosing) -> Choice:
    """The way not to choose."""
    if choosing.session is not None:
        return button(card, "card", choosing.session, label="button.pick.back")
    if choosing.subject.person.user_id == chat.someone.user_id:
        return button(card, "agenda")
    return coachee_button(card, choosing.subject.person.user_id, "theirs")


def _named(card: int, choosing: Choosing) -> list[Choice]:
    """The button for a time in words, of who may name any."""
    if not choosing.any_time:
        return []
    return [Choice(data=f"b:{card}::day:t", label=Text(key="button.pick.words"))]


def month(
    chat: Chat,
    card: int,
    choosing: Choosing,
    first: date,
    free: frozenset[date],
    reach: tuple[date, date],
    now: datetime,
) -> Screen:
    """A month as a grid from Monday to Sunday; only days with free times can be pressed. `reach`: the first and the
    last day that can be chosen."""
    following = next_month(first)
    lines = [*_title(chat, choosing), text_line("pick.month" if free else "pick.month.full", month=first)]
    nothing = f"b:{card}::none"
    cells = [
        Choice(data=nothing, label=Text(key="pick.weekday", args={"day": A_MONDAY + timedelta(days=n)}))
        for n in range(WEEK)
    ]
    cells += [Choice(data=nothing, label=EMPTY)] * first.weekday()
    for n in range((following - first).days):
        day = first + timedelta(days=n)
        if day in free:
            cells.append(Choice(data=f"b:{card}::day:{day_code(day)}", label=str(day.day)))
        else:
            cells.append(Choice(data=nothing, label="·"))
    cells += [Choice(data=nothing, label=EMPTY)] * (-len(cells) % WEEK)
    around = []
    if first > reach[0]:
        around.append(_to_month(card, (first - timedelta(days=1)).replace(day=1), "button.pick.before"))
    if following <= reach[1]:
        around.append(_to_month(card, following, "button.pick.after"))
    rest = (*around, *_named(card, choosing), _out(chat, card, choosing))
    return Screen(lines=tuple(lines), choices=(*cells, *rest), per_row=2, grid=(len(cells), WEEK))


def _to_month(card: int, first: date, label: str) -> Choice:
    return Choice(data=f"b:{card}::month:{first:%y%m}", label=Text(key=label, args={"month": first}))


def day(chat: Chat, card: int, choosing: Choosing, on: date, free: tuple[Slot, ...]) -> Screen:
    """The free times of a day. Where the clock shows one twice, the second says so."""
    zone = chat.someone.timezone
    times: list[Choice] = []
    seen: set[str] = set()
    for slot in free:
        clock = f"{local(slot.starts_at, zone):%H:%M}"
        label: Text | str = Text(key="pick.second", args={"time": clock}) if clock in seen else clock
        seen.add(clock)
        times.append(Choice(data=f"b:{card}::take:{moment_code(slot.starts_at)}", label=label))
    lines = (*_title(chat, choosing), text_line("pick.day", day=on))
    rest = (_to_month(card, on, "button.pick.month"), _out(chat, card, choosing))
    return Screen(lines=lines, choices=(*times, *rest), per_row=2, grid=(len(times), 4))


def _both(chat: Chat, choosing: Choosing, starts_at: datetime) -> list[Line]:
    """The time on the coach's clock, where it shows another than that of who reads it; else on the coachee's."""
    zone, me = chat.someone.timezone, chat.someone.user_id
    for person in (choosing.coach, choosing.subject.person):
        if person is None or person.user_id == me:
            continue
        theirs = local(starts_at, person.timezone)
        if theirs.utcoffset() != local(starts_at, zone).utcoffset():
            return [text_line("pick.theirs", name=person.name, at=theirs)]
    return []


def check(chat: Chat, card: int, choosing: Choosing, slot: Slot, until: datetime | None) -> Screen:
    """The time that is chosen is read back. `until`: so long it is theirs."""
    zone, session = chat.someone.timezone, choosing.session
    at, ends = local(slot.starts_at, zone), f"{local(slot.ends_at, zone):%H:%M}"
    lines = [*_title(chat, choosing)[:1], text_line("pick.check", at=at, until=ends, where=where(slot.resource))]
    lines += _both(chat, choosing, slot.starts_at)
    if until is not None:
        minutes = Text(key="pick.until", args={"until": f"{local(until, zone):%H:%M}"})
        lines.append(Line(text=minutes))
    yes = "button.pick.book" if session is None else "button.pick.move"
    buttons = (
        button(card, "book", label=yes),
        Choice(data=f"b:{card}::leave:{at:%y%m}", label=Text(key="button.pick.another")),
        button(card, "leave", label="button.pick.leave"),
    )
    return Screen(lines=tuple(lines), choices=buttons)


def others(chat: Chat, card: int, choosing: Choosing, why: Line, near: Iterable[Slot]) -> Screen:
    """Why a time cannot be had, and the nearest times that can."""
    zone = chat.someone.timezone
    times = [
        Choice(
            data=f"b:{card}::take:{moment_code(slot.starts_at)}",
            label=Text(key="pick.near", args={"at": local(slot.starts_at, zone)}),
        )
        for slot in near
    ]
    lines = (why, *_title(chat, choosing)[1:], text_line("pick.nearest" if times else "pick.none_near"))
    return Screen(
        lines=lines, choices=(*times, back(card), *_named(card, choosing), _out(chat, card, choosing)), per_row=1
    )


def nothing(chat: Chat, card: int, choosing: Choosing, now: datetime) -> Screen:
    """There is no free time at all: why, and what can be done."""
    coach = choosing.coach
    if coach is None:
        key = "pick.no_coach"
    elif coach.user_id == chat.someone.user_id:
        key = "pick.no_hours.mine" if not bookable(choosing.wanted.hours) else "pick.nothing_free"
    else:
        key = "pick.no_hours" if not bookable(choosing.wanted.hours) else "pick.nothing_free"
    name = coach.name if coach is not None else ""
    lines = [_title(chat, choosing)[0], text_line(key, coach=name)]
    buttons = [*_named(card, choosing)]
    if key == "pick.no_hours.mine":
        buttons.append(button(card, "hours"))
    return Screen(lines=tuple(lines), choices=(*buttons, _out(chat, card, choosing)))


def ask_time(chat: Chat, card: int, choosing: Choosing) -> Screen:
    """The question for a day and a time in words."""
    lines = (*_title(chat, choosing)[:1], text_line("pick.ask_time", zone=place(chat.someone.timezone)))
    return Screen(lines=lines, choices=(back(card),))


def booked(chat: Chat, card: int, choosing: Choosing, session: Scheduled) -> Screen:
    """A session is booked, or moved: when it is, and what comes next."""
    zone, was = chat.someone.timezone, choosing.session
    key = "pick.booked" if was is None else "pick.moved"
    times = {"n": session.number, "where": where(session.resource), **when(session, zone)}
    if was is not None:
        times["was"] = local(was.starts_at, zone)
    lines = (text_line(key, **times), *_both(chat, choosing, session.starts_at), text_line("pick.next"))
    return Screen(lines=lines, choices=(opens(session, card), _out(chat, card, choosing.evolve(session=None))))


def left(chat: Chat, card: int, subject: Subject, session: Scheduled | None) -> Screen:
    """Nothing was chosen."""
    if session is not None:
        key, out = "pick.left.move", button(card, "card", session, label="button.pick.back")
    elif subject.person.user_id == chat.someone.user_id:
        key, out = "pick.left", button(card, "agenda")
    else:
        key, out = "pick.left", coachee_button(card, subject.person.user_id, "theirs")
    return Screen(lines=(text_line(key),), choices=(out,))


def nothing_booked(chat: Chat) -> Screen:
    """Choosing ended without a time."""
    home = Choice(data="m:0:home", label=Text(key="button.menu"))
    return Screen(lines=(text_line("pick.left"),), choices=(button(0, "agenda"), home))
