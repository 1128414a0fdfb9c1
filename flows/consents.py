"""What is done about consents: asked for, given, refused, taken back; a call; no answer. Rows, history, timers, and
who is told.

Each is decided on rows that no other decision changes meanwhile (`needs.serial`), and passes through `consent`. The
session's own moves are those of `bookings`.
"""

from __future__ import annotations

from typing import Any

from flows import bookings
from flows.acts import Act
from flows.changes import AnyChange, ConsentPut, SessionPut
from flows.consent import called, deadline, deciders, meaning, moved, resumed, stands
from flows.consent_ends import closed, timed, untimed
from flows.consent_news import (
    asker,
    button,
    changed,
    name_of,
    readers,
    sent,
    task,
    tell,
    tell_asked,
)
from flows.diary import CallOutcome, Consent, DecidedAs, Decider, Scheduled
from flows.effects import AnyEffect, Line, Screen, text_line
from flows.notices import hears, told
from flows.people import Other, Role
from flows.session_news import Scene, concerned, opens, resolving, when
from flows.times import local


def asked(
    session: Scheduled, reason: str, decider: Decider, by: Other, role: Role, notice: int, scene: Scene
) -> tuple[Act, Scheduled]:
    """A session is to be cancelled, and who decides is asked; until they say so, it stays booked. `role` is as what
    `by` asks, `notice` the hours that the coach wants to know of things before a session."""
    consent = Consent(
        consent_id=scene.event.derived(f"consent {session.session_id}"),
        session_id=session.session_id,
        coachee_id=session.coachee.user_id,
        asked_by=by,
        asked_as=role,
        reason=reason,
        asked_at=scene.now,
        expires_at=deadline(session, scene.policy, notice, scene.now),
        decider=decider,
        silence=meaning(decider, scene.policy),
    )
    changes, waits = _put(session, None, consent, scene)
    changes.append(bookings.went_on(waits, scene, "cancel_asked", reason=reason))
    effects = (*timed(waits, consent, scene, scene.now), *sent(waits, consent, scene))
    return Act(changes=tuple(changes), effects=(*effects, *tell_asked(waits, consent, scene))), waits


def _put(
    session: Scheduled, before: Consent | None, after: Consent, scene: Scene
) -> tuple[list[AnyChange], Scheduled]:
    """A consent as it is to be, and the session as it says so."""
    waits = stands(session, after).evolve(version=session.version + 1)
    put = ConsentPut(consent=after, was=before.version if before is not None else None, at=scene.now)
    return [put, SessionPut(session=waits, was=session.version, at=scene.now)], waits


def _of(session: Scheduled) -> Consent:
    assert session.consent is not None
    return session.consent


# ---- the decision


def approved(session: Scheduled, by: Other | None, decided_as: DecidedAs, scene: Scene) -> tuple[Act, Scheduled]:
    """It is agreed to, or there was no answer where that means so: the session is cancelled."""
    consent = _of(session)
    given = moved(consent, "approve", scene.now, by=by, decided_as=decided_as)
    act, gone = bookings.cancelled(stands(session, given), consent.reason, scene)
    heard = {one.user_id for _, one in concerned(session, scene)}
    effects = (*changed(gone, given, scene), *tell(gone, given, scene, "approved", but=heard))
    return closed(session, consent, given, scene).and_(act).and_(Act(effects=effects)), gone


def kept(session: Scheduled, by: Other | None, decided_as: DecidedAs, scene: Scene) -> tuple[Act, Scheduled]:
    """It is not agreed to, or there was no answer where that means so: the session stays as it is."""
    refused = moved(_of(session), "keep", scene.now, by=by, decided_as=decided_as)
    what = "kept.no_answer" if decided_as == "no_answer" else "kept"
    return _stays(session, refused, scene, "cancel_kept", what, consent=decided_as)


def withdrawn(session: Scheduled, by: Other, decided_as: DecidedAs, scene: Scene) -> tuple[Act, Scheduled]:
    """It is taken back by who asked, or who coaches: the session stays as it is."""
    taken_back = moved(_of(session), "withdraw", scene.now, by=by, decided_as=decided_as)
    return _stays(session, taken_back, scene, "cancel_withdrawn", "withdrawn")


def _stays(
    session: Scheduled, over: Consent, scene: Scene, act: str, what: str, **data: Any
) -> tuple[Act, Scheduled]:
    """A consent ends, and the session stays booked."""
    before = _of(session)
    changes, stays = _put(session, before, over, scene)
    changes.append(bookings.went_on(stays, scene, act, **data))
    effects: tuple[AnyEffect, ...] = untimed(session, before, scene)
    effects = (*effects, *changed(stays, over, scene), *tell(stays, over, scene, what))
    return Act(changes=tuple(changes), effects=effects), stays


def overtaken(session: Scheduled, scene: Scene) -> tuple[Act, Scheduled]:
    """The session's time came before anything was decided: nobody is asked any more whether it is to be cancelled."""
    over = moved(_of(session), "overtake", scene.now)
    return _stays(session, over, scene, "cancel_over", "over")


