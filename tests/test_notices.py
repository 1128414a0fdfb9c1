"""Notifications: each setting is changed on its card and holds, in every zone, over every change of the clocks."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from bot.reading import read_hours
from flows import notices, quiet
from flows.decide import decide
from flows.effects import CancelTimer, Notify, Say, Screen, SetTimer, text_line
from flows.events import ChatBlocked, TimerFired
from flows.people import Circle, Other
from flows.plans import reminder
from flows.state import ActionItem, Chat, Conversation, Decision, Draft, Drafting, Person, Timer
from flows.times import local
from storage import tables as t
from storage.circles import others
from storage.saving import save
from storage.unit_of_work import Settled
from tests.coachee import conversation, finish, walk
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


def settings(play: Play, name: str = "Mira") -> tuple[str | None, str | None, int | None, list[str]]:
    """What is kept of a person's settings."""
    u = t.users.c
    [row] = play.rows(select(u.quiet_from, u.quiet_until, u.daily_cap, u.muted).where(u.name == name))
    return row.quiet_from, row.quiet_until, row.daily_cap, list(row.muted)


def timers(play: Play) -> dict[str, datetime]:
    """The timers that wait, by their keys."""
    c = t.timers.c
    return {row.key: row.due_at for row in play.rows(select(c.key, c.due_at).where(c.state == "pending"))}


def waits(play: Play, person: Coachee, *due: tuple[str, UUID, str]) -> None:
    """These reminders (kind, subject, local time) wait, and no others."""
    gone = [CancelTimer(key=key) for key in timers(play)]
    new = [reminder(kind, subject, datetime.fromisoformat(at), play.timezone) for kind, subject, at in due]
    somebody = Person(user_id=UUID(int=0), name=person.name)
    chat = Chat(chat_id=person.chat_id, person=somebody)  # as it was before: nothing but the timers is written
    with play.core.engine.begin() as connection:
        for step in (gone, new):
            settled = Settled(chat=chat, timers=tuple(step))
            save(connection, [(chat, settled)], now=play.clock.now(), owner="test")


def check_ins(play: Play, person: Coachee, *due: str) -> None:
    """Check-ins wait, at these local times."""
    waits(play, person, *(("check_in", UUID(int=n), at) for n, at in enumerate(due, 1)))


async def test_the_card(play: Play, mira: Coachee) -> None:
    """From the settings, in one message that is edited; every setting is said in words."""
    on = "✓ Steps | ✓ My plan | ✓ Next session | ✓ Waiting plan | ✓ Sessions | Settings"
    off = "✓ Steps | My plan | ✓ Next session | Waiting plan | ✓ Sessions | Settings"
    await play.script(f"""
        Mira: /settings
        buttons: Language | Time zone | Notifications | Who sees what | Your data | Menu
        Mira: [Notifications]
        buttons: Quiet hours | How many a day | {on}
        Mira: [Quiet hours]
        buttons: No quiet hours | ✓ 22:00 to 07:00 | 21:00 to 08:00 | Other hours | Notifications
        Mira: [21:00 to 08:00]
        buttons: Quiet hours | How many a day | {on}
        Mira: [How many a day]
        buttons: ✓ Any number | 1 | 3 | 5 | 10 | Notifications
        Mira: [3]
        Mira: [My plan]
        Mira: [Waiting plan]
        buttons: Quiet hours | How many a day | {off}
    """)
    assert settings(play) == ("21:00", "08:00", 3, ["check_in", "confirm"])
    card = mira.screen[-1].text
    for words in (
        "Quiet hours: from 21:00 until 08:00 on your clock.",
        "At most 3 reminders a day.",
        "Your steps, on their day: on",
        "Looking at your plan, on the day you named: off",
        "A plan that waits to be confirmed: off",
    ):
        assert words in card
    assert len(card) < 600
    number = len(mira.screen)
    await play.script("""
        Mira: [My plan]
        Mira: [Waiting plan]
        Mira: [Quiet hours]
        Mira: [No quiet hours]
        Mira: [How many a day]
        Mira: [Any number]
        Mira: [Settings]
        buttons: Language | Time zone | Notifications | Who sees what | Your data | Menu
    """)
    assert settings(play) == ("00:00", "00:00", None, [])
    assert len(mira.screen) == number


