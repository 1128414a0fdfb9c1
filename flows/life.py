"""The life of a session: THE table of its legal moves, and the one function that makes them.

    scheduled   booked, its time is to come
    pending     its time has come, and nobody has said yet what became of it
    completed   it was held; its record is a draft until the coach submits it
    missed      somebody was absent
    rescheduled another row with the same number is in its place
    cancelled   it does not take place

Rules: what happened can only be said of a session whose time has come (complete, miss), what is to come can be moved
and called off, and a mistake of the one who said what happened can be taken back (reopen) until the record is
submitted. A rescheduled or cancelled session is over: its time was given away.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from flows.diary import OPEN, Absent, Scheduled, Status
from flows.errors import IllegalMoveError

Move = Literal["come", "complete", "miss", "reschedule", "cancel", "reopen"]

MOVES: dict[tuple[Status, Move], Status] = {
    ("scheduled", "come"): "pending",
    ("scheduled", "reschedule"): "rescheduled",
    ("scheduled", "cancel"): "cancelled",
    ("pending", "complete"): "completed",
    ("pending", "miss"): "missed",
    ("pending", "reschedule"): "rescheduled",
    ("pending", "cancel"): "cancelled",
    ("completed", "reopen"): "pending",
    ("missed", "reopen"): "pending",
}
"""What becomes of a session; a pair that is not in it is not a move."""


LEADS_BEFORE = timedelta(minutes=10)
"""How long before a session its conversation can begin."""


def leadable(session: Scheduled, now: datetime) -> bool:
    """Whether the conversation that is led at a session can begin: its time is near or here, and none has begun."""
    near = session.starts_at - LEADS_BEFORE <= now < session.ends_at
    return near and session.open and session.conversation is None


def as_of(session: Scheduled, now: datetime) -> Scheduled:
    """A session as it stands now: its time may have come before the clock said so."""
    if session.status == "scheduled" and session.starts_at <= now:
        return session.evolve(status=MOVES["scheduled", "come"])
    return session


def legal(session: Scheduled, move: Move, now: datetime) -> bool:
    """Whether a session can be moved so."""
    here = as_of(session, now)
    if move == "come":
        return here.status == "pending" and session.status == "scheduled"
    if move == "reopen" and session.record is not None and session.record.status == "submitted":
        return False
    return (here.status, move) in MOVES


def moved(
    session: Scheduled,
    move: Move,
    now: datetime,
    *,
    by: UUID | None = None,
    absent: Absent | None = None,
    reason: str | None = None,
) -> Scheduled:
    """The session after a move. Raises IllegalMoveError where there is no such move; nothing changes then."""
    if not legal(session, move, now):
        raise IllegalMoveError(f"{session.status} {move}")
    here = as_of(session, now)
    became = MOVES[session.status if move == "come" else here.status, move]
    over = became not in OPEN
    return here.evolve(
        status=became,
        version=session.version + 1,
        absent=absent if move == "miss" else None,
        reason=reason if move == "cancel" else here.reason,
        resolved_at=now if over else None,
        resolved_by=by if over else None,
        sequence=here.sequence + (move == "cancel"),
    )


def blocking(session: Scheduled, programme: tuple[Scheduled, ...]) -> Scheduled | None:
    """The earliest session before this one that nobody has resolved: this one cannot be completed before that.

    One that was moved to a time after this one was resolved by moving it: its new time is still to come.
    """
    before = [
        other
        for other in programme
        if other.open
        and other.number < session.number
        and (other.replaces is None or other.starts_at <= session.starts_at)
    ]
    return min(before, key=lambda other: other.number, default=None)


def resting(session: Scheduled, programme: tuple[Scheduled, ...]) -> Scheduled | None:
    """The earliest completed session that was completed only because this one was resolved: this one stays so."""
    again = session.evolve(status="pending")
    after = [
        other
        for other in programme
        if other.status == "completed" and other.number > session.number and blocking(other, (again,)) is not None
    ]
    return min(after, key=lambda other: other.number, default=None)


def next_due(session: Scheduled, programme: tuple[Scheduled, ...], now: datetime) -> Scheduled | None:
    """The earliest later session of the programme whose time has come and that nobody has resolved."""
    due = [other for other in programme if other.number > session.number and as_of(other, now).status == "pending"]
    return min(due, key=lambda other: (other.number, other.starts_at), default=None)


def goes_on(programme: tuple[Scheduled, ...], coach_id: UUID | None, starts_at: datetime) -> bool:
    """Whether a new session is numbered on from those of a programme: it is the same coach's, and all that is open in
    it comes before. One with a later number could not be completed before those that block it."""
    newest = max(programme, key=lambda session: session.number, default=None)
    if newest is None or (newest.coach is not None and coach_id is not None and newest.coach.user_id != coach_id):
        return False
    return all(session.starts_at < starts_at for session in programme if session.open)


def instead(session: Scheduled, programme: tuple[Scheduled, ...]) -> Scheduled | None:
    """The session that is in the place of one that was rescheduled, after however many moves."""
    found = None
    while (later := next((o for o in programme if o.replaces == (found or session).session_id), None)) is not None:
        found = later
    return found
