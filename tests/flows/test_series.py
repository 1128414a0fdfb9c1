"""A series keeps its wall-clock time, whatever the clocks of its zone do."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.series import MOST, SPARE, moment, series, window
from flows.times import at_wall

ZONES = (
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "America/Sao_Paulo",
    "America/New_York",
    "Europe/Berlin",
    "Pacific/Apia",
)
CHANGES = {
    "Australia/Lord_Howe": (date(2026, 4, 5), date(2026, 10, 4)),  # half an hour
    "Asia/Kathmandu": (date(1986, 1, 1),),  # from +5:30 to +5:45, the only one
    "America/Sao_Paulo": (date(2018, 2, 18), date(2018, 11, 4)),  # at midnight; none since 2019
    "America/New_York": (date(2026, 3, 8), date(2026, 11, 1)),
    "Europe/Berlin": (date(2026, 3, 29), date(2026, 10, 25)),
    "Pacific/Apia": (date(2021, 4, 4), date(2020, 9, 27)),  # the last ones that there were
}
clocks = st.times().map(lambda at: f"{at:%H:%M}")


def offsets(day: date, zone: str) -> set[timedelta | None]:
    """The offsets of a day and the days beside it."""
    noon = datetime.combine(day, time(12))
    return {(noon + timedelta(days=n)).replace(tzinfo=ZoneInfo(zone)).utcoffset() for n in (-1, 1)}


@pytest.mark.parametrize("zone", ZONES)
def test_the_weeks_tested_are_those_of_clock_changes(zone: str) -> None:
    assert all(len(offsets(day, zone)) == 2 for day in CHANGES[zone])


@given(st.sampled_from([(zone, day) for zone, days in CHANGES.items() for day in days]), clocks, st.integers(0, 6))
def test_a_series_over_a_clock_change_keeps_its_time(change: tuple[str, date], clock: str, weekday: int) -> None:
    zone, changing = change
    first = changing - timedelta(days=14 + weekday)
    here, wanted = ZoneInfo(zone), time.fromisoformat(clock)
    for day in series(first, 1, 5, {}).days:
        at = moment(day, clock, zone)
        wall = at.astimezone(here)
        if (wall.date(), wall.time()) == (day, wanted):  # of two such moments it is the first
            assert at == datetime.combine(day, wanted, here).replace(fold=0).astimezone(UTC)
        else:  # there is no such time: the first moment after the gap
            assert changing - timedelta(days=1) <= day <= changing
            before = (at - timedelta(seconds=1)).astimezone(here)
            assert before.replace(tzinfo=None) < datetime.combine(day, wanted) < wall.replace(tzinfo=None)


@pytest.mark.parametrize(
    ("zone", "day", "clock", "utc"),
    [
        ("Europe/Berlin", date(2026, 3, 29), "02:30", "2026-03-29T01:00"),  # 3:00, the first after the gap
        ("Europe/Berlin", date(2026, 10, 25), "02:30", "2026-10-25T00:30"),  # the first of two
        ("America/New_York", date(2026, 3, 8), "02:30", "2026-03-08T07:00"),
        ("America/New_York", date(2026, 11, 1), "01:30", "2026-11-01T05:30"),
        ("Australia/Lord_Howe", date(2026, 10, 4), "02:15", "2026-10-03T15:30"),  # a gap of half an hour, to 2:30
        ("Australia/Lord_Howe", date(2026, 4, 5), "01:45", "2026-04-04T14:45"),
        ("America/Sao_Paulo", date(2018, 11, 4), "00:30", "2018-11-04T03:00"),  # the day begins at one
        ("America/Sao_Paulo", date(2018, 2, 17), "23:30", "2018-02-18T01:30"),
        ("Asia/Kathmandu", date(1986, 1, 1), "00:10", "1985-12-31T18:30"),  # quarter of an hour, to 0:15
        ("Pacific/Apia", date(2011, 12, 30), "17:00", "2011-12-30T10:00"),  # a day that never was
    ],
)
def test_gap_and_fold(zone: str, day: date, clock: str, utc: str) -> None:
    assert moment(day, clock, zone) == datetime.fromisoformat(utc).replace(tzinfo=UTC)


def test_a_series_in_berlin_is_at_five_before_and_after_the_change() -> None:
    days = series(date(2026, 10, 13), 1, 4, {}).days
    assert [f"{moment(day, '17:00', 'Europe/Berlin'):%m-%d %H:%M}" for day in days] == [
        "10-13 15:00",
        "10-20 15:00",
        "10-27 16:00",
        "11-03 16:00",
    ]


@given(
    st.dates(date(2020, 1, 1), date(2090, 1, 1)),
    st.integers(1, 4),
    st.integers(1, MOST),
    st.sets(st.integers(0, MOST), max_size=SPARE),
)
def test_what_is_skipped_does_not_count(first: date, weeks: int, count: int, off: set[int]) -> None:
    away = {first + timedelta(weeks=weeks * n): f"day {n}" for n in off}
    found = series(first, weeks, count, away)
    assert len(found.days) == count
    assert not set(found.days) & set(away)
    whole = sorted([*found.days, *(day for day, _ in found.skipped)])
    assert whole == [first + timedelta(weeks=weeks * n) for n in range(len(whole))]
    assert all(away[day] == name and day < found.days[-1] for day, name in found.skipped)
    low, high = window(first, weeks, count)
    assert low <= first - timedelta(days=7)
    assert high >= found.days[-1] + timedelta(days=7)


def test_a_series_that_is_skipped_too_often_ends() -> None:
    away = {date(2026, 1, 6) + timedelta(weeks=n): "" for n in range(200)}
    assert series(date(2026, 1, 6), 1, 8, away).days == ()


@given(st.sampled_from(ZONES), st.dates(date(2026, 1, 1), date(2028, 1, 1)), clocks)
def test_every_moment_is_within_its_day_and_minute(zone: str, day: date, clock: str) -> None:
    at = moment(day, clock, zone)
    assert at == at_wall(datetime.combine(day, time.fromisoformat(clock)), zone)
    wall = at.astimezone(ZoneInfo(zone))
    assert wall.date() == day
    assert wall.replace(tzinfo=None) - datetime.combine(day, time.fromisoformat(clock)) < timedelta(hours=1)
