"""What is done about booked sessions: their rows, what the history keeps, timers, calendars.

Each decision is made on rows that no other decision changes meanwhile (`needs.serial`), and passes through `life`.
Who is told of it is in `session_news`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Any, Literal
from uuid import UUID

from flows import life
from flows.acts import Act
from flows.changes import AnyChange, Learned, ProgrammeMade, SessionPut
from flows.consent_ends import ended
from flows.consent_news import changed, sent, task, tell_over, verdict
from flows.diary import Absent, Programme, Resource, Scheduled, SessionRecord
from flows.effects import AnyEffect, CancelTimer, SetTimer, UpdateCalendar, text_line
from flows.errors import IllegalMoveError
from flows.people import Other
from flows.quiet import heard_at
from flows.session_news import More, Part, Scene, acting_as, concerned, resolving, tell, tell_all, tell_parents
from flows.times import MORNING, at_wall, local

REMINDED = {"coachee": (24, 1), "coach": (1,), "parent": (24,)}
"""How many hours before a session each is reminded of it."""


# ---- booking


def booked(sessions: tuple[Scheduled, ...], scene: Scene, programme: Programme | None = None) -> Act:
    """New sessions; one message tells of all of them. `programme` is theirs, where it is new, too."""
    changes: list[AnyChange] = [ProgrammeMade(programme=programme, at=scene.now)] if programme else []
    effects: list[AnyEffect] = []
    sessions = tuple(s.evolve(uid=s.uid or f"{s.session_id}@waymark") for s in sessions)
    for session in sessions:
        changes += [SessionPut(session=_kept(session, scene), was=None, at=scene.now), _learned(session, scene)]
        effects += [*_timers(session, scene), *_calendar(session, scene)]
    return Act(changes=tuple(changes), effects=(*effects, *tell_all(sessions, scene, "booked")))


def rescheduled(session: Scheduled, starts_at: datetime, resource: Resource, scene: Scene) -> tuple[Act, Scheduled]:
    """Another row takes the place of a session, with its number, at another time; gives that row, too."""
    was = session
    over, session = ended(session, scene, moving=True)
    old = life.moved(session, "reschedule", scene.now, by=scene.actor)
    new = Scheduled(
        session_id=scene.event.derived(f"instead of {session.session_id}"),
        programme_id=session.programme_id,
        number=session.number,
        coachee=session.coachee,
        coach=session.coach,
        resource=resource,
        starts_at=starts_at,
        ends_at=starts_at + session.length,
        replaces=session.session_id,
        moves=session.moves + 1,
        uid=session.uid,
        sequence=session.sequence + 1,
        event_id=session.event_id,
    )
    changes = (
        SessionPut(session=old.evolve(calendar="none", event_id=None), was=session.version, at=scene.now),
        SessionPut(session=_kept(new, scene), was=None, at=scene.now),
        _learned(
            new, scene, "session_rescheduled", {"from": session.starts_at.isoformat(), **_ended_as(session, over)}
        ),
    )
    effects: tuple[AnyEffect, ...] = (
        *_untimed(session, scene),
        *_timers(new, scene),
        *_calendar(new, scene),
    )
    told = tell_all((new,), scene, "moved", was=session, more=_with_that(over))
    ends = tell_over(session, was, scene, told)
    return over.and_(Act(changes=changes, effects=(*effects, *told, *ends))), new


def cancelled(session: Scheduled, reason: str, scene: Scene) -> tuple[Act, Scheduled]:
    """A session does not take place; its time and its machine or room are free again. Where a consent was given to
    it, everybody reads by whom."""
    was = session
    over, session = ended(session, scene)
    given = session.consent if session.cancellation_status == "approved" else None
    gone = _kept(life.moved(session, "cancel", scene.now, by=scene.actor, reason=reason), scene)
    said = {"reason": reason} if given is None else {"reason": reason, "consent": given.decided_as}
    changes = (
        SessionPut(session=gone, was=session.version, at=scene.now),
        _learned(gone, scene, "session_cancelled", said),
    )
    more = partial(verdict, given) if given is not None else _with_that(over)
    told = tell_all((gone,), scene, "cancelled", more=more)
    effects: tuple[AnyEffect, ...] = (*_untimed(session, scene), *_calendar(gone, scene), *told)
    return over.and_(Act(changes=changes, effects=(*effects, *tell_over(gone, was, scene, told)))), gone


def _ended_as(session: Scheduled, over: Act) -> dict[str, str]:
    """What became of a consent with it, for the history."""
    return {"consent": session.consent.status} if over.changes and session.consent is not None else {}


def _with_that(over: Act) -> More | None:
    """Who hears of a change also reads that a consent is over with it."""
    return (lambda _: (text_line("consent.with_that"),)) if over.changes else None


def taken_back(sessions: tuple[Scheduled, ...], scene: Scene) -> Act:
    """Sessions that were booked a moment ago do not take place; one message tells of all of them."""
    changes: list[AnyChange] = []
    effects: list[AnyEffect] = []
    for standing in sessions:
        over, session = ended(standing, scene)
        gone = _kept(life.moved(session, "cancel", scene.now, by=scene.actor, reason=""), scene)
        changes += [
            *over.changes,
            SessionPut(session=gone, was=session.version, at=scene.now),
            _learned(gone, scene, "session_cancelled", {"reason": "", "act": "taken_back"}),
        ]
        effects += [*over.effects, *_untimed(session, scene), *_calendar(gone, scene)]
    return Act(changes=tuple(changes), effects=(*effects, *tell_all(sessions, scene, "undone")))


# ---- what became of it


def came(session: Scheduled, scene: Scene) -> tuple[Act, Scheduled]:
    """A session's time has come."""
    here = life.moved(session, "come", scene.now)
    return Act(changes=(SessionPut(session=here, was=session.version, at=scene.now),)), here


