"""Everything that is done about booked sessions, in any order, against a database, beside a plain model of it.

Each step is one or two events in one unit of work, of people who act on what they saw before: at times that overlap,
on versions that are gone, on machines that are deleted. After each, the tables hold what the model says (or, where it
was refused, what they held before), and what must hold of them whatever the model says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from sqlalchemy import Engine, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from flows import bookings, life
from flows.acts import Act, myself
from flows.changes import (
    AnyChange,
    HoldEnded,
    HoldPut,
    ResourceDeleted,
    ResourcePut,
    SessionPut,
    SessionsReleased,
)
from flows.decide import decide
from flows.diary import Hold, Hours, Programme, Resource, Scheduled, SessionRecord
from flows.errors import IllegalMoveError
from flows.events import AnyEvent, ButtonPressed, Sender, TimerFired
from flows.ids import short_id
from flows.needs import Needs, serial
from flows.places import code, places
from flows.session_news import Scene
from flows.slots import Wanted, free_at
from flows.state import Chat
from storage import tables as t
from storage import unit_of_work
from storage.bookings import SessionChangedError
from storage.unit_of_work import Incoming, Settled, handle
from tests.conftest import DEEP, MACHINE_1
from tests.storage import sessions_model as model
from tests.storage.people import ANA, BEN, MIRA, NOW, OLGA, TOM, come, granted, keep, tie, user
from tests.storage.sessions_model import DatabaseError, Held, RefusedError, Row, Thing, World, long

STEPS = 50_000 if DEEP else 500
"""How many are made on each database, at least."""
A_RUN = 100 if DEEP else 50
COACHES, COACHEES = (ANA, BEN), (MIRA, TOM)
LOCKED = (SessionPut, SessionsReleased, HoldPut, ResourcePut, ResourceDeleted)
"""What nobody else may change meanwhile."""
STATUSES = {frozenset((was, became)) for (was, _), became in life.MOVES.items()}
ON = ("move", "cancel", "complete", "miss", "reopen", "record", "submit", "mine", "put_on")
"""What is done about one session."""
KINDS = ("book", "more", "free", *ON, "come", "release", "hold", "unhold", "add", "out", "back", "delete")
"""All that is done."""


@dataclass(frozen=True)
class Deed:
    """What a person does, and what the model says that comes of it."""

    event: AnyEvent
    needs: Needs
    changes: Callable[[Chat, datetime], tuple[AnyChange, ...]]
    after: Callable[[World, datetime], World]


@dataclass(frozen=True)
class Step:
    """What is done, and numbers by which what it is about is picked out of what there is."""

    what: str
    a: int
    b: int
    c: int
    at: int
    minutes: int
    stale: bool


step = st.builds(
    Step,
    what=st.sampled_from(
        (
            "book",
            "book",
            "more",
            "free",
            *ON,
            *ON,
            "come",
            "release",
            "hold",
            "unhold",
            "add",
            "out",
            "back",
            "delete",
        )
    ),
    a=st.integers(0, 11),
    b=st.integers(0, 3),
    c=st.integers(0, 3),
    at=st.integers(-4, 12),
    minutes=st.sampled_from((30, 45, 60, 90)),
    stale=st.sampled_from((False,) * 7 + (True,)),
)


class Sessions(RuleBasedStateMachine):
    """A house with two coaches, two coachees, an operator, and a machine to begin with."""

    engine: Engine
    steps = 0
    done = 0
    refused = 0
    turned_down = 0
    seen: set[str] = set()

    @initialize()
    def empty(self) -> None:
        """Nothing is booked."""
        with self.engine.begin() as connection:
            for table in (t.learning_events, t.slot_holds, t.scheduled_sessions, t.programmes, t.audit_log):
                connection.execute(delete(table))
            connection.execute(delete(t.resources))
            connection.execute(insert(t.resources), MACHINE_1)
            connection.execute(update(t.conversations).values(state={}))
        thing = Thing(id=MACHINE_1["id"], number=1)
        self.now, self.count = NOW, 0
        self.world = World(things={thing.id: thing})
        self.tables = self.read()

    @rule(one=step)
    def one(self, one: Step) -> None:
        """One thing is done."""
        self.do([self.deed(one, 0)])

    @rule(one=step, other=step)
    def two(self, one: Step, other: Step) -> None:
        """Two things come in one batch, each decided on by somebody who did not know of the other."""
        first, second = self.deed(one, 0), self.deed(other, 1)
        if first.event.chat_id != second.event.chat_id:
            self.do([first, second])
        else:  # one person does one thing after the other, and sees what the first made of it
            self.do([first])
            self.do([self.deed(other, 1)])

    @rule(minutes=st.sampled_from((7, 30, 60, 240)))
    def wait(self, minutes: int) -> None:
        """Time passes."""
        self.now += timedelta(minutes=minutes)

    # ---- one step

    def do(self, batch: list[Deed]) -> None:
        """What the runner does: all at once; where the database refuses it, one by one. Then all is looked at."""
        type(self).steps += len(batch)
        expected, verdicts = self.foreseen(batch)
        spoiled = "database" in verdicts
        try:
            errors = self.handled(batch)
            assert not spoiled, (batch, verdicts)
        except (IntegrityError, SessionChangedError):
            assert spoiled, (batch, verdicts)
            assert self.read() == self.tables, "a refused batch left something"
            errors = []
            if len(batch) > 1:
                errors = [self.alone(one, verdict) for one, verdict in zip(batch, verdicts, strict=True)]
        if errors:
            assert [bool(e) for e in errors] == [v != "done" for v in verdicts], (batch, errors, verdicts)
        for verdict, deed in zip(verdicts, batch, strict=True):
            self.tally(verdict, deed)
        was, self.world, self.tables = self.tables, expected, self.read()
        assert self.tables == as_rows(expected), batch
        self.look(was)

    def alone(self, one: Deed, verdict: str) -> str | None:
        """An event of a batch that was spoiled is tried again by itself."""
        try:
            [error] = self.handled([one])
        except (IntegrityError, SessionChangedError):
            assert verdict == "database", one
            return "database"
        return error

    def foreseen(self, batch: list[Deed]) -> tuple[World, list[str]]:
        """What the model says: each on what the one before made of it."""
        world, verdicts = self.world, []
        for deed in batch:
            try:
                world = deed.after(world, self.now)
                verdicts.append("done")
            except RefusedError:
                verdicts.append("refused")
            except DatabaseError:
                verdicts.append("database")
        return world, verdicts

    def handled(self, batch: list[Deed]) -> list[str | None]:
        """The unit of work, as in the product but for what is decided."""
        by_id = {deed.event.id: deed for deed in batch}
        with locks() as locked:

            def settle(chat: Chat, event: AnyEvent) -> Settled:
                changes = by_id[event.id].changes(chat, self.now)
                if any(isinstance(change, LOCKED) for change in changes):
                    assert locked, event
                    assert serial(event), event
                return Settled(chat=chat, changes=changes)

            outcomes = handle(
                self.engine,
                [Incoming(event=deed.event) for deed in batch],
                settle,
                lambda _, event: by_id[event.id].needs,
                now=self.now,
                owner="me",
            )
        unforeseen = [o.error for o in outcomes if o.error and not o.error.startswith("IllegalMoveError")]
        assert not unforeseen, (unforeseen, batch)
        return [outcome.error for outcome in outcomes]

    @classmethod
    def tally(cls, verdict: str, deed: Deed) -> None:
        """Count what came of the steps: a test in which all is refused would show nothing."""
        cls.done += verdict == "done"
        cls.refused += verdict == "database"
        cls.turned_down += verdict == "refused"

    # ---- what must hold

    def read(self) -> dict[str, Any]:
        """The tables."""
        s, r, h, e = t.scheduled_sessions.c, t.resources.c, t.slot_holds.c, t.learning_events.c
        columns = (s.id, s.programme_id, s.session_number, s.coachee_id, s.coach_id, s.resource_id, s.starts_at)
        more = (s.ends_at, s.status, s.version, s.replaces_id, s.record_status)
        holds = (h.held_by, h.coach_id, h.coachee_id, h.resource_id, h.starts_at, h.ends_at, h.expires_at)
        with self.engine.connect() as connection:
            return {
                "sessions": {row[0]: Row(*row) for row in connection.execute(select(*columns, *more))},
                "resources": {
                    row[0]: Thing(*row) for row in connection.execute(select(r.id, r.number, r.kind, r.in_service))
                },
                "holds": {row[0]: Held(*row) for row in connection.execute(select(*holds))},
                "history": sorted(
                    (row[0], row[1], row[2].get("act", ""))
                    for row in connection.execute(select(e.session_id, e.event_type, e.event_data))
                ),
            }

    def look(self, was: dict[str, Any]) -> None:
        """What holds of the tables whatever the model says."""
        rows: dict[UUID, Row] = self.tables["sessions"]
        taking = [row for row in rows.values() if row.status in model.TAKING]
        for number, one in enumerate(taking):
            for other in taking[:number]:
                if one.start < other.end and other.start < one.end:
                    assert one.coachee != other.coachee
                    assert one.resource != other.resource
                    assert one.coach is None or one.coach != other.coach
        places_of = [(row.programme, row.number) for row in rows.values() if row.status != "rescheduled"]
        assert len(places_of) == len(set(places_of))
        successors = [row.replaces for row in rows.values() if row.replaces is not None]
        assert sorted(successors) == sorted(row.id for row in rows.values() if row.status == "rescheduled")
        before: dict[UUID, Row] = was["sessions"]
        assert before.keys() <= rows.keys(), "a session is gone"
        for row in before.values():
            self.compare(row, rows[row.id])

    def compare(self, was: Row, row: Row) -> None:
        """What became of a row in a step (of up to two events)."""
        if was == row:
            return
        assert 1 <= row.version - was.version <= 2, "a change that is not counted"
        kept = ("programme", "number", "coachee", "start", "end", "replaces")
        assert all(getattr(was, name) == getattr(row, name) for name in kept)
        assert was.status not in ("rescheduled", "cancelled") or was.status == row.status
        assert was.record != "submitted" or (row.record, row.status) == (was.record, was.status)
        if row.status == "completed" and was.status != "completed" and row.version == was.version + 1:
            assert was.start <= self.now
            assert row.record is not None
            assert row.coach is not None

    # ---- deeds

    def deed(self, one: Step, which: int) -> Deed:
        """What is done, about what there is now."""
        self.count += 1
        type(self).seen.add(one.what)
        rows = list(self.world.rows.values())
        if one.what in ON or one.what == "come":
            if rows:
                row = rows[-1 - one.a % len(rows)]
                return self.comes(row) if one.what == "come" else self.on(row, one, which)
            one = replace(one, what="book")
        if one.what in ("book", "more", "free"):
            return self.books(one, which)
        return getattr(self, f"{one.what}s")(one, which)  # type: ignore[no-any-return]

    def press(self, chat_id: int, data: str) -> ButtonPressed:
        event_id = UUID(int=10**12 + self.count)
        return ButtonPressed(id=event_id, chat_id=chat_id, sender=Sender(name="?"), data=data)

    def thing(self, number: int) -> Thing:
        things = list(self.world.things.values())
        return things[number % len(things)] if things else Thing(id=UUID(int=4), number=4)  # one that is no more

    def span(self, one: Step, by: int) -> Held:
        """Whom and what a time is for."""
        start = NOW + timedelta(minutes=30 * one.at) if one.stale else self.now + timedelta(minutes=30 * one.at)
        coach = user(COACHES[one.b % 2]) if one.b < 3 else None
        coachee, until = user(COACHEES[one.a % 2]), self.now + timedelta(minutes=10)
        return Held(user(by), coach, coachee, self.thing(one.c).id, start, start + long(one.minutes), until)

    def books(self, one: Step, which: int) -> Deed:
        """A new programme, one more session of one that is there, or one where `slots` finds room."""
        by = COACHES[which]
        span = self.span(one, by)
        event = self.press(by, "b:0::book")
        there = next((r for r in self.world.rows.values() if r.coachee == span.coachee), None)
        new = one.what != "more" or there is None
        programme = event.derived("programme") if new or there is None else there.programme
        numbers = [r.number for r in self.world.rows.values() if r.programme == programme]
        number, session_id = max(numbers, default=0) + 1, event.derived("session")
        many = (0, 1) if one.what == "book" and one.stale else (0,)

        def changes(chat: Chat, now: datetime) -> tuple[AnyChange, ...]:
            resource_id = span.resource
            if one.what == "free":
                slot = free_at(wanted(chat, span, one.minutes), span.start, now, by_coach=True)
                if slot is None:
                    raise IllegalMoveError("taken")
                resource_id = slot.resource.resource_id
            whose = chat.around.subject
            assert whose is not None
            coach = next((tie.coach for tie in whose.ties if tie.coach.user_id == span.coach), None)
            sessions = tuple(
                Scheduled(
                    session_id=event.derived("session" + "+" * n),
                    programme_id=programme,
                    number=number + n,
                    coachee=whose.person,
                    coach=coach,
                    resource=Resource(resource_id=resource_id, number=1),
                    starts_at=span.start + n * long(one.minutes),
                    ends_at=span.end + n * long(one.minutes),
                )
                for n in many
            )
            made = Programme(
                programme_id=programme,
                coachee_id=span.coachee,
                coach_id=span.coach,
                timezone="UTC",
                minutes=one.minutes,
            )
            return bookings.booked(sessions, scene(chat, event, now), made if new else None).changes

        def after(world: World, now: datetime) -> World:
            resource_id: UUID = span.resource
            if one.what == "free":
                thing = model.free_thing(world, span, now)
                people = [who for who in (span.coach, span.coachee) if who is not None]
                if span.start <= now or thing is None or any(model.busy(world, who, span, now) for who in people):
                    raise RefusedError
                resource_id = thing.id
            for n in many:
                row = Row(
                    id=event.derived("session" + "+" * n),
                    programme=programme,
                    number=number + n,
                    coachee=span.coachee,
                    coach=span.coach,
                    resource=resource_id,
                    start=span.start + n * long(one.minutes),
                    end=span.end + n * long(one.minutes),
                )
                world = world.with_row(row, "session", "booked")
            return world

        assert session_id not in self.world.rows
        days = (span.start.date(), span.start.date())
        return Deed(event, Needs(own=True, subject=span.coachee, days=days), changes, after)

    def on(self, row: Row, one: Step, which: int) -> Deed:
        """Something about one session."""
        what, by = one.what, COACHES[which]
        event = self.press(by, f"b:0:{short_id(row.id)}:{'submit' if what in ('record', 'put_on') else what}")
        if what in ("move", "miss", "cancel"):
            event = event.evolve(data=f"b:0:{short_id(row.id)}:cancelled")
        span, thing = self.span(one, by), self.thing(one.c)

        def changes(chat: Chat, now: datetime) -> tuple[AnyChange, ...]:
            session = chat.book.session
            assert session is not None
            if one.stale:
                session = session.evolve(version=session.version - 1)
            resource = Resource(resource_id=thing.id, number=thing.number)
            return act_on(what, session, chat, resource, span.start, scene(chat, event, now)).changes

        def after(world: World, now: datetime) -> World:
            here = world.rows[row.id]
            new_id = event.derived(f"instead of {row.id}")
            found = model_on(what, here, world, user(by), thing.id, span.start, new_id, now)
            if one.stale:
                raise DatabaseError
            return found

        return Deed(event, Needs(own=True, session=row.id), changes, after)

    def comes(self, row: Row) -> Deed:
        """A session's time, or what the clock takes for it."""
        event = TimerFired(
            id=UUID(int=10**12 + self.count),
            chat_id=MIRA if row.coachee == user(MIRA) else TOM,
            key=f"begin:{row.id}",
            kind="session_begin",
            subject=row.id,
        )

        def after(world: World, now: datetime) -> World:
            here = world.rows[row.id]
            if (here.status, here.now(now)) != ("scheduled", "pending"):
                return world
            return world.with_row(replace(here, status="pending", version=here.version + 1))

        def changes(chat: Chat, now: datetime) -> tuple[AnyChange, ...]:
            return decide(chat, event, now).changes

        return Deed(event, Needs(own=True, session=row.id, history=True), changes, after)

    def releases(self, one: Step, which: int) -> Deed:
        """A coach coaches somebody no more."""
        coach, coachee = user(COACHES[one.b % 2]), user(COACHEES[one.a % 2]) if one.c else None
        event = self.press(OLGA, f"p:0:{short_id(coach)}:end")
        change = SessionsReleased(coach_id=coach, coachee_id=coachee, at=self.now)
        return Deed(event, Needs(), lambda *_: (change,), lambda world, _: model.released(world, coach, coachee))

    def holds(self, one: Step, which: int) -> Deed:
        """A time is held."""
        by = (MIRA, TOM)[which] if one.stale else (ANA, BEN)[which]
        span = self.span(one, by)
        hold = Hold(
            held_by=span.by,
            coach_id=span.coach,
            coachee_id=span.coachee,
            resource_id=span.resource,
            starts_at=span.start,
            ends_at=span.end,
            expires_at=span.until,
        )
        event, change = self.press(by, "b:0::take:1"), HoldPut(hold=hold, at=self.now)
        return Deed(event, Needs(), lambda *_: (change,), lambda world, now: model.held(world, span, now))

    def unholds(self, one: Step, which: int) -> Deed:
        """What was held is so no more."""
        by = (*COACHES, *COACHEES)[one.c]
        event, change = self.press(by, "b:0::leave"), HoldEnded(held_by=user(by))

        def after(world: World, now: datetime) -> World:
            return replace(world, holds={who: one for who, one in world.holds.items() if who != user(by)})

        return Deed(event, Needs(), lambda *_: (change,), after)

    def adds(self, one: Step, which: int) -> Deed:
        """One more machine or room; where there are four it is as it was."""
        event = self.press(OLGA, "b:0::add:machine")
        numbers = {thing.number for thing in self.world.things.values()}
        number = min({1, 2, 3, 4, 5} - numbers)
        new = Thing(id=event.derived("resource"), number=number, kind="room" if one.a % 2 else "machine")
        thing = new if number < 5 else self.thing(one.a)
        resource = Resource(
            resource_id=thing.id,
            number=thing.number,
            kind="room" if thing.kind == "room" else "machine",
            in_service=thing.in_service,
        )
        change = ResourcePut(resource=resource, at=self.now)

        def after(world: World, now: datetime) -> World:
            return replace(world, things={**world.things, thing.id: thing})

        return Deed(event, Needs(), lambda *_: (change,), after)

    def outs(self, one: Step, which: int) -> Deed:
        """The operator takes one out of service, and means it."""

        def after(world: World, thing: Thing, now: datetime) -> World:
            return model.taken_out(world, thing, user(OLGA), now)

        return self.operates(self.thing(one.c), "out", after)

    def backs(self, one: Step, which: int) -> Deed:
        """It is in service again."""

        def after(world: World, thing: Thing, now: datetime) -> World:
            return replace(world, things={**world.things, thing.id: replace(thing, in_service=True)})

        return self.operates(self.thing(one.c), "back", after)

    def deletes(self, one: Step, which: int) -> Deed:
        """It is deleted where it can be; half of the time the screen's look at its past is left out."""
        thing = self.thing(one.c)
        if one.a % 2:
            event, change = self.press(OLGA, "b:0::add:machine"), ResourceDeleted(resource_id=thing.id)
            return Deed(event, Needs(), lambda *_: (change,), lambda world, _: model.deleted(world, thing))

        def after(world: World, thing: Thing, now: datetime) -> World:
            used = any(row.resource == thing.id for row in world.rows.values())
            return world if used else model.deleted(world, thing)

        return self.operates(thing, "delete:yes", after)

    def operates(self, thing: Thing, act: str, then: Callable[[World, Thing, datetime], World]) -> Deed:
        """A press of the operator's, decided by the product itself."""
        event = self.press(OLGA, f"b:0:{short_id(thing.id)}:{act}")

        def changes(chat: Chat, now: datetime) -> tuple[AnyChange, ...]:
            pressed = event.evolve(data=f"{event.data}:y{code(places(chat.book))}") if act == "out" else event
            return decide(chat, pressed, now).changes

        def after(world: World, now: datetime) -> World:
            return then(world, world.things[thing.id], now) if thing.id in world.things else world

        return Deed(event, Needs(own=True, resource=thing.id, stock=True), changes, after)


