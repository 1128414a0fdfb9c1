"""Who is asked whether a session may be cancelled: by age, by who is there, by what the deployment says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import update

from bot.settings import Settings
from storage import tables as t
from tests.booking import booked, happened, press, row_of, soon
from tests.families import HOUR, asked, consent_of, family, message, of_age, opens_hours, pressing, stands
from tests.playbook import Play
from tests.test_session_life import allows, look_away, new_of, texts
from tests.village import button, id_of, means, refusals


async def childless(play: Play) -> None:
    """Nobody is Mira's parent any more."""
    mira = play.coachee("Mira")
    for name in ("Paula", "Rita"):
        await means(mira, button(play, mira, "unlink", play.coachee(name)))


async def wants(play: Play, by: str = "Ana") -> Any:
    """Somebody wants to cancel a session, and confirms whatever they are asked; gives its id."""
    session = await booked(play, play.coachee("Ana"), play.coachee("Mira"), soon(play, days=7))
    look_away(play)
    person = play.coachee(by)
    await person.press_data(press(session, "cancel", "ill"))
    await person.press_data(next(iter(person.newest_with_buttons().buttons.values())))
    return session


def changed(play: Play, name: str, **columns: Any) -> None:
    """Something about somebody is otherwise."""
    person = update(t.users).where(t.users.c.id == id_of(play, play.coachee(name))).values(**columns)
    with play.core.engine.begin() as connection:
        connection.execute(person)


def asked_of(play: Play) -> list[str]:
    """Who is asked to decide, by the buttons they have."""
    return [name for name, one in play.people.items() if any("Approve" in shown.buttons for shown in one.unseen)]


# ---- who is asked


@pytest.mark.parametrize(
    ("settings", "who"),
    [
        ({}, []),
        ({"consent_no_parent": "coachee"}, []),
        ({"consent_adults": "asker"}, []),
        ({"consent_adults": "coachee"}, ["Mira"]),
        ({"consent_adults": "operator"}, ["Olga"]),
    ],
)
@pytest.mark.parametrize("born", [2007, None])
async def test_of_an_adult_the_policy_says_who_decides(
    database: str, settings: dict[str, str], who: list[str], born: int | None
) -> None:
    """Who was born in 2007 is eighteen for sure; whose year is not known is taken for one, too. Their parents are not
    asked, linked or not."""
    async with Play(database, **settings) as play:
        await family(play)
        of_age(play, play.coachee("Mira"), born)
        session = await wants(play)
        assert asked_of(play) == who
        assert row_of(play, session).status == ("scheduled" if who else "cancelled")
        if who:
            await play.coachee(who[0]).presses("Approve")
            assert stands(play, session) == ("cancelled", "approved", "approved")
            assert consent_of(play, session).decided_as == ("coachee" if who == ["Mira"] else "operator")


@pytest.mark.parametrize(("setting", "who"), [("asker", []), ("coachee", ["Mira"]), ("operator", ["Olga"])], ids=str)
async def test_of_a_minor_without_a_parent_here_the_policy_says_who_decides(
    database: str, setting: str, who: list[str]
) -> None:
    async with Play(database, consent_no_parent=setting) as play:
        await family(play)
        await childless(play)
        session = await wants(play)
        assert asked_of(play) == who
        assert row_of(play, session).status == ("scheduled" if who else "cancelled")


@pytest.mark.parametrize("gone", ["blocked", "inactive", "shares nothing", "a minor"])
async def test_a_parent_who_cannot_be_asked_is_no_dead_end(database: str, gone: str) -> None:
    """Nobody waits for who cannot answer: the policy for minors without a parent says who decides."""
    async with Play(database, consent_no_parent="operator") as play:
        await family(play)
        if gone == "shares nothing":
            allows(play, play.coachee("Mira"))
        columns: dict[str, dict[str, Any]] = {
            "blocked": {"unreachable_since": play.clock.now()},
            "inactive": {"standing": "inactive"},
            "a minor": {"birth_year": 2012},
        }
        for name in ("Paula", "Rita") if gone in columns else ():
            changed(play, name, **columns[gone])
        await wants(play)
        assert asked_of(play) == ["Olga"]


async def test_one_parent_who_can_be_asked_is_enough(database: str) -> None:
    async with Play(database, consent_no_parent="operator") as play:
        await family(play)
        changed(play, "Paula", unreachable_since=play.clock.now())
        await wants(play)
        assert asked_of(play) == ["Rita"]


@pytest.mark.parametrize("setting", ["coachee", "operator"])
async def test_where_who_should_decide_cannot_be_asked_either_who_wants_it_decides(
    database: str, setting: str
) -> None:
    """There is always somebody."""
    async with Play(database, consent_adults=setting) as play:
        await family(play)
        of_age(play, play.coachee("Mira"), 1990)
        for name in ("Mira", "Olga"):
            changed(play, name, unreachable_since=play.clock.now())
        session = await wants(play)
        assert row_of(play, session).status == "cancelled"