def completed(session: Scheduled, coach: Other, scene: Scene) -> tuple[Act, Scheduled]:
    """A session was held. Who says so coaches it, if nobody did; its record is a draft from now on, and
    the history has none of its words before it is submitted."""
    zone = coach.timezone
    record = session.record or SessionRecord(on=local(session.starts_at, zone).date())
    was = session
    over, session = ended(session, scene)
    held = life.moved(session, "complete", scene.now, by=scene.actor)
    held = held.evolve(coach=session.coach or coach, record=record)
    changes = (
        SessionPut(session=held, was=session.version, at=scene.now),
        _learned(held, scene, "session_completed", {"on": record.on.isoformat(), **_ended_as(session, over)}),
    )
    return over.and_(
        Act(changes=changes, effects=(*_untimed(session, scene), *tell_over(held, was, scene, ())))
    ), held


def missed(session: Scheduled, absent: Absent, scene: Scene, *, parents: bool) -> tuple[Act, Scheduled]:
    """Somebody was not there. The other one is told; `parents` are where the coach wants it."""
    was = session
    over, session = ended(session, scene)
    gone = life.moved(session, "miss", scene.now, by=scene.actor, absent=absent)
    said = {"absent": absent, **({"parents": "told"} if parents else {}), **_ended_as(session, over)}
    changes = (
        SessionPut(session=gone, was=session.version, at=scene.now),
        _learned(gone, scene, "session_missed", said),
    )
    more = _with_that(over)
    others = tell(gone, scene, ("coachee", "coach"), "missed", more=more)
    noshow = tell(gone, scene, ("parent",), "missed", key="P23_session_noshow", more=more) if parents else ()
    ends = tell_over(gone, was, scene, (*others, *noshow))
    return over.and_(Act(changes=changes, effects=(*_untimed(session, scene), *others, *noshow, *ends))), gone


def reopened(session: Scheduled, scene: Scene, told: tuple[Part, ...] = ()) -> tuple[Act, Scheduled]:
    """What was said of a session is taken back: it is to be resolved again. `told` are those who heard of it."""
    again = life.moved(session, "reopen", scene.now, by=scene.actor)
    changes = (
        SessionPut(session=again, was=session.version, at=scene.now),
        _learned(again, scene, "session", {"act": "reopened"}),
    )
    return Act(changes=changes, effects=(*unresolved(again, scene), *tell(again, scene, told, "reopened"))), again


