"""What follows from each deed about a booked session: rows, history, timers, calendar, who reads what. Pure, without
a database; what follows about a consent is in test_consents.

timers     "+begin 168.0 @1" is set in the chat of person 1 for 168 hours from now, "-begin @1" is taken back
"""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from flows import bookings, life
from flows.acts import Act
from flows.changes import Learned, ProgrammeMade, SessionPut
from flows.diary import Programme, Resource, Scheduled, SessionRecord
from flows.effects import CancelTimer, SetTimer, UpdateCalendar
from flows.errors import IllegalMoveError
from flows.people import Other
from tests.flows.test_consent import ANA, HOUR, MIRA, NOW, OLGA, OTTO, PAULA, session
from tests.flows.test_consents import scene, told, whole

ROOM = Resource(resource_id=UUID(int=14), number=2)
HELD = session(timedelta(hours=-2), version=4)
RECORD = SessionRecord(on=date(2026, 11, 23), topic="courage", notes="went well")


def timers(act: Act) -> set[str]:
    found = set()
    for effect in act.effects:
        if isinstance(effect, SetTimer):
            assert effect.subject is not None
            name = effect.key.replace(str(effect.subject), "").strip(":").replace("::", ":")
            found.add(f"+{name} {(effect.due_at - NOW) / HOUR:.1f} @{effect.of}")
        elif isinstance(effect, CancelTimer):
            name, _, rest = effect.key.partition(":")
            hours = rest.partition(":")[2]
            found.add(f"-{name}{':' + hours if hours else ''} @{effect.of}")
    return found


def rows(act: Act) -> list[SessionPut]:
    """The sessions that are written, each on the version that it was decided on."""
    found = [change for change in act.changes if isinstance(change, SessionPut)]
    for put in found:
        assert put.at == NOW
        assert put.was is None or put.session.version == put.was + 1
    return found


def history(act: Act) -> list[tuple[str, dict[str, Any], str]]:
    return [(c.event_type, c.data, c.content) for c in act.changes if isinstance(c, Learned)]


def calendar(act: Act) -> list[UpdateCalendar]:
    return [effect for effect in act.effects if isinstance(effect, UpdateCalendar)]


ALL_REMINDED = {"+begin 168.0 @1", "+soon:24 144.0 @1", "+soon:1 167.0 @1", "+soon:1 167.0 @2"} | {
    f"+soon:24 144.0 @{parent}" for parent in (3, 4)
}
NOBODY_REMINDED = {"-begin @1", "-soon:24 @1", "-soon:1 @1", "-soon:1 @2", "-soon:24 @3", "-soon:24 @4", "-due @2"}


def test_what_is_booked_is_a_row_an_event_and_reminders_to_come() -> None:
    programme = Programme(
        programme_id=UUID(int=12), coachee_id=MIRA.user_id, coach_id=ANA.user_id, timezone="UTC", minutes=45
    )
    first, second = session(), session(timedelta(minutes=90), session_id=UUID(int=15), number=2, uid="kept")
    act = bookings.booked((first, second), scene(ANA), programme)
    assert [c.programme for c in act.changes if isinstance(c, ProgrammeMade)] == [programme]
    assert [(put.was, put.session.uid, put.session.calendar) for put in rows(act)] == [
        (None, f"{first.session_id}@waymark", "none"),
        (None, "kept", "none"),
    ]
    about = {"number": 1, "version": 1, "starts_at": "2026-11-30T16:05:00+00:00", "resource": 1}
    assert history(act)[0] == (
        "session",
        {**about, "act": "booked", "by": "coach"},
        "Session 1, 2026-11-30 16:05 UTC: booked",
    )
    assert timers(act) == ALL_REMINDED | {"+begin 1.5 @1", "+soon:1 0.5 @1", "+soon:1 0.5 @2"}
    assert calendar(act) == []
    assert sorted(told(act)) == sorted(set(told(act))), "one message each, for both"
    assert bookings.booked((first,), scene(ANA)).changes[0] == rows(act)[0]


def test_a_reminder_whose_time_is_now_is_not_set() -> None:
    act = bookings.booked((session(timedelta(hours=1)),), scene(ANA))
    assert timers(act) == {"+begin 1.0 @1"}


