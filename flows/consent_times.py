"""What comes of itself about a consent: its deadline, the end of a call's time, reminders.

A timer carries the consent's id only; what it does is what holds as it fires. One that comes early, because a
deadline was moved or a clock was set back, waits; one that comes late, because nothing ran, does what it would have
done and says that it is late.
"""

from __future__ import annotations

from datetime import datetime

from flows import consents
from flows.acts import myself
from flows.changes import Audited
from flows.consent import LAST_WORD, decides_as, lapsed
from flows.consent_news import asked as asked_screen
from flows.consent_news import key_of
from flows.diary import Consent, Scheduled
from flows.effects import Notify, SetTimer, text_line
from flows.events import TimerFired
from flows.quiet import heard_at, is_quiet
from flows.session_news import Scene
from flows.state import Chat, Decision


def _scene(chat: Chat, event: TimerFired, now: datetime) -> Scene:
    return Scene(
        subject=chat.around.subject or myself(chat),
        event=event,
        now=now,
        calendar=chat.policy.calendar,
        operators=chat.around.operators,
        policy=chat.policy,
    )


def _asked(chat: Chat, event: TimerFired) -> tuple[Scheduled, Consent] | None:
    """The consent that a timer is about, if it still waits for a decision."""
    session = chat.diary.session if chat.diary is not None else None
    consent = session.asked if session is not None else None
    if session is None or consent is None or consent.consent_id != event.subject or chat.around.subject is None:
        return None
    return session, consent


def over(chat: Chat, event: TimerFired, now: datetime) -> Decision:
    """The deadline (`consent_over`, in the coachee's chat): there was no answer."""
    if (found := _asked(chat, event)) is None:
        return Decision(chat=chat)
    session, consent = found
    if now < consent.expires_at:
        return _later(chat, event, consent.expires_at)
    scene = _scene(chat, event, now)
    decide = consents.overtaken if lapsed(session, consent, now) else consents.expired
    act, after = decide(session, scene)
    became = after.consent.status if after.consent is not None and not after.consent.open else "escalated"
    audit = Audited(
        audit_id=event.derived("audit"),
        at=now,
        action="cancel_session",
        subject_id=session.coachee.user_id,
        reason=f"no_answer {became}",
        via="clock",
    )
    return Decision(chat=chat, changes=(*act.changes, audit), effects=act.effects)


def call(chat: Chat, event: TimerFired, now: datetime) -> Decision:
    """The time of a call is over (`consent_call`, in the coachee's chat), and nobody said what came of it."""
    found = _asked(chat, event)
    if found is None or not found[1].call_waits or found[1].call_until is None:
        return Decision(chat=chat)
    session, consent = found
    if consent.call_until is not None and now < consent.call_until:
        return _later(chat, event, consent.call_until)
    if now >= consent.expires_at:  # the deadline says what is to be said
        return Decision(chat=chat)
    act, _ = consents.unreported(session, _scene(chat, event, now))
    return Decision(chat=chat, changes=act.changes, effects=act.effects)


def soon(chat: Chat, event: TimerFired, now: datetime) -> Decision:
    """Who decides is reminded (`consent_soon`, in their chat): in quiet hours as these end, if there is time left
    then, else at once and without a sound. Of two that come to one moment there is one."""
    found = _asked(chat, event)
    if found is None or chat.someone.standing != "active":
        return Decision(chat=chat)
    session, consent = found
    me, scene, name = myself(chat).person, _scene(chat, event, now), event.key.rpartition(":")[2]
    late = consent.expires_at - LAST_WORD
    stopped = consent.call_until is not None and now < consent.call_until
    role = decides_as(consent, me.user_id, chat.around.roles, scene.subject, now)
    if role is None:
        return Decision(chat=chat)
    if stopped or now >= consent.expires_at or (event.attempt and name.startswith("half") and late <= now):
        return Decision(chat=chat)
    if name.startswith("late") and now < late:
        return _later(chat, event, late)
    wakes = heard_at(me, now)
    if now < wakes < consent.expires_at:
        return _later(chat, event, wakes)
    made = asked_screen(session, consent, me, role, scene)
    screen = made.evolve(lines=(text_line("consent.reminder").evolve(style="bold"), *made.lines))
    told = Notify(to=me, screen=screen, silent=is_quiet(me, now), key=key_of(consent, name))
    return Decision(chat=chat, effects=(told,))


def _later(chat: Chat, event: TimerFired, due: datetime) -> Decision:
    again = SetTimer(key=event.key, kind=event.kind, subject=event.subject, due_at=due, attempt=event.attempt)
    return Decision(chat=chat, effects=(again,))