async def test_hours_in_words(play: Play, mira: Coachee) -> None:
    """Other hours are written; what is no pair of times is said to be none, and nothing is lost by leaving."""
    await play.script("""
        Mira: /settings
        Mira: [Notifications]
        Mira: [Quiet hours]
        Mira: [Other hours]
        buttons: Notifications
        Mira: when i sleep
        coach: I don't read two times in that.
        Mira: 25:00 to 7:00
        coach: I don't read two times in that.
        Mira: 7:00 - 7:00
        coach: Both times are the same.
        buttons: Notifications
        Mira: 10:30pm to 6:15am
        coach: Quiet hours: from 22:30 until 06:15 on your clock.
        Mira: 21:00 - 9:00
        coach: I am here. Your words are not part of a session
    """)
    assert settings(play)[:2] == ("22:30", "06:15")
    for words in ("२१:०० - ७:००", "٢١:٠٠-٧:٠٠"):
        await play.script(f"""
            Mira: /settings
            Mira: [Notifications]
            Mira: [Quiet hours]
            Mira: [Other hours]
            Mira: {words}
            coach: from 21:00 until 07:00
        """)


async def test_leaving_the_question_for_hours(play: Play, mira: Coachee) -> None:
    """By a command, by the way back, by going on with a session: the next words are no hours."""
    await play.script("""
        Mira: /settings
        Mira: [Notifications]
        Mira: [Quiet hours]
        Mira: [Other hours]
        Mira: /cancel
        coach: Quiet hours: from 22:00 until 07:00
        Mira: 21:00 - 9:00
        coach: I am here. Your words are not part of a session
        Mira: /session
        Mira: /settings
        Mira: [Notifications]
        Mira: [Quiet hours]
        Mira: [Other hours]
        Mira: 23:00 - 5:00
        coach: Quiet hours: from 23:00 until 05:00
        Mira: [Quiet hours]
        Mira: [Other hours]
        Mira: 7
        coach: How are you today?
        Mira: 22:00 - 6:00
        coach: Last time you set out to
    """)
    assert settings(play)[:2] == ("23:00", "05:00")


@pytest.mark.parametrize(
    ("said", "hours"),
    [
        ("22:00 - 7:30", ("22:00", "07:30")),
        ("22:00–7:30", ("22:00", "07:30")),
        ("10pm to 7am", ("22:00", "07:00")),
        ("10 p.m. until 7 a.m.", ("22:00", "07:00")),
        ("from 10 in the evening until 7 in the morning", ("22:00", "07:00")),
        ("11 at night to 2 at night", ("23:00", "02:00")),
        ("10 to 7", ("22:00", "07:00")),
        ("10 to 7am", ("22:00", "07:00")),
        ("8 - 12", ("08:00", "12:00")),
        ("20:00 - 10:00", ("20:00", "10:00")),
        ("10:00 - 09:00", ("10:00", "09:00")),
        ("22h30 - 7h", ("22:30", "07:00")),
        ("2200-0730", ("22:00", "07:30")),
        ("22.00 - 7.30", ("22:00", "07:30")),
        ("२२:०० - ७:३०", ("22:00", "07:30")),
        ("٢٢:٠٠ - ٧", ("22:00", "07:00")),
        ("１０pm-７am", ("22:00", "07:00")),
        ("12am to 12pm", ("00:00", "12:00")),
        ("22:00 - 24:00", ("22:00", "00:00")),
        *((text, None) for text in ("", "7", "10pm", "never", "25 - 7", "13pm to 7", "0am - 7", "22:60 - 7")),
        *((text, None) for text in ("22:00 7:00", "22 - 7 - 8", "i sleep from 10 to 7", "24:30 - 7", "1234567 - 8")),
        *((text, None) for text in ("10 am in the evening to 7", "- - -", "-" * 60, "22:00 - 7:30 " + "please " * 9)),
    ],
)
def test_reading_hours(said: str, hours: tuple[str, str] | None) -> None:
    """Two times and nothing besides, in the figures of any script."""
    assert read_hours(said, "en") == hours