def test_the_shared_calendar_gets_what_is_booked_moved_and_cancelled() -> None:
    shared = scene(ANA, calendar=True)
    here = session()
    act = bookings.booked((here,), shared)
    assert rows(act)[0].session.calendar == "waiting"
    assert [(one.session_id, one.event_id, one.of) for one in calendar(act)] == [
        (here.session_id, rows(act)[0].session.entry_id, 1)
    ]
    there = here.evolve(event_id="entry")
    moved, new = bookings.rescheduled(there, NOW + 200 * HOUR, ROOM, shared)
    assert [(put.session.calendar, put.session.event_id) for put in rows(moved)] == [
        ("none", None),
        ("waiting", "entry"),
    ]
    assert [(one.session_id, one.event_id) for one in calendar(moved)] == [(new.session_id, "entry")]
    gone, _ = bookings.cancelled(there, "ill", shared)
    assert [(one.session_id, one.event_id) for one in calendar(gone)] == [(here.session_id, "entry")]


def test_moving_puts_another_row_with_its_number_in_its_place() -> None:
    here = session(version=3, moves=2, sequence=3, uid="mine")
    act, new = bookings.rescheduled(here, NOW + 200 * HOUR, ROOM, scene(PAULA))
    old, put = rows(act)
    assert (old.was, old.session.status, old.session.resolved_by) == (3, "rescheduled", PAULA.user_id)
    assert (put.was, put.session) == (None, new)
    assert (new.number, new.resource, new.replaces, new.uid) == (1, ROOM, here.session_id, "mine")
    assert (new.moves, new.sequence, new.version, new.status) == (3, 4, 1, "scheduled")
    assert (new.starts_at, new.ends_at) == (NOW + 200 * HOUR, NOW + 200 * HOUR + timedelta(minutes=45))
    [(kind, data, words)] = history(act)
    assert kind == "session_rescheduled"
    assert (data["from"], data["by"], data["resource"]) == ("2026-11-30T16:05:00+00:00", "parent", 2)
    assert words == "Session 1, 2026-12-02 00:05 UTC: rescheduled from: 2026-11-30T16:05:00+00:00."
    assert timers(act) > NOBODY_REMINDED
    assert {"+begin 200.0 @1", "+soon:1 199.0 @2", "+soon:24 176.0 @3"} < timers(act)
    assert all("with_that" not in str(effect) for effect in act.effects), "nothing was asked about it"
    assert not [one for one in told(act) if one.startswith("Paula")], "who did it sees it on their card"


def test_cancelling_frees_it_and_reminds_nobody() -> None:
    act, gone = bookings.cancelled(session(version=3, sequence=2), "ill", scene(ANA))
    [put] = rows(act)
    assert (put.was, put.session) == (3, gone)
    assert (gone.status, gone.reason, gone.sequence) == ("cancelled", "ill", 3)
    [(kind, data, words)] = history(act)
    assert (kind, data["reason"], "consent" in data) == ("session_cancelled", "ill", False)
    assert words.endswith("cancelled reason: ill.")
    assert timers(act) == NOBODY_REMINDED
    assert {one.partition(" ")[0] for one in told(act)} == {"Mira", "Paula", "Rita"}


def test_what_was_booked_a_moment_ago_is_taken_back_in_one_message() -> None:
    both = session(), session(timedelta(days=8), session_id=UUID(int=15), number=2)
    act = bookings.taken_back(both, scene(ANA))
    assert [(put.session.status, put.session.reason, put.was) for put in rows(act)] == [("cancelled", "", 1)] * 2
    assert [data["act"] for _, data, _ in history(act)] == ["taken_back"] * 2
    assert timers(act) == NOBODY_REMINDED
    assert set(Counter(one.partition(" ")[0] for one in told(act)).values()) == {1}


def test_its_time_comes() -> None:
    act, here = bookings.came(HELD, scene())
    assert rows(act)[0] == SessionPut(session=here, was=4, at=NOW)
    assert here.status == "pending"
    with pytest.raises(IllegalMoveError):
        bookings.came(session(), scene())


