"""A coach's hours, and choosing a time within them: as everybody sees it, each on their own clock."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from rich.console import Console
from sqlalchemy import select

from bot.render import messages
from bot.settings import Settings
from bot.terminal import TerminalMessenger
from flows.effects import Choice, Screen, text_line
from flows.ids import short_id
from flows.session_acts import moment_code
from storage import tables as t
from tests.playbook import Coachee, Play
from tests.village import coach, coachee, id_of, operator, parent, refusals

WEEKDAYS = "Monday | Tuesday | Wednesday | Thursday | Friday | Saturday | Sunday"


@pytest.fixture
async def play(database: str) -> AsyncIterator[Play]:
    """A stage with an operator, Olga."""
    async with Play(database) as made:
        await operator(made)
        yield made


async def pair(play: Play, *hours: str) -> tuple[Coachee, Coachee]:
    """Ana in Berlin, with hours on Tuesdays if they are named, and Mira in New York."""
    ana = await coach(play, "Ana")
    mira = await coachee(play, "Mira", ana)
    await mira.says("/timezone New York")
    if hours:
        await play.script("Ana: /agenda\nAna: [My hours]\nAna: [Tuesday]")
        for span in hours:
            await play.script(f"Ana: [Other hours]\nAna: {span}")
    return ana, mira


def top(person: Coachee) -> str:
    """What the newest message says."""
    return person.screen[-1].text


def booked(play: Play) -> list[tuple[int, str, datetime, str]]:
    """Every session's number, coachee, time and status."""
    s, u = t.scheduled_sessions.c, t.users.c
    query = select(s.session_number, u.name, s.starts_at, s.status).join(t.users, u.id == s.coachee_id)
    return [tuple(row) for row in play.rows(query.order_by(s.starts_at, s.session_number))]


# ---- hours


async def test_a_coach_sets_hours(play: Play) -> None:
    """By presets and in words; what overlaps is one span."""
    ana, _ = await pair(play)
    await play.script(
        f"""
        Ana: /agenda
        Ana: [My hours]
        coach said nothing
        buttons: {WEEKDAYS} | Single days | Rules | Sessions
        Ana: [Tuesday]
        buttons: 09:00-12:00 | 14:00-18:00 | 09:00-17:00 | Other hours | My hours
        Ana: [09:00-12:00]
        Ana: [Other hours]
        Ana: 11 to 1pm
        coach: Hours: 09:00-13:00.
        Ana: [Other hours]
        Ana: 19:00-15:00
        coach: That ends before it begins.
        Ana: afternoons
        coach: I could not read two times of day.
        Ana: 15:00-19:00
        coach: Hours: 09:00-13:00 and 15:00-19:00.
        Ana: [Remove 15:00-19:00]
        """
    )
    assert "Taken away from Tuesday: 15:00-19:00." in top(ana)
    await play.script("Ana: [Undo]\nAna: [Monday to Friday too]")
    assert "Monday to Friday have these hours now: 09:00-13:00 and 15:00-19:00." in top(ana)
    await play.script("Ana: [My hours]\nAna: [Monday]\nAna: [Clear the day]")
    await play.script("Ana: [My hours]")
    assert "• Monday" not in top(ana)
    assert "• Friday: 09:00-13:00 and 15:00-19:00" in top(ana)


async def test_hours_that_would_be_lost_are_asked_about(play: Play) -> None:
    """To copy a day over others asks first."""
    ana, _ = await pair(play, "9-12")
    await play.script("Ana: [My hours]\nAna: [Monday]\nAna: [14:00-18:00]\nAna: [Monday to Friday too]")
    assert "What these days have now would be lost:" in top(ana)
    await play.script("Ana: [Leave them]\nAna: [Monday to Friday too]\nAna: [Yes, give them these hours]")
    [row] = play.rows(select(t.availabilities.c.weekly))
    assert row.weekly == [[day, ["14:00", "18:00"]] for day in range(5)]


