"""Booked sessions for the decisions of a batch, read from committed rows.

Only events that are about booked sessions take these queries; each of them takes a fixed number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, Connection, and_, exists, func, or_, select

from flows.diary import (
    OPEN,
    TAKES_PLACE,
    Consent,
    Diary,
    Happened,
    Hold,
    Hours,
    Question,
    Resource,
    Scheduled,
    SessionRecord,
    Taken,
)
from flows.needs import Needs
from flows.people import Other
from flows.session_acts import LOOKED_AHEAD
from flows.state import Chat
from storage import tables as t
from storage.circles import others, subjects_of

SINCE = timedelta(days=35)
"""How long ago a resolved session may have been to be listed."""
MOST_LISTED = 400
LONGEST = timedelta(hours=12)
"""A session is not longer: one that reaches into a day began within so long before it."""


def with_sessions(connection: Connection, wanted: dict[int, Needs]) -> dict[int, Needs]:
    """The same needs, each with the session of the consent that it names; of one that there is none of, with none."""
    c = t.consents.c
    named = {want.consent for want in wanted.values() if want.consent is not None}
    if not named:
        return wanted
    query = select(c.id, c.session_id).where(c.id.in_(named))
    sessions = {row.id: row.session_id for row in connection.execute(query)}
    return {
        chat_id: want if want.consent is None else want.evolve(session=sessions.get(want.consent))
        for chat_id, want in wanted.items()
    }


def with_subjects(connection: Connection, wanted: dict[int, Needs]) -> dict[int, Needs]:
    """The same needs, each with the coachee of the session that it names as the subject."""
    s = t.scheduled_sessions.c
    named = {want.session for want in wanted.values() if want.session is not None}
    if not named:
        return wanted
    query = select(s.id, s.coachee_id).where(s.id.in_(named))
    coachees = {row.id: row.coachee_id for row in connection.execute(query)}
    return {
        chat_id: want if want.session is None else want.evolve(subject=coachees.get(want.session, want.subject))
        for chat_id, want in wanted.items()
    }


def add_diaries(connection: Connection, chats: dict[int, Chat], wanted: Mapping[int, Needs], now: datetime) -> None:
    """Load the sessions that the events of these chats are about. The people around them are there already."""
    for chat_id, want in wanted.items():
        if want.booked and chats[chat_id].person is not None:
            chats[chat_id] = chats[chat_id].evolve(diary=_diary(connection, chats[chat_id], want, now))


def resources_of(connection: Connection) -> dict[UUID, Resource]:
    """Every machine and room, by number."""
    query = select(t.resources).order_by(t.resources.c.number)
    return {
        row.id: Resource(
            resource_id=row.id, number=row.number, kind=row.kind, name=row.name, in_service=row.in_service
        )
        for row in connection.execute(query)
    }


def scheduled(
    connection: Connection, rows: Sequence[Any], resources: Mapping[UUID, Resource]
) -> tuple[Scheduled, ...]:
    """Rows of sessions as records."""
    ids = {user_id for row in rows for user_id in (row.coachee_id, row.coach_id) if user_id is not None}
    people = others(connection, ids) if ids else {}
    asked = _newest(connection, [row.id for row in rows])
    return tuple(_scheduled(row, people, resources, asked.get(row.id)) for row in rows)


def _newest(connection: Connection, session_ids: Sequence[UUID]) -> dict[UUID, Consent]:
    """The consent that is asked for each of these sessions, or else the newest: no clock that was set back hides one
    that is open."""
    c = t.consents.c
    if not session_ids:
        return {}
    query = select(t.consents).where(c.session_id.in_(session_ids)).order_by(c.status == "open", c.asked_at, c.id)
    return {consent.session_id: consent for consent in _consents(connection, list(connection.execute(query)))}


def _consents(connection: Connection, rows: Sequence[Any]) -> tuple[Consent, ...]:
    """Rows of consents as records."""
    ids = {i for row in rows for i in (row.asked_by, row.decided_by, row.call_by) if i is not None}
    people = others(connection, ids) if ids else {}
    return tuple(
        Consent(
            consent_id=row.id,
            session_id=row.session_id,
            coachee_id=row.coachee_id,
            asked_by=people.get(row.asked_by),
            asked_as=row.asked_as,
            reason=row.reason,
            asked_at=row.asked_at,
            expires_at=row.expires_at,
            decider=row.decider,
            silence=row.on_silence,
            status=row.status,
            version=row.version,
            escalated=row.escalated,
            decided_at=row.decided_at,
            decided_by=people.get(row.decided_by),
            decided_as=row.decided_as,
            words=row.words or "",
            called_at=row.called_at,
            call_by=people.get(row.call_by),
            call_until=row.call_until,
            call_left=row.call_left,
            phone=row.phone or "",
            call_outcome=row.call_outcome,
            reported_at=row.reported_at,
        )
        for row in rows
    )


def _of_coachee(connection: Connection, coachee_id: UUID, resources: Mapping[UUID, Resource]) -> dict[str, Any]:
    """The consents of a coachee's sessions, the newest first, and those sessions."""
    c, s = t.consents.c, t.scheduled_sessions.c
    query = select(t.consents).where(c.coachee_id == coachee_id).order_by(c.asked_at.desc(), c.id)
    found = _consents(connection, list(connection.execute(query.limit(MOST_LISTED))))
    ids = {consent.session_id for consent in found}
    rows = list(connection.execute(select(t.scheduled_sessions).where(s.id.in_(ids)))) if ids else []
    return {"consents": found, "asked": {one.session_id: one for one in scheduled(connection, rows, resources)}}


