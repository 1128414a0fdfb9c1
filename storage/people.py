"""Who there is, for the operator's command line; and links that are handed out there."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import Engine, or_, select

from flows.changes import Audited, InviteHashed, InviteMade
from flows.people import ROLES, Role, Standing, TieKind
from flows.records import Record
from storage import tables as t
from storage.engine import reading
from storage.relations import add_audit, relate


class Named(Record):
    """Another person in the record of one, and how the two stand to each other (`note`)."""

    id: UUID
    name: str
    telegram_id: int
    note: str = ""


class Listed(Record):
    """A person in a list. `last_seen`: the day (UTC) on which they last did something. The primary coach is first."""

    id: UUID
    name: str
    telegram_id: int
    roles: tuple[Role, ...]
    standing: Standing
    language: str
    timezone: str
    coaches: tuple[Named, ...] = ()
    parents: tuple[Named, ...] = ()
    last_seen: str | None = None
    unreachable_since: datetime | None = None


class OpenInvite(Record):
    """A link that can still be used: made by this person, or about them."""

    id: UUID
    role: Role
    kind: TieKind
    expires_at: datetime
    inviter: Named | None = None
    coachee: Named | None = None
    coach: Named | None = None


class Shown(Record):
    """All that the operator sees of a person; `past_coaches` and `past_coachees` are ties that ended."""

    person: Listed
    created_at: datetime
    birth_year: int | None = None
    deletion_due_at: datetime | None = None
    past_coaches: tuple[Named, ...] = ()
    coachees: tuple[Named, ...] = ()
    past_coachees: tuple[Named, ...] = ()
    children: tuple[Named, ...] = ()
    past_parents: tuple[Named, ...] = ()
    invites: tuple[OpenInvite, ...] = ()


def listed(engine: Engine, search: str = "", role: Role | None = None) -> list[Listed]:
    """The people whose name holds these words, or whose id here or at Telegram it is, by name; all without a search.

    Names are compared as Unicode folds them, which SQLite's own comparison does not do: here, and not in SQL.
    """
    everybody = _everybody(engine)
    sought = search.strip().casefold()
    found = [
        person
        for person in everybody.values()
        if (role is None or role in person.roles)
        and (not sought or sought in person.name.casefold() or sought in (str(person.telegram_id), str(person.id)))
    ]
    return sorted(found, key=lambda person: (person.name.casefold(), person.telegram_id))


def find(engine: Engine, sought: str, role: Role | None = None) -> list[Listed]:
    """The one who is meant, or all who may be: by id, else by their whole name, else by a part of it.

    Among several of a name those of the role are meant.
    """
    found = listed(engine, sought)
    sought = sought.strip().casefold()
    for exactly in (
        [p for p in found if sought in (str(p.telegram_id), str(p.id))],
        [p for p in found if p.name.casefold() == sought],
        found,
    ):
        if exactly:
            fitting = [person for person in exactly if role in person.roles]
            return fitting or exactly
    return []


def shown(engine: Engine, user_id: UUID, now: datetime) -> Shown | None:
    """A person with the people around them and the links that are open; None if there is no such person."""
    everybody = _everybody(engine)
    if user_id not in everybody:
        return None
    m, g, i, u = t.coach_coachee_mappings.c, t.guardianships.c, t.invites.c, t.users.c
    with reading(engine).begin() as connection:
        of = select(u.created_at, u.birth_year, u.deletion_due_at).where(u.id == user_id)
        about = connection.execute(of).one()
        ties = list(
            connection.execute(
                select(t.coach_coachee_mappings)
                .where(or_(m.coach_id == user_id, m.coachee_id == user_id))
                .order_by(m.created_at, m.id)
            )
        )
        families = list(
            connection.execute(
                select(t.guardianships)
                .where(or_(g.parent_id == user_id, g.child_id == user_id))
                .order_by(g.created_at, g.id)
            )
        )
        mine = or_(i.inviter_id == user_id, i.coachee_id == user_id, i.coach_id == user_id)
        still = (i.used_at.is_(None), i.revoked_at.is_(None), i.expires_at > now)
        invites = list(connection.execute(select(t.invites).where(mine, *still).order_by(i.created_at)))

    def named(other: UUID | None, note: str = "") -> Named | None:
        return _named(everybody[other], note) if other in everybody and other is not None else None

    def those(found: Iterable[tuple[UUID, str]]) -> tuple[Named, ...]:
        return tuple(_named(everybody[other], note) for other, note in found if other in everybody)

    def ended(at: datetime | None) -> str:
        return f"until {at:%Y-%m-%d}" if at else "ended"

    return Shown(
        person=everybody[user_id],
        created_at=about.created_at,
        birth_year=about.birth_year,
        deletion_due_at=about.deletion_due_at,
        past_coaches=those((r.coach_id, ended(r.ended_at)) for r in ties if r.coachee_id == user_id and not r.active),
        coachees=those((r.coachee_id, r.kind) for r in ties if r.coach_id == user_id and r.active),
        past_coachees=those(
            (r.coachee_id, ended(r.ended_at)) for r in ties if r.coach_id == user_id and not r.active
        ),
        children=those((r.child_id, _agreement(r)) for r in families if r.parent_id == user_id and r.active),
        past_parents=those((r.parent_id, _agreement(r)) for r in families if r.child_id == user_id and not r.active),
        invites=tuple(
            OpenInvite(
                id=row.id,
                role=row.role,
                kind=row.kind,
                expires_at=row.expires_at,
                inviter=named(row.inviter_id),
                coachee=named(row.coachee_id),
                coach=named(row.coach_id),
            )
            for row in invites
        ),
    )


def invite(engine: Engine, made: InviteMade, token_hash: str, audited: Audited) -> None:
    """Keep a link that is handed out at once, by its token's hash, and that it was."""
    hashed = InviteHashed(invite_id=made.invite_id, token_hash=token_hash)
    with engine.begin() as connection:
        relate(connection, (made, hashed), made.at)
        add_audit(connection, [audited], made.at)


