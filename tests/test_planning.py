"""Planning several sessions at once: as the coach, the coachee and the parent see it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import pytest
from sqlalchemy import insert, select, update

from flows.ids import short_id
from flows.session_acts import moment_code
from storage import tables as t
from tests.conftest import MACHINE_1
from tests.playbook import START, Coachee, Play
from tests.village import arrived, coach, coachee, id_of, operator, parent, refusals

MACHINE = MACHINE_1["id"]


@pytest.fixture
async def play(database: str) -> AsyncIterator[Play]:
    """A stage on a fresh database, with Ana who coaches Mira, whose parent is Paula."""
    async with Play(database) as stage:
        await people(stage)
        yield stage


async def people(play: Play) -> None:
    await operator(play)
    ana = await coach(play, "Ana")
    mira = await coachee(play, "Mira", ana)
    await parent(play, "Paula", mira, ana)
    # a minor, whose parent may see the attendance
    writes(play, update(t.users).where(t.users.c.id == id_of(play, mira)).values(birth_year=2012))


def writes(play: Play, statement: Any) -> None:
    """Something is changed beside the product."""
    with play.core.engine.begin() as connection:
        connection.execute(statement)


def lives_in(play: Play, name: str, zone: str) -> None:
    writes(play, update(t.users).where(t.users.c.id == id_of(play, play.people[name])).values(timezone=zone))


def hours(play: Play, name: str, exceptions: dict[str, Any] | None = None) -> None:
    """Ana can be booked on Tuesdays and Thursdays from three to seven."""
    values = {
        "coach_id": id_of(play, play.people[name]),
        "weekly": [[day, ["15:00", "19:00"]] for day in (1, 3)],
        "exceptions": exceptions or {},
        "minutes": 45,
        "buffer": 0,
        "notice_hours": 12,
        "updated_at": START,
        "created_at": START,
    }
    writes(play, insert(t.availabilities).values(**values))


def sessions(play: Play) -> list[Any]:
    s = t.scheduled_sessions.c
    return play.rows(select(t.scheduled_sessions).order_by(s.starts_at))


def waiting(play: Play) -> int:
    """How many timers of sessions are to fire."""
    c = t.timers.c
    return len(play.rows(select(c.id).where(c.kind.like("session_%"), c.state == "pending")))


def times(play: Play) -> list[str]:
    return [f"{row.starts_at:%m-%d %H:%M}" for row in sessions(play) if row.status == "scheduled"]


def takes(play: Play, starts_at: str, *, who: str = "", whom: str = "Mira", minutes: int = 45) -> UUID:
    """Another session stands in the diaries, as it were by another hand."""
    at = datetime.fromisoformat(starts_at).replace(tzinfo=UTC)
    number = len(sessions(play)) + 1
    row = {
        "id": uuid5(UUID(int=0), f"{starts_at}{who}{whom}"),
        "programme_id": uuid5(UUID(int=1), f"{starts_at}{who}{whom}"),
        "session_number": number,
        "coachee_id": id_of(play, play.people[whom]),
        "coach_id": id_of(play, play.people[who]) if who else None,
        "resource_id": MACHINE,
        "starts_at": at,
        "ends_at": at + timedelta(minutes=minutes),
        "status": "scheduled",
        "version": 1,
        "moves": 0,
        "cancellation_status": "none",
        "calendar_uid": "",
        "calendar_sequence": 0,
        "calendar_state": "none",
        "created_at": START - timedelta(days=1),
        "updated_at": START,
    }
    programme = {
        "id": row["programme_id"],
        "coachee_id": row["coachee_id"],
        "coach_id": row["coach_id"],
        "timezone": "Europe/Berlin",
        "minutes": 45,
        "created_at": START - timedelta(days=1),
    }
    writes(play, insert(t.programmes).values(**programme))
    writes(play, insert(t.scheduled_sessions).values(**row))
    return UUID(str(row["id"]))


def second_machine(play: Play, number: int = 2) -> None:
    values = {**MACHINE_1, "id": uuid5(UUID(int=2), str(number)), "number": number, "kind": "room"}
    writes(play, insert(t.resources).values(**values))


async def plans(play: Play, *labels: str, who: str = "Ana", whom: str = "Mira") -> Coachee:
    """A coach opens the plan of a coachee and chooses."""
    person = play.people[who]
    await person.press_data(f"b:0:{short_id(id_of(play, play.people[whom]))}:plan")
    for label in labels:
        await person.presses(label)
    return person


def screen(person: Coachee) -> str:
    return person.newest_with_buttons().text


def labels(person: Coachee) -> list[str]:
    return list(person.newest_with_buttons().buttons)


def heard(person: Coachee, words: str) -> list[str]:
    return [shown.text for shown in person.screen if words in shown.text]


EIGHT = ("Tue 1 Dec", "17:00", "8", "Look at all")


async def test_eight_tuesdays(play: Play) -> None:
    hours(play, "Ana")
    await play.script(
        """
        Ana: /book
        coach: For whom
        Ana: [Mira]
        Ana: [Plan several]
        Ana: [Tue 1 Dec]
        Ana: [17:00]
        """
    )
    ana = play.people["Ana"]
    assert "First: Tuesday 1 December, 17:00 (Berlin)" in screen(ana)
    await ana.presses("8")
    assert "every week · 8 sessions · 45 minutes · any free place" in screen(ana)
    await ana.presses("Look at all")
    assert "• 1: Tue 1 Dec, 17:00 · machine 1" in screen(ana)
    assert "outside" not in screen(ana)
    assert sessions(play) == []
    mira, paula = play.people["Mira"], play.people["Paula"]
    before = [len(person.screen) for person in (mira, paula)]
    await ana.presses("Save the 8")
    assert times(play) == [
        *("12-01 16:00", "12-08 16:00", "12-15 16:00", "12-22 16:00"),
        *("12-29 16:00", "01-05 16:00", "01-12 16:00", "01-19 16:00"),
    ]
    assert [row.session_number for row in sessions(play)] == list(range(1, 9))
    assert len({row.programme_id for row in sessions(play)}) == 1
    assert "8 sessions with Mira are saved." in screen(ana)
    for person, had in zip((mira, paula), before, strict=True):
        assert len(person.screen) == had + 1, "one message tells of all"
        assert person.screen[-1].text.count("• ") == 8
    assert "8 sessions with Ana are booked:" in mira.screen[-1].text
    assert "8 sessions of Mira with Ana are booked:" in paula.screen[-1].text
    assert len(play.rows(select(t.learning_events.c.id))) == 8


async def test_a_second_press_on_save_saves_nothing_more(play: Play) -> None:
    ana = await plans(play, *EIGHT)
    data = ana.newest_with_buttons().buttons["Save the 8"]
    await ana.presses("Save the 8")
    mira = len(play.people["Mira"].screen)
    await ana.press_data(data)
    assert len(sessions(play)) == 8
    assert len(play.people["Mira"].screen) == mira
    assert "8 sessions with Mira are saved." in screen(ana)


async def test_undo_takes_all_back_with_one_message(play: Play) -> None:
    ana = await plans(play, *EIGHT, "Save the 8")
    mira = play.people["Mira"]
    before = len(mira.screen)
    assert waiting(play) == 8 * 5, "its beginning, two reminders of hers, one of Ana's, one of Paula's"
    data = ana.newest_with_buttons().buttons["Undo"]
    await ana.presses("Undo")
    assert {row.status for row in sessions(play)} == {"cancelled"}
    assert len(mira.screen) == before + 1
    assert "The booking of 8 sessions with Ana was taken back." in mira.screen[-1].text
    assert "8 sessions are taken back." in screen(ana)
    assert waiting(play) == 0
    await ana.press_data(data)
    assert len(mira.screen) == before + 1
    await ana.presses("Plan several")
    await play.script("Ana: [Tue 1 Dec]\nAna: [17:00]\nAna: [2]\nAna: [Look at all]\nAna: [Save the 2]")
    assert times(play) == ["12-01 16:00", "12-08 16:00"]
    assert [row.session_number for row in sessions(play) if row.status == "scheduled"] == [1, 2]


async def test_undo_is_over_after_some_minutes_and_says_so(play: Play) -> None:
    ana = await plans(play, *EIGHT, "Save the 8")
    await play.script("-- 11 minutes\nAna: [Undo]\ntoast: It is too late to take all back at once.")
    assert len(times(play)) == 8
    assert "Undo" not in labels(ana)


async def test_undo_keeps_what_was_changed_meanwhile(play: Play) -> None:
    ana = await plans(play, *EIGHT, "Save the 8")
    first = sessions(play)[0]
    s = t.scheduled_sessions
    writes(play, update(s).where(s.c.id == first.id).values(status="cancelled", version=2))
    await ana.presses("Undo")
    assert "7 sessions are taken back." in screen(ana)
    assert "One was changed meanwhile and stays" in screen(ana)


async def test_holidays_are_skipped_by_name_and_the_series_goes_on(play: Play) -> None:
    hours(play, "Ana", {"2026-12-18": []})
    ana = await plans(play, "Fri 4 Dec", "17:00", "6", "Look at all")
    assert "Skipped: Fri 18 Dec (day off), Fri 25 Dec (Christmas Day), and Fri 1 Jan (New Year's Day)." in screen(ana)
    assert "• 6: Fri 29 Jan, 17:00 · machine 1 · outside your hours" in screen(ana)
    await ana.presses("Save the 6")
    assert [at[:5] for at in times(play)] == ["12-04", "12-11", "01-08", "01-15", "01-22", "01-29"]


@pytest.mark.parametrize(
    ("setting", "skipped"), [("none", False), ("DE-BE", True), ("US", True), ("auto", False), ("NP", False)]
)
async def test_holidays_are_those_of_the_setting(database: str, setting: str, skipped: bool) -> None:
    async with Play(database, holidays=setting, timezone="Asia/Kathmandu") as play:
        await people(play)
        ana = await plans(play, "Fri 4 Dec", "17:00", "6", "Look at all")
        assert ("Christmas" in screen(ana)) == skipped or setting in ("auto", "NP")
        assert ("Fri 1 Jan" in screen(ana).partition("•")[0]) == skipped


async def test_one_is_left_out_and_all_is_as_at_first_again(play: Play) -> None:
    takes(play, "2026-12-08T16:00", who="Ana", whom="Mira")
    ana = await plans(play, *EIGHT)
    assert "• 2: Tue 8 Dec, 17:00 · not free: you have a session then · not free: Mira has a session then" in screen(
        ana
    )
    assert "One session cannot be then." in screen(ana)
    assert not [label for label in labels(ana) if label.startswith("Save")]
    await ana.presses("Leave 2 out")
    assert "Left out: Tue 8 Dec." in screen(ana)
    assert "Save the 7" in labels(ana)
    await ana.presses("As at first")
    assert "One session cannot be then." in screen(ana)


async def test_another_time_is_taken_instead(play: Play) -> None:
    hours(play, "Ana")
    takes(play, "2026-12-08T16:00", whom="Mira")
    ana = await plans(play, *EIGHT)
    offered = [label for label in labels(ana) if label.startswith("2: ")]
    assert offered == ["2: Tue 8 Dec, 16:00", "2: Tue 8 Dec, 18:00", "2: Tue 8 Dec, 15:30"]
    await ana.presses("2: Tue 8 Dec, 18:00")
    assert "• 2: Tue 8 Dec, 18:00 · machine 1 · instead of Tue 8 Dec" in screen(ana)
    await ana.presses("Save the 8")
    assert times(play)[:3] == ["12-01 16:00", "12-08 16:00", "12-08 17:00"]


async def test_what_is_in_the_way_of_two_coaches_is_the_one_machine(play: Play) -> None:
    ben = await coach(play, "Ben")
    tom = await coachee(play, "Tom", ben)
    await plans(play, *EIGHT, "Save the 8")
    await plans(play, *EIGHT, who="Ben", whom="Tom")
    assert screen(ben).count("not free: every machine and room is taken") == 6
    assert "8 sessions cannot be then." in screen(ben)
    await ben.presses("Take the nearest for all")
    assert "Save the 8" in labels(ben)
    await ben.presses("Save the 8")
    assert len(times(play)) == 16
    assert len(set(times(play))) == 16
    assert heard(tom, "8 sessions with Ben are booked:")
    assert not heard(tom, "with Ana")


async def test_a_second_room_is_used_where_the_wanted_one_is_taken(play: Play) -> None:
    second_machine(play)
    await coach(play, "Ben")
    await coachee(play, "Tom", play.people["Ben"])
    takes(play, "2026-12-08T16:00", who="Ben", whom="Tom")
    ana = await plans(play, "Tue 1 Dec", "17:00", "4", "Place", "machine 1", "Look at all")
    assert "• 2: Tue 8 Dec, 17:00 · room 2 · machine 1 is taken then" in screen(ana)
    assert "• 3: Tue 15 Dec, 17:00 · machine 1\n" in screen(ana)
    assert "Save the 4" in labels(ana)


async def test_what_is_taken_meanwhile_brings_the_preview_back_and_saves_nothing(play: Play) -> None:
    ana = await plans(play, *EIGHT)
    takes(play, "2026-12-15T16:15", whom="Mira")
    told = len(play.people["Mira"].screen)
    await play.script("Ana: [Save the 8]\ntoast: Something changed meanwhile. Nothing is saved")
    assert len(sessions(play)) == 1
    assert len(play.people["Mira"].screen) == told
    assert "• 3: Tue 15 Dec, 17:00 · not free: Mira has a session then" in screen(ana)
    await ana.presses("Leave 3 out")
    await ana.presses("Save the 7")
    assert len(sessions(play)) == 8


async def test_a_programme_that_has_open_sessions_goes_on(play: Play) -> None:
    await plans(play, "Tue 24 Nov", "17:00", "2", "Look at all", "Save the 2")
    await plans(play, "Thu 3 Dec", "17:00", "2", "Look at all", "Save the 2")
    assert [row.session_number for row in sessions(play)] == [1, 2, 3, 4]
    assert len({row.programme_id for row in sessions(play)}) == 1
    assert {row.calendar_uid for row in sessions(play)} == {f"{row.id}@waymark" for row in sessions(play)}


async def test_a_plan_between_sessions_that_are_booked_is_a_programme_of_its_own(play: Play) -> None:
    """Numbered on, its first session could not be completed before one that is booked for a later day."""
    await plans(play, "Tue 1 Dec", "17:00", "2", "Look at all", "Save the 2")
    await plans(play, "Thu 3 Dec", "17:00", "2", "Look at all", "Save the 2")
    assert [row.session_number for row in sessions(play)] == [1, 1, 2, 2]
    assert len({row.programme_id for row in sessions(play)}) == 2


async def test_times_are_told_in_the_zone_of_each(play: Play) -> None:
    lives_in(play, "Mira", "America/New_York")
    lives_in(play, "Paula", "Asia/Kathmandu")
    ana = await plans(play, *EIGHT)
    assert "• 1: Tue 1 Dec, 17:00 (11:00 for Mira) · machine 1" in screen(ana)
    assert "Clocks change" not in screen(ana)
    await ana.presses("Save the 8")
    assert "• 8: Tue 19 Jan, 11:00 (New York), until 11:45" in play.people["Mira"].screen[-1].text
    assert "• 8: Tue 19 Jan, 21:45 (Kathmandu), until 22:30" in play.people["Paula"].screen[-1].text


async def test_the_weeks_between_two_clock_changes_are_said(play: Play) -> None:
    lives_in(play, "Mira", "America/New_York")
    play.clock.move(datetime(2027, 2, 22, 10, tzinfo=UTC))
    ana = await plans(play, "Tue 2 Mar", "17:00", "8", "Look at all")
    assert "Clocks change: from Tue 16 Mar on it is 12:00 for Mira, not 11:00." in screen(ana)
    assert "Clocks change: from Tue 30 Mar on it is 11:00 for Mira, not 12:00." in screen(ana)
    await ana.presses("Save the 8")
    assert times(play)[3:5] == ["03-23 16:00", "03-30 15:00"], "five in Berlin all along"


async def test_fifty_two_in_words(play: Play) -> None:
    ana = await plans(play, "Another day")
    await play.script(
        """
        Ana: sometime soon
        coach: I read no day in that
        Ana: 1 november 2028
        coach: I read no day in that
        Ana: 2 december
        coach: First day: Wednesday 2 December
        Ana: [Another time]
        Ana: at tea time
        coach: I read no time in that
        Ana: 5 pm
        coach: First: Wednesday 2 December, 17:00 (Berlin)
        Ana: [Another number]
        Ana: 53
        coach: I need one number from 1 to 52.
        Ana: 52
        coach: every week · 52 sessions · 45 minutes · any free place
        Ana: [Look at all]
        """
    )
    assert "Save the 52" in labels(ana)
    assert screen(ana).count("• ") == 6
    await ana.presses("Later »")
    assert "• 7: " in screen(ana)
    await ana.presses("Save the 52")
    assert len(times(play)) == 52
    mira = play.people["Mira"].screen[-1]
    assert mira.text.count("• ") == 52


async def test_cancel_leaves_the_words_that_were_asked_for(play: Play) -> None:
    await plans(play, "Another day")
    await play.script("Ana: /cancel\ncoach: The series stays as it was.\nAna: 2 december\ncoach: Ana")
    assert "Sessions with Mira" not in screen(play.people["Ana"])


@pytest.mark.parametrize(
    "argument",
    [
        *("set:day.261101", "set:day.281201", "set:day.999999", "set:time.2560", "set:time.1799", "set:time.٠٠٠٠"),
        *("set:weeks.0", "set:weeks.99", "set:count.0", "set:count.53", "set:minutes.1", "set:place.77", "set:x.y"),
        *(
            "set:in.261208.zzzzzz",
            "set:in.261209.{soon}",
            "set:out.261209",
            "set:in.261208.{soon}",
            "set:in..",
            "set:",
        ),
        *("preview:-1", "preview:99", "preview:x", "set:out.", "set:in.261208"),
    ],
)
async def test_forged_choices_change_nothing(play: Play, argument: str) -> None:
    ana = await plans(play, "Tue 1 Dec", "17:00", "8")
    card = ana.newest_with_buttons().buttons["Look at all"].split(":")[1]
    soon = moment_code(START + timedelta(days=1))
    await ana.press_data(f"b:{card}::{argument.format(soon=soon)}")
    await ana.press_data(f"b:{card}::preview")
    assert "First: Tuesday 1 December, 17:00 (Berlin)" in screen(ana)
    assert "every week · 8 sessions · 45 minutes · any free place" in screen(ana)
    assert "instead of" not in screen(ana)
    assert "Left out" not in screen(ana)
    assert "Save the 8" in labels(ana)


async def test_a_plan_that_is_not_complete_is_not_saved_or_looked_at(play: Play) -> None:
    ana = await plans(play, "Tue 1 Dec")
    card = next(iter(ana.newest_with_buttons().buttons.values())).split(":")[1]
    for act in ("save", "preview", "set:all", "set:out.261201", "undo"):
        await ana.press_data(f"b:{card}::{act}")
        assert "At what time?" in screen(ana), act
    assert sessions(play) == []


async def test_the_card_of_an_older_plan_is_old(play: Play) -> None:
    ana = await plans(play, *EIGHT)
    old = ana.newest_with_buttons().buttons["Save the 8"]
    await plans(play, "Thu 3 Dec")
    await ana.press_data(old)
    assert "That card is old." in play.screens.toasts[-1]
    assert sessions(play) == []


async def test_only_a_coach_of_the_coachee_or_an_operator_plans(play: Play) -> None:
    ben, nina = await coach(play, "Ben"), await arrived(play, "Nina")
    named = short_id(id_of(play, play.people["Mira"]))
    for person in (ben, nina, play.people["Mira"], play.people["Paula"]):
        await person.press_data(f"b:0:{named}:plan")
        assert "Sessions with Mira" not in "".join(shown.text for shown in person.screen)
    assert [row.action for row in refusals(play)][-4:] == ["plan_sessions"] * 4
    await plans(play, *EIGHT, "Save the 8", who="Olga")
    assert {row.coach_id for row in sessions(play)} == {id_of(play, play.people["Ana"])}
    assert heard(play.people["Ana"], "8 sessions of Mira with Ana are booked:")


async def test_who_is_no_coach_any_more_saves_nothing(play: Play) -> None:
    ana = await plans(play, *EIGHT)
    writes(play, update(t.coach_coachee_mappings).values(active=False, ended_at=START))
    await ana.presses("Save the 8")
    assert sessions(play) == []
    assert refusals(play)[-1].action == "plan_sessions"
