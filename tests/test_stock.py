"""An operator's machines and rooms: added, named, taken out of service, put back, deleted; and who hears of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from sqlalchemy import insert, select, update

from flows.diary import Resource
from flows.ids import short_id
from flows.slots import Wanted, free_at
from storage import diaries
from storage import tables as t
from tests.conftest import MACHINE_1
from tests.playbook import Coachee, Play
from tests.village import held, id_of, refusals, village

TUESDAY = datetime(2026, 11, 24, 16, 0, tzinfo=UTC)
OPEN_STOCK = "-- Olga opens the stock"


@pytest_asyncio.fixture
async def play(database: str) -> AsyncIterator[Play]:
    async with Play(database) as play:
        await village(play)
        yield play


def book(
    play: Play,
    coachee: str,
    at: datetime = TUESDAY,
    *,
    coach: str | None = "Ana",
    on: int = 1,
    number: int = 1,
    status: str = "scheduled",
    minutes: int = 45,
) -> UUID:
    """A session that is booked."""
    programme, session_id, whose = uuid4(), uuid4(), id_of(play, play.coachee(coachee))
    by = id_of(play, play.coachee(coach)) if coach else None
    now = play.clock.now()
    row = {
        "id": session_id,
        "programme_id": programme,
        "session_number": number,
        "coachee_id": whose,
        "coach_id": by,
        "resource_id": numbered(play, on)["id"],
        "starts_at": at,
        "ends_at": at + timedelta(minutes=minutes),
        "status": status,
        "version": 1,
        "calendar_uid": str(session_id),
        "updated_at": now,
        "created_at": now,
    }
    made = {"id": programme, "coachee_id": whose, "coach_id": by, "timezone": "Europe/Berlin", "minutes": minutes}
    with play.core.engine.begin() as connection:
        connection.execute(insert(t.programmes).values(**made, created_at=now))
        connection.execute(insert(t.scheduled_sessions).values(**row))
    return session_id


def numbered(play: Play, number: int) -> dict[str, Any]:
    """A machine or room by its number."""
    [row] = play.rows(select(t.resources).where(t.resources.c.number == number))
    return dict(row._mapping)


def stock(play: Play) -> list[tuple[Any, ...]]:
    """All machines and rooms: number, kind, name, whether in service."""
    r = t.resources.c
    return [tuple(row) for row in play.rows(select(r.number, r.kind, r.name, r.in_service).order_by(r.number))]


def standing(play: Play, session_id: UUID) -> tuple[Any, ...]:
    """On which number a session is, its status, and its version."""
    s, r = t.scheduled_sessions.c, t.resources.c
    query = select(r.number, s.status, s.version).join_from(t.scheduled_sessions, t.resources)
    [row] = play.rows(query.where(s.id == session_id))
    return tuple(row)


def everything(play: Play) -> list[Any]:
    """What must not change where nothing is done."""
    tables = (t.resources, t.scheduled_sessions, t.learning_events)
    return [held(play), *(sorted(map(repr, play.rows(select(table)))) for table in tables)]


async def script(play: Play, text: str) -> None:
    """A script in which `card:` is what Olga's newest card says."""
    for line in filter(None, map(str.strip, text.splitlines())):
        olga = play.people["Olga"]
        if line == OPEN_STOCK:
            await olga.press_data("b:0::stock")
        elif line.startswith("card: "):
            card = olga.newest_with_buttons().text
            assert line.removeprefix("card: ") in card, f"{line}\n{card}"
        else:
            await play.script(line)


async def add(play: Play, kind: str, *names: str) -> None:
    """Olga adds some."""
    for name in names:
        await script(play, f"{OPEN_STOCK}\nOlga: [Add a {kind}]\nOlga: {name}")


def data(play: Play, act: str, number: int = 1, argument: str = "") -> str:
    """The data of a button about a machine or room, from no card."""
    return f"b:0:{short_id(numbered(play, number)['id'])}:{act}" + (f":{argument}" if argument else "")


