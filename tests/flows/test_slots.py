"""Free times, beside times that are worked out the long way: minute by minute, on the wall clock of each zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.diary import Hours, Resource, Span, Taken
from flows.hours import merged, with_weekday
from flows.slots import BEFORE, EVERY, Slot, Wanted, free_at, free_between, free_on, nearest, why_taken

ANA, MIRA, TOM = (UUID(int=n) for n in (1, 2, 3))
ROOMS = tuple(Resource(resource_id=UUID(int=10 + n), number=n, in_service=n != 3) for n in (1, 2, 3))
CHANGES = {
    "Australia/Lord_Howe": (date(2026, 4, 5), date(2026, 10, 4)),
    "Asia/Kathmandu": (date(2026, 3, 29), date(1985, 12, 31)),
    "America/Sao_Paulo": (date(2018, 11, 4), date(2019, 2, 17)),
    "America/New_York": (date(2026, 3, 8), date(2026, 11, 1)),
    "Europe/Berlin": (date(2026, 3, 29), date(2026, 10, 25)),
    "Pacific/Apia": (date(2011, 12, 30), date(2011, 9, 24)),
}
"""Zones, and days on which their clocks change: by half an hour, at midnight, by a whole day."""
DAYS = [(zone, day) for zone, days in CHANGES.items() for day in days]


def clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


@st.composite
def spans(draw: st.DrawFn) -> tuple[Span, ...]:
    """Some hours of a day, at quarters of an hour; many around the time when clocks change."""
    found = []
    for _ in range(draw(st.integers(0, 2))):
        start = draw(st.one_of(st.integers(0, 14), st.integers(0, 94))) * 15
        end = draw(st.integers(start // 15 + 1, 96)) * 15
        found.append((clock(start), clock(end)))
    return merged(tuple(found))


@st.composite
def scenes(draw: st.DrawFn) -> tuple[Wanted, date, datetime, str]:
    """A coach's hours around a day on which the clock changes, what is taken then, a moment to look from, and the
    zone of who looks."""
    zone, day = draw(st.sampled_from(DAYS))
    near = st.integers(-3, 3).map(lambda n: day + timedelta(days=n))
    hours = Hours(
        exceptions=draw(st.dictionaries(near, spans(), max_size=2)),
        buffer=draw(st.sampled_from((0, 5, 15, 30))),
        notice=draw(st.sampled_from((0, 2, 24))),
    )
    for weekday in draw(st.sets(st.integers(0, 6), min_size=1)):
        hours = with_weekday(hours, weekday, draw(spans()))
    midnight = datetime.combine(day, time(), UTC)
    taken = []
    for _ in range(draw(st.integers(0, 6))):
        at = midnight + timedelta(minutes=15 * draw(st.integers(-200, 200)))
        taken.append(
            Taken(
                starts_at=at,
                ends_at=at + timedelta(minutes=draw(st.sampled_from((15, 45, 90)))),
                coach_id=draw(st.sampled_from((ANA, MIRA, None))),
                coachee_id=draw(st.sampled_from((MIRA, TOM, ANA))),
                resource_id=draw(st.sampled_from(ROOMS)).resource_id,
            )
        )
    wanted = Wanted(
        coach_id=ANA,
        coachee_id=MIRA,
        zone=zone,
        hours=hours,
        taken=tuple(taken),
        resources=ROOMS,
        minutes=draw(st.sampled_from((30, 45, 90))),
        prefers=draw(st.sampled_from((None, ROOMS[1].resource_id))),
    )
    now = midnight + timedelta(minutes=draw(st.integers(-4 * 1440, 1440)))
    return wanted, day, now, draw(st.sampled_from(tuple(CHANGES)))


def moment(day: date, said: str, zone: str) -> datetime:
    """The moment of a time of day: the first at which the clock shows it, or shows something later."""
    here = datetime.combine(day + timedelta(days=said == "24:00"), time.fromisoformat(said.replace("24:", "00:")))
    at = here.replace(tzinfo=UTC) - timedelta(hours=15)
    while at.astimezone(ZoneInfo(zone)).replace(tzinfo=None) < here:
        at += timedelta(minutes=1)
    return at


def longhand(wanted: Wanted, day: date, now: datetime) -> list[datetime]:
    """The free times of a day of the coach's."""
    hours, found = wanted.hours, set()
    on = hours.exceptions.get(day, tuple(span for weekday, span in hours.weekly if weekday == day.weekday()))
    for start, end in on:
        at, closes = moment(day, start, wanted.zone), moment(day, end, wanted.zone)
        while at + wanted.length <= closes:
            if at > now and at >= now + timedelta(hours=hours.notice) and not in_the_way(wanted, at):
                found.add(at)
            at += EVERY
    return sorted(found)


def in_the_way(wanted: Wanted, at: datetime) -> bool:
    """Whether somebody, or every room in service, is taken."""
    ends, gap = at + wanted.length, timedelta(minutes=wanted.hours.buffer)
    rooms = {room.resource_id for room in ROOMS if room.in_service}
    for one in wanted.taken:
        people = (one.coach_id, one.coachee_id)
        if ANA in people and one.starts_at < ends + gap and at - gap < one.ends_at:
            return True
        if one.starts_at < ends and at < one.ends_at:
            if MIRA in people:
                return True
            rooms.discard(one.resource_id)
    return not rooms


