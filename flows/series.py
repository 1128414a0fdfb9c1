"""A series of sessions on the wall clock: its days, and the moments that they are.

Every session is at the same time of day on the planner's wall clock, whatever its clocks do meanwhile: each day's
moment is found by itself (`times.at_wall`). A time that does not exist on a day is the first valid moment after it;
one that exists twice is the first of the two. Days on which nothing takes place are skipped and the series goes on,
so that there are as many sessions as were wanted.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from itertools import islice

from dateutil.rrule import WEEKLY, rrule

from flows.records import Record
from flows.times import at_wall

MOST = 52
"""Sessions that are planned at once."""
SPARE = 26
"""So many days of a series may be skipped; one that has more of them ends before it has all its sessions."""
NEAR = timedelta(days=7)
"""How far from its day another time is looked for."""


class Series(Record):
    """The days of a series in order, and those that were skipped, by what they are ("" where somebody is away)."""

    days: tuple[date, ...]
    skipped: tuple[tuple[date, str], ...] = ()


def series(first: date, weeks: int, count: int, off: Mapping[date, str]) -> Series:
    """`count` days, `weeks` weeks apart, from the first one on; none of them is in `off`."""
    days: list[date] = []
    skipped: list[tuple[date, str]] = []
    rule = rrule(WEEKLY, interval=weeks, dtstart=datetime.combine(first, time()))  # endless: cut here
    for day in (moment.date() for moment in islice(rule, count + SPARE)):
        if len(days) == count:
            break
        if day in off:
            skipped.append((day, off[day]))
        else:
            days.append(day)
    return Series(days=tuple(days), skipped=tuple(skipped))


def moment(day: date, clock: str, zone: str) -> datetime:
    """The UTC moment of a time of day ("17:00") on a day of a zone's wall clock."""
    return at_wall(datetime.combine(day, time.fromisoformat(clock)), zone)


def window(first: date, weeks: int, count: int) -> tuple[date, date]:
    """From which day to which a series may lie, with all that is looked at beside its days."""
    return first - NEAR, first + timedelta(weeks=weeks * (count + SPARE)) + NEAR