async def test_single_days_are_read_back_with_their_year(play: Play) -> None:
    """Off, or with other hours; they can be taken away, and past ones are dropped."""
    ana, _ = await pair(play, "9-17")
    await play.script(
        """
        Ana: [My hours]
        Ana: [Single days]
        Ana: [Add a day]
        Ana: whenever
        coach: I could not read a day.
        Ana: 24 December
        coach: Thursday 24 December 2026: no hours. Is that right?
        Ana: [Yes, that is right]
        Ana: [Add a day]
        Ana: 24 Nov 9-11
        coach: Tuesday 24 November 2026: 09:00-11:00.
        Ana: [Yes, that is right]
        buttons: Remove Tue 24 Nov | Remove Thu 24 Dec | Add a day | My hours
        -- 3 days
        Ana: [My hours]
        Ana: [Rules]
        Ana: [15 min between]
        Ana: [24 h before]
        Ana: [60 min long]
        """
    )
    assert "A session lasts 60 minutes, with 15 minutes between two. It can be booked until 24 hours" in top(ana)
    [row] = play.rows(select(t.availabilities))
    assert (row.minutes, row.buffer, row.notice_hours, list(row.exceptions)) == (60, 15, 24, ["2026-12-24"])
    await play.script("Ana: [My hours]\nAna: [Single days]\nAna: [Remove Thu 24 Dec]\nAna: [Undo]")
    assert "Thursday 24 December 2026: no hours" in top(ana)
    await play.script("Ana: [Add a day]\nAna: /cancel\ncoach: Your hours stay as they were.\nAna: 25 December")
    assert "Is that right" not in top(ana)


# ---- choosing


async def test_a_coachee_books_on_their_own_clock(play: Play) -> None:
    """Only days with free times can be pressed; the time is held, read back on both clocks, and booked."""
    ana, mira = await pair(play, "15:00-19:00")
    await play.script("Mira: /agenda\nMira: [Book a time]")
    assert "Times are on your clock, New York. Ana is in Berlin." in top(mira)
    shown = mira.newest_with_buttons()
    days = [text for text, data in shown.buttons.items() if ":day:" in data]
    assert days == ["24"]
    await play.script(
        """
        Mira: [Tu]
        toast: No free time there.
        Mira: [December 2026 »]
        Mira: [1]
        buttons: 09:00 | 09:30 | 10:00 | 10:30 | 11:00 | 11:30 | 12:00 | December 2026 | Sessions
        Mira: [11:00]
        """
    )
    assert "Tuesday 1 December 2026, 11:00 (New York), until 11:45, machine 1." in top(mira)
    assert "For Ana that is Tue 1 Dec, 17:00 (Berlin)." in top(mira)
    assert "The time is held for you until 11:15." in top(mira)
    await play.script("Mira: [Book it]")
    assert "Session 1 is booked: Tuesday 1 December 2026, 11:00 (New York)" in top(mira)
    assert "Session 1 of Mira is booked: Tuesday 1 December, 17:00 (Berlin), until 17:45, with Ana" in top(ana)
    at = datetime(2026, 12, 1, 16, tzinfo=UTC)
    assert booked(play) == [(1, "Mira", at, "scheduled")]
    assert play.rows(select(t.slot_holds)) == []
    await play.script("Mira: [Sessions]\nMira: [Book a time]\nMira: [December 2026 »]\nMira: [8]")
    await play.script("Mira: [09:00]\nMira: [Book it]")
    assert [row[0] for row in booked(play)] == [1, 2]


# ---- two for one time, holds


async def taking(play: Play, person: Coachee, at: datetime, whom: Coachee | None = None) -> None:
    """Press a time on a calendar, as it was shown some while ago."""
    await person.press_data(f"b:0:{short_id(id_of(play, whom or person))}:slots")
    await person.press_data(f"b:{cards(play, person)}::take:{moment_code(at)}")