def _everybody(engine: Engine) -> dict[UUID, Listed]:
    """Everybody by id, in a fixed number of queries."""
    u, r, c = t.users.c, t.user_roles.c, t.conversations.c
    m, g = t.coach_coachee_mappings.c, t.guardianships.c
    with reading(engine).begin() as connection:
        rows = list(
            connection.execute(
                select(
                    *(u.id, u.name, u.telegram_id, u.standing, u.language, u.timezone, u.unreachable_since),
                    c.state["seen"].as_string().label("seen"),
                ).outerjoin(t.conversations, c.user_id == u.id)
            )
        )
        roles: dict[UUID, set[Role]] = {}
        for user_id, role in connection.execute(select(r.user_id, r.role)):
            roles.setdefault(user_id, set()).add(role)
        ties = list(
            connection.execute(
                select(m.coach_id, m.coachee_id, m.kind).where(m.active).order_by(m.kind, m.created_at, m.id)
            )
        )
        families = list(connection.execute(select(t.guardianships).where(g.active).order_by(g.created_at, g.id)))
    people = {
        row.id: Listed(
            id=row.id,
            name=row.name,
            telegram_id=row.telegram_id,
            roles=tuple(role for role in ROLES if role in roles.get(row.id, ())),
            standing=row.standing,
            language=row.language,
            timezone=row.timezone,
            last_seen=row.seen,
            unreachable_since=row.unreachable_since,
        )
        for row in rows
    }
    coaches: dict[UUID, list[Named]] = {}
    parents: dict[UUID, list[Named]] = {}
    for coach_id, coachee_id, kind in ties:
        coaches.setdefault(coachee_id, []).append(_named(people[coach_id], kind))
    for row in families:
        parents.setdefault(row.child_id, []).append(_named(people[row.parent_id], _agreement(row)))
    return {
        user_id: person.evolve(coaches=tuple(coaches.get(user_id, ())), parents=tuple(parents.get(user_id, ())))
        for user_id, person in people.items()
    }


def _named(person: Listed, note: str = "") -> Named:
    return Named(id=person.id, name=person.name, telegram_id=person.telegram_id, note=note)


def _agreement(row: object) -> str:
    withdrawn, agreed = getattr(row, "withdrawn_at", None), getattr(row, "agreed_at", None)
    if withdrawn is not None:
        return f"withdrawn {withdrawn:%Y-%m-%d}"
    return f"agreed {agreed:%Y-%m-%d}" if agreed is not None else "has not agreed"
