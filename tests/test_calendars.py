"""Sessions in people's calendars: the file in the chat, who gets it, and what becomes of it when a session moves.

The files are read back by vobject, which did not write them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import vobject
from sqlalchemy import select

from flows import bookings
from flows.diary import SessionRecord
from flows.ids import short_id
from storage import tables as t
from tests.deeds import at, books, cancels, does, moves
from tests.playbook import Coachee, Play
from tests.village import coach, coachee, operator, parent, refusals

FIRST, SECOND, THIRD = "2026-11-24 17:00", "2026-12-01 17:00", "2026-12-08 17:00"
SECRET = "she is afraid of her teacher"


@pytest.fixture
async def play(database: str) -> AsyncIterator[Play]:
    """A stage with Olga, who operates, Ana, who coaches Mira, and Paula, Mira's parent, who sees when her
    sessions are."""
    async with Play(database) as made:
        await operator(made)
        ana = await coach(made, "Ana")
        mira = await coachee(made, "Mira", ana)
        await parent(made, "Paula", mira, ana)
        await shares(mira)
        yield made


async def shares(mira: Coachee) -> None:
    """She lets her parents see her attendance, or lets them no more."""
    await mira.says("/menu")
    card = next(data.split(":")[1] for data in mira.newest_with_buttons().buttons.values() if data.startswith("m:"))
    await mira.press_data(f"h:{card}:parent:attendance")


def people(play: Play) -> tuple[Coachee, Coachee, Coachee]:
    """Ana, Mira and Paula."""
    return play.coachee("Ana"), play.coachee("Mira"), play.coachee("Paula")


def sent(play: Play, person: Coachee) -> Any:
    """The newest calendar file that somebody got, read."""
    chat_id, name, content, _ = play.screens.sent_files[-1]
    assert chat_id == person.chat_id
    assert name.endswith(".ics")
    return vobject.readOne(content.decode())


def entries(calendar: Any) -> list[tuple[str, int, Any, Any, str, str, str]]:
    """What a calendar's entries say."""
    return [
        (
            e.uid.value,
            int(e.sequence.value),
            e.dtstart.value,
            e.dtend.value,
            e.summary.value,
            e.location.value,
            e.status.value,
        )
        for e in calendar.vevent_list
    ]


async def test_the_news_of_a_session_brings_its_file_and_each_reads_whom_they_meet(play: Play) -> None:
    """One entry: when, where, with whom, in the reader's words; nothing else."""
    ana, mira, paula = people(play)
    [first] = await books(play, ana, mira, FIRST)
    for person, title in ((mira, "Session 1 with Ana"), (paula, "Session 1: Mira with Ana")):
        assert "is booked" in person.screen[-1].text
        assert list(person.screen[-1].buttons) == ["Session 1", "Calendar file"]
        await person.presses("Calendar file")
        calendar = sent(play, person)
        starts = at(FIRST)
        wanted = (f"{first}@waymark", 0, starts, starts + timedelta(minutes=45), title, "machine 1", "CONFIRMED")
        assert entries(calendar) == [wanted]
        assert calendar.method.value == "PUBLISH"
        assert calendar.vevent.dtstamp.value == play.clock.now()
    await ana.press_data(f"b:0:{short_id(first)}:file")
    assert sent(play, ana).vevent.summary.value == "Session 1 with Mira"
    await play.coachee("Olga").press_data(f"b:0:{short_id(first)}:file")
    assert sent(play, play.coachee("Olga")).vevent.summary.value == "Session 1: Mira with Ana"


async def test_a_programme_comes_in_one_file(play: Play) -> None:
    """The news of several sessions brings them all; the card of one offers it alone or all that are to come."""
    ana, mira, _ = people(play)
    ids = await books(play, ana, mira, FIRST, SECOND, THIRD)
    await mira.presses("All in one file")
    assert [e[0] for e in entries(sent(play, mira))] == [f"{i}@waymark" for i in ids]
    assert [e[2] for e in entries(sent(play, mira))] == [at(wall) for wall in (FIRST, SECOND, THIRD)]
    await mira.press_data(f"b:0:{short_id(ids[1])}:card")
    assert {"Calendar file", "All in one file"} <= set(mira.newest_with_buttons().buttons)
    await mira.presses("Calendar file")
    assert [e[0] for e in entries(sent(play, mira))] == [f"{ids[1]}@waymark"]
    await cancels(play, ana, ids[1])
    await cancels(play, ana, ids[2])
    await mira.press_data(f"b:0:{short_id(ids[0])}:card")
    assert "All in one file" not in mira.newest_with_buttons().buttons, "there is only one to come"
    await mira.press_data(f"b:0:{short_id(ids[0])}:files")
    assert [e[0] for e in entries(sent(play, mira))] == [f"{ids[0]}@waymark"]


