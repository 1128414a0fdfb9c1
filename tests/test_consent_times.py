"""The time of a consent: not a second early, once, late where nothing ran, and by everybody's clock."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import uuid5

import pytest
from sqlalchemy import select, update

from bot.scheduler import TIMER_EVENTS
from flows.events import TimerFired
from storage import tables as t
from storage.unit_of_work import Claim
from tests.booking import booked, happened, press, row_of, soon
from tests.families import HOUR, asked, consent_of, family, message, pressing, stands
from tests.playbook import Play
from tests.test_session_life import look_away, new_of
from tests.village import button, id_of, means

SECOND = timedelta(seconds=1)
OVER = ("cancelled", "approved", "approved")
WAITS = ("scheduled", "pending", "open")


@pytest.fixture
async def play(database: str) -> AsyncIterator[Play]:
    """Ana coaches Mira, 15, whose parents are Paula and Rita; Olga operates."""
    async with Play(database) as made:
        await family(made)
        yield made


def reminders(play: Play, name: str = "Paula") -> list[datetime]:
    """When somebody is to be reminded."""
    m = t.timers.c
    due = select(m.due_at).where(
        m.chat_id == play.coachee(name).chat_id, m.kind == "consent_soon", m.state == "pending"
    )
    return sorted(row.due_at for row in play.rows(due))


def lives(play: Play, name: str, **columns: str) -> None:
    """What somebody chose: a time zone, quiet hours."""
    chosen = update(t.users).where(t.users.c.id == id_of(play, play.coachee(name))).values(**columns)
    with play.core.engine.begin() as connection:
        connection.execute(chosen)


# ---- the deadline


@pytest.mark.parametrize(
    ("ahead", "deadline"),
    [
        ({"days": 7}, {"hours": 48}),
        ({"hours": 60, "seconds": 1}, {"hours": 48}),
        ({"hours": 60}, {"hours": 48}),
        ({"hours": 59}, {"hours": 47}),
        ({"hours": 14}, {"hours": 2}),
        ({"hours": 13}, {"hours": 1}),
        ({"hours": 12}, {"hours": 1}),
        ({"hours": 2}, {"hours": 1}),
        ({"minutes": 30}, {"minutes": 30}),
    ],
)
async def test_the_deadline_is_the_earlier_one_and_leaves_an_hour_where_there_is_one(
    play: Play, ahead: dict[str, float], deadline: dict[str, float]
) -> None:
    """48 hours, or as long before the session as the coach wants notice (twelve hours); at the latest its start."""
    session = await asked(play, **ahead)
    assert consent_of(play, session).expires_at == play.clock.now() + timedelta(**deadline)


async def test_the_hours_to_decide_are_the_deployments(database: str) -> None:
    async with Play(database, consent_hours=5) as play:
        await family(play)
        session = await asked(play)
        await play.pass_time(5 * HOUR - SECOND)
        assert stands(play, session) == WAITS
        await play.pass_time(SECOND)
        assert stands(play, session) == OVER


async def test_a_session_whose_time_has_come_is_not_asked_about(play: Play) -> None:
    """There is no time left to ask: its coach says what became of it."""
    ana = play.coachee("Ana")
    session = await booked(play, ana, play.coachee("Mira"), soon(play, hours=1))
    await play.pass_time(HOUR)
    await ana.press_data(press(session, "cancel", "ill"))
    assert "Its time has come" in play.screens.toasts[-1]
    assert {"Missed", "Complete", "Reschedule"} < set(ana.screen[-1].buttons)
    assert "Cancel it" not in ana.screen[-1].buttons
    await ana.press_data(press(session, "cancelled", f"ill.{row_of(play, session).version}"))
    assert row_of(play, session).status == "pending"


# ---- once, and never early


async def test_where_nothing_runs_over_the_deadline_it_happens_once_when_it_does_and_says_so(play: Play) -> None:
    """Six hours late. The reminders that were due meanwhile say nothing any more."""
    session = await asked(play)
    await play.core.runner.flush()
    play.clock.move(play.clock.now() + 54 * HOUR)
    assert stands(play, session) == WAITS
    await play.restart()
    look_away(play)
    await play.pass_time(SECOND)
    assert stands(play, session) == OVER
    for name in ("Paula", "Rita", "Ana", "Mira"):
        [news] = play.coachee(name).unseen
        assert "No answer by Wednesday 25 November, 17:05 (Berlin), so it is cancelled." in news.text
        assert "It was decided late, on Wednesday 25 November, 23:05 (Berlin)" in news.text
    await play.restart()
    await play.pass_time(24 * HOUR)
    assert happened(play, session) == ["booked", "cancel_asked", "session_cancelled"]


async def test_a_parent_who_answers_after_the_deadline_and_before_anything_looked_decides(play: Play) -> None:
    """The first decision wins, and silence has not decided yet."""
    session = await asked(play)
    play.clock.move(play.clock.now() + 49 * HOUR)
    await play.coachee("Paula").press_data(pressing(play, session, "keep"))
    assert stands(play, session) == ("scheduled", "rejected", "kept")
    await play.pass_time(HOUR)
    assert stands(play, session) == ("scheduled", "rejected", "kept")


async def test_a_clock_that_is_set_back_decides_nothing_early(play: Play) -> None:
    """The timer is seen as due by a clock that is an hour fast; when it is set right, nothing happens before time."""
    session = await asked(play)
    begun = play.clock.now()
    play.clock.move(begun + 48 * HOUR)
    due = play.rows(select(t.timers).where(t.timers.c.kind == "consent_over"))
    play.clock._now = begun + 47 * HOUR  # set back

    [timer] = due
    event = TimerFired(
        id=uuid5(TIMER_EVENTS, timer.id.hex),
        chat_id=timer.chat_id,
        key=timer.key,
        kind=timer.kind,
        subject=timer.subject,
    )
    await play.happens(event, Claim(kind="timer", id=timer.id))
    assert stands(play, session) == WAITS
    await play.pass_time(HOUR - SECOND)
    assert stands(play, session) == WAITS
    await play.pass_time(SECOND)
    assert stands(play, session) == OVER
    assert happened(play, session) == ["booked", "cancel_asked", "session_cancelled"]


@pytest.mark.parametrize(
    ("begins", "until"),
    [
        ("2027-03-26 16:05", "Sunday 28 March, 18:05 (Berlin)"),
        ("2027-10-29 16:05", "Sunday 31 October, 17:05 (Berlin)"),
    ],
)
async def test_a_clock_change_in_between_makes_the_time_no_longer_and_no_shorter(
    play: Play, begins: str, until: str
) -> None:
    """Forty-eight hours are that, whatever the wall clocks do; each reads the deadline on their own."""
    play.clock.move(datetime.fromisoformat(begins).replace(tzinfo=UTC))
    session = await asked(play)
    assert until in message(play.coachee("Paula")).text
    await play.pass_time(48 * HOUR - SECOND)
    assert stands(play, session) == WAITS
    await play.pass_time(SECOND)
    assert stands(play, session) == OVER


# ---- reminders


async def test_a_parent_is_reminded_at_half_time_and_three_hours_before(play: Play) -> None:
    """With the same buttons, which are the outcome, too, once it is decided."""
    session, begun = await asked(play), play.clock.now()
    assert reminders(play) == [begun + 24 * HOUR, begun + 45 * HOUR]
    look_away(play)
    await play.pass_time(24 * HOUR)
    [half] = play.coachee("Paula").unseen
    assert half.text.startswith("Your answer is still wanted.")
    assert list(half.buttons) == ["Approve", "Keep the session", "Another time", "Call me"]
    await play.pass_time(21 * HOUR)
    assert new_of(play.coachee("Paula")).count("Your answer is still wanted.") == 2
    assert new_of(play.coachee("Rita")).count("Your answer is still wanted.") == 2
    await play.coachee("Rita").presses("Keep the session")
    with_buttons = [shown for shown in play.coachee("Paula").screen if "Approve" in shown.buttons]
    assert with_buttons == []
    assert "Kept by Rita" in half.text
    await play.pass_time(24 * HOUR)
    assert stands(play, session)[2] == "kept"


async def test_a_short_time_has_one_reminder(play: Play) -> None:
    await asked(play, hours=17)
    begun = play.clock.now()
    assert reminders(play) == [begun + 2.5 * HOUR]
    look_away(play)
    await play.pass_time(3 * HOUR)
    assert new_of(play.coachee("Paula")).count("Your answer is still wanted.") == 1


async def test_reminders_wait_for_the_morning_and_two_of_one_moment_are_one(play: Play) -> None:
    """Half time is at half past three at night, the last reminder three hours later: there is one at seven."""
    lives(play, "Paula", timezone="Asia/Kolkata")  # 21:35 there
    await asked(play, hours=24)  # until 9:35 there
    look_away(play)
    await play.pass_time(9 * HOUR)
    assert "still wanted" not in new_of(play.coachee("Paula"))
    await play.pass_time(2 * HOUR)
    assert new_of(play.coachee("Paula")).count("Your answer is still wanted.") == 1


async def test_a_reminder_that_could_only_come_too_late_comes_in_quiet_hours_without_a_sound(play: Play) -> None:
    """The deadline is at 6:05 in the morning, and the quiet hours end at seven."""
    await asked(play, hours=25)
    look_away(play)
    await play.pass_time(13 * HOUR - SECOND)
    shown = [one for one in play.coachee("Paula").unseen if "still wanted" in one.text]
    assert [one.message.silent for one in shown] == [True, True]


async def test_who_answered_or_may_not_any_more_is_not_reminded(play: Play) -> None:
    session = await asked(play)
    mira, rita = play.coachee("Mira"), play.coachee("Rita")
    await means(mira, button(play, mira, "unlink", rita))
    look_away(play)
    await play.pass_time(25 * HOUR)
    assert "still wanted" in new_of(play.coachee("Paula"))
    assert "still wanted" not in new_of(rita)
    await play.coachee("Paula").press_data(pressing(play, session, "keep"))
    look_away(play)
    await play.pass_time(48 * HOUR)
    assert new_of(play.coachee("Paula")) == ""


async def test_while_a_call_is_waited_for_nobody_is_reminded(play: Play) -> None:
    session = await asked(play)
    begun = play.clock.now()
    await play.pass_time(20 * HOUR)
    await play.coachee("Paula").press_data(pressing(play, session, "call"))
    look_away(play)
    await play.pass_time(23 * HOUR)
    assert "still wanted" not in new_of(play.coachee("Paula"))
    assert reminders(play) == [begun + 58 * HOUR, begun + 69 * HOUR]