async def test_quiet_hours_hold(play: Play, mira: Coachee) -> None:
    """What falls into them comes as they end, once; what does not comes at its time."""
    check_ins(play, mira, "2026-11-24T22:00", "2026-11-25T02:00", "2026-11-26T21:59", "2026-11-27T07:00")
    await play.script("""
        -- until 2026-11-25 06:59
        coach said nothing
        -- 2 minutes
        coach: This is the day you named for looking at your plan.
        coach: This is the day you named for looking at your plan.
        coach said nothing
        -- until 2026-11-26 21:58
        coach said nothing
        -- 1 minute
        coach: This is the day
        -- until 2026-11-27 06:59
        coach said nothing
        -- 1 minute
        coach: This is the day
        -- 2 weeks
        coach said nothing
    """)


async def test_a_reminder_that_was_put_off_into_quiet_hours(play: Play, mira: Coachee) -> None:
    """The answer to the snooze says when it really comes."""
    check_ins(play, mira)
    await play.script("""
        -- until 2026-11-26 21:30
        Mira: /plan
        Mira: [1: not yet]
        buttons: Tomorrow | In 3 days | In a week | Don't ask again | Done | My plan
    """)
    data = next(data for text, data in mira.screen[-1].buttons.items() if text == "Tomorrow")
    await mira.press_data(data.replace("tomorrow", "hour"))
    assert mira.screen[-1].text.endswith("I ask again on Friday 27 November, 07:00 (Berlin).")
    await play.script("""
        Mira: /start
        coach: Next reminder: Friday 27 November, 07:00 (Berlin)
        -- until 2026-11-27 06:59
        coach said nothing
        -- 1 minute
        coach: Today is the day for
    """)


async def test_no_quiet_hours(play: Play, mira: Coachee) -> None:
    """Turned off, a reminder comes at night, too."""
    check_ins(play, mira, "2026-11-25T02:00")
    await play.script("""
        Mira: /settings
        Mira: [Notifications]
        Mira: [Quiet hours]
        Mira: [No quiet hours]
        -- until 2026-11-25 01:59
        coach said nothing
        -- 1 minute
        coach: This is the day
    """)


async def test_one_a_day(play: Play, mira: Coachee) -> None:
    """Of three on one day one comes, and the others one each morning; what is set for a morning keeps its day."""
    due = ("2026-11-24T09:00", "2026-11-24T10:00", "2026-11-24T11:00", "2026-11-26T09:00")
    check_ins(play, mira, *due)
    await play.script("""
        Mira: /settings
        Mira: [Notifications]
        Mira: [How many a day]
        Mira: [1]
        -- until 2026-11-24 09:00
        coach: This is the day
        -- until 2026-11-25 06:59
        coach said nothing
        -- 1 minute
        coach: This is the day
        -- until 2026-11-26 08:59
        coach said nothing
        -- 1 minute
        coach: This is the day
        -- until 2026-11-27 06:59
        coach said nothing
        -- 1 minute
        coach: This is the day
        -- 2 weeks
        coach said nothing
    """)


async def test_what_does_not_apply_any_more_does_not_count(play: Play, mira: Coachee) -> None:
    """A reminder that says nothing leaves the day's one to the next."""
    waits(play, mira, ("action_due", UUID(int=1), "2026-11-24T09:00"))  # of an item that there is none of
    await play.script("""
        Mira: /settings
        Mira: [Notifications]
        Mira: [How many a day]
        Mira: [1]
        -- until 2026-11-24 09:30
        coach said nothing
    """)
    check_ins(play, mira, "2026-11-24T10:00")
    await play.script("""
        -- until 2026-11-24 10:00
        coach: This is the day
    """)


@pytest.mark.parametrize(
    ("button", "kind"), [("Steps", "action_due"), ("My plan", "check_in"), ("Next session", "next_session")]
)
async def test_a_kind_that_is_off(play: Play, mira: Coachee, button: str, kind: str) -> None:
    """Nothing of it comes, all else does, and the item stays in the plan."""
    [item] = play.rows(select(t.action_plans))
    due = (("next_session", "25", UUID(int=1)), ("check_in", "26", UUID(int=2)), ("action_due", "27", item.id))
    waits(play, mira, *((kind, subject, f"2026-11-{day}T09:00") for kind, day, subject in due))
    texts = {
        "action_due": "Today is the day for: read the page to my cousin",
        "check_in": "Hi Mira. This is the day you named for looking at your plan",
        "next_session": "Hi Mira. Today is the day you named for your next session",
    }
    await play.script(f"""
        Mira: /settings
        Mira: [Notifications]
        Mira: [{button}]
    """)
    seen = len(mira.screen)
    await play.pass_time(timedelta(days=7))
    came = sorted(shown.text.split(". ")[0 if shown.text.startswith("Today") else 1] for shown in mira.screen[seen:])
    assert len(came) == 2
    assert all(any(one in text for one in came) for other, text in texts.items() if other != kind)
    await play.script("""
        Mira: /plan
        coach: 1. read the page to my cousin
    """)