def texts(person: Coachee, since: int = 0) -> list[str]:
    """What a person was sent since a message."""
    return [shown.text for shown in person.screen[since:]]


# ---- the list, adding, naming


async def test_the_list_and_what_is_added_to_it(play: Play) -> None:
    book(play, "Mira")
    await script(
        play,
        """
        Olga: /start
        Olga: [As an operator]
        Olga: [Machines and rooms]
        card: 1 · machine · 1 session to come
        buttons: machine 1 | Add a machine | Add a room | Menu
        Olga: [Add a machine]
        card: What is the new machine called?
        buttons: Only a number | Leave it as it is
        Olga: [Only a number]
        toast: Added
        card: 2 · machine
        Olga: [Machines and rooms]
        Olga: [Add a room]
        Olga:   Blue   room
        card: 3 · room · Blue room
        Olga: [Machines and rooms]
        card: 3 · room · Blue room · 0 sessions to come
    """,
    )
    assert stock(play) == [(1, "machine", "", True), (2, "machine", "", True), (3, "room", "Blue room", True)]


async def test_a_name_that_is_none_is_asked_for_again(play: Play) -> None:
    await add(play, "room", "Blue room")
    await script(
        play,
        f"""
        {OPEN_STOCK}
        Olga: [Add a room]
        Olga: blue ROOM
        card: Another one is called so already.
        Olga: {"x" * 61}
        card: That is longer than 60 characters.
        Olga: a\u202eb
        card: That has characters that cannot be read
        Olga: {"x" * 60}
        card: 3 · room · {"x" * 60}
    """,
    )
    assert len(stock(play)) == 3


async def test_leaving_the_name_changes_nothing(play: Play) -> None:
    before = stock(play)
    await script(
        play,
        f"""
        {OPEN_STOCK}
        Olga: [Add a room]
        Olga: /cancel
        card: All is as it was.
        Olga: Blue room
        {OPEN_STOCK}
        Olga: [Add a room]
        Olga: [Leave it as it is]
        Olga: Blue room
    """,
    )
    assert stock(play) == before


async def test_pressed_twice_it_is_added_once(play: Play) -> None:
    await script(play, f"{OPEN_STOCK}\nOlga: [Add a machine]")
    olga = play.people["Olga"]
    pressed = olga.newest_with_buttons().buttons["Only a number"]
    await olga.press_data(pressed)
    await olga.press_data(pressed)
    assert len(stock(play)) == 2
    assert play.screens.toasts[-1] == "That is done already."


async def test_renaming_and_taking_the_name_off(play: Play) -> None:
    await script(
        play,
        f"""
        {OPEN_STOCK}
        Olga: [machine 1]
        Olga: [Rename]
        card: What is machine 1 called from now on?
        Olga: The big one
        card: 1 · machine · The big one
        Olga: [Rename]
        Olga: [Only a number]
        card: 1 · machine
    """,
    )
    assert stock(play) == [(1, "machine", "", True)]


async def test_pages(play: Play) -> None:
    now = play.clock.now()
    rows = [{"id": uuid4(), "number": n, "kind": "room", "name": "", "created_at": now} for n in range(2, 19)]
    with play.core.engine.begin() as connection:
        connection.execute(insert(t.resources), rows)
    await script(
        play,
        f"""
        {OPEN_STOCK}
        Olga: [Later »]
        card: 9 · room
        Olga: [Later »]
        buttons: room 17 | room 18 | « Earlier | Add a machine | Add a room | Menu
    """,
    )


async def test_only_operators_and_each_refusal_is_kept(play: Play) -> None:
    before = everything(play)
    for name in ("Ana", "Mira", "Paula"):
        person = play.people[name]
        for act in ("resource", "rename", "out", "out:y00000000", "back", "delete", "delete:yes"):
            await person.press_data(data(play, *act.split(":")[:1], 1, *act.split(":")[1:]))
        await person.press_data("b:0::add:machine!")
        await person.press_data("b:0::stock")
    assert everything(play) == before
    assert len([row for row in refusals(play) if row.action == "resources"]) == 27