def cards(play: Play, person: Coachee) -> int:
    """The number of somebody's newest card."""
    query = select(t.conversations.c.state).where(t.conversations.c.chat_id == person.chat_id)
    [row] = play.rows(query)
    found: int = row.state["cards"]
    return found


def offered(person: Coachee) -> list[str]:
    """The times that the newest card with buttons offers."""
    return [text for text, data in person.newest_with_buttons().buttons.items() if ":take:" in data]


TUESDAY = datetime(2026, 12, 1, 16, tzinfo=UTC)
"""Eleven in New York, five in Berlin."""


async def test_two_people_for_one_time(play: Play) -> None:
    """Who comes second is told so, with the nearest times; they can look at the rest."""
    ana, mira = await pair(play, "15:00-19:00")
    tom = await coachee(play, "Tom", ana)
    await taking(play, mira, TUESDAY)
    await taking(play, tom, TUESDAY)
    assert top(tom).startswith("Tuesday 1 December, 17:00 (Berlin) is not free any more.")
    assert offered(tom) == ["Tue 1 Dec, 16:00 (Berlin)", "Tue 1 Dec, 18:00 (Berlin)", "Tue 1 Dec, 15:30 (Berlin)"]
    await play.script("Mira: [Book it]\nTom: [Tue 1 Dec, 18:00 (Berlin)]\nTom: [Book it]")
    assert [(name, at) for _, name, at, _ in booked(play)] == [
        ("Mira", TUESDAY),
        ("Tom", TUESDAY + timedelta(hours=1)),
    ]


async def test_a_hold_that_ran_out_is_booked_if_it_is_still_free(play: Play) -> None:
    """Nobody else wanted it meanwhile."""
    _, mira = await pair(play, "15:00-19:00")
    await taking(play, mira, TUESDAY)
    await play.script("-- 3 hours\nMira: [Book it]")
    assert [row[1:] for row in booked(play)] == [("Mira", TUESDAY, "scheduled")]


async def test_a_hold_that_ran_out_and_was_taken_by_somebody_else(play: Play) -> None:
    """The time is theirs who booked it; the other one is offered what is near."""
    ana, mira = await pair(play, "15:00-19:00")
    tom = await coachee(play, "Tom", ana)
    await taking(play, mira, TUESDAY)
    await play.script("-- 11 minutes")
    await taking(play, tom, TUESDAY)
    await play.script("Tom: [Book it]\nMira: [Book it]")
    assert "is not free any more" in top(mira)
    assert offered(mira)
    assert [row[1] for row in booked(play)] == ["Tom"]


async def test_a_time_that_is_left_is_free_for_others(play: Play) -> None:
    """[Leave it] gives it back, [Another time] too; of two that somebody takes the first is free again."""
    ana, mira = await pair(play, "15:00-19:00")
    tom = await coachee(play, "Tom", ana)
    for leaving in ("Leave it", "Another time"):
        await taking(play, mira, TUESDAY)
        await mira.presses(leaving)
        assert play.rows(select(t.slot_holds)) == []
    assert "December 2026: press a day" in top(mira)
    await taking(play, mira, TUESDAY)
    await taking(play, mira, TUESDAY + timedelta(hours=1))
    await taking(play, tom, TUESDAY)
    assert len(play.rows(select(t.slot_holds))) == 2
    assert "Book it" in tom.newest_with_buttons().buttons


async def test_a_second_tap_books_nothing_more(play: Play) -> None:
    """And a button of a card that was closed since does nothing."""
    _, mira = await pair(play, "15:00-19:00")
    await taking(play, mira, TUESDAY)
    data = mira.newest_with_buttons().buttons["Book it"]
    for _ in range(3):
        await mira.press_data(data)
    assert len(booked(play)) == 1
    await play.script("toast: That card is old.")