async def test_a_session_that_moves_moves_its_entry(play: Play) -> None:
    """The same uid with a higher sequence, also from a button of the news that told of its first time."""
    ana, mira, _ = people(play)
    [first] = await books(play, ana, mira, FIRST)
    await mira.presses("Calendar file")
    before = entries(sent(play, mira))[0]
    second = await moves(play, ana, first, SECOND)
    assert "was moved" in mira.screen[-1].text
    await mira.presses("Calendar file")
    moved = entries(sent(play, mira))[0]
    assert (moved[0], moved[1] > before[1], moved[2]) == (before[0], True, at(SECOND))
    third = await moves(play, ana, second, THIRD)
    for old in (first, second, third):
        await mira.press_data(f"b:0:{short_id(old)}:file")
        [now] = entries(sent(play, mira))
        assert (now[0], now[1], now[2]) == (before[0], 2, at(THIRD))


async def test_a_cancelled_session_takes_its_entry_back(play: Play) -> None:
    """METHOD:CANCEL with a higher sequence; the reason stays in the chat."""
    ana, mira, _ = people(play)
    [first] = await books(play, ana, mira, FIRST)
    await cancels(play, ana, first, SECRET)
    assert "is cancelled" in mira.screen[-1].text
    await mira.presses("Calendar file")
    calendar = sent(play, mira)
    assert calendar.method.value == "CANCEL"
    [entry] = entries(calendar)
    assert (entry[0], entry[1], entry[6]) == (f"{first}@waymark", 1, "CANCELLED")
    assert entry[4] == "Cancelled: Session 1 with Ana"
    _, _, content, caption = play.screens.sent_files[-1]
    assert SECRET.encode() not in content
    assert "take this out" in caption


async def test_no_word_of_a_session_is_in_its_file(play: Play) -> None:
    """What the coach put down of it stays out."""
    ana, mira, _ = people(play)
    [first] = await books(play, ana, mira, FIRST)
    record = SessionRecord(on=at(FIRST).date(), topic=SECRET, notes=SECRET)
    await play.pass_time(at(FIRST) - play.clock.now() + timedelta(hours=1))
    await does(play, ana, first, lambda s, scene: bookings.completed(s.evolve(record=record), s.coach, scene)[0])
    for person in people(play)[:2]:
        await person.press_data(f"b:0:{short_id(first)}:file")
        assert SECRET.encode() not in play.screens.sent_files[-1][2]


async def test_who_may_not_see_a_session_gets_no_file_of_it(play: Play) -> None:
    """A stranger, and a parent to whom the child shows no attendance: refused, audited, nothing sent."""
    ana, mira, paula = people(play)
    [first] = await books(play, ana, mira, FIRST)
    nina = play.coachee("Nina")
    await nina.says("/help")
    await shares(mira)
    count = len(play.screens.sent_files)
    for person in (nina, paula):
        for act in ("file", "files"):
            await person.press_data(f"b:0:{short_id(first)}:{act}")
    assert len(play.screens.sent_files) == count
    assert [r.reason for r in refusals(play)] == ["relation", "relation", "not_shared", "not_shared"]


@pytest.mark.parametrize(
    "data", ["b:0::file", "b:0:nonsense:file", "b:0:AAAAAAAAAAAAAAAAAAAAAA:files", "b:0:x:y:z:file"]
)
async def test_a_forged_button_of_a_file_sends_nothing(play: Play, data: str) -> None:
    ana, mira, _ = people(play)
    await books(play, ana, mira, FIRST)
    await mira.press_data(data)
    assert play.screens.sent_files == []
    assert play.screens.toasts[-1]


async def test_a_file_that_was_not_sent_is_sent_by_the_next_process(play: Play) -> None:
    """The outbox has what the file needs, in the words of who reads it, and no more."""
    ana, mira, _ = people(play)
    [first] = await books(play, ana, mira, FIRST)
    put, play.core.performer.put = play.core.performer.put, lambda rows: None  # type: ignore[method-assign]
    await mira.press_data(f"b:0:{short_id(first)}:file")
    play.core.performer.put = put  # type: ignore[method-assign]
    [kept] = play.rows(select(t.outbox.c.payload).where(t.outbox.c.kind == "invitation"))
    assert [e["title"] for e in kept.payload["entries"]] == ["Session 1 with Ana"]
    assert play.screens.sent_files == []
    await play.restart()
    assert sent(play, mira).vevent.uid.value == f"{first}@waymark"