@pytest.mark.parametrize("coach", [ANA, None])
def test_what_was_held_has_a_draft_of_its_record(coach: Other | None) -> None:
    """Who completes a session coaches it, if nobody did; a record that there is already stays."""
    tokyo = OTTO.evolve(timezone="Asia/Tokyo")
    act, held = bookings.completed(HELD.evolve(coach=coach, starts_at=NOW), tokyo, scene(ANA))
    assert (held.status, held.coach) == ("completed", coach or tokyo)
    assert held.record == SessionRecord(on=date(2026, 11, 24)), "the day that it is where the coach is"
    [(kind, data, _)] = history(act)
    assert (kind, data["on"]) == ("session_completed", "2026-11-24")
    assert "-begin @1" in timers(act)
    _, again = bookings.completed(HELD.evolve(record=RECORD), ANA, scene(ANA))
    assert again.record == RECORD


@pytest.mark.parametrize("parents", [True, False])
def test_who_was_not_there_is_told_and_the_parents_where_the_coach_wants(parents: bool) -> None:
    act, gone = bookings.missed(HELD, "coachee", scene(ANA), parents=parents)
    assert (gone.status, gone.absent, rows(act)[0].was) == ("missed", "coachee", 4)
    [(kind, data, _)] = history(act)
    assert (kind, data["absent"], data.get("parents")) == ("session_missed", "coachee", "told" if parents else None)
    noshow = [f"{name} < P23_session_noshow" for name in ("Paula", "Rita")]
    assert [one for one in told(act) if "P23" in one] == (noshow if parents else [])
    assert "Mira" in {one.partition(" ")[0] for one in told(act)}


def test_what_was_said_is_taken_back_and_the_coach_reminded_anew() -> None:
    act, again = bookings.reopened(HELD.evolve(status="completed"), scene(ANA), ("coachee",))
    assert (again.status, again.resolved_at, rows(act)[0].was) == ("pending", None, 4)
    assert history(act)[0][1]["act"] == "reopened"
    assert [one.partition(" ")[0] for one in told(act)] == ["Mira"]
    assert timers(act) == {"+due 16.9 @2"}, "at nine the next morning, on the coach's clock"


def test_the_reminder_to_resolve_comes_the_morning_after_it_ended_or_is_to_be_resolved() -> None:
    later = session(timedelta(days=3))
    [timer] = bookings.unresolved(later, scene())
    assert (timer.due_at - NOW) / HOUR == pytest.approx(72 + 16.9, abs=0.1)
    ties = scene(subject=whole(ANA, OTTO))
    assert [one.of for one in bookings.unresolved(HELD.evolve(coach=None), ties)] == [ANA.chat_id, OTTO.chat_id]


def test_a_record_is_told_of_when_it_is_submitted() -> None:
    held = HELD.evolve(status="completed")
    draft, kept = bookings.recorded(held, RECORD, scene(ANA))
    assert (len(draft.changes), draft.effects, kept.record, kept.version) == (1, (), RECORD, 5)
    submitted = RECORD.evolve(status="submitted")
    act, kept = bookings.recorded(kept, submitted, scene(ANA))
    assert (rows(act)[0].was, kept.record, kept.version) == (5, submitted, 6)
    [(_, data, words)] = history(act)
    assert (data["act"], data["topic"], data["notes"]) == ("record", "courage", "went well")
    assert words.endswith("record on: 2026-11-23. topic: courage. notes: went well.")
    assert "Mira" in {one.partition(" ")[0] for one in told(act)}
    for cannot in (kept, HELD, HELD.evolve(status="missed"), HELD.evolve(record=submitted)):
        with pytest.raises(IllegalMoveError):
            bookings.recorded(cannot, RECORD, scene(ANA))


def test_a_session_without_a_coach_is_taken_over() -> None:
    here = session(coach=None, version=3)
    act, mine = bookings.taken_over(here, OTTO, scene(OTTO, subject=whole(ANA, OTTO)))
    assert (mine.coach, mine.version, rows(act)[0].was) == (OTTO, 4, 3)
    assert history(act)[0][1]["act"] == "coach_assigned"
    assert {"+begin 168.0 @1", "+soon:1 167.0 @6"} < timers(act)
    for begun in (timedelta(hours=-2), timedelta()):
        act, _ = bookings.taken_over(session(begun, coach=None), OTTO, scene(OTTO))
        assert {one.partition(" ")[0] for one in timers(act)} == {"+due"}, "its time has come: it is to be resolved"


