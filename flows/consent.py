"""A consent: that a session be cancelled, as it is asked of a parent, or of who else decides: THE table of its life,
its deadline, and who decides.

    open      asked for; the session stays booked meanwhile
    approved  agreed to, by who was asked, or by there being no answer: the session is cancelled
    kept      not agreed to, or no answer where that means so: the session stays
    moved     who was asked chose another time instead
    withdrawn who asked took it back
    overtaken the session was moved, held or cancelled meanwhile by somebody else

Rules: the first decision wins, and there is one; what is over is never opened again, a new wish is a new consent. A
deadline is only ever moved later, by a call that stops it or by an operator being asked, and never beyond the
session's start. No answer is never anybody's agreement: it is kept as "no_answer".
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from flows.diary import (
    CancellationStatus,
    Consent,
    ConsentStatus,
    DecidedAs,
    Decider,
    Otherwise,
    Policy,
    Scheduled,
    Silence,
)
from flows.errors import IllegalConsentError
from flows.notices import hears
from flows.people import Other, Role, Subject
from flows.rights import allowed_as, is_minor
from flows.times import local

Move = Literal["approve", "keep", "reschedule", "withdraw", "overtake", "call", "report", "resume", "escalate"]

MOVES: dict[tuple[ConsentStatus, Move], ConsentStatus] = {
    ("open", "approve"): "approved",
    ("open", "keep"): "kept",
    ("open", "reschedule"): "moved",
    ("open", "withdraw"): "withdrawn",
    ("open", "overtake"): "overtaken",
    ("open", "call"): "open",
    ("open", "report"): "open",
    ("open", "resume"): "open",
    ("open", "escalate"): "open",
}
"""What becomes of a consent; a pair that is not in it is not a move."""
STANDS: dict[ConsentStatus, CancellationStatus] = {"open": "pending", "approved": "approved", "kept": "rejected"}
"""What the session's own `cancellation_status` says of it; of all others nothing."""
LEAST = timedelta(hours=1)
"""So long there is to decide where the session is nearer than the notice, or about to be."""
LAST_WORD = timedelta(hours=3)
"""So long before the deadline is the last reminder."""
LATE = timedelta(minutes=5)
"""What comes so long after its time is late."""


def moved(
    consent: Consent, move: Move, now: datetime, *, by: Other | None = None, decided_as: DecidedAs | None = None
) -> Consent:
    """The consent after a move. Raises IllegalConsentError where there is no such move; nothing changes then."""
    became = MOVES.get((consent.status, move))
    if became is None:
        raise IllegalConsentError(f"{consent.status} {move}")
    next_one = consent.evolve(status=became, version=consent.version + 1)
    if became == "open":
        return next_one
    return next_one.evolve(decided_at=now, decided_by=by, decided_as=decided_as, phone="")


def stands(session: Scheduled, consent: Consent) -> Scheduled:
    """The session with a consent as it is now: what its own columns say follows from it."""
    status = STANDS.get(consent.status, "none")
    open_ = consent.open
    return session.evolve(
        consent=consent,
        cancellation_status=status,
        requested_at=consent.asked_at if status != "none" else None,
        reason=consent.reason if status in ("pending", "approved") else None,
        expires_at=consent.expires_at if open_ else None,
    )


def meaning(decider: Decider, policy: Policy) -> Silence:
    """What no answer is to mean: as the deployment says; there is nobody beyond the operators who could be asked."""
    return "keep" if decider == "operator" and policy.on_silence == "escalate" else policy.on_silence


def lapsed(session: Scheduled, consent: Consent, now: datetime) -> bool:
    """Whether a session's time came, and nothing was decided: it may be held by now, and its coach says what became
    of it. A deadline that is its beginning has a moment to be looked at."""
    if session.conversation is not None:
        return True
    last = consent.expires_at >= session.starts_at
    return now > session.starts_at + LATE if last else now >= session.starts_at


# ---- until when


def deadline(session: Scheduled, policy: Policy, notice: int, now: datetime) -> datetime:
    """Until when there is to decide: the hours that the deployment gives, or as the coach's `notice` (hours) before
    the session begins, whichever is earlier; `LEAST` where that is nearer, but never longer than until it begins."""
    before = session.starts_at - timedelta(hours=notice)
    last = max(before, min(now + LEAST, session.starts_at))
    return min(now + timedelta(hours=policy.consent_hours), last)


def reminders(consent: Consent, since: datetime) -> dict[str, datetime]:
    """When who is asked is reminded, by name: at half of the time that there is `since` then, and three hours before
    the end of it, where that comes later."""
    half = since + (consent.expires_at - since) / 2
    late = consent.expires_at - LAST_WORD
    return {"half": half, "late": late} if late > half else {"half": half}


