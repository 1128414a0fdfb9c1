"""The shared Google calendar, through Google's client, on a server: written, moved, taken back, retried."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError
from sqlalchemy import delete, select, update

from bot import google
from bot.doctor import examine
from bot.service import CannotServeError, core
from bot.settings import Settings
from flows import bookings
from flows.calendars import WAITS
from flows.ids import short_id
from storage import tables as t
from tests.booking import press
from tests.deeds import at, books, cancels, does, moves, row
from tests.families import family, pressing
from tests.playbook import Play, Screens
from tests.servers.google import CALENDAR, Google
from tests.test_calendars import FIRST, SECOND, THIRD
from tests.village import coach, coachee, operator


@pytest.fixture
async def server() -> AsyncIterator[Google]:
    async with Google() as made:
        yield made


@pytest.fixture
async def play(database: str, server: Google, tmp_path: Path) -> AsyncIterator[Play]:
    """A deployment with a shared calendar; Ana coaches Mira."""
    settings = given(server, tmp_path)
    async with Play(database, **settings) as made:
        await operator(made)
        await coachee(made, "Mira", await coach(made, "Ana"))
        yield made


def given(server: Google, folder: Path) -> dict[str, Any]:
    """The settings of a shared calendar."""
    return {
        "google_credentials_file": server.credentials(folder),
        "google_calendar_id": CALENDAR,
        "google_api_url": server.url,
    }


async def booked(play: Play, *walls: str) -> list[UUID]:
    return await books(play, play.coachee("Ana"), play.coachee("Mira"), *walls)


def state(play: Play, session: UUID) -> str:
    return str(row(play, session).calendar_state)  # type: ignore[attr-defined]


def only(server: Google) -> dict[str, Any]:
    """The one event there is."""
    [event] = server.events.values()
    return event


async def test_a_booked_session_is_in_the_calendar_and_its_card_says_so(play: Play, server: Google) -> None:
    [first] = await booked(play, FIRST)
    event = only(server)
    assert event["summary"] == "Session 1: Mira with Ana"
    assert event["location"] == "machine 1"
    assert event["start"] == {"dateTime": at(FIRST).isoformat(), "timeZone": "UTC"}
    assert event["end"] == {"dateTime": (at(FIRST) + timedelta(minutes=45)).isoformat(), "timeZone": "UTC"}
    assert server.calls == ["POST"]
    assert (state(play, first), row(play, first).calendar_event_id) == ("ok", event["id"])  # type: ignore[attr-defined]
    ana = play.coachee("Ana")
    await ana.press_data(f"b:0:{short_id(first)}:card")
    assert "calendar: ok" in ana.screen[-1].text


async def test_a_session_that_moves_moves_its_event_and_a_cancelled_one_takes_it_back(
    play: Play, server: Google
) -> None:
    ana, [first] = play.coachee("Ana"), await booked(play, FIRST)
    second = await moves(play, ana, first, SECOND)
    assert only(server)["start"]["dateTime"] == at(SECOND).isoformat()
    assert (state(play, first), state(play, second)) == ("none", "ok")
    await cancels(play, ana, second)
    assert only(server)["status"] == "cancelled"
    assert server.calls == ["POST", "PATCH", "DELETE"]
    assert state(play, second) == "ok"


async def test_a_childs_event_is_taken_back_when_a_parent_agrees_and_not_before(
    database: str, server: Google, tmp_path: Path
) -> None:
    async with Play(database, **given(server, tmp_path)) as play:
        await family(play)
        [session] = await booked(play, FIRST)
        await play.coachee("Ana").press_data(press(session, "cancel", "ill"))
        await play.coachee("Ana").presses("Yes, ask")
        assert (only(server)["status"], server.calls) == ("confirmed", ["POST"])
        await play.coachee("Paula").press_data(pressing(play, session, "approve"))
        assert (only(server)["status"], server.calls) == ("cancelled", ["POST", "DELETE"])
        assert state(play, session) == "ok"


async def test_a_session_without_an_event_gets_one_when_it_moves(
    database: str, server: Google, tmp_path: Path
) -> None:
    """It was booked before there was a shared calendar, or its event was thrown away there."""
    async with Play(database) as before:
        await operator(before)
        await coachee(before, "Mira", await coach(before, "Ana"))
        [first] = await booked(before, FIRST)
        assert state(before, first) == "none"
    async with Play(database, **given(server, tmp_path)) as play:
        play.people = before.people
        for person in play.people.values():
            person.play = play
        play._updates = before._updates
        second = await moves(play, play.coachee("Ana"), first, SECOND)
        assert only(server)["start"]["dateTime"] == at(SECOND).isoformat()
        assert state(play, second) == "ok"
        server.events.clear()
        third = await moves(play, play.coachee("Ana"), second, THIRD)
        assert only(server)["start"]["dateTime"] == at(THIRD).isoformat()
        assert server.calls == ["POST", "PATCH", "POST"]
        assert state(play, third) == "ok"


async def test_a_creation_that_is_repeated_makes_no_second_event(play: Play, server: Google) -> None:
    """A process died after the call: the next one finds the event there, and changes it."""
    [first] = await booked(play, FIRST)
    await play.core.runner.flush()
    with play.core.engine.begin() as connection:
        again = {"status": "pending", "done_at": None, "owner": None, "lease_until": None}
        connection.execute(update(t.outbox).where(t.outbox.c.kind == "calendar").values(**again))
        connection.execute(update(t.scheduled_sessions).values(calendar_state="waiting", calendar_event_id=None))
    await play.core.chores.take_up()
    await play.core.performer.quiet()
    assert server.calls == ["POST", "POST", "PATCH"]
    assert only(server)["status"] == "confirmed"
    assert state(play, first) == "ok"


async def test_an_event_thrown_away_by_hand_comes_back_when_the_session_moves(play: Play, server: Google) -> None:
    [first] = await booked(play, FIRST)
    only(server)["status"] = "cancelled"
    server.faults = [410]
    await moves(play, play.coachee("Ana"), first, SECOND)
    assert server.calls == ["POST", "PATCH", "POST", "PATCH"]
    assert only(server)["status"] == "confirmed"
    assert only(server)["start"]["dateTime"] == at(SECOND).isoformat()


@pytest.mark.parametrize("fault", [403, 404, 429, 500, 503, "drop"])
async def test_a_calendar_that_fails_stands_on_the_card_and_is_tried_again(
    play: Play, server: Google, fault: int | str
) -> None:
    """The change itself is done; one minute later it is tried again."""
    server.always = fault
    [first] = await booked(play, FIRST)
    assert (state(play, first), row(play, first).status) == ("failed", "scheduled")
    ana, mira = play.coachee("Ana"), play.coachee("Mira")
    assert "is booked" in mira.screen[-1].text
    await ana.press_data(f"b:0:{short_id(first)}:card")
    assert "calendar: not reached, tried again" in ana.screen[-1].text
    server.always = None
    await play.pass_time(timedelta(seconds=59))
    assert state(play, first) == "failed"
    await play.pass_time(timedelta(seconds=1))
    assert (state(play, first), len(server.events)) == ("ok", 1)
    count = len(server.calls)
    await play.pass_time(timedelta(hours=12))
    assert len(server.calls) == count, "and no more after that"


async def test_a_token_that_has_run_out_is_made_anew(play: Play, server: Google) -> None:
    server.faults = [401]
    [first] = await booked(play, FIRST)
    assert (state(play, first), server.tokens) == ("ok", 2)


async def test_it_is_tried_less_and_less_often_and_after_two_days_no_more(play: Play, server: Google) -> None:
    server.always = 500
    begun, times = play.clock.now(), list[timedelta]()
    server.before = lambda call: times.append(play.clock.now() - begun)
    await booked(play, "2026-12-24 17:00")
    await play.pass_time(timedelta(days=5))
    wanted = [sum(WAITS[:n], timedelta()) for n in range(len(WAITS) + 1)]
    assert times == wanted
    assert timedelta(days=2) <= times[-1] < timedelta(days=2, hours=6)


async def test_a_calendar_that_hangs_holds_nobody_up(
    play: Play, server: Google, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The change is committed and everybody is told while the call hangs; then it counts as failed."""
    monkeypatch.setattr(google, "TIMEOUT", 1.0)
    server.always = "hang"
    mira, [first] = play.coachee("Mira"), await booked(play, FIRST)
    server.calls.clear()

    def deed(found: Any, scene: Any) -> Any:
        return bookings.rescheduled(found, at(SECOND), found.resource, scene)[0]

    await does(play, play.coachee("Ana"), first, deed, quietly=True)
    await server.wait_for(lambda: server.calls == ["POST"])
    assert await play.core.performer.settled(mira.chat_id, 10)
    assert "was moved" in mira.screen[-1].text
    [moved] = play.rows(select(t.scheduled_sessions).where(t.scheduled_sessions.c.replaces_id == first))
    assert moved.calendar_state == "waiting", "the call hangs still"
    await play.core.performer.quiet()
    assert state(play, moved.id) == "failed"


