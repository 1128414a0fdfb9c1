"""The unit of work: a batch of events, at most one of a chat, decided and saved in ONE commit.

    marks of what was performed -> claim -> lock and load -> decide (pure) -> save state, rows and outbox -> commit

Claiming comes first and is part of the same transaction: an update id, a timer or a finished request that was dealt
with before is recognised, and nothing is decided twice. What `decide` raises belongs to its own event: its claim is
taken back and the rest of the batch goes on. What the database raises belongs to the batch: nothing of it is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import Connection, Engine, delete, update
from sqlalchemy.dialects import postgresql, sqlite

from flows.changes import AnyChange
from flows.effects import Acknowledge, CancelTimer, SetTimer
from flows.events import AnyEvent
from flows.needs import defers, serial
from flows.records import Record
from flows.state import Chat
from storage import tables as t
from storage.loading import NeedsOf, load, one_at_a_time
from storage.outbox import Mark, Outgoing, Row, mark
from storage.saving import save


class Claim(Record):
    """What proves that an event is new: an update's id, a timer's, a finished request's, or nothing to prove."""

    kind: Literal["update", "timer", "request", "retry"]
    id: UUID | int


class Incoming(Record):
    """An event and what it claims."""

    event: AnyEvent
    claim: Claim | None = None


class Settled(Record):
    """A decision, its messages rendered: what is saved for one event. `dropped`: nobody was there for it."""

    chat: Chat
    dropped: bool = False
    changes: tuple[AnyChange, ...] = ()
    outgoing: tuple[Outgoing, ...] = ()
    timers: tuple[SetTimer | CancelTimer, ...] = ()
    passing: tuple[Acknowledge, ...] = ()


class Outcome(Record):
    """What became of an event: rows to perform, or `error` if it could not be decided, or neither if it was known, or
    dropped because nobody is there."""

    incoming: Incoming
    rows: tuple[Row, ...] = ()
    passing: tuple[Acknowledge, ...] = ()
    known: bool = False
    dropped: bool = False
    error: str | None = None


Settle = Callable[[Chat, AnyEvent], Settled]


def handle(
    engine: Engine,
    batch: Sequence[Incoming],
    settle: Settle,
    needs: NeedsOf,
    *,
    now: datetime,
    owner: str,
    marks: Sequence[Mark] = (),
) -> list[Outcome]:
    """Decide and save a batch, and mark what was performed since the last one, in one transaction.

    `settle` is called once for each new event with its chat, locked and loaded with what `needs` names. Events that
    change who people are to each other are decided one after the other, each on what the one before made of it.
    Raises what the database raises.
    """
    with engine.begin() as connection:
        mark(connection, marks, now)
        if not batch:
            return []
        if any(serial(i.event) for i in batch):
            # before anything is claimed: who decides under this lock may take back the timer that waits for it here
            one_at_a_time(connection, {i.event.chat_id for i in batch})
        new = _claim(connection, batch, now)
        outcomes = {id(i): Outcome(incoming=i, known=True) for i in batch}
        relating = [i for i in new if serial(i.event)]
        loaded = load(connection, [i.event for i in new if i not in relating], needs, now)
        put_off = [i for i in new if i not in relating and defers(loaded[i.event.chat_id], i.event)]
        if put_off and not relating:
            one_at_a_time(connection, {i.event.chat_id for i in new})
        first = [i for i in new if i not in relating and i not in put_off]
        _decided(connection, first, loaded, outcomes, settle, now, owner)
        for incoming in (*put_off, *relating):
            alone = load(connection, [incoming.event], needs, now)
            _decided(connection, [incoming], alone, outcomes, settle, now, owner)
        return [outcomes[id(i)] for i in batch]


