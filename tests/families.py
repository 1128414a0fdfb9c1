"""A family on a stage, and what is asked of it: a session that somebody wants to cancel.

session = await asked(play)
await play.script("Paula: [Approve]")
assert stands(play, session) == ("cancelled", "approved", "approved")
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, update

from flows.ids import short_id
from storage import tables as t
from tests.booking import booked, press, row_of, soon
from tests.playbook import Coachee, Play, Shown
from tests.test_session_life import look_away
from tests.village import coach, coachee, id_of, operator, parent

HOUR = timedelta(hours=1)


async def family(play: Play) -> None:
    """Olga operates; Ana coaches Mira, 15, whose parents are Paula and Rita."""
    await operator(play)
    ana = await coach(play, "Ana")
    mira = await coachee(play, "Mira", ana)
    of_age(play, mira, 2011)
    for name in ("Paula", "Rita"):
        await parent(play, name, mira, ana)


def of_age(play: Play, person: Coachee, birth_year: int | None) -> None:
    """Somebody was born in a year."""
    born = update(t.users).where(t.users.c.id == id_of(play, person)).values(birth_year=birth_year)
    with play.core.engine.begin() as connection:
        connection.execute(born)


def opens_hours(play: Play, name: str = "Ana") -> None:
    """A coach can be booked every day from nine to five, twelve hours ahead."""
    values = {
        "coach_id": id_of(play, play.coachee(name)),
        "weekly": [[day, ["09:00", "17:00"]] for day in range(7)],
        "exceptions": {},
        "minutes": 45,
        "buffer": 0,
        "notice_hours": 12,
        "updated_at": play.clock.now(),
        "created_at": play.clock.now(),
    }
    with play.core.engine.begin() as connection:
        connection.execute(insert(t.availabilities).values(**values))


async def asked(play: Play, by: str = "Ana", code: str = "ill", n: int = 1, **later: float) -> UUID:
    """Session `n`, in a week or later, that somebody asks to cancel; gives its id."""
    ana, mira = play.coachee("Ana"), play.coachee("Mira")
    session = await booked(play, ana, mira, soon(play, **(later or {"days": 7})), n)
    look_away(play)
    asker = play.coachee(by)
    await asker.press_data(press(session, "cancel", code))
    await asker.presses("Yes, ask")
    return session


def consent_of(play: Play, session: UUID) -> Any:
    """The newest consent of a session, as the database has it."""
    c = t.consents.c
    found = select(t.consents).where(c.session_id == session).order_by(c.status == "open", c.asked_at, c.id)
    return play.rows(found)[-1]


def pressing(play: Play, session: UUID, act: str, argument: str = "") -> str:
    """The data of a button of the newest consent of a session."""
    named = short_id(consent_of(play, session).id)
    return f"b:0:{named}:{act}" + (f":{argument}" if argument else "")


def stands(play: Play, session: UUID) -> tuple[str, str, str]:
    """How a session stands, what it says of its cancellation, and how the newest consent does."""
    row = row_of(play, session)
    return row.status, row.cancellation_status, consent_of(play, session).status


def message(person: Coachee, words: str = "asks to cancel") -> Shown:
    """The newest message of somebody that says this now."""
    return [shown for shown in person.screen if words in shown.text][-1]