async def test_who_is_no_operator_any_more_when_the_name_comes(play: Play) -> None:
    await script(play, f"{OPEN_STOCK}\nOlga: [Add a room]")
    with play.core.engine.begin() as connection:
        r = t.user_roles.c
        connection.execute(t.user_roles.delete().where(r.role == "operator"))
    await script(play, "Olga: Blue room")
    assert len(stock(play)) == 1


async def test_forged_arguments_change_nothing(play: Play) -> None:
    book(play, "Mira")
    before, olga = everything(play), play.people["Olga"]
    for forged in ("y", "yy", "pp", "y99999999", "-1", "²", "9999", "yes", "!", "machine!", "machine!!"):
        for act in ("resource", "out", "rename", "delete"):
            await olga.press_data(data(play, act, 1, forged))
        await olga.press_data(f"b:0::add:{forged}")
        await olga.press_data(f"b:0::stock:{forged}")
        outcome = await olga.press_data(f"b:0:{short_id(uuid4())}:out:{forged}")
        assert outcome.error is None
    assert everything(play) == before


# ---- out of service and back


async def test_out_of_service_moves_what_has_a_place_and_tells_each_once(play: Play) -> None:
    await add(play, "room", "Blue room")
    first = book(play, "Mira", number=4)
    second = book(play, "Mira", TUESDAY + timedelta(days=7), number=5)
    third = book(play, "Tom", TUESDAY + timedelta(hours=1), coach="Cleo")
    sharing = update(t.users).where(t.users.c.id == id_of(play, play.people["Mira"]))
    with play.core.engine.begin() as connection:
        connection.execute(sharing.values(sharing={"parent": ["attendance"]}))
    seen = {name: len(person.screen) for name, person in play.people.items()}
    await script(
        play,
        f"""
        {OPEN_STOCK}
        Olga: [machine 1]
        Olga: [Take out of service]
        card: Take machine 1 out of service?
    """,
    )
    olga = play.people["Olga"]
    asked = olga.newest_with_buttons()
    assert "session 4 · Mira → Blue room" in asked.text
    assert "session 1 · Tom → Blue room" in asked.text
    assert standing(play, first) == (1, "scheduled", 1)
    await olga.presses("Take it out, move 3 sessions")
    assert [standing(play, one) for one in (first, second, third)] == [(2, "scheduled", 2)] * 3
    assert stock(play)[0][3] is False
    told = {name: texts(play.people[name], seen[name]) for name in ("Mira", "Ana", "Paula", "Tom", "Cleo", "Sam")}
    assert {name: len(found) for name, found in told.items()} == {**dict.fromkeys(told, 1), "Sam": 0}
    assert "2 sessions are in another place now" in told["Mira"][0]
    assert "• Session 4, " in told["Mira"][0]
    assert "• Session 5 of Mira" in told["Ana"][0]
    assert "• Session 5 of Mira" in told["Paula"][0]
    assert "Blue room" in told["Tom"][0]
    e = t.learning_events.c
    events = play.rows(select(e.session_id, e.event_type, e.event_data))
    assert sorted(row.session_id for row in events) == sorted((first, second, third))
    assert {row.event_data["act"] for row in events} == {"resource_changed"}
    assert {row.event_data["by"] for row in events} == {"operator"}


async def test_what_has_no_place_stays_and_its_coach_gets_the_button_that_moves_it(play: Play) -> None:
    await add(play, "machine", "Second")
    stays = book(play, "Mira", number=4)
    book(play, "Tom", coach="Cleo", on=2)
    ana, mira = play.people["Ana"], play.people["Mira"]
    seen = len(mira.screen)
    await script(
        play,
        f"""
        {OPEN_STOCK}
        Olga: [machine 1]
        Olga: [Take out of service]
        card: session 4 · Mira → no other place is free then
        buttons: Take it out of service | Leave it as it is
        Olga: [Take it out of service]
        card: For one session no other place was free.
    """,
    )
    assert standing(play, stays) == (1, "scheduled", 1)
    assert "Please find another time" in ana.screen[-1].text
    assert ana.screen[-1].buttons == {"Reschedule session 4 of Mira": f"b:0:{short_id(stays)}:move"}
    assert len(mira.screen) == seen