@pytest.mark.parametrize("act", ["take:zzzzzz", "take:-1", "take:", "day:269999", "month:9913", "day:t", "leave:x"])
async def test_forged_buttons_take_nothing(play: Play, act: str) -> None:
    """Whatever they name, the person gets a screen or a word."""
    _, mira = await pair(play, "15:00-19:00")
    await play.script("Mira: /agenda\nMira: [Book a time]")
    await mira.press_data(f"b:{cards(play, mira)}::{act}")
    assert play.rows(select(t.slot_holds)) == []
    assert play.rows(select(t.updates.c.state).where(t.updates.c.state == "retry")) == []
    assert "Something went wrong" not in top(mira)


async def test_a_coachee_cannot_take_what_the_coach_does_not_offer(play: Play) -> None:
    """Outside the hours, too near, too far, or past."""
    _, mira = await pair(play, "15:00-19:00")
    now = play.clock.now()
    for at in (
        TUESDAY + timedelta(days=1),
        TUESDAY + timedelta(hours=1, minutes=30),
        now + timedelta(minutes=5),
        TUESDAY + timedelta(days=364),
        TUESDAY - timedelta(days=14),
    ):
        await taking(play, mira, at)
        assert "is not free any more" in top(mira), at
    assert play.rows(select(t.slot_holds)) == []


# ---- who


async def test_a_parent_books_for_a_child_and_nobody_else_does(play: Play) -> None:
    """Where the child lets them see when sessions are; a stranger is refused."""
    ana, mira = await pair(play, "15:00-19:00")
    paula = await parent(play, "Paula", mira, ana)
    await taking(play, paula, TUESDAY, mira)
    assert refusals(play)[-1].reason == "not_shared"
    with play.core.engine.begin() as connection:
        connection.execute(t.users.update().where(t.users.c.name == "Mira").values(birth_year=2013))
    await paula.says("/timezone Kathmandu")
    await taking(play, paula, TUESDAY, mira)
    assert "Tuesday 1 December 2026, 21:45 (Kathmandu), until 22:30, machine 1." in top(paula)
    assert "For Ana that is Tue 1 Dec, 17:00 (Berlin)." in top(paula)
    await paula.presses("Book it")
    assert "Session 1 is booked: Tuesday 1 December, 11:00 (New York), until 11:45, with Ana" in top(mira)
    nina = await coachee(play, "Nina", await coach(play, "Ben"))
    await taking(play, nina, TUESDAY + timedelta(hours=1), mira)
    assert refusals(play)[-1].reason == "relation"
    assert len(booked(play)) == 1


async def test_a_coachee_of_a_coach_without_hours_is_told_what_to_do(play: Play) -> None:
    """No times, and whom to ask."""
    ana, mira = await pair(play)
    await play.script("Mira: /agenda\nMira: [Book a time]")
    assert "Ana has not set any hours yet" in top(mira)
    assert "/human" in top(mira)
    await taking(play, ana, TUESDAY, mira)
    assert "Book it" in ana.newest_with_buttons().buttons


async def test_a_coach_names_any_time_in_words(play: Play) -> None:
    """It is read back; what is in the way is said; nobody else can."""
    ana, mira = await pair(play, "15:00-19:00")
    tom = await coachee(play, "Tom", ana)
    await ana.press_data(f"b:0:{short_id(id_of(play, mira))}:slots")
    await play.script(
        """
        Ana: [Another time]
        Ana: sometime
        coach: I could not read a day and a time.
        Ana: saturday 28 november at 8 pm
        coach: Saturday 28 November 2026, 20:00 (Berlin), until 20:45, machine 1.
        buttons: Book it | Another time | Leave it
        Ana: [Book it]
        """
    )
    assert booked(play) == [(1, "Mira", datetime(2026, 11, 28, 19, tzinfo=UTC), "scheduled")]
    assert "For Mira that is Sat 28 Nov, 14:00 (New York)." in top(ana)
    await ana.press_data(f"b:0:{short_id(id_of(play, tom))}:slots")
    await play.script("Ana: [Another time]\nAna: 28 Nov 20:30\ncoach: cannot be had: Ana is in a session then")
    await ana.press_data(f"b:0:{short_id(id_of(play, tom))}:slots")
    await play.script("Ana: [Another time]\nAna: /cancel\ncoach: Nothing was booked.")
    olga = play.coachee("Olga")
    await olga.press_data(f"b:0:{short_id(id_of(play, tom))}:slots")
    await play.script("Olga: [Another time]\nOlga: 29.11. 9:00\ncoach: Sunday 29 November 2026\nOlga: [Book it]")
    assert [row[1] for row in booked(play)] == ["Mira", "Tom"]


