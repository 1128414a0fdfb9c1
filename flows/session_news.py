"""Whom a booked session concerns, what things about it are called, and what each is told of a change.

Everybody concerned is told once, in their language and time zone; who did it sees it on their card.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from flows.diary import Policy, Resource, Scheduled, SessionRecord
from flows.effects import Choice, Line, Notify, Screen, Text
from flows.events import Event
from flows.ids import short_id
from flows.notices import told
from flows.people import Other, Role, Subject
from flows.records import Record
from flows.rights import shared
from flows.times import local

REASONS = ("ill", "travel", "clash")
"""Reasons why a session is cancelled that have a button; one in words stands as it was written."""
MOST_TOLD = 52
"""Sessions that one message lists."""
FILED = ("booked", "moved", "cancelled", "resource")
"""The news that change an entry of a calendar: they come with a button for its file."""
Part = Literal["coachee", "coach", "parent"]


class Scene(Record):
    """Who acts on sessions of whom, when: what every deed takes. `actor` is None where it is the clock.

    `calendar`: there is a shared calendar that sessions are written to. `operators` are asked where a consent comes
    to them; `policy` says what the deployment lets people do.
    """

    subject: Subject
    event: Event
    now: datetime
    actor: UUID | None = None
    calendar: bool = False
    operators: tuple[Other, ...] = ()
    policy: Policy = Policy()


def acting_as(session: Scheduled, scene: Scene) -> Role:
    """As what somebody acts on a session."""
    if scene.actor == session.coachee.user_id:
        return "coachee"
    if any(g.parent.user_id == scene.actor and g.active for g in scene.subject.guardianships):
        return "parent"
    coaches = {tie.coach.user_id for tie in scene.subject.ties if tie.active}
    return "coach" if scene.actor in coaches else "operator"


def concerned(session: Scheduled, scene: Scene) -> tuple[tuple[Part, Other], ...]:
    """Whom a change of a session concerns, each once: coachee, coach, and the parents who may see the attendance."""
    child = scene.subject.person
    found: list[tuple[Part, Other]] = [("coachee", child)]
    if session.coach is not None:
        found.append(("coach", session.coach))
    for g in scene.subject.guardianships:
        year = local(scene.now, g.parent.timezone).year
        if g.active and g.child.user_id == child.user_id and "attendance" in shared(child, "parent", year):
            found.append(("parent", g.parent))
    once: dict[UUID, tuple[Part, Other]] = {}
    for part, person in found:
        once.setdefault(person.user_id, (part, person))
    return tuple(once.values())


def coaching(subject: Subject, coach_id: UUID | None) -> Other | None:
    """Somebody who coaches a coachee now; None where they do not."""
    return next((tie.coach for tie in subject.coaches if tie.coach.user_id == coach_id), None)


def leader(session: Scheduled, subject: Subject) -> Other | None:
    """Who leads the conversation at a session: its coach, or the primary one where it has none. None where nobody
    who coaches the coachee now can."""
    if session.coach is not None:
        return coaching(subject, session.coach.user_id)
    return next((tie.coach for tie in subject.coaches), None)


def where(resource: Resource) -> Text:
    """What a machine or room is called."""
    if resource.name:
        return Text(key="resource.named", args={"name": resource.name})
    return Text(key=f"resource.{resource.kind}", args={"n": resource.number})


def why(reason: str | None) -> Text | str:
    """Why a session does not take place, for who reads it."""
    return Text(key=f"cancel.reason.{reason}") if reason in REASONS else reason or ""


def resolving(session: Scheduled, scene: Scene) -> tuple[Other, ...]:
    """Who is to say what became of a session: its coach; where it has none, everybody who coaches its coachee."""
    if session.coach is not None:
        return (session.coach,)
    return tuple(tie.coach for tie in scene.subject.coaches)


def when(session: Scheduled, zone: str) -> dict[str, Any]:
    """From when to when a session is, on a wall clock, for a text with {at} and {until}."""
    ends = local(session.ends_at, zone)
    return {"at": local(session.starts_at, zone), "until": f"{ends:%H:%M}"}


def opens(session: Scheduled, card: int = 0) -> Choice:
    """The button that opens a session's card."""
    label = Text(key="button.session_card", args={"n": session.number})
    return Choice(data=f"b:{card}:{short_id(session.session_id)}:card", label=label)