def recorded(session: Scheduled, record: SessionRecord, scene: Scene) -> tuple[Act, Scheduled]:
    """What a coach put down of a session. Once it is submitted, the history has its words, too, and it is told of:
    the coachee can read it, and so can a parent as far as the coachee allows.

    Raises IllegalMoveError where the session is not completed, or its record was submitted.
    """
    if session.status != "completed" or (session.record is not None and session.record.status == "submitted"):
        raise IllegalMoveError(f"{session.status} record")
    kept = session.evolve(record=record, version=session.version + 1)
    put = SessionPut(session=kept, was=session.version, at=scene.now)
    if record.status != "submitted":
        return Act(changes=(put,)), kept
    learned = _learned(kept, scene, "session", {"act": "record", **_said(record)})
    there = tell(kept, scene, ("coachee", "coach"), "record")
    return Act(changes=(put, learned), effects=(*there, *tell_parents(kept, record, scene))), kept


def taken_over(session: Scheduled, coach: Other, scene: Scene) -> tuple[Act, Scheduled]:
    """A coach takes a session that has none."""
    mine = session.evolve(coach=coach, version=session.version + 1)
    changes = (
        SessionPut(session=_kept(mine, scene), was=session.version, at=scene.now),
        _learned(mine, scene, "session", {"act": "coach_assigned"}),
    )
    told = (*tell_all((mine,), scene, "coach"), *_asked_still(mine, scene), *_follows(mine, coach, scene))
    timers = _timers(mine, scene) if mine.starts_at > scene.now else unresolved(mine, scene)
    effects: tuple[AnyEffect, ...] = (*timers, *_calendar(mine, scene), *told)
    return Act(changes=changes, effects=effects), mine


def put_on(session: Scheduled, resource: Resource, scene: Scene) -> tuple[Act, Scheduled]:
    """A session keeps its time and gets another machine or room."""
    there = session.evolve(resource=resource, version=session.version + 1, sequence=session.sequence + 1)
    changes = (
        SessionPut(session=_kept(there, scene), was=session.version, at=scene.now),
        _learned(there, scene, "session", {"act": "resource_changed"}),
    )
    told = (*tell_all((there,), scene, "resource"), *_asked_still(there, scene))
    return Act(changes=changes, effects=(*_calendar(there, scene), *told)), there


def _follows(session: Scheduled, coach: Other, scene: Scene) -> list[AnyEffect]:
    """Who coaches a session from now on follows what is asked about it, and calls who wishes to be called."""
    consent, only = session.asked, {coach.user_id}
    if consent is None:
        return []
    return [
        *sent(session, consent, scene, only),
        *(task(session, consent, scene, only) if consent.call_waits else []),
    ]


def _asked_still(session: Scheduled, scene: Scene) -> tuple[AnyEffect, ...]:
    """What is asked about a session is asked about it as it is now."""
    return tuple(changed(session, session.asked, scene)) if session.asked is not None else ()


# ---- the conversation that is led at it


def conversation_begun(session: Scheduled, conversation: UUID, scene: Scene) -> tuple[Act, Scheduled]:
    """The conversation that is led at a session begins."""
    over, stays = ended(session, scene)
    led = stays.evolve(conversation=conversation, version=session.version + 1)
    changes = (
        SessionPut(session=led, was=session.version, at=scene.now),
        went_on(led, scene, "begun", **_ended_as(stays, over)),
    )
    return over.and_(Act(changes=changes, effects=tuple(tell_over(led, session, scene, ())))), led


def went_on(session: Scheduled, scene: Scene, act: str, **data: Any) -> Learned:
    """What happened about a session that is no move of its own: to a consent, or in the conversation that is led at
    it, of which it has never a word that was said."""
    named = scene.event.derived(f"learned led {session.session_id} {act} {sorted(data.items())}")
    return _learned(session, scene, "session", {"act": act, **data}).evolve(event_id=named)


