"""Wall-clock rules.

A local time that does not exist means the first valid moment after it; one that exists twice means the first of the
two (design.md section 2, rule 7).
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

MORNING = time(9)
EVENING = time(18)
SOONEST = timedelta(hours=1)
"""A reminder for a day whose morning and evening are past comes after this."""


@cache
def zones() -> frozenset[str]:
    """The names of the zones there are."""
    return frozenset(available_timezones())


def zone(name: str) -> ZoneInfo:
    """The zone by its IANA name; UTC where the name is not known any more."""
    return ZoneInfo(name if name in zones() else "UTC")


def local(moment: datetime, zone_name: str) -> datetime:
    """A moment on the person's wall clock."""
    return moment.astimezone(zone(zone_name))


def today(now: datetime, zone_name: str) -> date:
    """The person's date."""
    return local(now, zone_name).date()


def at_wall(wall: datetime, zone_name: str) -> datetime:
    """The UTC moment of a naive wall-clock time."""
    here = zone(zone_name)
    first = wall.replace(tzinfo=here, fold=0).astimezone(UTC)
    if first.astimezone(here).replace(tzinfo=None) == wall:
        return first
    # In the gap. fold=1 reads the time with the offset after the change: the change lies between the two readings.
    low, high = wall.replace(tzinfo=here, fold=1).astimezone(UTC), first
    before = low.astimezone(here).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = (low + (high - low) / 2).replace(microsecond=0)
        if middle.astimezone(here).utcoffset() == before:
            low = middle
        else:
            high = middle
    return high


def reminder_wall(day: date, now: datetime, zone_name: str) -> datetime:
    """The wall-clock time at which to remind of a day: its morning; if that is past, its evening; else soon."""
    here = local(now, zone_name).replace(tzinfo=None)
    for hour in (MORNING, EVENING):
        if (wall := datetime.combine(day, hour)) > here:
            return wall
    return (here + SOONEST).replace(second=0, microsecond=0)
