"""A village on a stage: everybody that a question of rights can be about, brought in by the doors of the product.

Olga operates. Ana coaches Mira, Ben did before her, Cleo coaches Tom. Paula is Mira's parent, Rita was, Sam is Tom's.
Nina is a coachee of nobody.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import insert, select

from flows.ids import short_id
from storage import tables as t
from tests.playbook import Coachee, Play

COACH_LINK = "Olga: /people\nOlga: [Invite a coach]\ncoach: invites you to Waymark as a coach"


async def operator(play: Play, name: str = "Olga") -> Coachee:
    """An operator; the first one is made outside the chat."""
    person = await arrived(play, name)
    values = {"user_id": id_of(play, person), "role": "operator", "created_at": play.clock.now()}
    with play.core.engine.begin() as connection:
        connection.execute(insert(t.user_roles).values(**values))
    return person


async def arrived(play: Play, name: str) -> Coachee:
    """Somebody who is here, as a coachee."""
    person = play.coachee(name)
    await person.says("/help")
    return person


def id_of(play: Play, person: Coachee) -> UUID:
    """A person's id."""
    [row] = play.rows(select(t.users.c.id).where(t.users.c.telegram_id == person.chat_id))
    found: UUID = row.id
    return found


def button(play: Play, person: Coachee, act: str, second: Coachee | str = "", card: int = 0) -> str:
    """The data of a button about a person."""
    last = second if isinstance(second, str) else short_id(id_of(play, second))
    return f"p:{card}:{short_id(id_of(play, person))}:{act}" + (f":{last}" if last else "")


async def means(person: Coachee, data: str) -> None:
    """Press a button that asks first, and its yes."""
    head, act, *last = data.rsplit(":", data.count(":") - 2)
    await person.press_data(":".join((head, f"{act}?", *last)))
    await person.press_data(data)


async def accepts(play: Play, person: Coachee, link: str) -> None:
    """Open a link and say yes."""
    await person.opens(link)
    await person.presses("Yes, that is right")


async def coach(play: Play, name: str) -> Coachee:
    """A coach, invited by Olga."""
    person = await arrived(play, name)
    await play.script(COACH_LINK)
    await accepts(play, person, play.coachee("Olga").link())
    return person


async def coachee(play: Play, name: str, of: Coachee) -> Coachee:
    """A coachee, invited by a coach."""
    person = await arrived(play, name)
    await play.script(f"{of.name}: /coachees\n{of.name}: [Invite a coachee]\ncoach: invites you to coaching")
    await accepts(play, person, of.link())
    return person


async def parent(play: Play, name: str, child: Coachee, by: Coachee) -> Coachee:
    """A parent, invited by the child's coach or the child."""
    person = await arrived(play, name)
    await by.press_data(button(play, child, "parent"))
    await accepts(play, person, by.link())
    return person


async def village(play: Play) -> dict[str, Coachee]:
    """Everybody, by name."""
    olga = await operator(play)
    ben, ana, cleo = [await coach(play, name) for name in ("Ben", "Ana", "Cleo")]
    mira, tom = await coachee(play, "Mira", ben), await coachee(play, "Tom", cleo)
    rita, paula = await parent(play, "Rita", mira, ben), await parent(play, "Paula", mira, ben)
    await parent(play, "Sam", tom, cleo)
    await arrived(play, "Nina")
    await olga.press_data(button(play, mira, "assign", ana))
    await means(mira, button(play, mira, "unlink", rita))
    assert {paula.name, "Sam"} < set(play.people)
    return play.people


WATCHED = (
    t.users,
    t.user_roles,
    t.coach_coachee_mappings,
    t.guardianships,
    t.invites,
    t.coach_notes,
    t.coaching_sessions,
    t.stage_responses,
    t.action_plans,
    t.milestones,
    t.summaries,
    t.timers,
    t.tombstones,
)


def held(play: Play) -> dict[str, Any]:
    """All rows that say who people are to each other, and what is theirs."""
    return {table.name: sorted(repr(tuple(row)) for row in play.rows(select(table))) for table in WATCHED}


def refusals(play: Play) -> list[Any]:
    """What the audit log holds of what was refused, in order."""
    a = t.audit_log.c
    return play.rows(
        select(a.actor_id, a.action, a.subject_id, a.reason).where(a.outcome == "refused").order_by(a.at)
    )


def everything_in(play: Play) -> str:
    """Every row of every table, whole: a row as text is cut where it is long."""
    return repr([[tuple(row) for row in play.rows(select(table))] for table in t.metadata.sorted_tables])