def scene(chat: Chat, event: AnyEvent, now: datetime) -> Scene:
    """What a deed takes."""
    assert chat.around.subject is not None
    return Scene(subject=chat.around.subject, event=event, now=now, actor=chat.someone.user_id)


def wanted(chat: Chat, span: Held, minutes: int) -> Wanted:
    """What `slots` is asked."""
    return Wanted(
        coach_id=span.coach,
        coachee_id=span.coachee,
        zone="UTC",
        hours=Hours(),
        taken=chat.book.taken,
        resources=chat.book.resources,
        minutes=minutes,
    )


def act_on(what: str, session: Scheduled, chat: Chat, resource: Resource, at: datetime, here: Scene) -> Act:
    """The deed, with what the card it is on looks at before."""
    me, record = myself(chat).person, session.record
    match what:
        case "move":
            return bookings.rescheduled(session, at, resource, here)[0]
        case "cancel":
            return bookings.cancelled(session, "ill", here)[0]
        case "complete" if life.blocking(session, chat.book.programme) is None:
            return bookings.completed(session, me, here)[0]
        case "miss":
            return bookings.missed(session, "coachee", here, parents=False)[0]
        case "reopen" if life.resting(session, chat.book.programme) is None:
            return bookings.reopened(session, here)[0]
        case "record" | "submit" if record is not None and (session.status, record.status) == ("completed", "draft"):
            status = "draft" if what == "record" else "submitted"
            return bookings.recorded(session, SessionRecord(on=record.on, topic="reading", status=status), here)[0]
        case "mine" if session.open and session.coach is None:
            return bookings.taken_over(session, me, here)[0]
        case "put_on" if session.open:
            return bookings.put_on(session, resource, here)[0]
    raise IllegalMoveError(what)