async def test_what_has_neither_place_nor_coach_is_the_operators_to_move(play: Play) -> None:
    stays = book(play, "Mira", coach=None, number=4)
    await script(
        play,
        f"""
        {OPEN_STOCK}
        Olga: [machine 1]
        card: It is the only one in service.
        Olga: [Take out of service]
        card: It is the last one in service. Without it nothing can be booked.
        Olga: [Take it out of service]
        card: please reschedule it
        card: None is in service: no session can be booked until one is.
    """,
    )
    found = play.people["Olga"].newest_with_buttons().buttons
    assert f":{short_id(stays)}:move" in next(data for label, data in found.items() if "Reschedule" in label)


async def test_a_place_that_somebody_is_choosing_is_not_given_away(play: Play) -> None:
    await add(play, "machine", "Second")
    book(play, "Mira")
    now, tom = play.clock.now(), id_of(play, play.people["Tom"])
    hold = {
        "held_by": tom,
        "coachee_id": tom,
        "resource_id": numbered(play, 2)["id"],
        "starts_at": TUESDAY,
        "ends_at": TUESDAY + timedelta(minutes=45),
        "expires_at": now + timedelta(minutes=10),
        "created_at": now,
    }
    with play.core.engine.begin() as connection:
        connection.execute(insert(t.slot_holds).values(**hold))
    await play.people["Olga"].press_data(data(play, "out"))
    assert "no other place is free then" in play.people["Olga"].screen[-1].text


async def test_a_session_that_was_booked_meanwhile_is_shown_before_anything_is_done(play: Play) -> None:
    await add(play, "machine", "Second")
    await script(play, f"{OPEN_STOCK}\nOlga: [machine 1]\nOlga: [Take out of service]")
    session = book(play, "Mira")
    before = everything(play)
    await script(
        play,
        """
        Olga: [Take it out of service]
        toast: Something has changed meanwhile.
        buttons: Take it out, move 1 session | Leave it as it is
    """,
    )
    assert everything(play)[1:] == before[1:]
    await script(play, "Olga: [Take it out, move 1 session]")
    assert standing(play, session) == (2, "scheduled", 2)


async def test_pressed_twice_it_is_done_once(play: Play) -> None:
    await add(play, "machine", "Second")
    session = book(play, "Mira")
    olga, mira = play.people["Olga"], play.people["Mira"]
    await olga.press_data(data(play, "out"))
    [pressed, *_] = olga.newest_with_buttons().buttons.values()
    await olga.press_data(pressed)
    seen = len(mira.screen)
    await olga.press_data(pressed)
    assert (standing(play, session), len(mira.screen)) == ((2, "scheduled", 2), seen)
    assert play.screens.toasts[-1] == "That is done already."


async def test_back_in_service_and_sessions_find_a_place_later(play: Play) -> None:
    session = book(play, "Mira")
    await script(
        play,
        f"""
        {OPEN_STOCK}
        Olga: [machine 1]
        Olga: [Take out of service]
        Olga: [Take it out of service]
        Olga: [Other places for its sessions]
        card: Put the sessions of machine 1 elsewhere?
        buttons: Leave it as it is
    """,
    )
    await add(play, "machine", "Second")
    await script(
        play,
        f"""
        {OPEN_STOCK}
        Olga: [machine 1]
        Olga: [Other places for its sessions]
        Olga: [Move 1 session there]
    """,
    )
    assert standing(play, session) == (2, "scheduled", 2)
    assert stock(play)[0][3] is False
    await script(
        play,
        f"""
        {OPEN_STOCK}
        Olga: [machine 1]
        Olga: [Put back into service]
        toast: In service again
    """,
    )
    assert stock(play)[0][3] is True


