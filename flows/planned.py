"""What a plan comes to: its sessions with the machine or room of each, what is in the way, and what could be instead.

Pure, from what is loaded for the event (`needs`): made anew for each look at a plan, and once more for saving it. The
coach's hours and notice do not bind who plans; a time outside of the hours is marked. Only what is taken is in the
way: sessions of coach or coachee, every machine and room, or another session of the same plan.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import partial
from itertools import chain, islice

from flows.diary import Hours, Resource, Taken
from flows.people import Other
from flows.records import Record
from flows.series import NEAR, moment, series
from flows.slots import EVERY, Wanted, in_hours, resource_at, spans_on, why_taken
from flows.state import Booking, Chat
from flows.times import local

PROPOSED = 3
"""Other times that are proposed for one that is taken."""
WORKING_DAY = (("08:00", "20:00"),)
"""Where a coach has set no hours, other times are looked for in these."""


class Meeting(Record):
    """One session of a plan: of which `day` of the series, when, where.

    `why` names what is in the way: the "coach", the "coachee", every "resource", or that it is "past". `other`: it is
    not at the series' own time, but at one that was chosen instead.
    """

    day: date
    starts_at: datetime
    ends_at: datetime
    resource: Resource | None = None
    why: tuple[str, ...] = ()
    outside: bool = False
    other: bool = False


class Plan(Record):
    """What a booking comes to. `skipped` are days on which nothing takes place, by what they are ("": the coach is
    away); `left_out` those that the planner left out. It is `short` where the series ends before all are found."""

    meetings: tuple[Meeting, ...]
    skipped: tuple[tuple[date, str], ...]
    left_out: tuple[date, ...]
    short: bool = False

    @property
    def open(self) -> tuple[Meeting, ...]:
        """The sessions that something is in the way of."""
        return tuple(one for one in self.meetings if one.why)


class Board:
    """What is taken, by the days of UTC that it touches: a plan is checked against years of sessions."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._by_day: dict[date, list[Taken]] = {}
        for taken in wanted.taken:
            self.take(taken)

    def take(self, taken: Taken) -> None:
        """Something more is taken."""
        for day in _days(taken.starts_at, taken.ends_at):
            self._by_day.setdefault(day, []).append(taken)

    def at(self, starts_at: datetime, but: Taken | None = None) -> Wanted:
        """What is wanted, with what is taken about a moment; `but` this."""
        days = _days(starts_at, starts_at + self._wanted.length)
        near = chain.from_iterable(self._by_day.get(day, ()) for day in days)
        return self._wanted.evolve(taken=tuple(taken for taken in near if taken is not but))


def zone_of(chat: Chat) -> str:
    """On whose wall clock a plan is made: the coach's; the planner's, where there is no coach."""
    coach = chat.book.coach
    return coach.timezone if coach is not None else chat.someone.timezone


def minutes_of(booking: Booking, hours: Hours) -> int:
    """How long each session of a plan lasts."""
    return booking.minutes or hours.minutes


def days_off(chat: Chat) -> dict[date, str]:
    """Days on which nothing is planned: holidays by their names, and days of the coach's with no hours ("")."""
    away = {day: "" for day, spans in chat.book.hours.exceptions.items() if not spans}
    return {**away, **chat.holidays}


def complete(booking: Booking) -> bool:
    """Whether enough is chosen to look at the plan."""
    return booking.first is not None and booking.time is not None and booking.count is not None


def plan_of(chat: Chat, booking: Booking, coachee: Other, now: datetime) -> Plan:
    """The plan as it stands."""
    found, board = _series(chat, booking), Board(_wanted(chat, booking, coachee))
    meetings = []
    for day, starts_at, other in found.times:
        here = board.at(starts_at)
        ends_at = starts_at + here.length
        why: tuple[str, ...] = ("past",) if starts_at <= now else why_taken(here, starts_at, by_coach=True)
        meetings.append(
            Meeting(
                day=day,
                starts_at=starts_at,
                ends_at=ends_at,
                resource=None if why else resource_at(here, starts_at, ends_at),
                why=why,
                outside=bool(here.hours.weekly or here.hours.exceptions) and not in_hours(here, starts_at, ends_at),
                other=other,
            )
        )
        if not why:
            board.take(_mine(here, starts_at))
    meetings.sort(key=lambda one: one.starts_at)
    return Plan(meetings=tuple(meetings), skipped=found.skipped, left_out=found.left_out, short=found.short)


