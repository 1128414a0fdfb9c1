"""What booked sessions come to, said once more and otherwise: plain rows, and what each deed makes of them.

Of `flows` it takes the table of legal moves, which is the rule itself. When somebody or something is free, which
session comes before which, and where sessions go whose machine is out of service, is worked out here anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from flows.life import MOVES, Move

OPEN = ("scheduled", "pending")
TAKING = ("scheduled", "pending", "completed", "missed")


class RefusedError(Exception):
    """The decision refuses it."""


class DatabaseError(Exception):
    """The database refuses it."""


@dataclass(frozen=True)
class Row:
    """A session's row. `record` is its record's status."""

    id: UUID
    programme: UUID
    number: int
    coachee: UUID
    coach: UUID | None
    resource: UUID
    start: datetime
    end: datetime
    status: str = "scheduled"
    version: int = 1
    replaces: UUID | None = None
    record: str | None = None

    def now(self, now: datetime) -> str:
        """Its status once the clock is asked."""
        return "pending" if self.status == "scheduled" and self.start <= now else self.status


@dataclass(frozen=True)
class Held:
    """A time that is held."""

    by: UUID
    coach: UUID | None
    coachee: UUID
    resource: UUID
    start: datetime
    end: datetime
    until: datetime


@dataclass(frozen=True)
class Thing:
    """A machine or room."""

    id: UUID
    number: int
    kind: str = "machine"
    in_service: bool = True


@dataclass(frozen=True)
class World:
    """All that there is. `history` is which session something was learned of, as what, and its act."""

    rows: Mapping[UUID, Row] = field(default_factory=dict)
    things: Mapping[UUID, Thing] = field(default_factory=dict)
    holds: Mapping[UUID, Held] = field(default_factory=dict)
    history: tuple[tuple[UUID, str, str], ...] = ()

    def with_row(self, row: Row, kind: str = "", act: str = "") -> World:
        """With a row as it is to be; what is learned by it, if anything. The database may refuse it."""
        others = [other for other in self.rows.values() if other.id != row.id]
        if row.resource not in self.things or any(clash(row, other) for other in others):
            raise DatabaseError
        if row.status != "rescheduled" and any(same_number(row, other) for other in others):
            raise DatabaseError
        learned = ((row.id, kind, act),) if kind else ()
        return replace(self, rows={**self.rows, row.id: row}, history=self.history + learned)


def overlap(one: Row | Held, other: Row | Held) -> bool:
    """Whether two times have a moment in common."""
    return max(one.start, other.start) < min(one.end, other.end)


def clash(one: Row, other: Row) -> bool:
    """Whether two sessions cannot both take place."""
    if one.status not in TAKING or other.status not in TAKING or not overlap(one, other):
        return False
    coach = one.coach is not None and one.coach == other.coach
    return coach or one.coachee == other.coachee or one.resource == other.resource


def same_number(one: Row, other: Row) -> bool:
    """Whether one stands where another one does already."""
    return other.status != "rescheduled" and (one.programme, one.number) == (other.programme, other.number)


def before(row: Row, rows: Iterable[Row]) -> bool:
    """Whether a session before this one waits to be resolved. One that was moved behind it does not."""
    return any(
        other.programme == row.programme
        and other.number < row.number
        and other.status in OPEN
        and not (other.replaces is not None and other.start > row.start)
        for other in rows
    )


def rests(row: Row, rows: Iterable[Row]) -> bool:
    """Whether a session that was held after this one could not have been completed before it was resolved."""
    again = replace(row, status="pending")
    return any(other.status == "completed" and before(other, (again,)) for other in rows)


def moved(row: Row, move: Move, now: datetime) -> Row:
    """The row after a move."""
    here = row.now(now)
    if (here, move) not in MOVES or (move == "reopen" and row.record == "submitted"):
        raise RefusedError
    return replace(row, status=MOVES[here, move], version=row.version + 1)


def busy(world: World, who: UUID, span: Held, now: datetime) -> bool:
    """Whether a person is in a session, in whatever part, or somebody else holds their time."""
    sessions = [row for row in world.rows.values() if row.status in TAKING]
    holds = [hold for hold in world.holds.values() if hold.until > now and hold.by != span.by]
    return any(who in (one.coach, one.coachee) and overlap(one, span) for one in (*sessions, *holds))


def free_thing(world: World, span: Held, now: datetime, but: UUID | None = None, kind: str = "") -> Thing | None:
    """The machine or room for a time: the lowest number that is free, of a kind first if it is named."""
    used = {row.resource for row in world.rows.values() if row.status in TAKING and overlap(row, span)}
    used |= {h.resource for h in world.holds.values() if h.until > now and h.by != span.by and overlap(h, span)}
    free = [one for one in world.things.values() if one.in_service and one.id not in used and one.id != but]
    return min(free, key=lambda one: (bool(kind) and one.kind != kind, one.number), default=None)


def taken_out(world: World, thing: Thing, operator: UUID, now: datetime) -> World:
    """Out of service: each session to come goes where it can be, by time."""
    coming = [row for row in world.rows.values() if row.resource == thing.id and row.status in OPEN and row.end > now]
    for row in sorted(coming, key=lambda row: (row.start, row.id)):
        span = Held(operator, None, row.coachee, thing.id, row.start, row.end, now)
        to = free_thing(world, span, now, but=thing.id, kind=thing.kind)
        if to is not None:
            there = replace(row, resource=to.id, version=row.version + 1)
            world = world.with_row(there, "session", "resource_changed")
    return replace(world, things={**world.things, thing.id: replace(thing, in_service=False)})


def held(world: World, hold: Held, now: datetime) -> World:
    """A time is held: what ran out, and what the person held before, makes room."""
    left = {by: one for by, one in world.holds.items() if one.until > now and by != hold.by}
    if hold.resource not in world.things:
        raise DatabaseError
    for one in left.values():
        shared = (hold.coach is not None and hold.coach == one.coach) or hold.coachee == one.coachee
        if overlap(one, hold) and (shared or hold.resource == one.resource):
            raise DatabaseError
    return replace(world, holds={**left, hold.by: hold})


def released(world: World, coach: UUID, coachee: UUID | None) -> World:
    """A coach coaches somebody no more, or nobody."""
    rows = {
        row.id: replace(row, coach=None, version=row.version + 1)
        for row in world.rows.values()
        if row.coach == coach and row.status in OPEN and coachee in (None, row.coachee)
    }
    learned = tuple((row_id, "session", "released") for row_id in rows)
    return replace(world, rows={**world.rows, **rows}, history=world.history + learned)


def deleted(world: World, thing: Thing) -> World:
    """A machine or room is no more, with what was held of it."""
    if any(row.resource == thing.id for row in world.rows.values()):
        raise DatabaseError
    things = {key: one for key, one in world.things.items() if key != thing.id}
    holds = {by: one for by, one in world.holds.items() if one.resource != thing.id}
    return replace(world, things=things, holds=holds)


def long(minutes: int) -> timedelta:
    """So many minutes."""
    return timedelta(minutes=minutes)
