"""How a consent ends, whatever ends it: its row, its timers, and the messages of those who have it.

What moves, holds or calls off a session (`bookings`) passes through `ended`: no session is left with a consent that
waits for nothing.
"""

from __future__ import annotations

from datetime import datetime

from flows.acts import Act
from flows.changes import ConsentPut
from flows.consent import Move, deciders, moved, reminders, stands
from flows.consent_news import changed, key_of, reminders_of
from flows.diary import Consent, Scheduled
from flows.effects import CancelTimer, SetTimer
from flows.people import Other
from flows.session_news import Scene, acting_as


def ended(session: Scheduled, scene: Scene, *, moving: bool = False) -> tuple[Act, Scheduled]:
    """What becomes of the consent of a session that is moved, held or called off, if one is asked for: it is over.

    Who decides on it and is `moving` the session has decided. Gives the session without it.
    """
    consent = session.asked
    if consent is None:
        return Act(), session
    who = deciders(consent, scene.subject, scene.operators, scene.now)
    by = _actor(session, consent, tuple(one for _, one in who), scene)
    role = next((role for role, one in who if one.user_id == scene.actor), None)
    as_what = role or (acting_as(session, scene) if by is not None else None)
    move: Move = "reschedule" if role is not None and moving else "overtake"
    over = moved(consent, move, scene.now, by=by, decided_as=as_what)
    act = closed(session, consent, over, scene)
    return act.and_(Act(effects=tuple(changed(session, over, scene)))), stands(session, over)


def _actor(session: Scheduled, consent: Consent, who: tuple[Other, ...], scene: Scene) -> Other | None:
    """Who acts; None where it is the clock."""
    subject = scene.subject
    others = (*(tie.coach for tie in subject.ties), *(g.parent for g in subject.guardianships), *scene.operators)
    known = (*who, consent.asked_by, session.coach, subject.person, *others)
    return next((one for one in known if one is not None and one.user_id == scene.actor), None)


def closed(session: Scheduled, before: Consent, after: Consent, scene: Scene) -> Act:
    """A consent is over: nobody is reminded of it, and nothing falls due."""
    put = ConsentPut(consent=after, was=before.version, at=scene.now)
    return Act(changes=(put,), effects=untimed(session, before, scene))


def timed(session: Scheduled, consent: Consent, scene: Scene, since: datetime) -> tuple[SetTimer, ...]:
    """When the time is over, when that of a call is, and the reminders of those who decide, of the time `since`
    then. A reminder's `attempt` says how many others come after it."""
    chat, until = session.coachee.chat_id, consent.call_until
    timers = [_timer(consent, "over", "consent_over", consent.expires_at, chat)]
    if consent.call_waits and until is not None and scene.now < until < consent.expires_at:
        timers.append(_timer(consent, "call", "consent_call", until, chat))
    for _, one in deciders(consent, scene.subject, scene.operators, scene.now):
        at = reminders(consent, since)
        for name, due in at.items():
            if due > scene.now:
                timer = _timer(consent, f"{name}{consent.version}", "consent_soon", due, one.chat_id)
                timers.append(timer.evolve(attempt=len(at) - 1))
    return tuple(timers)


def untimed(session: Scheduled, consent: Consent, scene: Scene) -> tuple[CancelTimer, ...]:
    """Nothing of it falls due any more."""
    gone = [CancelTimer(key=key_of(consent, name), of=session.coachee.chat_id) for name in ("over", "call")]
    for _, one in deciders(consent, scene.subject, scene.operators, scene.now):
        gone += [CancelTimer(key=key_of(consent, name), of=one.chat_id) for name in reminders_of(consent)]
    return tuple(gone)


def _timer(consent: Consent, name: str, kind: str, due: datetime, chat: int) -> SetTimer:
    return SetTimer(key=key_of(consent, name), kind=kind, subject=consent.consent_id, due_at=due, of=chat)