def proposals(
    chat: Chat, booking: Booking, coachee: Other, plan: Plan, now: datetime
) -> dict[date, tuple[datetime, ...]]:
    """For each session that something is in the way of, free times of its day and its week, the nearest first.

    No two sessions are proposed the same time first: all first proposals can be taken together.
    """
    board, off, zone = Board(_wanted(chat, booking, coachee)), days_off(chat), zone_of(chat)
    for one in plan.meetings:
        if not one.why:
            board.take(_mine(board.at(one.starts_at), one.starts_at))
    found: dict[date, tuple[datetime, ...]] = {}
    for one in plan.open:
        free = (
            at
            for at in _near(one, chat.book.hours, str(booking.time), zone, minutes_of(booking, chat.book.hours))
            if at > now and local(at, zone).date() not in off and not why_taken(board.at(at), at, by_coach=True)
        )
        found[one.day] = tuple(islice(free, PROPOSED))
        if found[one.day]:
            first = found[one.day][0]
            board.take(_mine(board.at(first), first))
    return found


class _Times(Record):
    """The times of a plan: each with its day of the series, and whether it was chosen instead of the series' own."""

    times: tuple[tuple[date, datetime, bool], ...]
    skipped: tuple[tuple[date, str], ...]
    left_out: tuple[date, ...]
    short: bool


def _series(chat: Chat, booking: Booking) -> _Times:
    assert booking.first is not None
    assert booking.time is not None
    assert booking.count is not None
    found = series(booking.first, booking.weeks, booking.count, days_off(chat))
    times = []
    for day in found.days:
        chosen = booking.instead.get(day.isoformat())
        own = moment(day, booking.time, zone_of(chat))
        if day not in booking.skipped:
            times.append((day, chosen or own, chosen is not None))
    return _Times(
        times=tuple(times),
        skipped=found.skipped,
        left_out=tuple(day for day in found.days if day in booking.skipped),
        short=len(found.days) < booking.count,
    )


def _wanted(chat: Chat, booking: Booking, coachee: Other) -> Wanted:
    book = chat.book
    return Wanted(
        coach_id=book.coach.user_id if book.coach is not None else None,
        coachee_id=coachee.user_id,
        zone=zone_of(chat),
        hours=book.hours,
        taken=book.taken,
        resources=book.resources,
        minutes=minutes_of(booking, book.hours),
        prefers=booking.resource,
    )


def _mine(wanted: Wanted, starts_at: datetime) -> Taken:
    """A session of the plan takes its time, as those take theirs that are booked already."""
    ends_at = starts_at + wanted.length
    return Taken(starts_at=starts_at, ends_at=ends_at, coach_id=wanted.coach_id, coachee_id=wanted.coachee_id)


def _near(one: Meeting, hours: Hours, clock: str, zone: str, minutes: int) -> Iterator[datetime]:
    """Times near a session's, the nearest first: of its day, then of the other days of its week."""
    monday = one.day - timedelta(days=one.day.weekday())
    others = sorted((monday + timedelta(days=n) for n in range(NEAR.days)), key=lambda day: abs(day - one.day))
    length = timedelta(minutes=minutes)
    for day in (one.day, *(day for day in others if day != one.day)):
        at, own = moment(day, clock, zone), day == one.day
        set_here = bool(hours.weekly) or day in hours.exceptions
        spans = spans_on(hours, day) or (WORKING_DAY if own or not set_here else ())
        found = {at} if spans and not own else set()
        for start, end in spans:
            starts, ends = moment(day, start, zone), _end(day, end, zone)
            while starts + length <= ends:
                found.add(starts)
                starts += EVERY
        yield from sorted(found, key=partial(_distance, at))


def _distance(at: datetime, other: datetime) -> tuple[timedelta, datetime]:
    return abs(other - at), other


def _end(day: date, clock: str, zone: str) -> datetime:
    return moment(day + timedelta(days=1), "00:00", zone) if clock == "24:00" else moment(day, clock, zone)


def _days(starts_at: datetime, ends_at: datetime) -> tuple[date, ...]:
    """The days of UTC that a time touches; none is longer than two."""
    return tuple(dict.fromkeys((starts_at.date(), ends_at.date())))


def wanted_resource(chat: Chat, booking: Booking) -> Resource | None:
    """The machine or room that is wanted, if one is."""
    return next((one for one in chat.book.resources if one.resource_id == booking.resource), None)