async def test_a_parent_who_may_cancel_decides_at_once(database: str) -> None:
    """Their wish is their consent; the other parent hears of it."""
    async with Play(database, session_cancel_by="coach,parent") as play:
        await family(play)
        session = await wants(play, by="Paula")
        assert row_of(play, session).status == "cancelled"
        assert "is cancelled" in new_of(play.coachee("Rita"))
        assert happened(play, session) == ["booked", "session_cancelled"]


async def test_a_coachee_asks_where_the_policy_lets_them(database: str) -> None:
    """The parents decide all the same; the coach follows, and cannot take back what is not theirs but as a coach."""
    async with Play(database, session_cancel_by="coach,coachee") as play:
        await family(play)
        session = await asked(play, by="Mira")
        assert message(play.coachee("Paula")).text.startswith("Mira asks to cancel a session of Mira.")
        assert "Mira asks" not in texts(play.coachee("Olga"))
        assert "whether it is cancelled waits for an answer" in message(play.coachee("Ana"), "waits for").text
        look_away(play)
        await play.coachee("Mira").press_data(pressing(play, session, "withdraw"))
        assert stands(play, session) == ("scheduled", "none", "withdrawn")
        assert "taken back by: Mira" in new_of(play.coachee("Ana"))


async def test_an_operator_asks_too(play: Play) -> None:
    """No role here cancels a minor's session alone."""
    session = await asked(play, by="Olga")
    assert stands(play, session)[0] == "scheduled"
    assert message(play.coachee("Rita")).text.startswith("Olga asks to cancel")


@pytest.fixture
async def play(database: str) -> AsyncIterator[Play]:
    """Ana coaches Mira, 15, whose parents are Paula and Rita; Olga operates."""
    async with Play(database) as made:
        await family(made)
        yield made


async def test_who_may_not_cancel_may_not_ask_either(play: Play) -> None:
    session = await booked(play, play.coachee("Ana"), play.coachee("Mira"), soon(play, days=7))
    count = len(refusals(play))
    for name in ("Mira", "Paula"):
        for data in (press(session, "cancel", "ill"), press(session, "cancelled", "ill.1")):
            await play.coachee(name).press_data(data)
    assert row_of(play, session).cancellation_status == "none"
    assert len(refusals(play)) == count + 4


# ---- another time, as far as the policy lets them


@pytest.mark.parametrize("settings", [{"session_move_by": "coach"}, {"session_moves": 0}], ids=str)
async def test_another_time_is_offered_where_a_session_may_be_moved(database: str, settings: dict[str, Any]) -> None:
    async with Play(database, **settings) as play:
        await family(play)
        session = await asked(play)
        assert list(message(play.coachee("Paula")).buttons) == ["Approve", "Keep the session", "Call me"]
        look_away(play)
        await play.coachee("Paula").press_data(pressing(play, session, "another"))
        assert stands(play, session) == ("scheduled", "pending", "open")
        assert "take" not in str([shown.buttons for shown in play.coachee("Paula").unseen])


async def test_who_is_asked_may_move_a_session_however_near_it_is(play: Play) -> None:
    """The notice is the coach's, who wants it cancelled; the new time is within the coach's hours all the same."""
    opens_hours(play)
    session = await asked(play, hours=3)
    await play.script("Paula: [Another time]\nPaula: [25]\nPaula: [10:00]\nPaula: [Move it there]")
    assert stands(play, session) == ("rescheduled", "none", "moved")


async def test_a_time_that_was_looked_for_before_the_decision_moves_nothing_after_it(
    play: Play,
) -> None:
    """Rita holds a time as Paula keeps the session: her yes shows the outcome."""
    opens_hours(play)
    session = await asked(play)
    await play.script("Rita: [Another time]\nRita: [25]\nRita: [10:00]\nPaula: [Keep the session]")
    rita = play.coachee("Rita")
    await rita.press_data(next(d for shown in rita.screen for d in shown.buttons.values() if d.endswith(":book")))
    assert stands(play, session) == ("scheduled", "rejected", "kept")
    assert play.screens.toasts[-1] == "That was decided already. Here is what came of it."
    assert "Session 1 of 1" in message(rita, "Kept by Paula, Monday").text


# ---- settings


@pytest.mark.parametrize(
    "bad", [{"consent_hours": 0}, {"consent_on_silence": "perhaps"}, {"consent_adults": "parent"}], ids=str
)
def test_a_setting_that_cannot_be_honoured_stops_the_program(bad: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="consent"):
        Settings(_env_file=None, **bad)


def test_what_settings_say_by_themselves() -> None:
    """A parent has 48 hours, and silence approves."""
    policy = Settings(_env_file=None).policy
    assert (policy.consent_hours, policy.on_silence, policy.call_hours) == (48, "approve", 24)
    assert (policy.no_parent, policy.adults) == ("asker", "asker")


async def test_a_deadline_that_passes_while_nobody_is_left_to_ask_is_decided_by_silence(
    play: Play,
) -> None:
    """Both parents were unlinked meanwhile."""
    session = await asked(play)
    await childless(play)
    await play.coachee("Ana").press_data(press(session, "card"))
    assert "Nobody who could answer can be reached here at the moment." in play.coachee("Ana").screen[-1].text
    await play.pass_time(48 * HOUR)
    assert stands(play, session)[0] == "cancelled"
    assert consent_of(play, session).decided_as == "no_answer"
