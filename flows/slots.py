"""When a session can be: the coach's hours on the coach's wall clock, less what is taken.

A time is free if coach, coachee and some machine or room in service are free from its start to its end, if it is
within the coach's hours, with the coach's buffer to the sessions beside it, and not nearer than the coach's notice.
Somebody is taken in whatever part they are (a coach may be coached, too).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from uuid import UUID

from flows.diary import Hours, Resource, Span, Taken
from flows.records import Record
from flows.session_acts import LOOKED_AHEAD
from flows.times import at_wall, today

EVERY = timedelta(minutes=30)
"""Times are offered so far apart, from the beginning of each span of hours."""
BEFORE = 4
"""Days before a moment that are looked through for what is near it."""
SHORTEST_DAY = timedelta(hours=22)
"""No day on a wall clock is shorter, but for one that a zone left out: a near time is then found all the same."""
NEAR = timedelta(hours=24)
"""Nothing that is further away from a day is in the way of a time on it."""


class Wanted(Record):
    """Whose time is looked for, and how much of it. `moving` is a session that is moved: it is in nobody's way.

    `resources` are those that there are; `prefers` is taken if it is free. `zone` is the coach's.
    """

    coach_id: UUID | None
    coachee_id: UUID
    zone: str
    hours: Hours
    taken: tuple[Taken, ...]
    resources: tuple[Resource, ...]
    minutes: int
    prefers: UUID | None = None
    moving: UUID | None = None

    @property
    def length(self) -> timedelta:
        """How long it lasts."""
        return timedelta(minutes=self.minutes)


class Slot(Record):
    """A time that is free, and the machine or room that is free then."""

    starts_at: datetime
    ends_at: datetime
    resource: Resource


def spans_on(hours: Hours, day: date) -> tuple[Span, ...]:
    """When a coach can be booked on a day of their wall clock."""
    if day in hours.exceptions:
        return hours.exceptions[day]
    return tuple(span for weekday, span in hours.weekly if weekday == day.weekday())


def free_on(wanted: Wanted, day: date, now: datetime) -> tuple[Slot, ...]:
    """The times that are free on a day of the coach's wall clock, in order."""
    spans = spans_on(wanted.hours, day)
    if not spans:
        return ()
    wanted = wanted.evolve(taken=_around(wanted, day))  # each time of the day looks through it
    found: dict[datetime, Slot] = {}
    for start, end in spans:
        closes = _at(day, end, wanted.zone)
        at = _at(day, start, wanted.zone)
        while at + wanted.length <= closes:
            reached = now < at <= now + timedelta(days=LOOKED_AHEAD) and _in_notice(wanted, at, now)
            if reached and at not in found and (slot := _free(wanted, at)) is not None:
                found[at] = slot
            at += EVERY
    return tuple(found[at] for at in sorted(found))


def free_between(wanted: Wanted, first: date, last: date, zone: str, now: datetime) -> dict[date, tuple[Slot, ...]]:
    """The free times from a day to another, by the day on which they are on the wall clock of `zone`."""
    days: dict[date, list[Slot]] = {}
    for n in range((last - first).days + 3):  # a day of theirs may lie on two of the coach's
        for slot in free_on(wanted, first + timedelta(days=n - 1), now):
            here = today(slot.starts_at, zone)
            if first <= here <= last:
                days.setdefault(here, []).append(slot)
    return {day: tuple(sorted(slots, key=lambda slot: slot.starts_at)) for day, slots in sorted(days.items())}


def free_at(wanted: Wanted, starts_at: datetime, now: datetime, *, by_coach: bool = False) -> Slot | None:
    """The slot at a moment, if it is free. `by_coach`: a coach books at any time, whatever their hours and notice."""
    ends_at = starts_at + wanted.length
    if starts_at <= now or starts_at > now + timedelta(days=LOOKED_AHEAD + 366 * by_coach):
        return None
    if not by_coach and not (in_hours(wanted, starts_at, ends_at) and _in_notice(wanted, starts_at, now)):
        return None
    return _free(wanted, starts_at, by_coach=by_coach)


