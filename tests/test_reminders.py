"""Reminders: once, at the right local time, also after a crash, and what their buttons do."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import select

from storage import tables as t
from tests.coachee import finish
from tests.playbook import Coachee, Play


@pytest.fixture
async def play(database: str) -> AsyncIterator[Play]:
    """A stage on each database."""
    async with Play(database) as made:
        yield made


@pytest.fixture
async def mira(play: Play) -> Coachee:
    """Mira, in Berlin, after a session: check-in on Thursday 26, her step due on Friday 27 November, confirmed."""
    person = play.coachee()
    await person.says("/session")
    await finish(play, person)
    return person


def status(play: Play) -> str:
    """The status of the one item."""
    [row] = play.rows(select(t.action_plans))
    return str(row.status)


async def test_each_comes_once_at_its_morning(play: Play, mira: Coachee) -> None:
    """At 09:00 of the person's own clock, not before, and not again."""
    await play.script("""
        -- until 2026-11-26 08:59
        coach said nothing
        -- 1 minute
        coach: Hi Mira. This is the day you named for looking at your plan.
        buttons: Start a session | My plan
        -- until 2026-11-27 08:59
        coach said nothing
        -- 1 minute
        coach: Today is the day for: read the page to my cousin. How did it go?
        buttons: Done | Not yet | Snooze
        -- 2 weeks
        coach said nothing
    """)


async def test_done_and_undone(play: Play, mira: Coachee) -> None:
    """Done completes the item, in the same message; it can be taken back."""
    await play.script("""
        -- until 2026-11-27 09:00
        Mira: [Done]
        buttons: Not done after all
    """)
    assert status(play) == "completed"
    assert mira.screen[-1].text == "Done: read the page to my cousin"
    await play.script("""
        Mira: [Not done after all]
        buttons: Done | Not yet | Snooze
    """)
    assert status(play) == "pending"


async def test_not_yet_asks_when_to_ask_again(play: Play, mira: Coachee) -> None:
    """Not yet is without blame: the item stays, and the person says when it comes up again."""
    await play.script("""
        -- until 2026-11-27 09:30
        Mira: [Not yet]
        buttons: Tomorrow | In 3 days | In a week | Don't ask again | Done
        Mira: [In 3 days]
        -- until 2026-11-30 08:59
        coach said nothing
        -- 1 minute
        coach: For Friday 27 November you set out to: read the page to my cousin.
        Mira: [Done]
        -- 4 weeks
        coach said nothing
    """)
    assert status(play) == "completed"


async def test_not_asking_again(play: Play, mira: Coachee) -> None:
    """The item stays on the plan and is not asked about."""
    await play.script("""
        -- until 2026-11-27 09:30
        Mira: [Not yet]
        Mira: [Don't ask again]
        -- 4 weeks
        coach said nothing
        Mira: /plan
        coach: 1. read the page to my cousin: Friday 27 November
    """)
    assert status(play) == "in_progress"


@pytest.mark.parametrize(
    ("choice", "early", "late"),
    [
        ("In an hour", "2026-11-27 10:29", "2026-11-27 10:30"),
        ("This evening", "2026-11-27 17:59", "2026-11-27 18:00"),
        ("Tomorrow", "2026-11-28 08:59", "2026-11-28 09:00"),
        ("In a week", "2026-12-04 08:59", "2026-12-04 09:00"),
    ],
)
async def test_snooze(play: Play, mira: Coachee, choice: str, early: str, late: str) -> None:
    """Snoozed, it comes again at the time that was chosen."""
    await play.script(f"""
        -- until 2026-11-27 09:30
        Mira: [Snooze]
        Mira: [{choice}]
        -- until {early}
        coach said nothing
        -- until {late}
        coach: read the page to my cousin
    """)