# ---- another time for a session


async def session(play: Play, person: Coachee, at: datetime = TUESDAY) -> str:
    """A booked session of somebody; its id in a button."""
    await taking(play, person, at)
    await person.presses("Book it")
    [row] = play.rows(select(t.scheduled_sessions.c.id).where(t.scheduled_sessions.c.starts_at == at))
    return short_id(row.id)


async def test_a_session_is_moved_and_the_old_card_leads_to_the_new_one(play: Play) -> None:
    """The same number; its own time is not in the way; both are told on their clocks."""
    ana, mira = await pair(play, "15:00-19:00")
    old = await session(play, mira)
    await mira.press_data(f"b:0:{old}:card")
    await play.script("Mira: [Reschedule]")
    assert "Another time for session 1, now on Tuesday 1 December, 11:00 (New York)" in top(mira)
    await play.script("Mira: [December 2026 »]\nMira: [1]\nMira: [11:30]\nMira: [Move it there]")
    assert "Session 1 was moved from Tuesday 1 December, 11:00 (New York) to Tuesday 1 December 2026, 11:30" in top(
        mira
    )
    assert "moved from Tuesday 1 December, 17:00 (Berlin) to Tuesday 1 December, 17:30 (Berlin)" in top(ana)
    later = TUESDAY + timedelta(minutes=30)
    assert booked(play) == [(1, "Mira", TUESDAY, "rescheduled"), (1, "Mira", later, "scheduled")]
    await ana.press_data(f"b:0:{old}:card")
    assert "Moved to another time" in top(ana)
    await ana.presses("Now on Tue 1 Dec, 17:30 (Berlin)")
    assert "Booked" in top(ana)
    await mira.press_data(f"b:0:{old}:move")
    assert "Moved to another time" in top(mira)
    assert len(booked(play)) == 2


async def test_a_session_is_moved_so_often_and_not_more(play: Play) -> None:
    """Three times here; whoever asks."""
    ana, mira = await pair(play, "15:00-19:00")
    there = await session(play, mira)
    for who, minutes in ((mira, 30), (ana, 60), (mira, 0)):
        at = TUESDAY + timedelta(minutes=minutes)
        await who.press_data(f"b:0:{there}:move")
        await who.press_data(f"b:{cards(play, who)}::take:{moment_code(at)}")
        await who.presses("Move it there")
        [row] = play.rows(select(t.scheduled_sessions.c.id).where(t.scheduled_sessions.c.status == "scheduled"))
        there = short_id(row.id)
    for who in (mira, ana):
        await who.press_data(f"b:0:{there}:move")
        assert "Session 1 was moved 3 times, and cannot be moved again." in top(who)
    assert sorted(row[3] for row in booked(play)) == ["rescheduled"] * 3 + ["scheduled"]


async def test_near_its_time_only_the_coach_moves_a_session(play: Play) -> None:
    """The coach's notice is twelve hours; [Move it there] that is pressed too late does not help."""
    ana, mira = await pair(play, "15:00-19:00")
    there = await session(play, mira)
    await mira.press_data(f"b:0:{there}:move")
    await mira.press_data(f"b:{cards(play, mira)}::take:{moment_code(TUESDAY + timedelta(days=7))}")
    await play.script("-- until 2026-12-01 06:00")
    label = "Move it there"
    waiting = next(shown for shown in reversed(mira.screen) if label in shown.buttons)
    await mira.press_data(waiting.buttons[label])
    assert (
        "begins in less than 12 hours, so only the coach can move it" in mira.screen[mira.screen.index(waiting)].text
    )
    await ana.press_data(f"b:0:{there}:move")
    await ana.press_data(f"b:{cards(play, ana)}::take:{moment_code(TUESDAY + timedelta(days=7))}")
    await ana.presses(label)
    assert [row[3] for row in booked(play)] == ["rescheduled", "scheduled"]