async def test_of_two_changes_the_last_one_wins(play: Play, server: Google) -> None:
    """A request that is late writes the session as it stands when it is written."""
    ana, [first] = play.coachee("Ana"), await booked(play, FIRST)
    put, waiting = play.core.performer.put, list[Any]()
    play.core.performer.put = waiting.extend  # type: ignore[method-assign]
    second = await moves(play, ana, first, SECOND)
    third = await moves(play, ana, second, THIRD)
    play.core.performer.put = put  # type: ignore[method-assign]
    play.core.performer.put(reversed([one for one in waiting if one.kind == "calendar"]))
    await play.core.performer.quiet()
    assert only(server)["start"]["dateTime"] == at(THIRD).isoformat()
    assert [state(play, one) for one in (first, second, third)] == ["none", "none", "ok"]


async def test_a_write_that_was_overtaken_marks_nothing_and_is_put_right(play: Play, server: Google) -> None:
    """The session got another coach while the call was under way: what was written is not what stands."""
    [first] = await booked(play, FIRST)
    server.faults = ["hang"]

    def overtake(call: str) -> None:
        server.before = lambda call: None
        with play.core.engine.begin() as connection:
            connection.execute(update(t.scheduled_sessions).values(coach_id=None))

    ana = play.coachee("Ana")
    server.faults = []
    server.before = overtake
    await does(play, ana, first, lambda s, scene: bookings.put_on(s, s.resource, scene)[0])
    assert server.calls == ["POST", "PATCH", "PATCH"]
    assert only(server)["summary"] == "Session 1: Mira with no coach yet"
    assert state(play, first) == "ok"


