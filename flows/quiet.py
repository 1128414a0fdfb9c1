"""Quiet hours: what is in them by the clock on a person's wall, and when they end.

The wall clock alone decides: an hour that comes twice is quiet twice. Where the end is skipped they end with the gap.
Somebody who chose nothing has quiet nights; equal times mean that they want no quiet hours.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from flows.people import Other
from flows.state import Person
from flows.times import MORNING, at_wall, local, zone

NIGHT = ("22:00", "07:00")
"""The quiet hours of who chose none."""
OFF = ("00:00", "00:00")
DAYS = range(-1, 4)
"""Days around a moment, counted from its own: in one of them the quiet hours end, whatever the clocks do."""


def hours(person: Person | Other) -> tuple[time, time] | None:
    """When a person's quiet hours begin and end, by their wall clock; None where they have none."""
    chosen = (person.quiet_from, person.quiet_until)
    start, end = (time.fromisoformat(at) for at in (NIGHT if None in chosen else chosen) if at is not None)
    return None if start == end else (start, end)


def is_quiet(person: Person | Other, moment: datetime) -> bool:
    """Whether it is quiet for the person at a moment. Quiet hours may go over midnight; their end is not in them."""
    if (between := hours(person)) is None:
        return False
    start, end = between
    at = local(moment, person.timezone).time()
    return start <= at < end if start < end else at >= start or at < end


def heard_at(person: Person | Other, moment: datetime) -> datetime:
    """When what is due at a moment may come: then, or in UTC when the quiet hours it falls into end."""
    between = hours(person)
    if between is None or not is_quiet(person, moment):
        return moment
    here = zone(person.timezone)
    day = local(moment, person.timezone).date()
    walls = [datetime.combine(day + timedelta(days=n), between[1]) for n in DAYS]
    ends = {at_wall(wall, person.timezone) for wall in walls}
    ends |= {wall.replace(tzinfo=here, fold=1).astimezone(UTC) for wall in walls}  # an end that comes twice
    return min(end for end in ends if end > moment and not is_quiet(person, end))


def morning(person: Person, day: date) -> datetime:
    """When the first reminder of a day may come: as the quiet hours end, else at the hour of all reminders."""
    between = hours(person)
    wall = datetime.combine(day, between[1] if between is not None else MORNING)
    return heard_at(person, at_wall(wall, person.timezone))