# ---- what all of them do


def _kept(session: Scheduled, scene: Scene) -> Scheduled:
    return session.evolve(calendar="waiting") if scene.calendar else session


def entry_of(session: Scheduled) -> UpdateCalendar:
    """A session's entry in the shared calendar is to be as the session is; where that is forgotten, it goes."""
    return UpdateCalendar(
        session_id=session.session_id, event_id=session.event_id or session.entry_id, of=session.coachee.chat_id
    )


def _calendar(session: Scheduled, scene: Scene) -> tuple[UpdateCalendar, ...]:
    if not scene.calendar:
        return ()
    return (entry_of(session),)


def _said(record: SessionRecord) -> dict[str, Any]:
    return {"on": record.on.isoformat(), "topic": record.topic, "notes": record.notes}


def _learned(
    session: Scheduled,
    scene: Scene,
    kind: Literal[
        "session", "session_completed", "session_cancelled", "session_rescheduled", "session_missed"
    ] = "session",
    data: dict[str, Any] | None = None,
) -> Learned:
    """The event for the history, with what is read out of it later: English, as all that machines read here."""
    data = data or {"act": "booked"}
    about = {
        "number": session.number,
        "version": session.version,
        "starts_at": session.starts_at.isoformat(),
        "resource": session.resource.number,
        **data,
    }
    words = [
        f"Session {session.number}, {session.starts_at:%Y-%m-%d %H:%M} UTC:",
        str(data.get("act", kind.removeprefix("session_"))),
        *(f"{name}: {value}." for name, value in data.items() if name != "act" and value),
    ]
    return Learned(
        event_id=scene.event.derived(f"learned {kind} {session.session_id} {data.get('act', '')}"),
        coachee_id=session.coachee.user_id,
        coach_id=session.coach.user_id if session.coach else None,
        session_id=session.session_id,
        event_type=kind,
        at=scene.now,
        data=about if scene.actor is None else {**about, "by": acting_as(session, scene)},
        content=" ".join(words),
    )


def _timers(session: Scheduled, scene: Scene) -> tuple[SetTimer, ...]:
    """When its time comes, and the reminders of everybody concerned."""
    timers = [_timer(session, session.coachee, f"begin:{session.session_id}", "session_begin", session.starts_at)]
    for part, person in concerned(session, scene):
        for hours in REMINDED[part]:
            due = session.starts_at - timedelta(hours=hours)
            if due > scene.now:
                timers.append(_timer(session, person, _soon(session, hours), "session_soon", due))
    return tuple(timers)


def unresolved(session: Scheduled, scene: Scene) -> tuple[SetTimer, ...]:
    """The morning after a session whoever coaches it is reminded, if nobody has said yet what became of it."""
    timers = []
    for coach in resolving(session, scene):
        day = local(max(session.ends_at, scene.now), coach.timezone).date() + timedelta(days=1)
        due = heard_at(coach, at_wall(datetime.combine(day, MORNING), coach.timezone))
        timers.append(_timer(session, coach, f"due:{session.session_id}", "session_due", due))
    return tuple(timers)


def _timer(session: Scheduled, person: Other, key: str, kind: str, due: datetime) -> SetTimer:
    return SetTimer(key=key, kind=kind, subject=session.session_id, due_at=due, of=person.chat_id)


def _untimed(session: Scheduled, scene: Scene) -> tuple[CancelTimer, ...]:
    """A session that is over reminds nobody."""
    timers = [CancelTimer(key=f"begin:{session.session_id}", of=session.coachee.chat_id)]
    for part, person in concerned(session, scene):
        timers += [CancelTimer(key=_soon(session, hours), of=person.chat_id) for hours in REMINDED[part]]
    timers += [CancelTimer(key=f"due:{session.session_id}", of=coach.chat_id) for coach in resolving(session, scene)]
    return tuple(timers)


def _soon(session: Scheduled, hours: int) -> str:
    return f"soon:{session.session_id}:{hours}"