@given(scenes())
def test_what_is_offered_is_all_that_is_free_and_nothing_else(scene: tuple[Wanted, date, datetime, str]) -> None:
    wanted, day, now, _ = scene
    for n in (-1, 0, 1):
        on = day + timedelta(days=n)
        offered = free_on(wanted, on, now)
        assert [slot.starts_at for slot in offered] == longhand(wanted, on, now)
        assert all(slot.ends_at - slot.starts_at == wanted.length for slot in offered)
        for slot in offered:
            assert free_at(wanted, slot.starts_at, now) == slot
            assert slot.resource.in_service
            assert room_is_free(wanted, slot)


def room_is_free(wanted: Wanted, slot: Slot) -> bool:
    """Nothing else is in the room then; it is the one that is wanted, where that is free."""
    used = {one.resource_id for one in wanted.taken if one.starts_at < slot.ends_at and slot.starts_at < one.ends_at}
    wished = wanted.prefers is None or wanted.prefers in used or slot.resource.resource_id == wanted.prefers
    return slot.resource.resource_id not in used and wished


@given(scenes())
def test_a_reader_finds_each_time_on_the_day_that_their_clock_shows(
    scene: tuple[Wanted, date, datetime, str],
) -> None:
    wanted, day, now, reader = scene
    first, last = day - timedelta(days=1), day + timedelta(days=1)
    by_day = free_between(wanted, first, last, reader, now)
    wide = [day + timedelta(days=n) for n in range(-4, 5)]
    expected: dict[date, list[datetime]] = {}
    for at in sorted({at for on in wide for at in longhand(wanted, on, now)}):
        here = at.astimezone(ZoneInfo(reader)).date()
        if first <= here <= last:
            expected.setdefault(here, []).append(at)
    assert {on: [slot.starts_at for slot in slots] for on, slots in by_day.items()} == expected


@given(scenes(), st.integers(-2 * 96, 2 * 96))
def test_the_nearest_times_are_the_nearest(scene: tuple[Wanted, date, datetime, str], quarters: int) -> None:
    wanted, day, now, _ = scene
    to = datetime.combine(day, time(), UTC) + timedelta(minutes=15 * quarters)
    here = to.astimezone(ZoneInfo(wanted.zone)).date()
    everything = {s.starts_at for n in range(-BEFORE, 21) for s in free_on(wanted, here + timedelta(days=n), now)}
    found = [slot.starts_at for slot in nearest(wanted, to, now)]
    assert found == sorted(everything, key=lambda at: (abs(at - to), at))[:3]


@given(scenes(), st.integers(-300, 300))
def test_a_coach_books_whenever_nobody_is_taken(scene: tuple[Wanted, date, datetime, str], quarters: int) -> None:
    """Whatever their hours, buffer and notice; not in the past, and never two at a time."""
    wanted, day, now, _ = scene
    at = datetime.combine(day, time(), UTC) + timedelta(minutes=15 * quarters)
    slot = free_at(wanted, at, now, by_coach=True)
    unhurried = wanted.evolve(hours=wanted.hours.evolve(buffer=0))
    assert (slot is not None) == (at > now and not in_the_way(unhurried, at))
    assert (slot is None) == (at <= now or bool(why_taken(wanted, at, by_coach=True)))


@pytest.mark.parametrize(("zone", "day"), DAYS)
def test_a_day_whose_clock_changes_has_the_hours_that_it_has(zone: str, day: date) -> None:
    """Hours from midnight to six last as long as the clock takes for them; a day that there was not has none."""
    wanted = Wanted(
        coach_id=ANA,
        coachee_id=MIRA,
        zone=zone,
        hours=Hours(weekly=tuple((weekday, ("00:00", "06:00")) for weekday in range(7)), notice=0),
        taken=(),
        resources=ROOMS,
        minutes=30,
    )
    now = datetime.combine(day - timedelta(days=7), time(), UTC)
    begins, ends = moment(day, "00:00", zone), moment(day, "06:00", zone)
    offered = free_on(wanted, day, now)
    assert len(offered) == (ends - begins) // EVERY
    ordinary = {"Asia/Kathmandu": 12}.get(zone)
    assert ordinary is None or len(offered) == ordinary


def test_what_is_being_moved_is_not_in_its_own_way() -> None:
    """The time of a session is free for that session."""
    at = datetime(2026, 11, 24, 9, tzinfo=UTC)
    mine = Taken(
        starts_at=at,
        ends_at=at + timedelta(minutes=45),
        coach_id=ANA,
        coachee_id=MIRA,
        resource_id=ROOMS[0].resource_id,
        session_id=TOM,
    )
    hours = Hours(weekly=((1, ("09:00", "10:00")),), notice=0)
    wanted = Wanted(
        coach_id=ANA, coachee_id=MIRA, zone="UTC", hours=hours, taken=(mine,), resources=ROOMS, minutes=45
    )
    now = at - timedelta(days=1)
    assert free_at(wanted, at, now) is None
    assert free_at(wanted.evolve(moving=TOM), at, now) is not None