async def test_a_plan_that_waits_unannounced(play: Play) -> None:
    """It is shown again the next morning unless that is off; it is on the menu card either way."""
    mira = play.coachee()
    await mira.says("/session")
    await walk(play, mira)
    await play.script("""
        Mira: /settings
        Mira: [Notifications]
        Mira: [Waiting plan]
        -- 2 days
        coach said nothing
        Mira: /start
        coach: Your plan waits to be confirmed
    """)
    assert conversation(play, mira).plan is not None


async def test_a_plans_reminder_that_finds_nobody(play: Play) -> None:
    """The message that finds out that the bot is blocked is not lost: what it said is said after the return."""
    mira = play.coachee()
    await mira.says("/session")
    await walk(play, mira)
    play.screens.blocked.add(mira.chat_id)
    await play.script("-- until 2026-11-24 12:00")
    [user] = play.rows(select(t.users))
    assert user.unreachable_since is not None
    assert timers(play)["confirm"] == datetime(2026, 11, 25, 8, tzinfo=UTC)
    await play.script("-- 3 days")
    play.screens.blocked.clear()
    await play.script("""
        Mira: /start
        coach: Your plan waits to be confirmed
        -- until 2026-11-28 09:00
        coach: Your plan from the last session still waits for you
        -- 3 days
        coach said nothing
    """)


async def test_reminders_that_find_nobody(play: Play, mira: Coachee) -> None:
    """The same of all kinds, one that came with another; one that was seen does not come again."""
    [item] = play.rows(select(t.action_plans))
    at = "2026-11-27T09:00"
    waits(play, mira, ("check_in", UUID(int=1), at), ("action_due", item.id, at))
    play.screens.blocked.add(mira.chat_id)
    await play.script("-- until 2026-11-27 12:00")
    play.screens.blocked.clear()
    await play.script("""
        Mira: /start
        -- until 2026-11-28 08:59
        coach said nothing
        -- until 2026-11-28 09:00
    """)
    assert sorted(shown.text[:11] for shown in mira.screen[-2:]) == ["For Friday ", "Hi Mira. Th"]
    await mira.says("/start")
    await play.happens(ChatBlocked(id=play.next_id(), chat_id=mira.chat_id, at=play.clock.now()))
    assert not timers(play)


async def test_old_and_forged_presses(play: Play, mira: Coachee) -> None:
    """What is none of ours changes nothing and is on record; an old card's press holds, shown where it stands."""
    await mira.says("/settings")
    number = conversation(play, mira).cards
    forged = (
        "n:", "n:1", "n:1:", "n:1:quiet", "n:1:quiet:", "n:1:quiet:2206", "n:1:most:0", "n:1:most:9999999999",
        "n:1:on:", "n:1:off:confirmed", "n:1:off:summary", "n:x:show", "n:-1:show", "n:²:show", "n::show",
        "n:1:show:", "n:1:show:x:y", "n:1:quiet:off:x", "N:1:quiet:off", "n:1:off:*",
    )  # fmt: skip
    for data in forged:
        before = len(play.rows(select(t.audit_log)))
        await mira.press_data(data)
        assert len(play.rows(select(t.audit_log))) == before + 1, data
    assert settings(play) == (None, None, None, [])
    await mira.press_data(f"n:{number}:off:about_others")  # a coachee looks after nobody
    assert settings(play) == (None, None, None, [])
    seen = len(mira.screen)
    for data in ("n:0:off:confirm", "n:999:quiet:off", f"n:{'9' * 40}:most:1"):
        await mira.press_data(data)
        assert "Notifications" in mira.screen[-1].text
    assert len(mira.screen) == seen + 3
    assert settings(play) == ("00:00", "00:00", 1, ["confirm"])
    await mira.press_data("n:0:off:confirm")  # twice is once
    assert settings(play) == ("00:00", "00:00", 1, ["confirm"])