def _decided(
    connection: Connection,
    wave: Sequence[Incoming],
    chats: Mapping[int, Chat],
    outcomes: dict[int, Outcome],
    settle: Settle,
    now: datetime,
    owner: str,
) -> None:
    """Decide and save events of different chats."""
    settled: list[tuple[Incoming, Settled]] = []
    for incoming in wave:
        try:
            settled.append((incoming, settle(chats[incoming.event.chat_id], incoming.event)))
        except Exception as error:
            _unclaim(connection, incoming)
            outcomes[id(incoming)] = Outcome(incoming=incoming, error=reason(error))
    _answered_letters(connection, settled)
    rows = save(connection, [(chats[s.chat.chat_id], s) for _, s in settled], now=now, owner=owner)
    for (incoming, done), mine in zip(settled, rows, strict=True):
        outcomes[id(incoming)] = Outcome(incoming=incoming, rows=mine, passing=done.passing, dropped=done.dropped)


def reason(error: BaseException) -> str:
    """Why something failed, for the operator: the kind of error and where, never a word of a person."""
    trace, where = error.__traceback__, ""
    while trace is not None:
        code = trace.tb_frame.f_code
        where = f"{code.co_filename.rsplit('/', 2)[-2]}/{code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}"
        trace = trace.tb_next
    return f"{type(error).__name__} at {where}" if where else type(error).__name__


def _claim(connection: Connection, batch: Sequence[Incoming], now: datetime) -> list[Incoming]:
    """The events of the batch that are new. Their claims are taken, in this transaction."""
    taken: dict[str, set[UUID | int]] = {}
    wanted: dict[str, list[Incoming]] = {}
    for incoming in batch:
        if incoming.claim is not None:
            wanted.setdefault(incoming.claim.kind, []).append(incoming)
    for kind, of_kind in wanted.items():
        taken[kind] = _take(connection, kind, of_kind, now)
    return [i for i in batch if i.claim is None or i.claim.id in taken[i.claim.kind]]


def _take(connection: Connection, kind: str, incoming: Sequence[Incoming], now: datetime) -> set[UUID | int]:
    ids = [i.claim.id for i in incoming if i.claim is not None]
    if kind == "update":
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        values = [
            {"update_id": update_id, "chat_id": i.event.chat_id, "claimed_at": now, "state": "claimed"}
            for update_id, i in zip(ids, incoming, strict=True)
        ]
        insert = dialect.insert(t.updates).on_conflict_do_nothing().returning(t.updates.c.update_id)
        return set(connection.execute(insert, values).scalars())
    if kind == "timer":
        taking = update(t.timers).where(t.timers.c.id.in_(ids), t.timers.c.state == "pending").values(state="fired")
        return set(connection.execute(taking.returning(t.timers.c.id)).scalars())
    if kind == "request":
        finishing = (
            update(t.outbox)
            .where(t.outbox.c.id.in_(ids), t.outbox.c.status == "pending")
            .values(status="done", done_at=now, owner=None, lease_until=None)
        )
        return set(connection.execute(finishing.returning(t.outbox.c.id)).scalars())
    again = (
        update(t.updates).where(t.updates.c.update_id.in_(ids), t.updates.c.state == "retry").values(state="claimed")
    )
    return set(connection.execute(again.returning(t.updates.c.update_id)).scalars())


def _unclaim(connection: Connection, incoming: Incoming) -> None:
    """Take a claim back, so that the event can be tried again alone."""
    claim = incoming.claim
    if claim is None:
        return
    if claim.kind == "update":
        connection.execute(delete(t.updates).where(t.updates.c.update_id == claim.id))
    elif claim.kind == "timer":
        connection.execute(update(t.timers).where(t.timers.c.id == claim.id).values(state="pending"))
    elif claim.kind == "request":
        connection.execute(update(t.outbox).where(t.outbox.c.id == claim.id).values(status="pending", done_at=None))
    else:
        connection.execute(update(t.updates).where(t.updates.c.update_id == claim.id).values(state="retry"))


def _answered_letters(connection: Connection, settled: Sequence[tuple[Incoming, Settled]]) -> None:
    """A letter that was dealt with is a claimed update like any other: what it held is not kept."""
    ids = [i.claim.id for i, _ in settled if i.claim is not None and i.claim.kind == "retry"]
    if ids:
        connection.execute(update(t.updates).where(t.updates.c.update_id.in_(ids)).values(event=None, reason=None))