def model_on(
    what: str, row: Row, world: World, by: UUID, resource: UUID, at: datetime, new_id: UUID, now: datetime
) -> World:
    """The same, by the model."""
    one_more = replace(row, version=row.version + 1)
    match what:
        case "move":
            gone = model.moved(row, "reschedule", now)
            new = replace(
                row,
                id=new_id,
                resource=resource,
                start=at,
                end=at + (row.end - row.start),
                status="scheduled",
                version=1,
                replaces=row.id,
                record=None,
            )
            return world.with_row(gone).with_row(new, "session_rescheduled")
        case "cancel":
            return world.with_row(model.moved(row, "cancel", now), "session_cancelled")
        case "complete" if not model.before(row, world.rows.values()):
            held = model.moved(row, "complete", now)
            held = replace(held, coach=row.coach or by, record=row.record or "draft")
            return world.with_row(held, "session_completed")
        case "miss":
            return world.with_row(model.moved(row, "miss", now), "session_missed")
        case "reopen" if not model.rests(row, world.rows.values()):
            return world.with_row(model.moved(row, "reopen", now), "session", "reopened")
        case "record" if (row.status, row.record) == ("completed", "draft"):
            return world.with_row(one_more)
        case "submit" if (row.status, row.record) == ("completed", "draft"):
            return world.with_row(replace(one_more, record="submitted"), "session", "record")
        case "mine" if row.status in model.OPEN and row.coach is None:
            return world.with_row(replace(one_more, coach=by), "session", "coach_assigned")
        case "put_on" if row.status in model.OPEN:
            return world.with_row(replace(one_more, resource=resource), "session", "resource_changed")
    raise RefusedError