def person(**settings: object) -> Person:
    """Somebody in Berlin, with these settings."""
    return Person(**{"user_id": UUID(int=1), "name": "Mira", "timezone": "Europe/Berlin", **settings})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("zone", "between", "at", "comes"),
    [
        # nothing chosen: quiet nights
        ("Europe/Berlin", None, "2026-11-24T20:59Z", "2026-11-24T20:59Z"),
        ("Europe/Berlin", None, "2026-11-24T21:00Z", "2026-11-25T06:00Z"),
        ("Europe/Berlin", None, "2026-11-25T05:59Z", "2026-11-25T06:00Z"),
        ("Europe/Berlin", None, "2026-11-25T06:00Z", "2026-11-25T06:00Z"),
        # equal times: none
        ("Europe/Berlin", "00:00 00:00", "2026-11-25T02:00Z", "2026-11-25T02:00Z"),
        # within a day
        ("Europe/Berlin", "13:00 15:00", "2026-11-25T12:30Z", "2026-11-25T14:00Z"),
        # the night of spring is an hour shorter: 06:00 is UTC+2
        ("Europe/Berlin", "22:00 06:00", "2026-03-28T22:00Z", "2026-03-29T04:00Z"),
        # the end is in the gap from 02:00 to 03:00: the first moment after it
        ("Europe/Berlin", "22:00 02:30", "2026-03-29T00:30Z", "2026-03-29T01:00Z"),
        # begins and ends in the gap: not quiet at all that night
        ("Europe/Berlin", "02:10 02:50", "2026-03-29T01:00Z", "2026-03-29T01:00Z"),
        # the night of autumn is an hour longer
        ("Europe/Berlin", "22:00 06:00", "2026-10-24T21:00Z", "2026-10-25T05:00Z"),
        # the end comes twice: quiet until the first, and again before the second
        ("Europe/Berlin", "22:00 02:30", "2026-10-25T00:10Z", "2026-10-25T00:30Z"),
        ("Europe/Berlin", "22:00 02:30", "2026-10-25T00:45Z", "2026-10-25T00:45Z"),
        ("Europe/Berlin", "22:00 02:30", "2026-10-25T01:10Z", "2026-10-25T01:30Z"),
        # five hours and three quarters ahead
        ("Asia/Kathmandu", "22:00 07:00", "2026-11-24T16:14Z", "2026-11-24T16:14Z"),
        ("Asia/Kathmandu", "22:00 07:00", "2026-11-24T16:15Z", "2026-11-25T01:15Z"),
        # a change of half an hour: 02:00 to 02:30 is skipped on 4 October, and 01:30 to 02:00 comes twice on 5 April
        ("Australia/Lord_Howe", "22:00 02:15", "2026-10-03T15:00Z", "2026-10-03T15:30Z"),
        ("Australia/Lord_Howe", "22:00 01:45", "2026-04-04T14:40Z", "2026-04-04T14:45Z"),
        ("Australia/Lord_Howe", "22:00 01:45", "2026-04-04T14:50Z", "2026-04-04T14:50Z"),
        ("Australia/Lord_Howe", "22:00 01:45", "2026-04-04T15:05Z", "2026-04-04T15:15Z"),
        # a zone that is not known any more is UTC
        ("Mars/Base", "22:00 07:00", "2026-11-24T23:00Z", "2026-11-25T07:00Z"),
    ],
)
def test_when_quiet_hours_end(zone: str, between: str | None, at: str, comes: str) -> None:
    """By the wall clock, through gaps and doubled hours."""
    start, end = between.split() if between else (None, None)
    who = person(timezone=zone, quiet_from=start, quiet_until=end)
    assert quiet.heard_at(who, datetime.fromisoformat(at)) == datetime.fromisoformat(comes)


