"""What is done about people: who coaches whom, whose parent somebody is, who takes part.

Each decision is made on rows that no other decision changes meanwhile (`needs.serial`). Everybody concerned is told.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from flows.changes import (
    AnyChange,
    GuardianshipKept,
    RoleGranted,
    RoleRevoked,
    SessionsReleased,
    StandingChanged,
    TieKept,
)
from flows.effects import AnyEffect, Choice, ShowCommands, Text
from flows.events import Event
from flows.ids import short_id
from flows.notices import tell
from flows.people import Guardianship, Other, Role, Standing, Subject, Tie, TieKind
from flows.records import Record
from flows.rights import age
from flows.state import Chat
from flows.times import local


class Act(Record):
    """What follows from an act: rows, and who is told what. None of it where it is as wanted already."""

    changes: tuple[AnyChange, ...] = ()
    effects: tuple[AnyEffect, ...] = ()

    def and_(self, other: Act) -> Act:
        """Both."""
        return Act(changes=self.changes + other.changes, effects=self.effects + other.effects)


def opens(person: Other) -> tuple[Choice, ...]:
    """The button that opens somebody's card."""
    return (Choice(data=f"p:0:{short_id(person.user_id)}:card", label=person.name),)


def myself(chat: Chat) -> Subject:
    """The person of a chat, as others are known."""
    me = chat.someone
    return Subject(
        person=Other(
            user_id=me.user_id,
            chat_id=chat.chat_id,
            name=me.name,
            language=me.language,
            timezone=me.timezone,
            standing=me.standing,
            birth_year=me.birth_year,
            sharing=me.sharing,
            quiet_from=me.quiet_from,
            quiet_until=me.quiet_until,
        ),
        roles=chat.around.roles,
        ties=chat.around.ties,
        guardianships=chat.around.guardianships,
    )


BEGINS = (Choice(data="s:session", label=Text(key="button.session")),)


def kept(tie: Tie, kind: TieKind, active: bool, now: datetime) -> TieKept:
    """A tie as it is to be."""
    return TieKept(
        tie_id=tie.tie_id,
        coach_id=tie.coach.user_id,
        coachee_id=tie.coachee.user_id,
        kind=kind,
        active=active,
        at=now,
    )


def tied(subject: Subject, coach: Other, kind: TieKind, event: Event, now: datetime) -> Act:
    """A coach and a coachee from now on; a coachee's primary coach before makes room for a new one."""
    coachee = subject.person
    mine = [tie for tie in subject.ties if tie.coachee.user_id == coachee.user_id]
    known = next((tie for tie in mine if tie.coach.user_id == coach.user_id), None)
    if known is not None and known.active and known.kind == kind:
        return Act()
    was = known.active if known is not None else False
    row = known or Tie(
        tie_id=event.derived(f"tie {coach.user_id}"), coach=coach, coachee=coachee, kind=kind, active=True
    )
    act = Act(changes=(kept(row, kind, True, now),))
    before = [tie for tie in mine if tie.active and tie.kind == "primary" and tie.coach.user_id != coach.user_id]
    if kind == "primary":
        for tie in before:
            act = act.and_(_ended(tie, now))
    told = tell(coachee, now, f"told.coach.{kind}", name=coach.name)
    new = (
        ()
        if was
        else tell(coach, now, f"told.coachee.{kind}", name=coachee.name, choices=opens(coachee), informs=True)
    )
    return act.and_(Act(effects=(*told, *new)))


def untied(subject: Subject, coach_id: UUID, now: datetime) -> Act:
    """A coach coaches a coachee no more, and sees nothing of them from now on."""
    tie = _tie(subject, coach_id)
    if tie is None or not tie.active:
        return Act()
    return _ended(tie, now).and_(Act(effects=tell(tie.coachee, now, "told.coach.ended", name=tie.coach.name)))


def retied(subject: Subject, coach: Subject, event: Event, now: datetime) -> Act:
    """A tie that ended is taken up again; beside another primary coach it is a secondary one."""
    tie = _tie(subject, coach.person.user_id)
    if tie is None or tie.active or "coach" not in coach.roles or coach.person.standing != "active":
        return Act()
    mine = [other for other in subject.ties if other.active and other.coachee.user_id == subject.person.user_id]
    taken = any(other.kind == "primary" for other in mine)
    return tied(subject, coach.person, "secondary" if taken else tie.kind, event, now)


def _ended(tie: Tie, now: datetime) -> Act:
    told = tell(tie.coach, now, "told.coachee.ended", name=tie.coachee.name)
    released = SessionsReleased(coach_id=tie.coach.user_id, coachee_id=tie.coachee.user_id, at=now)
    return Act(changes=(kept(tie, tie.kind, False, now), released), effects=told)


def _tie(subject: Subject, coach_id: UUID) -> Tie | None:
    me = subject.person.user_id
    return next((t for t in subject.ties if t.coachee.user_id == me and t.coach.user_id == coach_id), None)


def deactivated(subject: Subject, now: datetime) -> Act:
    """A person takes no part until further notice. What is kept of them stays, and their rights over it.

    Sessions that a coach was to lead have no coach any more; those of a coachee stay, for their coach to decide on.
    """
    if subject.person.standing == "inactive":
        return Act()
    told = tell(subject.person, now, "told.inactive")
    changes: tuple[AnyChange, ...] = (StandingChanged(user_id=subject.person.user_id, standing="inactive"),)
    if "coach" in subject.roles:
        changes = (*changes, SessionsReleased(coach_id=subject.person.user_id, coachee_id=None, at=now))
    return Act(changes=changes, effects=told)