def as_rows(world: World) -> dict[str, Any]:
    """A world as tables."""
    return {
        "sessions": dict(world.rows),
        "resources": dict(world.things),
        "holds": dict(world.holds),
        "history": sorted(world.history),
    }


@contextmanager
def locks() -> Iterator[list[bool]]:
    """Whether the lock was taken meanwhile."""
    found: list[bool] = []
    true_one = unit_of_work.one_at_a_time

    def taken(*args: Any) -> None:
        true_one(*args)
        found.append(True)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(unit_of_work, "one_at_a_time", taken)
        yield found


def test_in_any_order_nothing_is_lost_doubled_or_skipped(engine: Engine) -> None:
    come(engine, *COACHES, *COACHEES, OLGA)
    ties = [tie(c, who, kind="primary" if c == ANA else "secondary") for c in COACHES for who in COACHEES]
    keep(engine, granted(OLGA, "operator"), *(granted(c, "coach") for c in COACHES), *ties)
    machine = type("SessionsHere", (Sessions,), {"engine": engine, "seen": set()})
    profile = settings(
        max_examples=20,
        stateful_step_count=A_RUN,
        deadline=None,
        derandomize=not DEEP,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    while machine.steps < STEPS:
        run_state_machine_as_test(machine, settings=profile)
        print(f"{machine.steps} steps: {machine.done} done, {machine.turned_down} illegal, {machine.refused} refused")
    assert machine.seen == set(KINDS)
    assert min(machine.done, machine.turned_down, machine.refused) > STEPS // 50