ZONES = ("Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe", "America/New_York", "Africa/Cairo", "UTC")
DAYS = st.sampled_from(
    [date(2026, 3, 27), date(2026, 10, 23), date(2026, 4, 3), date(2026, 10, 2), date(2026, 11, 23)]
)
TIMES = st.integers(0, 24 * 60 - 1).map(lambda m: f"{m // 60:02}:{m % 60:02}")
KIND = st.sampled_from([kind for kind in notices.KINDS if kind != "session_soon"])
"""A reminder of a booked session has its own tests: it does not wait longer than until the session begins."""


@given(st.sampled_from(ZONES), DAYS, st.integers(0, 5 * 24 * 60), TIMES, TIMES)
def test_quiet_hours_always_end(zone: str, day: date, minutes: int, start: str, end: str) -> None:
    """Not before the moment asked about, never in quiet hours, within two days, and never for nothing."""
    who = person(timezone=zone, quiet_from=start, quiet_until=end)
    moment = datetime.combine(day, time(), UTC) + timedelta(minutes=minutes)
    comes = quiet.heard_at(who, moment)
    assert not quiet.is_quiet(who, comes)
    assert moment <= comes <= moment + timedelta(days=2)
    assert comes == moment or quiet.is_quiet(who, moment)
    if comes != moment and zone == "UTC":  # where the clocks change, an end may come a second time in between
        assert all(quiet.is_quiet(who, moment + (comes - moment) * n / 7) for n in range(7))


class Street:
    """A person and their timers in virtual time, decided one by one as they come due; no database."""

    def __init__(self, who: Person, due: list[tuple[str, datetime]]) -> None:
        draft = Draft(
            action_id=UUID(int=7), session_id=UUID(int=8), number=1, title="read", description="read", words="read"
        )
        items = tuple(
            ActionItem(action_id=UUID(int=n), session_id=UUID(int=8), title="read", status="pending", due=None)
            for n in range(len(due))
        )
        self.chat = Chat(
            chat_id=1,
            person=who,
            conversation=Conversation(plan=Drafting(drafts=(draft,))),
            actions=items,
            circle=Circle(roles=("coachee",)),
        )
        self.timers = {
            f"{kind}:{n}": Timer(key=f"{kind}:{n}", kind=kind, subject=UUID(int=n), due_at=at)
            for n, (kind, at) in enumerate(due)
        }
        self.came: list[tuple[str, datetime]] = []
        self.fired = Counter[str]()

    def run(self) -> None:
        """Until nothing waits any more."""
        now = datetime.min.replace(tzinfo=UTC)
        while self.timers:
            timer = min(self.timers.values(), key=lambda timer: timer.due_at)
            del self.timers[timer.key]
            now = max(now, timer.due_at)
            self.fired[timer.key] += 1
            assert self.fired[timer.key] < 12, "it is moved for ever"
            event = TimerFired(id=uuid4(), chat_id=1, key=timer.key, kind=timer.kind, subject=timer.subject)
            self._keep(decide(self.chat.evolve(timers=tuple(self.timers.values())), event, now), timer.key, now)

    def _keep(self, decision: Decision, key: str, now: datetime) -> None:
        self.chat = decision.chat
        for effect in decision.effects:
            if isinstance(effect, SetTimer):
                assert effect.due_at > now
                assert effect.wall is not None
                self.timers[effect.key] = Timer(
                    key=effect.key, kind=effect.kind, subject=effect.subject, due_at=effect.due_at, wall=effect.wall
                )
        if any(isinstance(effect, Say) for effect in decision.effects):
            self.came.append((key, now))


@given(
    st.sampled_from(ZONES),
    DAYS,
    st.one_of(st.none(), st.tuples(TIMES, TIMES)),
    st.sampled_from([None, 1, 3, 5]),
    st.sets(KIND),
    st.lists(st.tuples(KIND, st.integers(0, 4 * 24 * 60)), max_size=12),
)
def test_whatever_the_settings(
    zone: str,
    day: date,
    between: tuple[str, str] | None,
    cap: int | None,
    muted: set[str],
    due: list[tuple[str, int]],
) -> None:
    """No reminder in quiet hours, none lost, none twice, and never more a day than wanted."""
    start, end = between or (None, None)
    who = person(timezone=zone, quiet_from=start, quiet_until=end, daily_cap=cap, muted=tuple(muted))
    midnight = datetime.combine(day, time(), UTC)
    street = Street(who, [(kind, midnight + timedelta(minutes=minutes)) for kind, minutes in due])
    street.run()
    wanted = sorted(f"{kind}:{n}" for n, (kind, _) in enumerate(due) if kind not in muted)
    assert sorted(key for key, _ in street.came) == wanted
    assert not any(quiet.is_quiet(who, at) for _, at in street.came)
    days = Counter(local(at, zone).date() for _, at in street.came)
    assert cap is None or all(count <= cap for count in days.values())
    if cap is None:  # each as soon as it may, but for those that share a moment and come a second apart
        for key, at in street.came:
            first = quiet.heard_at(who, midnight + timedelta(minutes=due[int(key.split(":")[1])][1]))
            assert first <= at <= first + timedelta(seconds=len(due))