def explained(session: Scheduled, consent: Consent, words: str, scene: Scene) -> Act:
    """Who kept the session adds a word to it, for the coach and who asked, and for nobody else."""
    said = consent.evolve(words=words, version=consent.version + 1)
    people = [one for one in (asker(consent, scene), *resolving(session, scene)) if one is not None]
    effects: list[AnyEffect] = []
    for reader in {one.user_id: one for one in people}.values():
        if reader.user_id != scene.actor:
            who = consent.decided_by.name if consent.decided_by is not None else ""
            line = text_line("told.consent.words", who=who, n=session.number, name=session.coachee.name)
            screen = Screen(lines=(line, Line(text=words, style="quote")), choices=(opens(session),))
            effects += told(reader, screen, scene.now)
    return Act(changes=(ConsentPut(consent=said, was=consent.version, at=scene.now),), effects=tuple(effects))


# ---- a call


def call_wished(session: Scheduled, by: Other, scene: Scene) -> tuple[Act, Scheduled]:
    """Who decides wishes to be called: the deadline stands still, and whoever coaches has a task."""
    wished = called(_of(session), by, session, scene.policy, scene.now)
    act, waits = _goes_on(session, wished, scene, "call_asked")
    return act.and_(Act(effects=tuple(task(waits, wished, scene)))), waits


def phone_given(session: Scheduled, phone: str, scene: Scene) -> Act:
    """The number on which who decides wants to be called: for who is to call, and kept only while it is open."""
    consent = _of(session)
    given = consent.evolve(phone=phone, version=consent.version + 1)
    put = ConsentPut(consent=given, was=consent.version, at=scene.now)
    return Act(changes=(put,), effects=tuple(task(session, given, scene)))


def reported(session: Scheduled, said: CallOutcome, scene: Scene) -> tuple[Act, Scheduled]:
    """The coach says what came of the call. Who decides sees it, and decides; the time that was left is left."""
    after = resumed(moved(_of(session), "report", scene.now), session, scene.now)
    after = after.evolve(call_outcome=said, reported_at=scene.now, phone="")
    act, waits = _goes_on(session, after, scene, "call_reported", outcome=said)
    return act.and_(_asked_again(waits, after, scene, f"consent.reported.{said}")), waits


def unreported(session: Scheduled, scene: Scene) -> tuple[Act, Scheduled]:
    """Nobody said what came of the call: the time runs again, and those who decide are told."""
    after = moved(_of(session), "resume", scene.now)
    act, waits = _goes_on(session, after.evolve(reported_at=scene.now, phone=""), scene, "call_unreported")
    return act.and_(_asked_again(waits, after, scene, "consent.unreported")), waits


def _goes_on(session: Scheduled, after: Consent, scene: Scene, act: str, **data: Any) -> tuple[Act, Scheduled]:
    """An open consent changes: its deadline, its reminders, and what its message says."""
    before = _of(session)
    changes, waits = _put(session, before, after, scene)
    changes.append(bookings.went_on(waits, scene, act, **data))
    since = max(scene.now, after.call_until or scene.now)
    timers: tuple[AnyEffect, ...] = (*untimed(session, before, scene), *timed(waits, after, scene, since))
    return Act(changes=tuple(changes), effects=(*timers, *changed(waits, after, scene))), waits


def _asked_again(session: Scheduled, consent: Consent, scene: Scene, what: str) -> Act:
    """Who wished to be called is told why they are asked once more, and until when; it is nobody else's call."""
    effects: list[AnyEffect] = []
    for _, reader in deciders(consent, scene.subject, scene.operators, scene.now):
        own = consent.call_by is not None and reader.user_id == consent.call_by.user_id
        if own and reader.user_id != scene.actor:
            args: dict[str, Any] = {"n": session.number, "name": session.coachee.name}
            called_one = name_of(consent.call_by, reader)
            lines = (
                text_line("told.consent.again", **args, **when(session, reader.timezone)).evolve(style="bold"),
                text_line("consent.called", who=called_one),
                text_line(what),
                text_line("consent.still", at=local(consent.expires_at, reader.timezone)),
            )
            effects += told(reader, Screen(lines=lines, choices=(button(0, "consent", consent),)), scene.now)
    return Act(effects=tuple(effects))


# ---- no answer


def expired(session: Scheduled, scene: Scene) -> tuple[Act, Scheduled]:
    """There was no answer by the deadline: what that means was said when it was asked for."""
    consent = _of(session)
    if consent.silence == "approve":
        return approved(session, None, "no_answer", scene)
    by = consent.asked_by.user_id if consent.asked_by is not None else None
    can_ask = any(hears(one) and one.user_id != by for one in scene.operators)
    if consent.silence == "escalate" and can_ask and not consent.escalated and session.starts_at > scene.now:
        return _escalated(session, scene)
    return kept(session, None, "no_answer", scene)


def _escalated(session: Scheduled, scene: Scene) -> tuple[Act, Scheduled]:
    """The operators are asked, too, until the session begins; those who were asked before still can decide."""
    before = _of(session)
    after = moved(before, "escalate", scene.now).evolve(escalated=True, expires_at=session.starts_at)
    changes, waits = _put(session, before, after, scene)
    changes.append(bookings.went_on(waits, scene, "cancel_escalated"))
    there = {one.user_id for _, one in readers(session, before, scene)}
    new = {one.user_id for _, one in deciders(after, scene.subject, scene.operators, scene.now)} - there
    timers: tuple[AnyEffect, ...] = (*untimed(session, before, scene), *timed(waits, after, scene, scene.now))
    news = [*sent(waits, after, scene, only=new), *changed(waits, after, scene, but=new)]
    news += tell(waits, after, scene, "escalated", but=new)
    return Act(changes=tuple(changes), effects=(*timers, *news)), waits