def _named(connection: Connection, consent_id: UUID) -> Consent | None:
    """A consent by its id."""
    rows = list(connection.execute(select(t.consents).where(t.consents.c.id == consent_id)))
    return next(iter(_consents(connection, rows)), None)


def _scheduled(
    row: Any, people: Mapping[UUID, Other], resources: Mapping[UUID, Resource], consent: Consent | None
) -> Scheduled:
    record = None
    if row.record_status is not None:
        record = SessionRecord(
            on=row.record_date, topic=row.record_topic or "", notes=row.coach_notes or "", status=row.record_status
        )
    return Scheduled(
        session_id=row.id,
        programme_id=row.programme_id,
        number=row.session_number,
        coachee=people[row.coachee_id],
        coach=people[row.coach_id] if row.coach_id is not None else None,
        resource=resources[row.resource_id],
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        status=row.status,
        version=row.version,
        replaces=row.replaces_id,
        moves=row.moves,
        absent=row.absent,
        resolved_at=row.resolved_at,
        resolved_by=row.resolved_by,
        cancellation_status=row.cancellation_status,
        requested_at=row.cancellation_requested_at,
        reason=row.cancellation_reason,
        expires_at=row.cancellation_expires_at,
        consent=consent,
        record=record,
        conversation=row.conversation_id,
        uid=row.calendar_uid,
        sequence=row.calendar_sequence,
        calendar=row.calendar_state,
        event_id=row.calendar_event_id,
    )


def _diary(connection: Connection, chat: Chat, want: Needs, now: datetime) -> Diary:
    resources = resources_of(connection)
    programme = _programme(connection, want, resources)
    session = next((one for one in programme if one.session_id == want.session), None)
    chain = _chain(session, programme)
    coach = _coach(connection, chat, session) if want.days is not None else None
    coachee_id = session.coachee.user_id if session is not None else want.subject
    days = _ahead(want.days, now) if want.days is not None else None
    if want.beside and session is not None:
        days = (session.starts_at.astimezone(UTC).date(), session.ends_at.astimezone(UTC).date())
    return Diary(
        session=session,
        programme=programme,
        history=_history(connection, chain) if want.history and session is not None else (),
        questions=_questions(connection, chain) if want.history and session is not None else (),
        mine=_mine(connection, chat, want, now, resources),
        coach=coach,
        hours=Hours() if want.losing else _hours(connection, coach.user_id if coach else chat.someone.user_id),
        notice=_notice(connection, chat, session),
        taken=_taken(connection, days, coach, coachee_id, chat.someone.user_id, now) if days else (),
        hold=_hold(connection, chat.someone.user_id, now),
        resources=tuple(resources.values()),
        resource=resources.get(want.resource) if want.resource is not None else None,
        feed=want.feed and _has_feed(connection, chat.someone.user_id),
        consent=_named(connection, want.consent) if want.consent is not None else None,
        **(_of_coachee(connection, want.subject, resources) if want.consents and want.subject is not None else {}),
    ).evolve(**(_stock(connection, chat, want.resource, now, resources) if want.stock else {}))


