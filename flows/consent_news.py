"""What people read of a consent: the message by which it is asked for, which changes as things go on and ends as the
outcome; and what everybody whom it concerns is told.

The message of each is named by the consent (`key_of`), so that whatever becomes of it is seen where it was asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from flows.consent import LATE, deciders
from flows.diary import Consent, Decider, Scheduled
from flows.effects import AnyEffect, Choice, Edit, Line, Notify, Screen, Text, text_line
from flows.ids import short_id
from flows.notices import hears, told
from flows.people import Other, Role
from flows.session_news import Scene, concerned, opens, resolving, when, where, why
from flows.times import local

Side = Decider | Literal["follows"]
"""As what somebody is asked, or that they only read how it goes."""
REMINDERS = ("half", "late")
"""The reminders of who is asked; each is a message with the same buttons."""
NOBODY: frozenset[UUID] = frozenset()


def key_of(consent: Consent, more: str = "") -> str:
    """The name of a consent's message in everybody's chat; with `more`, of another one about it, or of a timer."""
    return f"consent:{short_id(consent.consent_id)}" + (f":{more}" if more else "")


def reminders_of(consent: Consent) -> list[str]:
    """The names of all reminders that there can have been: they are others where the deadline was moved."""
    last = consent.version if consent.open else consent.version - 1
    return [f"{name}{version}" for version in range(1, last + 1) for name in REMINDERS]


def button(card: int, act: str, consent: Consent, argument: str = "", label: str = "") -> Choice:
    """A button about a consent."""
    data = f"b:{card}:{short_id(consent.consent_id)}:{act}" + (f":{argument}" if argument else "")
    return Choice(data=data, label=Text(key=label or f"button.consent.{act}"))


def name_of(person: Other | None, reader: Other) -> Text | str:
    """Somebody's name, for who reads it; who was forgotten has none."""
    if person is None:
        return Text(key="consent.somebody")
    return Text(key="consent.you") if person.user_id == reader.user_id else person.name


# ---- the message


def asked(session: Scheduled, consent: Consent, reader: Other, role: Decider, scene: Scene, card: int = 0) -> Screen:
    """What who decides reads: who asks, which session on their clock, why, until when, what no answer means."""
    own = ".own" if role == "coachee" else ""
    asker = name_of(consent.asked_by, reader)
    title = text_line(f"P26_cancellation_request{own}", asker=asker, name=session.coachee.name)
    lines = [
        title.evolve(style="bold"),
        text_line(
            "consent.session", n=session.number, where=where(session.resource), **when(session, reader.timezone)
        ),
        text_line("consent.reason", reason=why(consent.reason)),
        *_call(consent, reader, scene.now, follows=False),
        _until(consent, reader.timezone),
    ]
    can_move = role in scene.policy.move_by and session.moves < scene.policy.moves
    acts = ["approve", "keep", *(("another",) if can_move else ())]
    if role == "parent" and not consent.call_waits:
        acts.append("call")
    if consent.call_waits and consent.call_by is not None and consent.call_by.user_id == reader.user_id:
        acts.append("number")
    return Screen(lines=tuple(lines), choices=tuple(button(card, act, consent) for act in acts), per_row=2)


def _until(consent: Consent, zone: str) -> Line:
    """Until when, and what no answer by then means."""
    means = "keep" if consent.escalated else consent.silence
    return text_line(f"consent.until.{means}", at=local(consent.expires_at, zone))


def _call(consent: Consent, reader: Other, now: datetime, *, follows: bool) -> list[Line]:
    """That somebody is to be called, or that they were; what was recorded of it only for them, and who `follows`."""
    if consent.called_at is None:
        return []
    wished = name_of(consent.call_by, reader)
    if not consent.call_waits:
        lines = [text_line("consent.called", who=wished)]
        if consent.call_outcome is None:
            return [*lines, text_line("consent.unreported")]
        own = consent.call_by is not None and consent.call_by.user_id == reader.user_id
        return [*lines, text_line(f"consent.reported.{consent.call_outcome}")] if own or follows else lines
    line = text_line("consent.call_waits", who=wished)
    if consent.call_until is None or consent.call_until <= now:
        return [line]
    return [line, text_line("consent.stopped", at=local(consent.call_until, reader.timezone))]


def follows(session: Scheduled, consent: Consent, reader: Other, scene: Scene, card: int) -> Screen:
    """What who asked, and the coach, read while it is open: whom it waits for, until when, the way to take it
    back."""
    title = text_line(
        "consent.follows" + _own(session, reader),
        n=session.number,
        name=session.coachee.name,
        **when(session, reader.timezone),
    )
    who = tuple(one for _, one in deciders(consent, scene.subject, scene.operators, scene.now))
    lines = (
        title.evolve(style="bold"),
        text_line("consent.reason", reason=why(consent.reason)),
        *state(consent, reader, who, scene.now),
    )
    reports = consent.call_waits and reader.user_id in [one.user_id for one in callers(session, scene)]
    acts = [*(["spoke"] if reports else []), *(["withdraw"] if withdraws(session, consent, reader, scene) else [])]
    choices = (*(button(card, act, consent) for act in acts), opens(session, card))
    return Screen(lines=lines, choices=choices, per_row=2)