async def test_after_a_crash_it_still_comes_once(play: Play, mira: Coachee) -> None:
    """A process that was down over the time delivers when it is back, once."""
    play.core.chores.fire, firing = _nothing, play.core.chores.fire  # type: ignore[method-assign]
    assert firing is not None
    play.clock.move(play.clock.now().replace(day=27, hour=20))
    await play.restart()
    mira.seen = len(mira.screen)
    await play.core.chores.fire()
    await play.core.performer.quiet()
    assert [shown.text.split(".")[0] for shown in mira.unseen] == [
        "Hi Mira",
        "Today is the day for: read the page to my cousin",
    ]
    await play.script("""
        -- 1 hour
        coach said nothing
    """)


async def _nothing() -> int:
    return 0


async def test_a_person_who_blocked_the_bot(play: Play, mira: Coachee) -> None:
    """Nothing is sent to them, nothing is lost: they are asked after they are back."""
    play.screens.blocked.add(mira.chat_id)
    await play.script("""
        -- until 2026-11-27 10:00
        coach said nothing
    """)
    [user] = play.rows(select(t.users))
    assert user.unreachable_since is not None
    play.screens.blocked.clear()
    await play.script("""
        Mira: /start
        -- until 2026-11-28 10:00
        coach: For Friday 27 November you set out to
    """)
    [user] = play.rows(select(t.users))
    assert user.unreachable_since is None


async def test_moving_to_another_zone(play: Play, mira: Coachee) -> None:
    """Reminders keep their wall-clock time in the zone the person is in now."""
    await play.script("""
        Mira: /timezone new york
        coach: Your time is now Monday 23 November, 11:05 (New York). Reminders follow it.
        -- until 2026-11-26 14:59
        coach said nothing
        -- 1 minute
        coach: This is the day you named for looking at your plan.
    """)


async def test_choosing_a_zone(play: Play) -> None:
    """By the card, by a city's name, with a way out; a name nobody knows is said to be unknown."""
    await play.script("""
        Mira: /timezone
        coach: Your clock here shows Monday 23 November, 17:05 (Berlin).
        Mira: the moon
        coach: I don't know that place.
        Mira: kathmandu
        coach: Your time is now Monday 23 November, 21:50 (Kathmandu).
        Mira: /start
        Mira: [Settings]
        Mira: [Time zone]
        Mira: [Nairobi]
        coach: 19:05 (Nairobi)
    """)


async def test_a_press_on_a_done_item(play: Play, mira: Coachee) -> None:
    """An item that is done says so on every message about it."""
    await play.script("""
        -- until 2026-11-27 09:30
        Mira: /plan
        coach: 1 open item
        buttons: 1: done | 1: not yet | Menu
        Mira: [1: done]
    """)
    reminder = next(shown for shown in mira.screen if shown.text.startswith("Today is the day for"))
    await mira.press_data(reminder.buttons["Not yet"])
    assert play.screens.toasts[-1] == "That one is done already."
    assert reminder.text == "Done: read the page to my cousin"
    assert status(play) == "completed"


async def test_the_check_in_comes_also_while_a_session_is_open(play: Play, mira: Coachee) -> None:
    """Who began a session and left it is reminded all the same, and goes on with it by one tap."""
    await play.script("""
        -- until 2026-11-25 08:50
        Mira: /session
        coach: How much of your attention is here
        -- until 2026-11-26 10:00
        coach: This is the day you named for looking at your plan.
        buttons: Continue | My plan
        Mira: [Continue]
        coach: We are at step 1 of 5, Check in.
        coach: How much of your attention is here
    """)


async def test_an_item_that_is_open_again_is_reminded_of(play: Play, mira: Coachee) -> None:
    """Done too early and taken back, in the plan or by going back in a review: its day is reminded of as before."""
    await play.script("""
        Mira: /plan
        Mira: [1: done]
        Mira: [Not done after all]
        Mira: /session
        Mira: [7]
        Mira: fine
        coach: Last time you set out to
        Mira: [Done]
        coach: What helped you do it?
        Mira: /back
        coach: Last time you set out to
        Mira: /cancel
    """)
    assert status(play) == "pending"
    await play.script("""
        -- until 2026-11-27 09:00
        coach: Today is the day for: read the page to my cousin.
    """)
