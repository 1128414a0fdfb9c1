"""A person's rights over what is kept of them: what it is and why, a copy of it, and being forgotten.

They are everybody's, also of who is on the way in, waits for a parent, or takes no part any more. Being forgotten
takes two taps and some days in which it can be undone; everything goes on meanwhile.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from flows import session_people
from flows.changes import Audited, PersonErased, SessionsReleased
from flows.effects import (
    AnyEffect,
    CancelTimer,
    Choice,
    Edit,
    Line,
    Notify,
    Say,
    Screen,
    SendExport,
    SetTimer,
    Text,
    acknowledge,
    say,
    text_line,
)
from flows.events import ButtonPressed, CommandSent, Spoken, TimerFired
from flows.notices import told as told_of
from flows.people import Audience, Circle, Other
from flows.rights import shares
from flows.state import Chat, Decision
from flows.times import local

COMMANDS = ("privacy", "export", "delete")
ACTS = ("show", "export", "delete", "sure", "keep")
"""What the buttons of a card do: `x:<card>:<act>`."""
AGAIN = timedelta(minutes=1)
"""Within this a second copy is not put together."""
BEFORE = timedelta(days=1)
"""How long before the end a person is reminded of it."""


def asked(chat: Chat, event: CommandSent, now: datetime) -> Decision:
    """/privacy, /export, /delete."""
    match event.name:
        case "export":
            return _copied(chat, now)
        case "delete":
            return _card(chat, "delete", now)
    return _card(chat, "show", now)


def anyhow(chat: Chat, event: Spoken, now: datetime) -> Decision | None:
    """What who takes no part may ask for all the same (None: it is something else, or they take part)."""
    if chat.someone.standing == "active":
        return None
    if isinstance(event, CommandSent) and event.name in COMMANDS:
        return asked(chat, event, now)
    if isinstance(event, ButtonPressed):
        return pressed(chat, event, now)
    return None


def of_nobody(chat: Chat, event: Spoken) -> Decision | None:
    """The answer to a person of whom nothing is kept. They are not met by asking (None: it is something else)."""
    press_id = None
    match event:
        case CommandSent(name=name) if name in COMMANDS:
            pass
        case ButtonPressed(data=data) if _parsed(data) is not None:
            press_id = event.press_id
        case _:
            return None
    return Decision(chat=chat, effects=(*acknowledge(press_id), say("privacy.nothing", count=chat.keeping.messages)))


def pressed(chat: Chat, event: ButtonPressed, now: datetime) -> Decision | None:
    """A press on one of its cards. None where the data is not one of ours.

    That a person is sure counts only on the card that asked last; elsewhere they see how things stand.
    """
    parsed = _parsed(event.data)
    if parsed is None or parsed[0] > chat.conversation.cards:
        return None
    number, act = parsed
    if act == "export":
        done = _copied(chat, now)
    elif act == "keep":
        done = _undone(chat, event, number, now)
    elif act == "sure" and chat.conversation.forgetting == number:
        done = _sure(chat, event, number, now)
    elif act == "sure":
        done = _card(chat, "delete", now, number)
        done = done.keeping(_audit(chat, event, now, "forget", refused="stale"))
    else:
        done = _card(chat, act, now, number)
    return done.evolve(effects=(*acknowledge(event.press_id), *done.effects))


def reminded(chat: Chat, event: TimerFired) -> Decision:
    """The end is near; a person who has changed their mind can still say so."""
    due = chat.someone.deletion_due_at
    if due is None:
        return Decision(chat=chat)
    line = text_line("privacy.soon", at=local(due, chat.someone.timezone))
    choices = (_to(0, "keep"), _to(0, "export"))
    return Decision(chat=chat, effects=(Say(screen=Screen(lines=(line,), choices=choices)),))


def erased(chat: Chat, event: TimerFired, now: datetime) -> Decision:
    """The days in which a person could change their mind are over: if they have not, they are forgotten.

    Who is left behind is told, without a name: what is said of them now would outlive them.
    """
    person = chat.someone
    due = person.deletion_due_at
    if due is None:
        return Decision(chat=chat)
    if now < due:
        return Decision(chat=chat, effects=_timers(chat, due, now))
    free = SessionsReleased(coach_id=person.user_id, coachee_id=None, at=now)
    audited = Audited(
        audit_id=event.derived("audit"),
        at=now,
        action="erase",
        actor_id=person.user_id,
        subject_id=person.user_id,
        via="clock",
    )
    gone = PersonErased(user_id=person.user_id, chat_id=chat.chat_id, at=now)
    return Decision(
        chat=Chat(chat_id=chat.chat_id), changes=(audited, free, gone), effects=_left_behind(chat, event, now)
    )


def _left_behind(chat: Chat, event: TimerFired, now: datetime) -> tuple[AnyEffect, ...]:
    """Who is told, each once: with it, what becomes of the sessions that they had with them.

    A child whose only agreement goes with them is made to wait by the erasure itself.
    """
    me, around = chat.someone.user_id, chat.around
    lost, calendars = session_people.forgotten(chat, event, now)

    def tell(to: Other, now: datetime, key: str, *, informs: bool = False) -> tuple[Notify, ...]:
        _, times = lost.pop(to.user_id, (to, ()))
        return told_of(to, Screen(lines=(text_line(key), *times)), now, informs=informs and not times)

    told: list[AnyEffect] = []
    waiting = [g.child for g in around.children(me) if g.agreed_at is not None and not _agreed_too(around, g.child)]
    waiting = [child for child in waiting if child.standing == "active"]
    for child in (g.child for g in around.children(me)):
        told.extend(tell(child, now, "privacy.told_child_waits" if child in waiting else "privacy.told_child"))
    for tie in around.coaches(me):
        told.extend(tell(tie.coach, now, "privacy.told_coach", informs=True))
    for tie in around.coachees(me):
        told.extend(tell(tie.coachee, now, "privacy.told_coachee"))
    for family in around.parents(me):
        told.extend(tell(family.parent, now, "privacy.told_parent", informs=True))
    for other, times in lost.values():
        told.extend(told_of(other, Screen(lines=times), now))
    return (*told, *calendars)


def _agreed_too(around: Circle, child: Other) -> bool:
    """Whether another parent of a child agreed."""
    return any(g.active and g.agreed_at is not None and g.child.user_id == child.user_id for g in around.beside)


def _copied(chat: Chat, now: datetime) -> Decision:
    """A copy of everything, put together as it is sent."""
    last = chat.conversation.copied_at
    if last is not None and now - last < AGAIN:
        return Decision(chat=chat, effects=(say("privacy.copy_again"),))
    chat = chat.evolve(conversation=chat.conversation.evolve(copied_at=now))
    return Decision(chat=chat, effects=(say("privacy.copy"), SendExport()))


def _sure(chat: Chat, event: ButtonPressed, number: int, now: datetime) -> Decision:
    """The second tap: the days begin."""
    due = now + timedelta(days=chat.keeping.delete)
    chat = chat.evolve(person=chat.someone.evolve(deletion_due_at=due))
    shown = _card(chat, "delete", now, number)
    return shown.evolve(
        changes=(_audit(chat, event, now, "forget"),),
        effects=(*shown.effects, *_timers(chat, due, now)),
    )


def _undone(chat: Chat, event: ButtonPressed, number: int, now: datetime) -> Decision:
    """Nothing is forgotten. Where nothing was to be, the card says how things stand."""
    if chat.someone.deletion_due_at is None:
        return _card(chat, "show", now, number)
    chat = chat.evolve(person=chat.someone.evolve(deletion_due_at=None))
    shown = _card(chat, "show", now, number)
    stopped = (CancelTimer(key="erase"), CancelTimer(key="erase_soon"), say("privacy.kept"))
    return shown.evolve(
        changes=(_audit(chat, event, now, "forget_not"),),
        effects=(*shown.effects, *stopped),
    )


def _timers(chat: Chat, due: datetime, now: datetime) -> tuple[SetTimer, ...]:
    subject = chat.someone.user_id
    timers = [SetTimer(key="erase", kind="erase", subject=subject, due_at=due)]
    if now < due - BEFORE:
        timers.append(SetTimer(key="erase_soon", kind="erase_soon", subject=subject, due_at=due - BEFORE))
    return tuple(timers)


def _audit(chat: Chat, event: Spoken, now: datetime, action: str, *, refused: str = "") -> Audited:
    me = chat.someone.user_id
    return Audited(
        audit_id=event.derived("audit"),
        at=now,
        action=action,
        actor_id=me,
        subject_id=me,
        outcome="refused" if refused else "done",
        reason=refused,
    )


def _card(chat: Chat, view: str, now: datetime, number: int = 0) -> Decision:
    """A card, in place of the one with that number or anew. One that asks makes every earlier one that asked old."""
    fresh = number == 0
    if fresh:
        number = chat.conversation.cards + 1
    asks = view == "delete" and chat.someone.deletion_due_at is None
    chat = chat.evolve(
        conversation=chat.conversation.evolve(
            cards=max(number, chat.conversation.cards), forgetting=number if asks else None
        )
    )
    screen = _delete(chat, number, now) if view == "delete" else _show(chat, number, now)
    put: AnyEffect = Say(key=f"x{number}", screen=screen) if fresh else Edit(key=f"x{number}", screen=screen)
    return Decision(chat=chat, effects=(put,))


def _show(chat: Chat, number: int, now: datetime) -> Screen:
    """What is kept, why, for how long, and who can read it."""
    keeping, due = chat.keeping, chat.someone.deletion_due_at
    sessions = "privacy.sessions_days" if keeping.sessions else "privacy.sessions_ever"
    lines = [
        Line(text=Text(key="privacy.title"), style="bold"),
        text_line("privacy.what"),
        text_line("privacy.booked"),
        text_line("privacy.consents"),
        text_line(sessions, count=keeping.sessions) if keeping.sessions else text_line(sessions),
        text_line("privacy.other_days", messages=keeping.messages, audit=keeping.audit),
        *_not_through(chat),
        Line(text=Text(key="privacy.who"), style="bold"),
        *_readers(chat, now),
    ]
    if chat.model:
        lines.append(text_line("privacy.model" if chat.helped else "privacy.model_off"))
    if due is not None:
        lines.append(_due(chat, due))
    ending = (_to(number, "keep"),) if due is not None else (_to(number, "delete"),)
    return Screen(lines=tuple(lines), choices=(_to(number, "export"), *ending, _menu()))


def _not_through(chat: Chat) -> tuple[Line, ...]:
    """For how long we wait for who is not in yet."""
    if chat.someone.standing not in ("joining", "waiting"):
        return ()
    return (text_line("privacy.waiting_days", count=chat.keeping.waiting),)


def _readers(chat: Chat, now: datetime) -> list[Line]:
    person, around = chat.someone, chat.around
    coaches = [tie.coach for tie in around.coaches(person.user_id)]
    parents = [family.parent for family in around.parents(person.user_id)]
    lines = [_reader(chat, coach, "coach", now) for coach in coaches]
    lines.extend(_reader(chat, parent, "parent", now) for parent in parents)
    if coaches:
        lines.append(text_line("privacy.notes"))
    lines.append(text_line("privacy.operator" if lines else "privacy.operator_only"))
    return lines


def _reader(chat: Chat, other: Other, audience: Audience, now: datetime) -> Line:
    person = chat.someone
    kinds = shares(person.sharing, person.birth_year, audience, local(now, person.timezone).year)
    if not kinds:
        return text_line(f"privacy.{audience}_nothing", name=other.name)
    seen = tuple(Text(key=f"privacy.kind.{kind}") for kind in kinds)
    return text_line(f"privacy.{audience}", name=other.name, kinds=seen)


def _delete(chat: Chat, number: int, now: datetime) -> Screen:
    """What being forgotten means; whether they are sure, or until when they can change their mind."""
    title = Line(text=Text(key="privacy.delete_title"), style="bold")
    due = chat.someone.deletion_due_at
    if due is not None:
        return Screen(lines=(title, _due(chat, due)), choices=(_to(number, "keep"), _menu()))
    due = now + timedelta(days=chat.keeping.delete)
    lines = [title, text_line("privacy.delete_what", at=local(due, chat.someone.timezone))]
    if chat.around.coachees(chat.someone.user_id):
        lines.append(text_line("privacy.delete_coach"))
    lines.append(text_line("privacy.delete_sure"))
    choices = (
        _to(number, "sure"),
        _to(number, "export"),
        Choice(data=f"x:{number}:show", label=Text(key="privacy.no")),
    )
    return Screen(lines=tuple(lines), choices=choices)


def _due(chat: Chat, due: datetime) -> Line:
    return text_line("privacy.due", at=local(due, chat.someone.timezone))


def _to(number: int, act: str) -> Choice:
    return Choice(data=f"x:{number}:{act}", label=Text(key=f"privacy.button.{act}"))


def _menu() -> Choice:
    return Choice(data="m:0:home", label=Text(key="button.menu"))


def _parsed(data: str) -> tuple[int, str] | None:
    parts = data.split(":")
    if len(parts) != 3 or parts[0] != "x" or parts[2] not in ACTS:
        return None
    if not (parts[1].isascii() and parts[1].isdigit() and len(parts[1]) < 10):
        return None
    return int(parts[1]), parts[2]
