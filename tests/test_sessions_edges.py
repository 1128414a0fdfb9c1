"""Booked sessions as hostile, hurried or confused people meet them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from flows.ids import short_id
from flows.session_acts import moment_code
from storage import tables as t
from tests.booking import booked, happened, press, soon
from tests.coachee import walk
from tests.playbook import Coachee, Play
from tests.servers.bot_api_checks import check_markup
from tests.village import button, coach, coachee, id_of, means, operator, parent


@pytest.fixture
async def play(database: str) -> AsyncIterator[Play]:
    """A stage with an operator, Olga; Ana coaches Mira, whose parent is Paula."""
    async with Play(database) as made:
        await operator(made)
        ana = await coach(made, "Ana")
        mira = await coachee(made, "Mira", ana)
        await parent(made, "Paula", mira, ana)
        yield made


def cast(play: Play) -> tuple[Coachee, Coachee, Coachee]:
    """Ana, Mira, Paula."""
    return play.coachee("Ana"), play.coachee("Mira"), play.coachee("Paula")


def card_of(play: Play, person: Coachee) -> int:
    """The number of somebody's newest card."""
    query = select(t.conversations.c.state).where(t.conversations.c.chat_id == person.chat_id)
    [row] = play.rows(query)
    found: int = row.state["cards"]
    return found


async def plans(play: Play, planner: Coachee, whom: Coachee, day: str, count: int) -> None:
    """Plan so many sessions at 17:00, from a day on ("261201"), and save them."""
    await planner.press_data(f"b:0:{short_id(id_of(play, whom))}:plan")
    card = card_of(play, planner)
    for act in (f"set:day.{day}", "set:time.1700", f"set:count.{count}", "save"):
        await planner.press_data(f"b:{card}::{act}")


# ---- what a parent sees


async def test_a_parent_sees_no_session_that_is_not_shared(play: Play) -> None:
    """Neither in the list nor on the menu; with the child's consent both have it."""
    ana, mira, paula = cast(play)
    await booked(play, ana, mira, soon(play, days=2))
    await play.script("Paula: /agenda")
    assert "Wed 25 Nov" not in paula.screen[-1].text
    await play.script("Paula: /start")
    assert "Wed 25 Nov" not in paula.screen[-1].text
    await mira.press_data(f"h:{card_of(play, mira)}:parent:attendance")
    await play.script("Paula: /agenda\ncoach: Wed 25 Nov, 17:05\nPaula: /start\ncoach: Wed 25 Nov, 17:05")


# ---- order


async def test_sessions_planned_before_those_that_are_open_are_not_behind_them(play: Play) -> None:
    """A second plan that begins first is a programme of its own: its first session can be completed."""
    ana, mira, _ = cast(play)
    await plans(play, ana, mira, "261201", 2)
    await plans(play, ana, mira, "261126", 1)
    await play.pass_time(timedelta(days=4))
    s = t.scheduled_sessions.c
    first = play.rows(select(s.id).order_by(s.starts_at))[0].id
    await ana.press_data(press(first, "complete"))
    assert play.rows(select(s.status).where(s.id == first)) == [("completed",)]


# ---- words


@pytest.mark.parametrize("words", ["9999-12-31 23:59", "0001-01-01 00:00", "31.12.9999 23:30"])
async def test_a_time_at_the_end_of_all_time_is_not_read(play: Play, words: str) -> None:
    """It is asked for again."""
    ana, mira, _ = cast(play)
    await ana.press_data(f"b:0:{short_id(id_of(play, mira))}:slots")
    await ana.press_data(f"b:{card_of(play, ana)}::day:t")
    outcome = await ana.says(words)
    assert outcome.error is None
    await play.script("Ana: tomorrow 17:00\ncoach: Tuesday 24 November 2026, 17:00")


# ---- keyboards


async def test_a_month_is_a_keyboard_that_telegram_takes(play: Play) -> None:
    """The real server refuses the whole message where one button has nothing but white space on it."""
    ana, mira, _ = cast(play)
    await ana.press_data("b:0::weekly:1p15001900")
    await mira.press_data(f"b:0:{short_id(id_of(play, mira))}:slots")
    for month in ("2611", "2612", "2701", "2702"):
        await mira.press_data(f"b:{card_of(play, mira)}::month:{month}")
        rows = mira.newest_with_buttons().message.rows
        keys = [[{"text": key.text, "callback_data": key.data} for key in row] for row in rows]
        assert len(keys[0]) == 7
        check_markup({"inline_keyboard": keys})