def called(consent: Consent, by: Other, session: Scheduled, policy: Policy, now: datetime) -> Consent:
    """Somebody who decides wishes to be called: the deadline stands still, once; never beyond the session's start,
    and not when it has passed."""
    fresh = {"called_at": now, "call_by": by, "call_outcome": None, "reported_at": None, "phone": ""}
    wished = moved(consent, "call", now).evolve(**fresh)
    if consent.call_until is not None or now >= consent.expires_at:
        return wished
    until = min(now + timedelta(hours=policy.call_hours), session.starts_at)
    left = consent.expires_at - now
    return wished.evolve(
        call_until=until,
        call_left=int(left.total_seconds()),
        expires_at=max(consent.expires_at, min(until + left, session.starts_at)),
    )


def resumed(consent: Consent, session: Scheduled, now: datetime) -> Consent:
    """The time that stood still for a call runs again: what was left of it is left, from now on."""
    if consent.call_until is None or now >= consent.call_until:
        return consent
    ends = min(now + timedelta(seconds=consent.call_left), session.starts_at)
    return consent.evolve(call_until=now, expires_at=max(ends, now))


# ---- who decides


def under_age(person: Other, now: datetime) -> bool:
    """Whether somebody is a minor; whose year of birth is not known is not taken for one."""
    return person.birth_year is not None and is_minor(person.birth_year, local(now, person.timezone).year)


def guardians(subject: Subject, now: datetime) -> tuple[Other, ...]:
    """The parents of a person who are of age themselves."""
    of = subject.person.user_id
    found = [g.parent for g in subject.guardianships if g.active and g.child.user_id == of]
    return tuple(parent for parent in found if not under_age(parent, now))


def parents(subject: Subject, now: datetime) -> tuple[Other, ...]:
    """The parents who are asked about a minor's sessions: those who may see them (`rights`). Who was asked decides,
    though the coachee hides the sessions from them meanwhile, or comes of age."""
    if not under_age(subject.person, now):
        return ()
    return tuple(
        parent
        for parent in guardians(subject, now)
        if allowed_as("sessions", parent.user_id, ("parent",), subject, local(now, parent.timezone).year)
    )


def asked_of(
    subject: Subject, operators: tuple[Other, ...], asker: UUID, policy: Policy, now: datetime
) -> Decider | None:
    """Who decides whether a session is cancelled that `asker` wants to cancel; None where they decide themselves.

    A minor's parents do, where one of them can be asked. Where nobody can who should, whoever asks decides: there is
    always somebody.
    """
    found = parents(subject, now)
    if asker in [parent.user_id for parent in found]:
        return None
    if any(hears(parent) for parent in found):
        return "parent"
    otherwise: Otherwise = policy.no_parent if under_age(subject.person, now) else policy.adults
    if otherwise == "coachee":
        may = subject.person.standing == "active" and hears(subject.person) and subject.person.user_id != asker
        return "coachee" if may else None
    if otherwise == "operator" and asker not in [one.user_id for one in operators]:
        return "operator" if any(hears(one) for one in operators) else None
    return None


def deciders(
    consent: Consent, subject: Subject, operators: tuple[Other, ...], now: datetime
) -> tuple[tuple[Decider, Other], ...]:
    """Those who can decide on a consent now, and as what, each once; not who asked for it."""
    found: list[tuple[Decider, Other]] = []
    if consent.decider == "parent":
        found += [("parent", parent) for parent in guardians(subject, now)]
    if consent.decider == "coachee":
        found.append(("coachee", subject.person))
    if consent.decider == "operator" or consent.escalated:
        found += [("operator", one) for one in operators]
    asker = consent.asked_by.user_id if consent.asked_by is not None else None
    once: dict[UUID, tuple[Decider, Other]] = {}
    for role, one in found:
        once.setdefault(one.user_id, (role, one))
    return tuple(pair for user_id, pair in once.items() if user_id != asker)


def decides_as(
    consent: Consent, me: UUID, roles: tuple[Role, ...], subject: Subject, now: datetime
) -> Decider | None:
    """As what a person decides on a consent; None where it is not theirs, or where they asked for it themselves."""
    if consent.asked_by is not None and consent.asked_by.user_id == me:
        return None
    if consent.decider == "parent" and me in [parent.user_id for parent in guardians(subject, now)]:
        return "parent" if "parent" in roles else None
    if consent.decider == "coachee" and me == subject.person.user_id:
        return "coachee" if "coachee" in roles else None
    asks_operators = consent.decider == "operator" or consent.escalated
    return "operator" if asks_operators and "operator" in roles else None