def _stock(
    connection: Connection, chat: Chat, resource_id: UUID | None, now: datetime, resources: Mapping[UUID, Resource]
) -> dict[str, Any]:
    """What an operator knows of machines and rooms: how many sessions are to come on each; of one that is named,
    which those are, whose, and what else is taken in their days."""
    s = t.scheduled_sessions.c
    coming = and_(s.status.in_(OPEN), s.ends_at > now)
    counts = select(s.resource_id, func.count()).where(coming).group_by(s.resource_id)
    found: dict[str, Any] = {"to_come": {row[0]: row[1] for row in connection.execute(counts)}}
    if resource_id not in resources:
        return found
    query = select(t.scheduled_sessions).where(coming, s.resource_id == resource_id).order_by(s.starts_at, s.id)
    mine = scheduled(connection, list(connection.execute(query)), resources)
    used = connection.execute(select(exists().where(s.resource_id == resource_id))).scalar_one()
    found.update(mine=mine, used=used)
    if mine:
        days = (mine[0].starts_at.date(), max(session.ends_at for session in mine).date())
        found["subjects"] = subjects_of(connection, {session.coachee.user_id for session in mine})
        found["taken"] = _taken(connection, days, None, None, chat.someone.user_id, now)
    return found


def _mine(
    connection: Connection, chat: Chat, want: Needs, now: datetime, resources: Mapping[UUID, Resource]
) -> tuple[Scheduled, ...]:
    s = t.scheduled_sessions.c
    if want.losing:
        who = want.subject or chat.someone.user_id
        theirs = and_(or_(s.coachee_id == who, s.coach_id == who), s.status.in_(OPEN))
        return _listed(connection, theirs, now, resources)
    of = want.subject if want.session is None else None
    return _listed(connection, _concerning(chat, of), now, resources) if want.agenda else ()


def _programme(connection: Connection, want: Needs, resources: Mapping[UUID, Resource]) -> tuple[Scheduled, ...]:
    """The programme of the session that is named; where times of a coachee are looked at, their newest one."""
    s, p = t.scheduled_sessions.c, t.programmes.c
    if want.session is not None:
        mine = select(s.programme_id).where(s.id == want.session).scalar_subquery()
    elif want.days is not None and want.subject is not None:
        newest = select(p.id).where(p.coachee_id == want.subject).order_by(p.created_at.desc(), p.id.desc())
        mine = newest.limit(1).scalar_subquery()
    else:
        return ()
    query = select(t.scheduled_sessions).where(s.programme_id == mine)
    rows = list(connection.execute(query.order_by(s.session_number, s.moves, s.starts_at, s.id)))
    return scheduled(connection, rows, resources)


def _ahead(days: tuple[date, date], now: datetime) -> tuple[date, date]:
    """Of the days asked for, those in which a time can be.

    From a day that is past (it is when the person was here last) they reach as far as times can be chosen.
    """
    (first, last), today = days, now.date()
    if first <= today:
        last = max(last, today + timedelta(days=LOOKED_AHEAD))
    return max(first, today - timedelta(days=1)), last


def _chain(session: Scheduled | None, programme: Sequence[Scheduled]) -> list[UUID]:
    """The session and those that it replaced, one by one."""
    by_id, found = {one.session_id: one for one in programme}, []
    while session is not None and session.session_id not in found:
        found.append(session.session_id)
        session = by_id.get(session.replaces) if session.replaces is not None else None
    return found


def _concerning(chat: Chat, subject: UUID | None) -> ColumnElement[bool]:
    """The sessions that concern the person; of a subject who is named, theirs."""
    s, me = t.scheduled_sessions.c, chat.someone.user_id
    if subject is not None:
        return s.coachee_id == subject
    coachees = [tie.coachee.user_id for tie in chat.around.coachees(me)]
    children = [g.child.user_id for g in chat.around.children(me)]
    return or_(
        s.coachee_id == me,
        s.coach_id == me,
        s.coachee_id.in_(children),
        and_(s.coach_id.is_(None), s.coachee_id.in_(coachees)),
    )


def _listed(
    connection: Connection, which: ColumnElement[bool], now: datetime, resources: Mapping[UUID, Resource]
) -> tuple[Scheduled, ...]:
    s = t.scheduled_sessions.c
    lately = or_(s.status.in_(OPEN), s.starts_at >= now - SINCE)
    query = select(t.scheduled_sessions).where(which, lately, s.status != "rescheduled")
    rows = list(connection.execute(query.order_by(s.starts_at, s.id).limit(MOST_LISTED)))
    return scheduled(connection, rows, resources)


def _coach(connection: Connection, chat: Chat, session: Scheduled | None) -> Other | None:
    """Whose time is asked for: the session's coach; else a coach's own with their coachee, or the primary coach's.

    Who coaches them but takes no part now has no time to give.
    """
    subject = chat.around.subject
    if session is not None and session.coach is not None:
        return session.coach
    if subject is None:
        return None
    theirs = [tie for tie in subject.coaches if tie.coach.standing == "active"]
    mine = sorted(theirs, key=lambda tie: tie.coach.user_id != chat.someone.user_id)
    return next((tie.coach for tie in mine), None)