@pytest.mark.parametrize("act", ["move", "slots"])
async def test_the_policy_says_who_moves(database: str, act: str) -> None:
    """Here only coaches do; a coachee can still book."""
    async with Play(database, session_move_by="coach", hold_minutes=2) as play:
        await operator(play)
        _, mira = await pair(play, "15:00-19:00")
        there = await session(play, mira)
        await mira.press_data(f"b:0:{there}:card")
        assert "Reschedule" not in mira.newest_with_buttons().buttons
        if act == "move":
            await mira.press_data(f"b:0:{there}:move")
            assert refusals(play)[-1].reason == "policy"
        else:
            await taking(play, mira, TUESDAY + timedelta(hours=1))
            assert "The time is held for you until 11:07." in top(mira)


# ---- clocks that change


async def test_the_weeks_in_which_one_clock_has_changed_and_the_other_has_not(play: Play) -> None:
    """From 14 to 28 March 2027 New York is five hours from Berlin, and not six."""
    ana, mira = await pair(play, "15:00-19:00")
    play.clock.move(datetime(2027, 3, 10, 12, tzinfo=UTC))
    await play.script("Mira: /agenda\nMira: [Book a time]\nMira: [16]")
    assert offered(mira)[0] == "10:00"
    await play.script("Mira: [10:00]\nMira: [Book it]")
    assert "Tuesday 16 March, 15:00 (Berlin)" in top(ana)
    await play.script("Mira: [Sessions]\nMira: [Book a time]\nMira: [30]")
    assert offered(mira)[0] == "09:00"
    assert booked(play)[0][2] == datetime(2027, 3, 16, 14, tzinfo=UTC)


# ---- what a calendar is made of


def test_a_grid_stands_side_by_side_and_other_buttons_below_it() -> None:
    """Weeks of seven, and the rest by two."""
    cells = tuple(Choice(data=f"b:1::day:{n}", label=str(n)) for n in range(14))
    rest = tuple(Choice(data=f"b:1::{name}", label=name) for name in ("month", "leave", "agenda"))
    screen = Screen(lines=(text_line("pick.left"),), choices=(*cells, *rest), per_row=2, grid=(14, 7))
    [message] = messages(screen, "en")
    assert [len(row) for row in message.rows] == [7, 7, 2, 1]


async def test_a_terminal_shows_only_the_days_that_can_be_chosen() -> None:
    """Empty cells have no number there, and take none from the others."""
    console = Console(file=StringIO(), width=100)
    terminal = TerminalMessenger(console)
    cells = tuple(
        Choice(data="b:1::day:261201" if n == 8 else "b:1::none", label="1" if n == 8 else "·") for n in range(14)
    )
    out = Choice(data="b:1::agenda", label="Sessions")
    screen = Screen(lines=(text_line("pick.left"),), choices=(*cells, out), per_row=2, grid=(14, 7))
    [message] = messages(screen, "en")
    await terminal.send(1, message, "menu1")
    assert "·" not in console.file.getvalue()  # type: ignore[attr-defined]
    assert [button.data for button in terminal.take_buttons()] == ["b:1::day:261201", "b:1::agenda"]


@pytest.mark.parametrize("value", ["coach,teacher", " , "])
def test_a_policy_of_roles_that_there_are_not_stops_the_start(value: str) -> None:
    """With a word about which there are."""
    with pytest.raises(ValueError, match="coachee, coach, parent, operator"):
        Settings(_env_file=None, session_move_by=value)
    assert Settings(_env_file=None, session_cancel_by="Parent, coach").policy.cancel_by == ("coach", "parent")