def _own(session: Scheduled, reader: Other) -> str:
    """A coachee reads of their own session."""
    return ".own" if reader.user_id == session.coachee.user_id else ""


def callers(session: Scheduled, scene: Scene) -> tuple[Other, ...]:
    """Who is to call somebody who wishes it: whoever coaches; where none of them can be reached, the operators."""
    coaches = tuple(one for one in resolving(session, scene) if hears(one))
    return coaches or tuple(one for one in scene.operators if hears(one))


def withdraws(session: Scheduled, consent: Consent, person: Other, scene: Scene) -> bool:
    """Whether somebody may take it back: who asked, and who coaches or operates here, as far as they may cancel."""
    me, among = person.user_id, scene.policy.cancel_by
    ways: set[Role] = set()
    if me == scene.subject.person.user_id and consent.asked_by is not None and consent.asked_by.user_id == me:
        ways.add("coachee")
    if me in [tie.coach.user_id for tie in scene.subject.coaches]:
        ways.add("coach")
    if me in [one.user_id for one in scene.operators]:
        ways.add("operator")
    return bool(ways & set(among))


def asker(consent: Consent, scene: Scene) -> Other | None:
    """Who asked for it, if they still have anything to do with the coachee: nobody else reads what becomes of it."""
    subject, by = scene.subject, consent.asked_by
    near = [subject.person, *(tie.coach for tie in subject.coaches), *scene.operators]
    near += [g.parent for g in subject.guardianships if g.active and g.child.user_id == subject.person.user_id]
    return by if by is not None and by.user_id in [one.user_id for one in near] else None


def state(consent: Consent, reader: Other, who: tuple[Other, ...], now: datetime) -> list[Line]:
    """How an open consent stands: who is asked (`who`), until when, what no answer means."""
    names = tuple(Text(key="name.as_it_is", args={"name": one.name}) for one in who if hears(one))
    waits = text_line("consent.waits_for", who=names) if names else text_line("consent.waits_for_nobody")
    return [waits, *_call(consent, reader, now, follows=True), _until(consent, reader.timezone)]


def outcome(session: Scheduled, consent: Consent, reader: Other, card: int) -> Screen:
    """What came of it: in the place of the buttons, for everybody who had them."""
    title = text_line(
        "consent.closed" + _own(session, reader),
        n=session.number,
        name=session.coachee.name,
        **when(session, reader.timezone),
    )
    lines = [title.evolve(style="bold"), text_line("consent.reason", reason=why(consent.reason))]
    return Screen(lines=(*lines, *verdict(consent, reader)), choices=(opens(session, card),))


def verdict(consent: Consent, reader: Other) -> list[Line]:
    """What came of a consent that is over: who decided it, and when."""
    if consent.decided_at is None:
        return []
    at = local(consent.decided_at, reader.timezone)
    if consent.decided_as == "no_answer":
        until = local(consent.expires_at, reader.timezone)
        lines = [text_line(f"consent.came.{consent.status}.no_answer", at=at, until=until)]
        return [*lines, text_line("consent.late", at=at)] if consent.decided_at - consent.expires_at > LATE else lines
    mine = consent.decided_by is not None and consent.decided_by.user_id == reader.user_id
    key = f"consent.came.{consent.status}" + (".you" if mine else "")
    return [text_line(key, at=at, who=name_of(consent.decided_by, reader))]


def screen(session: Scheduled, consent: Consent, reader: Other, side: Side, scene: Scene, card: int = 0) -> Screen:
    """A consent as somebody reads it now."""
    if not consent.open:
        return outcome(session, consent, reader, card)
    if side != "follows":
        return asked(session, consent, reader, side, scene, card)
    return follows(session, consent, reader, scene, card)


def reads_words(consent: Consent, reader: Other, *, leads: bool) -> bool:
    """Whether somebody reads the word that was added: who coaches, who asked, and whose it is."""
    own = [one.user_id for one in (consent.decided_by, consent.asked_by) if one is not None]
    return bool(consent.words) and (leads or reader.user_id in own)


# ---- who has it


def readers(session: Scheduled, consent: Consent, scene: Scene) -> list[tuple[Side, Other]]:
    """Who has the message, and as what, each once: who asked and who coaches, and who decides."""
    found: dict[UUID, tuple[Side, Other]] = {}
    for role, one in deciders(consent, scene.subject, scene.operators, scene.now):
        found[one.user_id] = (role, one)
    for other in (asker(consent, scene), *resolving(session, scene)):
        if other is not None:
            found.setdefault(other.user_id, ("follows", other))
    return list(found.values())