async def test_sessions_that_are_over_are_not_moved(play: Play) -> None:
    await add(play, "machine", "Second")
    past = play.clock.now() - timedelta(days=1)
    waiting, done = book(play, "Mira", past, status="pending"), book(play, "Tom", coach="Cleo", status="cancelled")
    await play.people["Olga"].press_data(data(play, "out"))
    await play.people["Olga"].presses("Take it out of service")
    assert (standing(play, waiting), standing(play, done)) == ((1, "pending", 1), (1, "cancelled", 1))


async def test_one_that_was_beside_another_holds_its_new_place(play: Play) -> None:
    await add(play, "machine", "Second")
    session = book(play, "Mira")
    with play.core.engine.begin() as connection:
        connection.execute(update(t.scheduled_sessions).values(resource_held=False))
    await play.people["Olga"].press_data(data(play, "out"))
    await play.people["Olga"].presses("Take it out, move 1 session")
    [row] = play.rows(select(t.scheduled_sessions.c.resource_held).where(t.scheduled_sessions.c.id == session))
    assert row.resource_held is True


def test_what_is_out_of_service_is_never_chosen() -> None:
    now = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
    one, two = (Resource(resource_id=uuid4(), number=n, in_service=n == 2) for n in (1, 2))
    me = uuid4()

    def at(*resources: Resource) -> Any:
        wanted = Wanted(
            coach_id=None,
            coachee_id=me,
            zone="UTC",
            hours=diaries.Hours(),
            taken=(),
            resources=resources,
            minutes=45,
            prefers=one.resource_id,
        )
        return free_at(wanted, TUESDAY, now, by_coach=True)

    assert at(one) is None
    assert at(one, two).resource == two


# ---- deleting


async def test_one_that_never_had_a_session_is_deleted(play: Play) -> None:
    await add(play, "machine", "Second")
    await play.people["Olga"].press_data(data(play, "delete", 2))
    await script(
        play,
        """
        Olga: [Delete it]
        toast: Deleted
        buttons: machine 1 | Add a machine | Add a room | Menu
    """,
    )
    assert stock(play) == [(1, "machine", "", True)]


@pytest.mark.parametrize("status", ["scheduled", "cancelled"])
async def test_one_that_has_or_had_sessions_is_not(play: Play, status: str) -> None:
    book(play, "Mira", status=status)
    olga = play.people["Olga"]
    await olga.press_data(data(play, "delete"))
    assert "It cannot be deleted" in olga.screen[-1].text
    assert list(olga.screen[-1].buttons) == ["Take out of service", "Leave it as it is"]
    before = everything(play)
    await olga.press_data(data(play, "delete", 1, "yes"))
    assert everything(play) == before


async def test_deleting_twice_says_that_it_is_gone(play: Play) -> None:
    await add(play, "machine", "Second")
    olga, pressed = play.people["Olga"], data(play, "delete", 2, "yes")
    for _ in range(2):
        await olga.press_data(pressed)
    assert play.screens.toasts[-1].startswith("That one is there no more.")
    for act in ("resource", "rename", "out", "back", "delete"):
        await olga.press_data(pressed.replace("delete:yes", act))
        assert play.screens.toasts[-1].startswith("That one is there no more.")


async def test_a_session_that_slips_in_ends_in_a_clear_word(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database refuses it; on fresh rows the screen says why."""
    book(play, "Mira")
    true_stock, looked = diaries._stock, []

    def stale(*args: Any) -> dict[str, Any]:
        looked.append(1)
        return {**true_stock(*args), **({"used": False} if len(looked) == 1 else {})}

    monkeypatch.setattr(diaries, "_stock", stale)
    olga = play.people["Olga"]
    outcome = await olga.press_data(data(play, "delete", 1, "yes"))
    assert (outcome.error, len(looked)) == (None, 2)
    assert "It cannot be deleted" in olga.screen[-1].text
    assert [row[0] for row in stock(play)] == [1]
    assert MACHINE_1["id"] == numbered(play, 1)["id"]