# ---- outages


async def test_reminders_that_an_outage_held_up_come_as_one(play: Play) -> None:
    """A day before and an hour before are both due: it is said once."""
    ana, mira, _ = cast(play)
    await booked(play, ana, mira, soon(play, days=2))
    mira.seen = len(mira.screen)
    play.clock.move(soon(play, days=2, minutes=-30))
    await play.pass_time(timedelta(minutes=1))
    assert [shown.text for shown in mira.unseen] == [
        "Session 1 with Ana is on Wednesday 25 November, 17:05 (Berlin), until 17:50, machine 1."
    ]


# ---- somebody drops out meanwhile

TUESDAY = datetime(2026, 12, 1, 16, tzinfo=UTC)
"""Five in Berlin."""


async def holding(play: Play) -> int:
    """Mira holds a time with Ana; gives the number of her card."""
    ana, mira, _ = cast(play)
    await ana.press_data("b:0::weekly:1p15001900")
    await mira.press_data(f"b:0:{short_id(id_of(play, mira))}:slots")
    card = card_of(play, mira)
    await mira.press_data(f"b:{card}::take:{moment_code(TUESDAY)}")
    assert "The time is held for you until" in mira.newest_with_buttons().text
    return card


async def test_a_time_that_is_held_goes_with_the_coach_who_gave_it(play: Play) -> None:
    """It is not booked with nobody: Ana takes no part any more as Mira says yes."""
    ana, mira, _ = cast(play)
    card = await holding(play)
    await means(play.coachee("Olga"), button(play, ana, "off"))
    await mira.press_data(f"b:{card}::book")
    assert "is not free any more" in mira.screen[-2].text + mira.screen[-1].text
    assert play.rows(select(t.scheduled_sessions)) == []


async def test_nothing_is_planned_with_a_coach_who_takes_no_part(play: Play) -> None:
    """An operator plans for their coachee: the sessions wait for a coach."""
    ana, mira, _ = cast(play)
    olga = play.coachee("Olga")
    await means(olga, button(play, ana, "off"))
    await plans(play, olga, mira, "261202", 2)
    assert play.rows(select(t.scheduled_sessions.c.coach_id)) == [(None,), (None,)]


async def test_a_session_whose_time_has_come_is_moved_by_its_coach(play: Play) -> None:
    """A coach without notice: nobody reads of zero hours."""
    ana, mira, _ = cast(play)
    await ana.press_data("b:0::rules:n0")
    session = await booked(play, ana, mira, soon(play, hours=1))
    await play.pass_time(timedelta(minutes=61))
    await mira.press_data(press(session, "move"))
    assert mira.screen[-1].text == "The time of session 1 has come, so only the coach can move it. Ask for it: /human"


# ---- hurried people


async def test_a_second_tap_on_complete_leaves_the_record_where_it_is(play: Play) -> None:
    """What comes next is still what the card shows."""
    ana, mira, _ = cast(play)
    session = await booked(play, ana, mira, soon(play, minutes=30))
    await play.pass_time(timedelta(hours=2))
    await ana.press_data(press(session, "card"))
    data = ana.newest_with_buttons().buttons["Complete"]
    await ana.press_data(data)
    await ana.press_data(data)
    await play.script("toast: Nothing was changed\nAna: /help")
    assert any("Record of session 1" in shown.text for shown in ana.screen[-3:])
    assert happened(play, session) == ["booked", "session_completed"]


async def test_cancel_gives_a_time_back_that_is_held(play: Play) -> None:
    """Nobody else has to wait until the hold ends."""
    _, mira, _ = cast(play)
    card = await holding(play)
    await play.script("Mira: /cancel\ncoach: Nothing was booked.")
    assert play.rows(select(t.slot_holds)) == []
    await mira.press_data(f"b:{card}::book")
    assert play.rows(select(t.scheduled_sessions)) == []
    await play.script("Mira: /cancel\ncoach: No question is open now.")


async def test_a_coach_reads_what_they_can_do_about_a_session_that_was_moved_enough(play: Play) -> None:
    """Not that their coach can do it."""
    ana, mira, _ = cast(play)
    session = await booked(play, ana, mira, soon(play, days=2))
    with play.core.engine.begin() as connection:
        connection.execute(update(t.scheduled_sessions).values(moves=3))
    await ana.press_data(press(session, "move"))
    assert "cannot be moved again. Cancel it on its card and book another." in ana.screen[-1].text