def _free(wanted: Wanted, starts_at: datetime, *, by_coach: bool = False) -> Slot | None:
    """The slot at a moment, if nobody and nothing is taken then."""
    if why_taken(wanted, starts_at, by_coach=by_coach):
        return None
    ends_at = starts_at + wanted.length
    resource = resource_at(wanted, starts_at, ends_at)
    return Slot(starts_at=starts_at, ends_at=ends_at, resource=resource) if resource is not None else None


def why_taken(wanted: Wanted, starts_at: datetime, *, by_coach: bool = False) -> tuple[str, ...]:
    """What is in the way of a time: the "coach", the "coachee", every "resource", or nothing."""
    ends_at = starts_at + wanted.length
    gap = timedelta() if by_coach else timedelta(minutes=wanted.hours.buffer)
    found = []
    if wanted.coach_id is not None and _busy(wanted, wanted.coach_id, starts_at - gap, ends_at + gap):
        found.append("coach")
    if _busy(wanted, wanted.coachee_id, starts_at, ends_at):
        found.append("coachee")
    if resource_at(wanted, starts_at, ends_at) is None:
        found.append("resource")
    return tuple(found)


def nearest(wanted: Wanted, to: datetime, now: datetime, most: int = 3, days: int = 21) -> tuple[Slot, ...]:
    """Free times near a moment, those that are nearest to it first."""
    day = today(to, wanted.zone)
    found = list(free_on(wanted, day, now))
    for n in range(1, days):
        for other in (day - timedelta(days=n), day + timedelta(days=n)):
            if other > day or n <= BEFORE:
                found += free_on(wanted, other, now)
        found.sort(key=lambda slot: (abs(slot.starts_at - to), slot.starts_at))
        if len(found) >= most and abs(found[most - 1].starts_at - to) <= n * SHORTEST_DAY:
            break  # whatever is on days further away is further away
    return tuple(found[:most])


def in_hours(wanted: Wanted, starts_at: datetime, ends_at: datetime) -> bool:
    """Whether a time is within the coach's hours."""
    day = today(starts_at, wanted.zone)
    return any(
        _at(on, start, wanted.zone) <= starts_at and ends_at <= _at(on, end, wanted.zone)
        for on in (day - timedelta(days=1), day)
        for start, end in spans_on(wanted.hours, on)
    )


def _in_notice(wanted: Wanted, starts_at: datetime, now: datetime) -> bool:
    return starts_at >= now + timedelta(hours=wanted.hours.notice)


def _busy(wanted: Wanted, who: UUID, start: datetime, end: datetime) -> bool:
    return any(who in (taken.coach_id, taken.coachee_id) for taken in _in_the_way(wanted, start, end))


def _in_the_way(wanted: Wanted, start: datetime, end: datetime) -> Iterable[Taken]:
    return (
        taken
        for taken in wanted.taken
        if taken.starts_at < end
        and start < taken.ends_at
        and (taken.session_id is None or taken.session_id != wanted.moving)
    )


def _around(wanted: Wanted, day: date) -> tuple[Taken, ...]:
    """What is taken on a day of the coach's wall clock, or near it."""
    first, last = _at(day, "00:00", wanted.zone) - NEAR, _at(day, "24:00", wanted.zone) + NEAR
    return tuple(taken for taken in wanted.taken if taken.starts_at < last and first < taken.ends_at)


def resource_at(wanted: Wanted, start: datetime, end: datetime) -> Resource | None:
    """The machine or room for a time: the one that is preferred, else the lowest number that is free."""
    used = {taken.resource_id for taken in _in_the_way(wanted, start, end)}
    free = [one for one in wanted.resources if one.in_service and one.resource_id not in used]
    return min(free, key=lambda one: (one.resource_id != wanted.prefers, one.number), default=None)


def _at(day: date, clock: str, zone: str) -> datetime:
    """The moment of a time of day; 24:00 is the next day's beginning."""
    if clock == "24:00":
        day, clock = day + timedelta(days=1), "00:00"
    return at_wall(datetime.combine(day, time.fromisoformat(clock)), zone)