def activated(subject: Subject, consent_age: int, now: datetime) -> Act:
    """A person takes part again; one who is younger than may agree where they live needs a parent's agreement as
    before."""
    person = subject.person
    if person.standing != "inactive":
        return Act()
    standing: Standing = "active"
    if person.birth_year is not None:
        young = age(person.birth_year, local(now, person.timezone).year) < consent_age
        standing = "waiting" if young and not _agreed(subject.guardianships, person) else "active"
    elif subject.roles in ((), ("coachee",)):
        standing = "joining"
    told = tell(person.evolve(standing=standing), now, "told.active")
    return Act(changes=(StandingChanged(user_id=person.user_id, standing=standing),), effects=told)


def revoked(subject: Subject, role: Role, now: datetime) -> Act:
    """A person has a role no more, and what it let them do ends with it."""
    if role not in subject.roles:
        return Act()
    me = subject.person.user_id
    told: tuple[AnyEffect, ...] = tell(subject.person, now, "told.role.gone", role=Text(key=f"role.{role}"))
    if told:
        left = tuple(other for other in subject.roles if other != role)
        told = (*told, ShowCommands(roles=left, to=subject.person))
    act = Act(changes=(RoleRevoked(user_id=me, role=role),), effects=told)
    if role == "coach":
        act = act.and_(Act(changes=(SessionsReleased(coach_id=me, coachee_id=None, at=now),)))
        for tie in subject.ties:
            if tie.active and tie.coach.user_id == me:
                ended = tell(tie.coachee, now, "told.coach.ended", name=tie.coach.name)
                act = act.and_(Act(changes=(kept(tie, tie.kind, False, now),), effects=ended))
    if role == "parent":
        for g in subject.guardianships:
            if g.active and g.parent.user_id == me:
                act = act.and_(unlinked(g, subject.beside, now))
    return act


def guarded(
    g: Guardianship, now: datetime, *, active: bool = True, agreed: bool = False, withdrawn: bool = False
) -> GuardianshipKept:
    """A guardianship as it is to be."""
    return GuardianshipKept(
        guardianship_id=g.guardianship_id,
        parent_id=g.parent.user_id,
        child_id=g.child.user_id,
        active=active,
        agreed_at=now if agreed else None,
        withdrawn_at=None if agreed else now if withdrawn else g.withdrawn_at,
        at=now,
    )


def agreed(g: Guardianship, subject: Subject, now: datetime) -> Act:
    """A parent agrees that their child takes part; the child is told, and who coaches them."""
    if g.agreed_at is not None and g.child.standing != "waiting":
        return Act()
    act = Act(changes=(guarded(g, now, agreed=True),))
    if g.child.standing != "waiting":
        return act
    let_in = (
        StandingChanged(user_id=g.child.user_id, standing="active"),
        RoleGranted(user_id=g.child.user_id, role="coachee", by=g.parent.user_id),
    )
    coaches = [tie.coach for tie in subject.ties if tie.active and tie.coachee.user_id == g.child.user_id]
    told = [n for coach in coaches for n in tell(coach, now, "told.coach.agreed", name=g.child.name, informs=True)]
    child = tell(g.child, now, "told.agreed", name=g.parent.name, choices=BEGINS)
    commands = ShowCommands(roles=("coachee",), to=g.child)
    return act.and_(Act(changes=let_in, effects=(commands, *child, *told)))


def withdrawn(g: Guardianship, subject: Subject, now: datetime) -> Act:
    """A parent takes their agreement back. The child stops at once, unless another parent agreed, too."""
    if g.agreed_at is None:
        return Act()
    without = _without(g, subject.guardianships, now)
    act = Act(changes=(guarded(g, now, withdrawn=True),)).and_(without)
    if not without.changes:
        return act
    coaches = [tie.coach for tie in subject.ties if tie.active and tie.coachee.user_id == g.child.user_id]
    told = [n for coach in coaches for n in tell(coach, now, "told.coach.withdrawn", name=g.child.name, informs=True)]
    return act.and_(Act(effects=tuple(told)))


def unlinked(g: Guardianship, others: tuple[Guardianship, ...], now: datetime) -> Act:
    """A person is somebody's parent here no more; an agreement of theirs ends with it."""
    if not g.active:
        return Act()
    act = Act(
        changes=(guarded(g, now, active=False, withdrawn=g.agreed_at is not None),),
        effects=(
            *tell(g.child, now, "told.parent.gone", name=g.parent.name),
            *tell(g.parent, now, "told.child.gone", name=g.child.name),
        ),
    )
    return act.and_(_without(g, others, now)) if g.agreed_at is not None else act


def _without(g: Guardianship, others: tuple[Guardianship, ...], now: datetime) -> Act:
    """What follows for a child without this parent's agreement."""
    if g.child.standing != "active" or _agreed([o for o in others if o != g], g.child):
        return Act()
    waits = StandingChanged(user_id=g.child.user_id, standing="waiting")
    return Act(changes=(waits,), effects=tell(g.child, now, "told.withdrawn", name=g.parent.name))


def _agreed(guardianships: tuple[Guardianship, ...] | list[Guardianship], child: Other) -> bool:
    return any(g.active and g.agreed_at is not None and g.child.user_id == child.user_id for g in guardianships)