async def test_the_time_of_a_session_without_coach_is_told_to_who_coaches_the_coachee(play: Play) -> None:
    """Not only the morning after: it is they who can take it."""
    ana, mira, _ = cast(play)
    await booked(play, None, mira, soon(play))
    await play.pass_time(timedelta(days=1))
    await play.script("Ana: /help")
    assert any("It is time for session 1 of Mira" in shown.text for shown in ana.screen)


# ---- words that are none


async def test_white_space_is_no_reason_no_record_and_no_day_is_years_ago(play: Play) -> None:
    """What cannot be read says nothing to those who are told; a record is of about the day that was booked."""
    ana, mira, _ = cast(play)
    session = await booked(play, ana, mira, soon(play, days=1))
    await ana.press_data(press(session, "cancel", "other"))
    await ana.says("\u200b\u200b")
    await play.pass_time(timedelta(days=1, hours=1))
    await ana.press_data(press(session, "complete"))
    for part, said in (("notes", "\u200b"), ("topic", "\u2063"), ("on", "1 January 1970")):
        await ana.press_data(press(session, "record", part))
        await ana.says(said)
    s = t.scheduled_sessions.c
    [row] = play.rows(select(s.status, s.record_date, s.record_topic, s.coach_notes, s.cancellation_reason))
    assert (row.status, row.cancellation_reason) == ("completed", None)
    assert row.record_date.year == 2026
    assert {row.record_topic, row.coach_notes} <= {None, ""}


# ---- a conversation that outlives its session, and two who do the same


async def led(play: Play) -> None:
    """Mira is in a conversation that Ana leads."""
    ana, mira, _ = cast(play)
    await booked(play, ana, mira, soon(play, minutes=25))
    await play.script("-- 25 minutes\nMira: [Begin]\ncoach: Session 1 with Ana begins")
    await walk(play, mira, "topic")


async def test_a_coach_is_not_sent_to_complete_a_session_that_is_over(play: Play) -> None:
    """It was completed before Mira had answered all."""
    ana, mira, _ = cast(play)
    await led(play)
    session = play.rows(select(t.scheduled_sessions.c.id))[0].id
    await ana.press_data(press(session, "complete"))
    await walk(play, mira)
    told = [shown.text for shown in ana.screen if "all five steps" in shown.text]
    assert told == ["Mira has done all five steps of session 1."]


async def test_a_conversation_of_a_session_that_was_moved_is_not_called_the_coachees_own(play: Play) -> None:
    """At the new time Mira is asked which one, and Ana reads the same."""
    ana, mira, _ = cast(play)
    await led(play)
    session = play.rows(select(t.scheduled_sessions.c.id))[0].id
    await ana.press_data(press(session, "move"))
    await ana.press_data(f"b:{card_of(play, ana)}::day:t")
    await play.script("Ana: today 19:00\nAna: [Move it there]\n-- until 2026-11-23 19:00")
    s = t.scheduled_sessions.c
    new = play.rows(select(s.id).where(s.status == "pending"))[0].id
    await mira.press_data(press(new, "begin"))
    assert "A conversation from an earlier time is still open, at step 2 of 5" in mira.screen[-1].text
    await mira.presses("Go on with that one")
    await ana.press_data(press(new, "join", "now"))
    await play.pass_time(timedelta(minutes=1))
    assert "Mira is still in the conversation of an earlier time" in ana.screen[-1].text


async def test_two_operators_who_take_the_same_machine_out_tell_its_coaches_once(play: Play) -> None:
    """The second yes finds it done."""
    ana, mira, _ = cast(play)
    olga, oleg = play.coachee("Olga"), await operator(play, "Oleg")
    await booked(play, ana, mira, soon(play, days=2))
    named = short_id(play.rows(select(t.resources.c.id))[0].id)
    for person in (olga, oleg):
        await person.press_data(f"b:0:{named}:out")
    for person in (olga, oleg, oleg):
        await person.press_data(person.screen[-1].buttons.get("Take it out of service") or f"b:0:{named}:out")
    assert sum("is out of service" in shown.text for shown in ana.screen) == 1
    assert "That is done already." in play.screens.toasts