def sent(session: Scheduled, consent: Consent, scene: Scene, only: Set[UUID] | None = None) -> list[AnyEffect]:
    """The message comes to everybody who is to have it, or to some of them."""
    effects: list[AnyEffect] = []
    for side, reader in readers(session, consent, scene):
        if only is None or reader.user_id in only:
            made = screen(session, consent, reader, side, scene)
            effects += told(reader, made, scene.now, key=key_of(consent))
    return effects


def changed(session: Scheduled, consent: Consent, scene: Scene, but: Set[UUID] = NOBODY) -> list[AnyEffect]:
    """The message of everybody who has it says how things stand now; where it is over, the reminders do, too."""
    effects: list[AnyEffect] = []
    for side, reader in readers(session, consent, scene):
        if hears(reader) and reader.user_id not in but:
            made = screen(session, consent, reader, side, scene)
            keys = ["", *(reminders_of(consent) if side != "follows" else [])]
            effects += [Edit(key=key_of(consent, key), screen=made, to=reader) for key in keys]
    waited = consent.called_at is not None and consent.reported_at in (None, scene.now)
    if waited and not consent.call_waits:
        effects += _task_over(consent, scene)
    return effects


def task(session: Scheduled, consent: Consent, scene: Scene, only: Set[UUID] | None = None) -> list[AnyEffect]:
    """Who is to call is asked to, or some of them; once more when there is a number."""
    effects: list[AnyEffect] = []
    for reader in callers(session, scene):
        if reader.user_id != scene.actor or only is not None:
            who = consent.call_by.name if consent.call_by is not None else ""
            args: dict[str, Any] = {"who": who, "n": session.number, "name": session.coachee.name}
            line = text_line("told.consent.call", **args, **when(session, reader.timezone))
            choices = (button(0, "spoke", consent), opens(session))
            made = Screen(lines=(line, number_line(consent)), choices=choices, per_row=2)
            if only is None or reader.user_id in only:
                effects += told(reader, made, scene.now, key=key_of(consent, "task"))
    return effects


def number_line(consent: Consent) -> Line:
    """On which number to call, or that there is none here."""
    if consent.phone:
        return text_line("told.consent.phone", phone=consent.phone)
    return text_line("told.consent.no_phone", who=consent.call_by.name if consent.call_by is not None else "")


def _task_over(consent: Consent, scene: Scene) -> list[AnyEffect]:
    """The number is nobody's business any more, whoever was asked to call when."""
    people = {one.user_id: one for one in (*(tie.coach for tie in scene.subject.ties), *scene.operators)}
    screen = Screen(lines=(text_line("consent.task_over"),))
    return [Edit(key=key_of(consent, "task"), screen=screen, to=one) for one in people.values() if hears(one)]


# ---- what is told


def everybody(session: Scheduled, consent: Consent, scene: Scene) -> list[Other]:
    """Whom a consent concerns, each once, but for who acts: coachee, coach, parents, who asked, who decides."""
    people = [one for _, one in (*concerned(session, scene), *readers(session, consent, scene))]
    return list({one.user_id: one for one in people if one.user_id != scene.actor}.values())


def tell(session: Scheduled, consent: Consent, scene: Scene, what: str, but: Set[UUID] = NOBODY) -> list[AnyEffect]:
    """Everybody whom it concerns is told something of it, on their clock; the coachee reads "your session"."""
    effects: list[AnyEffect] = []
    for reader in everybody(session, consent, scene):
        if reader.user_id not in but:
            effects += told(reader, _news(session, consent, reader, what), scene.now)
    return effects


def tell_asked(session: Scheduled, consent: Consent, scene: Scene) -> list[AnyEffect]:
    """That it is asked for, to those it concerns who do not have its message."""
    there = {reader.user_id for _, reader in readers(session, consent, scene)}
    return tell(session, consent, scene, "asked", but=there)


def tell_over(session: Scheduled, was: Scheduled, scene: Scene, told_already: Iterable[AnyEffect]) -> list[AnyEffect]:
    """That a consent is over, to those who hear nothing else of what became of its session."""
    if was.asked is None:
        return []
    heard = {effect.to.user_id for effect in told_already if isinstance(effect, Notify)}
    return tell(session, was.asked, scene, "over", but=heard)


def _news(session: Scheduled, consent: Consent, reader: Other, what: str) -> Screen:
    """What happened, in a line; of what is asked for also why, and until when."""
    key = f"told.consent.{what}" + ("" if reader.user_id == session.coachee.user_id else ".other")
    args: dict[str, Any] = {
        "n": session.number,
        "name": session.coachee.name,
        "who": name_of(consent.decided_by, reader),
        "asker": name_of(consent.asked_by, reader),
        "deadline": local(consent.expires_at, reader.timezone),
        **when(session, reader.timezone),
    }
    lines = [text_line(key, **args)]
    if consent.decided_as == "no_answer":
        lines += verdict(consent, reader)[1:]
    if what == "asked":
        lines += [text_line("consent.reason", reason=why(consent.reason)), _until(consent, reader.timezone)]
    return Screen(lines=tuple(lines), choices=(opens(session),))
