"""Booked sessions as rows: what decisions made of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import uuid5

import msgspec
from sqlalchemy import Connection, delete, insert, or_, update

from flows.changes import (
    CalendarMarked,
    Change,
    ConsentPut,
    FeedHashed,
    HoldEnded,
    HoldPut,
    HoursSet,
    Learned,
    ProgrammeMade,
    QuestionPut,
    ResourceDeleted,
    ResourcePut,
    SessionPut,
    SessionsReleased,
)
from flows.diary import OPEN, Consent, Scheduled
from storage import tables as t
from storage.statements import upsert


class SessionChangedError(Exception):
    """A session was changed meanwhile: what was decided on it does not hold."""


class ConsentChangedError(Exception):
    """A consent was decided or changed meanwhile: what was decided on it does not hold."""


def _programmes(connection: Connection, found: list[ProgrammeMade], now: datetime) -> None:
    connection.execute(
        insert(t.programmes),
        [
            {
                "id": made.programme.programme_id,
                "coachee_id": made.programme.coachee_id,
                "coach_id": made.programme.coach_id,
                "timezone": made.programme.timezone,
                "minutes": made.programme.minutes,
                "created_by": made.programme.created_by,
                "created_at": made.at,
            }
            for made in found
        ],
    )


def _sessions(connection: Connection, found: list[SessionPut], now: datetime) -> None:
    """Changes come before new rows: what gives its time away, or its number, does so first."""
    s = t.scheduled_sessions.c
    for put in found:
        if put.was is not None:
            row = _row(put.session)
            held = or_(s.resource_held, s.resource_id != row["resource_id"])  # where it is put, it holds its place
            standing = update(t.scheduled_sessions).where(s.id == put.session.session_id, s.version == put.was)
            changing = standing.values(**row, resource_held=held, updated_at=put.at)
            if not connection.execute(changing.returning(s.id)).first():
                raise SessionChangedError
    new = [put for put in found if put.was is None]
    if new:
        connection.execute(
            insert(t.scheduled_sessions),
            [{**_row(put.session), "updated_at": put.at, "created_at": put.at} for put in new],
        )


def _row(session: Scheduled) -> dict[str, Any]:
    record = session.record
    return {
        "id": session.session_id,
        "programme_id": session.programme_id,
        "session_number": session.number,
        "coachee_id": session.coachee.user_id,
        "coach_id": session.coach.user_id if session.coach is not None else None,
        "resource_id": session.resource.resource_id,
        "starts_at": session.starts_at,
        "ends_at": session.ends_at,
        "status": session.status,
        "version": session.version,
        "replaces_id": session.replaces,
        "moves": session.moves,
        "absent": session.absent,
        "resolved_at": session.resolved_at,
        "resolved_by": session.resolved_by,
        "cancellation_status": session.cancellation_status,
        "cancellation_requested_at": session.requested_at,
        "cancellation_reason": session.reason,
        "cancellation_expires_at": session.expires_at,
        "record_status": record.status if record else None,
        "record_date": record.on if record else None,
        "record_topic": record.topic if record else None,
        "coach_notes": record.notes if record else None,
        "conversation_id": session.conversation,
        "calendar_uid": session.uid,
        "calendar_sequence": session.sequence,
        "calendar_state": session.calendar,
        "calendar_event_id": session.event_id,
    }


def _consents(connection: Connection, found: list[ConsentPut], now: datetime) -> None:
    """What is over comes first: its session may be asked for again."""
    c = t.consents.c
    for put in found:
        if put.was is not None:
            standing = update(t.consents).where(c.id == put.consent.consent_id, c.version == put.was)
            if not connection.execute(standing.values(_consent(put.consent)).returning(c.id)).first():
                raise ConsentChangedError
    new = [{**_consent(put.consent), "created_at": put.at} for put in found if put.was is None]
    if new:
        connection.execute(insert(t.consents), new)


def _consent(consent: Consent) -> dict[str, Any]:
    return {
        "id": consent.consent_id,
        "session_id": consent.session_id,
        "coachee_id": consent.coachee_id,
        "asked_by": consent.asked_by.user_id if consent.asked_by is not None else None,
        "asked_as": consent.asked_as,
        "reason": consent.reason,
        "asked_at": consent.asked_at,
        "expires_at": consent.expires_at,
        "decider": consent.decider,
        "on_silence": consent.silence,
        "status": consent.status,
        "version": consent.version,
        "escalated": consent.escalated,
        "decided_at": consent.decided_at,
        "decided_by": consent.decided_by.user_id if consent.decided_by is not None else None,
        "decided_as": consent.decided_as,
        "words": consent.words or None,
        "called_at": consent.called_at,
        "call_by": consent.call_by.user_id if consent.call_by is not None else None,
        "call_until": consent.call_until,
        "call_left": consent.call_left,
        "phone": consent.phone or None,
        "call_outcome": consent.call_outcome,
        "reported_at": consent.reported_at,
    }


def _released(connection: Connection, found: list[SessionsReleased], now: datetime) -> None:
    """The sessions are not loaded for it: a coach may have hundreds. Their history has it all the same."""
    s = t.scheduled_sessions.c
    for change in found:
        theirs = update(t.scheduled_sessions).where(s.coach_id == change.coach_id, s.status.in_(OPEN))
        if change.coachee_id is not None:
            theirs = theirs.where(s.coachee_id == change.coachee_id)
        values = {"coach_id": None, "version": s.version + 1, "updated_at": change.at}
        of = (s.id, s.version, s.coachee_id, s.session_number, s.starts_at)
        rows = list(connection.execute(theirs.values(**values).returning(*of)))
        if rows:
            _learned(connection, [_without_coach(row, change.at) for row in rows], now)


def _without_coach(row: Any, at: datetime) -> Learned:
    return Learned(
        event_id=uuid5(row.id, f"released {row.version}"),
        coachee_id=row.coachee_id,
        coach_id=None,
        session_id=row.id,
        event_type="session",
        at=at,
        data={
            "number": row.session_number,
            "version": row.version,
            "starts_at": row.starts_at.isoformat(),
            "act": "released",
        },
        content=f"Session {row.session_number}, {row.starts_at:%Y-%m-%d %H:%M} UTC: it has no coach any more.",
    )


def _marked(connection: Connection, found: list[CalendarMarked], now: datetime) -> None:
    s = t.scheduled_sessions.c
    for change in found:
        marking = update(t.scheduled_sessions).where(s.id == change.session_id)
        values: dict[str, Any] = {"calendar_state": change.state}
        if change.event_id is not None:
            values["calendar_event_id"] = change.event_id
        connection.execute(marking.values(**values))


def _hours(connection: Connection, found: list[HoursSet], now: datetime) -> None:
    for change in found:
        plain = msgspec.to_builtins(change.hours)
        connection.execute(
            upsert(connection, t.availabilities, ("coach_id",), kept=("created_at",)),
            {
                "coach_id": change.coach_id,
                "weekly": plain["weekly"],
                "exceptions": plain["exceptions"],
                "minutes": change.hours.minutes,
                "buffer": change.hours.buffer,
                "notice_hours": change.hours.notice,
                "updated_at": change.at,
                "created_at": change.at,
            },
        )


def _holds(connection: Connection, found: list[HoldPut], now: datetime) -> None:
    """What has run out makes room first."""
    h = t.slot_holds.c
    people = [put.hold.held_by for put in found]
    connection.execute(delete(t.slot_holds).where(or_(h.expires_at <= now, h.held_by.in_(people))))
    connection.execute(
        insert(t.slot_holds), [{**msgspec.structs.asdict(put.hold), "created_at": put.at} for put in found]
    )


def _holds_ended(connection: Connection, found: list[HoldEnded], now: datetime) -> None:
    connection.execute(delete(t.slot_holds).where(t.slot_holds.c.held_by.in_([end.held_by for end in found])))


def _resources(connection: Connection, found: list[ResourcePut], now: datetime) -> None:
    connection.execute(
        upsert(connection, t.resources, ("id",), kept=("created_at",)),
        [
            {
                "id": put.resource.resource_id,
                "number": put.resource.number,
                "kind": put.resource.kind,
                "name": put.resource.name,
                "in_service": put.resource.in_service,
                "created_at": put.at,
            }
            for put in found
        ],
    )


def _resources_deleted(connection: Connection, found: list[ResourceDeleted], now: datetime) -> None:
    connection.execute(delete(t.resources).where(t.resources.c.id.in_([gone.resource_id for gone in found])))


def _learned(connection: Connection, found: list[Learned], now: datetime) -> None:
    connection.execute(
        insert(t.learning_events),
        [
            {
                "id": event.event_id,
                "coachee_id": event.coachee_id,
                "coach_id": event.coach_id,
                "session_id": event.session_id,
                "event_type": event.event_type,
                "event_date": event.at,
                "event_data": event.data,
                "content_for_embedding": event.content,
                "created_at": now,
            }
            for event in found
        ],
    )


def _questions(connection: Connection, found: list[QuestionPut], now: datetime) -> None:
    """One that was never put to the coachee is dropped only while it waits."""
    connection.execute(
        upsert(connection, t.coach_questions, ("id",), kept=("created_at",)),
        [
            {
                "id": put.question_id,
                "session_id": put.session_id,
                "coach_id": put.coach_id,
                "coachee_id": put.coachee_id,
                "text": put.text,
                "status": put.status,
                "answer": put.answer,
                "answered_at": put.at if put.status in ("answered", "skipped") else None,
                "created_at": put.at,
            }
            for put in found
        ],
    )


def _feeds(connection: Connection, found: list[FeedHashed], now: datetime) -> None:
    connection.execute(
        upsert(connection, t.calendar_feeds, ("user_id",)),
        [{"user_id": f.user_id, "token_hash": f.token_hash, "created_at": f.at} for f in found],
    )


Writer = Callable[[Connection, list[Any], datetime], None]
BOOKINGS: tuple[tuple[type[Change], Writer], ...] = (
    (ResourcePut, _resources),
    (ResourceDeleted, _resources_deleted),
    (ProgrammeMade, _programmes),
    (HoldEnded, _holds_ended),
    (SessionPut, _sessions),
    (ConsentPut, _consents),
    (SessionsReleased, _released),
    (CalendarMarked, _marked),
    (HoursSet, _hours),
    (HoldPut, _holds),
    (Learned, _learned),
    (QuestionPut, _questions),
    (FeedHashed, _feeds),
)
"""In the order in which rows may refer to each other."""