def test_three_a_day_keep_their_order() -> None:
    """What a day has too many of comes on the next mornings, the earliest first."""
    at = datetime(2026, 11, 24, 8, tzinfo=UTC)
    street = Street(person(daily_cap=3), [("check_in", at + timedelta(minutes=n)) for n in range(8)])
    street.run()
    assert [key for key, _ in street.came] == [f"check_in:{n}" for n in range(8)]
    walls = [local(at, "Europe/Berlin").strftime("%d %H:%M") for _, at in street.came]
    assert walls == ["24 09:00", "24 09:01", "24 09:02", *["25 07:00"] * 3, *["26 07:00"] * 2]


def test_other_people_are_told() -> None:
    """Without a sound in their quiet hours; not what only informs, where that is off; not who cannot be reached."""
    ana = Other(user_id=UUID(int=2), chat_id=2, name="Ana", timezone="Europe/Berlin")
    night, noon = datetime(2026, 11, 24, 23, tzinfo=UTC), datetime(2026, 11, 24, 12, tzinfo=UTC)
    screen = Screen(lines=(text_line("help"),))

    def silent(to: Other, now: datetime, *, informs: bool = False) -> list[bool]:
        told = (*notices.told(to, screen, now, informs=informs), *notices.tell(to, now, "help", informs=informs))
        assert all(isinstance(effect, Notify) and effect.to == to for effect in told)
        return [effect.silent for effect in told]

    assert silent(ana, night) == [True, True]
    assert silent(ana, noon) == [False, False]
    assert silent(ana.evolve(quiet_from="00:00", quiet_until="00:00"), night) == [False, False]
    muted = ana.evolve(muted=("about_others",))
    assert silent(muted, noon, informs=True) == []
    assert silent(muted, noon) == [False, False]
    assert silent(ana.evolve(muted=("check_in",)), noon, informs=True) == [False, False]
    assert silent(ana.evolve(unreachable_since=noon), noon) == []


@pytest.mark.parametrize(
    ("roles", "buttons"),
    [
        (("coach",), ["session_soon", "about_others"]),
        (("parent",), ["session_soon", "about_others"]),
        (("coach", "coachee"), [*notices.KINDS, "about_others"]),
        (("operator",), list(notices.KINDS)),
        (("coachee",), list(notices.KINDS)),
    ],
)
async def test_each_role_has_its_kinds(play: Play, roles: tuple[str, ...], buttons: list[str]) -> None:
    """Who looks after others may turn the news of them off; it is kept, and known to who would tell them."""
    ana = play.coachee("Ana")
    await ana.says("/start")
    [user] = play.rows(select(t.users.c.id))
    with play.core.engine.begin() as connection:
        connection.execute(t.user_roles.delete())
        rows = [{"user_id": user.id, "role": role, "created_at": play.clock.now()} for role in roles]
        connection.execute(t.user_roles.insert(), rows)
    await ana.says("/settings")
    await ana.presses("Notifications")
    offered = [data.split(":")[3] for data in ana.screen[-1].buttons.values() if data.split(":")[2] in ("on", "off")]
    assert offered == buttons
    if "about_others" in buttons:
        assert "What you are asked to decide comes all the same." in ana.screen[-1].text
        await ana.presses("News of others")
        assert "News of your coachees or children: off" in ana.screen[-1].text
        with play.core.engine.connect() as connection:
            assert others(connection, [user.id])[user.id].muted == ("about_others",)