def file_of(session: Scheduled, *, programme: bool = False) -> Choice:
    """The button that sends a session as a calendar file; of its `programme`, all that are to come."""
    act = "files" if programme else "file"
    return Choice(data=f"b:0:{short_id(session.session_id)}:{act}", label=Text(key=f"button.session.{act}"))


# ---- news


More = Callable[[Other], Sequence[Line]]
"""What else somebody reads of it."""


def tell_all(
    sessions: tuple[Scheduled, ...], scene: Scene, what: str, was: Scheduled | None = None, more: More | None = None
) -> tuple[Notify, ...]:
    return tell(sessions[0], scene, ("coachee", "coach", "parent"), what, sessions=sessions, was=was, more=more)


def tell(
    session: Scheduled,
    scene: Scene,
    parts: tuple[Part, ...],
    what: str,
    *,
    sessions: tuple[Scheduled, ...] = (),
    was: Scheduled | None = None,
    key: str = "",
    more: More | None = None,
) -> tuple[Notify, ...]:
    """These are told what happened, but for who did it. A coachee reads "your session", the others whose it is."""
    found: list[Notify] = []
    for part, person in concerned(session, scene):
        if part in parts and person.user_id != scene.actor:
            lines = (*_news(part, person, sessions or (session,), what, was, key), *(more(person) if more else ()))
            choices = (opens(session), file_of(session, programme=len(sessions) > 1)) if what in FILED else ()
            screen = Screen(lines=lines, choices=choices or (opens(session),), per_row=2)
            found += told(person, screen, scene.now)
    return tuple(found)


def _news(
    part: Part, person: Other, sessions: tuple[Scheduled, ...], what: str, was: Scheduled | None, key: str = ""
) -> tuple[Line, ...]:
    """What happened, as somebody reads it: in a line, and each session's time where there are several. `key` is the
    text of it, where it is none of the usual ones."""
    first = sessions[0]
    if not key:
        several = ".several" if len(sessions) > 1 else ""
        key = f"told.session.{what}" + ("" if part == "coachee" else ".other") + several
    args: dict[str, Any] = {
        "n": first.number,
        "name": first.coachee.name,
        "coach": first.coach.name if first.coach else Text(key="session.no_coach"),
        "where": where(first.resource),
        "count": len(sessions),
        "reason": why(first.reason),
        **when(first, person.timezone),
    }
    if was is not None:
        args["was"] = local(was.starts_at, person.timezone)
    if first.absent is not None:
        args["absent"] = Text(key=f"absent.{first.absent}")
    count = args.pop("count") if len(sessions) > 1 else None
    lines = [Line(text=Text(key=key, args=args, count=count))]
    if len(sessions) > 1:
        lines += [
            Line(text=Text(key="session.line", args={"n": s.number, **when(s, person.timezone)}))
            for s in sessions[:MOST_TOLD]
        ]
        if len(sessions) > MOST_TOLD:
            lines.append(Line(text=Text(key="session.more", count=len(sessions) - MOST_TOLD)))
    return tuple(lines)


def tell_parents(session: Scheduled, record: SessionRecord, scene: Scene) -> tuple[Notify, ...]:
    """That a session took place, for parents who may know it; what its record says, for those who may read it."""
    found: list[Notify] = []
    for part, parent in concerned(session, scene):
        if part != "parent" or parent.user_id == scene.actor:
            continue
        year = local(scene.now, parent.timezone).year
        lines = [*_news(part, parent, (session,), "", None, "P21_session_summary")]
        if "summary" in shared(scene.subject.person, "parent", year):
            lines += of_record(record)
        found += told(parent, Screen(lines=tuple(lines), choices=(opens(session),)), scene.now, informs=True)
    return tuple(found)


def of_record(record: SessionRecord) -> list[Line]:
    """What the record of a session says."""
    lines = []
    for part, words in (("topic", record.topic), ("notes", record.notes)):
        if words:
            lines += [Line(text=Text(key=f"record.{part}"), style="bold"), Line(text=words, style="quote")]
    return lines