def _notice(connection: Connection, chat: Chat, session: Scheduled | None) -> int:
    """The minimum notice of a session's coach; where it has none, of who else coaches the coachee."""
    coach = _coach(connection, chat, session) if session is not None else None
    return _hours(connection, coach.user_id).notice if coach is not None else Hours().notice


def _hours(connection: Connection, coach_id: UUID) -> Hours:
    query = select(t.availabilities).where(t.availabilities.c.coach_id == coach_id)
    row = connection.execute(query).first()
    if row is None:
        return Hours()
    return msgspec.convert(
        {
            "weekly": row.weekly,
            "exceptions": row.exceptions,
            "minutes": row.minutes,
            "buffer": row.buffer,
            "notice": row.notice_hours,
        },
        Hours,
    )


def _taken(
    connection: Connection,
    days: tuple[date, date],
    coach: Other | None,
    coachee_id: UUID | None,
    me: UUID,
    now: datetime,
) -> tuple[Taken, ...]:
    """What is taken from a day to another, wherever on earth these days are: sessions, and what others hold."""
    s, h = t.scheduled_sessions.c, t.slot_holds.c
    first = datetime.combine(days[0], time(), UTC) - timedelta(days=1)
    last = datetime.combine(days[1], time(), UTC) + timedelta(days=2)
    within = and_(s.starts_at > first - LONGEST, s.starts_at < last, s.ends_at > first)
    query = select(s.id, s.coach_id, s.coachee_id, s.resource_id, s.starts_at, s.ends_at)
    sessions = connection.execute(query.where(within, s.status.in_(TAKES_PLACE)))
    found = [
        Taken(
            starts_at=row.starts_at,
            ends_at=row.ends_at,
            coach_id=row.coach_id,
            coachee_id=row.coachee_id,
            resource_id=row.resource_id,
            session_id=row.id,
        )
        for row in sessions
    ]
    holds = connection.execute(
        select(t.slot_holds).where(h.expires_at > now, h.starts_at < last, h.ends_at > first, h.held_by != me)
    )
    found += [
        Taken(
            starts_at=row.starts_at,
            ends_at=row.ends_at,
            coach_id=row.coach_id,
            coachee_id=row.coachee_id,
            resource_id=row.resource_id,
            held_by=row.held_by,
        )
        for row in holds
    ]
    return tuple(found)


def _hold(connection: Connection, me: UUID, now: datetime) -> Hold | None:
    h = t.slot_holds.c
    row = connection.execute(select(t.slot_holds).where(h.held_by == me, h.expires_at > now)).first()
    if row is None:
        return None
    return Hold(
        held_by=me,
        coach_id=row.coach_id,
        coachee_id=row.coachee_id,
        resource_id=row.resource_id,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        expires_at=row.expires_at,
    )


def _has_feed(connection: Connection, user_id: UUID) -> bool:
    """Whether a person's calendar has an address."""
    f = t.calendar_feeds.c
    query = select(f.user_id).where(f.user_id == user_id, f.token_hash.is_not(None))
    return connection.execute(query).first() is not None


def _history(connection: Connection, chain: Sequence[UUID]) -> tuple[Happened, ...]:
    """What happened, by time; at one instant by version, what happened to a session that it replaced first."""
    e = t.learning_events.c
    query = select(e.event_date, e.event_type, e.event_data, e.session_id).where(e.session_id.in_(list(chain)))
    rows = list(connection.execute(query.order_by(e.event_date, e.id)))
    rows.sort(key=lambda r: (r.event_date, -chain.index(r.session_id), r.event_data.get("version", 0)))
    return tuple(
        Happened(at=row.event_date, event_type=row.event_type, data=row.event_data, session_id=row.session_id)
        for row in rows
    )


def _questions(connection: Connection, chain: Iterable[UUID]) -> tuple[Question, ...]:
    q = t.coach_questions.c
    query = select(q.id, q.session_id, q.coach_id, q.text, q.status, q.answer).where(q.session_id.in_(list(chain)))
    return tuple(
        Question(
            question_id=row.id,
            session_id=row.session_id,
            text=row.text,
            status=row.status,
            answer=row.answer,
            coach_id=row.coach_id,
        )
        for row in connection.execute(query.order_by(q.created_at, q.id))
    )