async def test_the_event_of_a_session_that_is_forgotten_goes(play: Play, server: Google) -> None:
    """Its request finds no session any more; where Google is away, the row itself waits."""
    [first] = await booked(play, FIRST)
    put, waiting = play.core.performer.put, list[Any]()
    play.core.performer.put = waiting.extend  # type: ignore[method-assign]
    await moves(play, play.coachee("Ana"), first, SECOND)
    play.core.performer.put = put  # type: ignore[method-assign]
    with play.core.engine.begin() as connection:
        for table in (t.learning_events, t.scheduled_sessions):
            connection.execute(delete(table))
    server.faults = [500]
    play.core.performer.put([one for one in waiting if one.kind == "calendar"])
    await play.core.performer.quiet()
    assert only(server)["status"] == "confirmed"
    await play.core.runner.flush()
    await play.pass_time(timedelta(minutes=5))
    assert only(server)["status"] == "cancelled"
    left = play.rows(select(t.outbox.c.id).where(t.outbox.c.kind == "calendar", t.outbox.c.status == "pending"))
    assert left == []


async def test_without_the_calendar_any_more_the_session_says_nothing_of_it(
    database: str, server: Google, tmp_path: Path
) -> None:
    server.always = 500
    async with Play(database, **given(server, tmp_path)) as play:
        await operator(play)
        await coachee(play, "Mira", await coach(play, "Ana"))
        [first] = await booked(play, FIRST)
        assert state(play, first) == "failed"
    async with Play(database) as later:
        await later.pass_time(timedelta(days=1))
        assert later.core.policy.calendar is False


# ---- the operator


async def test_half_a_setting_a_missing_extra_and_a_bad_key_are_refused_at_the_start(
    database: str, server: Google, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValidationError, match="set both"):
        Settings(_env_file=None, google_calendar_id=CALENDAR)
    bad = tmp_path / "bad.json"
    bad.write_text("{}")
    for path in (bad, tmp_path / "none.json"):
        wrong = Settings(
            _env_file=None, database_url=database, **{**given(server, tmp_path), "google_credentials_file": path}
        )
        with pytest.raises(CannotServeError, match="GOOGLE_CREDENTIALS_FILE"):
            async with core(wrong, Screens(), ticking=False):
                pass
    monkeypatch.setattr(google, "find_spec", lambda name: None)
    settings = Settings(_env_file=None, database_url=database, **given(server, tmp_path))
    with pytest.raises(CannotServeError, match=r"pip install '\.\[google\]'"):
        async with core(settings, Screens(), ticking=False):
            pass


async def test_the_doctor_looks_at_the_calendar(database: str, server: Google, tmp_path: Path) -> None:
    async def found(about: str, **more: Any) -> tuple[bool | None, str]:
        settings = Settings(_env_file=None, database_url=database, **more)
        return [(f.fine, f.words) async for f in examine(settings) if f.about == about][-1]

    assert (await found("shared calendar"))[0] is None
    assert await found("shared calendar", **given(server, tmp_path)) == (True, CALENDAR)
    server.always = 404
    fine, words = await found("shared calendar", **given(server, tmp_path))
    assert fine is False
    assert "HTTP 404" in words
    assert "shared with the service account" in words
    assert (await found("calendar addresses"))[0] is None
    assert (await found("calendar addresses", public_url="https://a.example"))[0] is True


async def test_requests_do_not_pile_up_behind_a_hang(
    server: Google, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call has its limit of time, whatever the server does."""
    monkeypatch.setattr(google, "PATIENCE", 0.2)
    monkeypatch.setattr(google, "TIMEOUT", 1.0)
    server.always = "hang"
    made = google.GoogleCalendar(server.credentials(tmp_path), CALENDAR, server.url)
    with pytest.raises(google.CalendarError, match="timeout"):
        await asyncio.wait_for(made.check(), 5)
    made.close()