def test_another_room_keeps_the_time() -> None:
    act, there = bookings.put_on(session(version=3, sequence=3), ROOM, scene(OLGA))
    assert (there.resource, there.version, there.sequence, rows(act)[0].was) == (ROOM, 4, 4, 3)
    assert (history(act)[0][1]["act"], history(act)[0][1]["by"]) == ("resource_changed", "operator")
    assert timers(act) == set()
    assert {one.partition(" ")[0] for one in told(act)} == {"Mira", "Ana", "Paula", "Rita"}


def test_the_conversation_that_is_led_is_named_by_the_session() -> None:
    act, led = bookings.conversation_begun(session(version=3), UUID(int=99), scene(ANA))
    assert (led.conversation, led.version, rows(act)[0].was) == (UUID(int=99), 4, 3)
    assert history(act)[0][1]["act"] == "begun"


# ---- what a session says of others of its programme


def series(*hours: float, **fields: Any) -> list[Scheduled]:
    """Sessions 1, 2, ... so many hours from now."""
    return [
        session(timedelta(hours=one), session_id=UUID(int=30 + n), number=n, **fields)
        for n, one in enumerate(hours, start=1)
    ]


def test_the_next_one_to_resolve_is_the_earliest_later_one_whose_time_has_come() -> None:
    one, two, three, four = series(-9, -6, -3, 5)
    assert life.next_due(one, (four, three, two, one), NOW) == two
    assert life.next_due(two, (one, two, three, four), NOW) == three
    assert life.next_due(three, (one, two, three, four), NOW) is None
    assert life.next_due(one, (one, two.evolve(status="completed"), three), NOW) == three
    assert life.next_due(one, (one, two.evolve(status="pending")), NOW) == two.evolve(status="pending")


def test_a_new_session_goes_on_from_a_programme_of_its_coach_that_comes_before_it() -> None:
    one, two = series(24, 48)
    assert life.goes_on((one, two), ANA.user_id, NOW + 49 * HOUR)
    assert not life.goes_on((one, two), ANA.user_id, NOW + 48 * HOUR)
    assert not life.goes_on((one, two), ANA.user_id, NOW + 30 * HOUR)
    assert life.goes_on((one, two.evolve(status="cancelled")), ANA.user_id, NOW + 30 * HOUR)
    assert not life.goes_on((one, two), OTTO.user_id, NOW + 49 * HOUR)
    assert life.goes_on((one.evolve(coach=OTTO), two), ANA.user_id, NOW + 49 * HOUR), "the newest one's coach"
    assert life.goes_on((one, two), None, NOW + 49 * HOUR)
    assert life.goes_on((one, two.evolve(coach=None)), OTTO.user_id, NOW + 49 * HOUR)
    assert not life.goes_on((), ANA.user_id, NOW)


def test_one_that_was_moved_past_this_one_does_not_block_it() -> None:
    one, two = series(24, 48)
    assert life.blocking(two, (one, two)) == one
    moved = one.evolve(replaces=UUID(int=90), starts_at=two.starts_at + HOUR)
    assert life.blocking(two, (moved, two)) is None
    assert life.blocking(two, (moved.evolve(starts_at=two.starts_at), two)) is not None
    assert life.blocking(two, (moved.evolve(replaces=None), two)) is not None
    assert life.blocking(one, (one, two)) is None


def test_a_conversation_can_be_led_from_ten_minutes_before_until_the_end() -> None:
    here = session()
    minute = timedelta(minutes=1)
    first, last = here.starts_at - 10 * minute, here.ends_at
    can = [life.leadable(here, at) for at in (first - minute, first, here.starts_at, last - minute, last)]
    assert can == [False, True, True, True, False]
    assert life.leadable(here.evolve(status="pending"), here.starts_at)
    assert not life.leadable(here.evolve(status="cancelled"), here.starts_at)
    assert not life.leadable(here.evolve(conversation=UUID(int=99)), here.starts_at)
