"""People on cards: a coach's coachees, a parent's children, an operator's people, and what may be done about each.

A button about people is `p:<card>:<person or nobody>:<act>[:<second person, or what the act takes>]`; with a "?" the
act asks first. Whether it may be done is asked of `rights` on committed rows each time; what may not is not done,
said in a word, and kept in the audit log.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from flows import acts, invites, looks, session_people
from flows.acts import Act
from flows.changes import Audited, NoteKept
from flows.effects import Acknowledge, AnyEffect, Choice, Line, Notify, Say, Screen, Text, acknowledge, say, text_line
from flows.events import ButtonPressed, CommandSent, Event, Spoken, TextSent
from flows.needs import LOOKS, LOSING
from flows.notices import tell
from flows.on_card import put
from flows.people import ROLES, Role, Subject
from flows.people_cards import (
    card_of,
    coaches_for,
    found_list,
    list_button,
    list_of,
    menu_button,
    person_button,
)
from flows.records import Record
from flows.rights import Refusal, is_minor, refused
from flows.state import Chat, Decision, Sure
from flows.times import local

ACTIONS = {
    "find": "people",
    "parent": "invite_parent",
    "coaches": "assign",
    "end": "end_tie",
    "resume": "resume_tie",
    "off": "deactivate",
    "on": "activate",
    "revoke": "revoke_role",
    "unlink": "unlink_parent",
    "terms": "agree",
    "leave": "leave_family",
}
"""The actions (`rights.MATRIX`) of those acts that are called otherwise."""


class Press(Record):
    """A press about people, taken apart. `subject` and `second` are the people it names, where they are loaded."""

    event: ButtonPressed
    card: int
    act: str
    asks: bool = False
    named: bool = False
    subject: Subject | None = None
    second: Subject | None = None
    argument: str = ""


def listed(chat: Chat, event: CommandSent, now: datetime) -> Decision:
    """/coachees, /family, /people: the list, on a card of its own."""
    return _own_card(chat, event, event.name, lambda chat, card: list_of(chat, card, event.name, 0, now), now)


def _own_card(
    chat: Chat, event: Spoken, action: str, screen: Callable[[Chat, int], Screen], now: datetime
) -> Decision:
    """A new card at the bottom of the chat, if the person may have it."""
    if reason := refused(action, chat.someone.user_id, chat.around.roles):
        return refusal(chat, event, action, reason, now)
    number = chat.conversation.cards + 1
    chat = chat.evolve(conversation=chat.conversation.evolve(cards=number, awaiting=None, about=None))
    return Decision(chat=chat, effects=(Say(key=f"menu{number}", screen=screen(chat, number)),))


def searched(chat: Chat, event: Spoken, sought: str, now: datetime) -> Decision:
    """The people that an operator looks for."""
    return _own_card(chat, event, "people", lambda chat, card: found_list(chat, card, 0, sought), now)


def human(chat: Chat, event: CommandSent, now: datetime) -> Decision:
    """/human: the coach is asked to get in touch; where there is none, the operators are."""
    me = chat.someone
    coaches = [tie.coach for tie in chat.around.coaches(me.user_id)]
    operators = [other for other in chat.around.operators if other.user_id != me.user_id]
    opens = acts.opens(acts.myself(chat).person)
    told: list[Notify] = []
    for group in (coaches, operators):
        if not told:  # whoever cannot be reached, or takes no part now, is no help
            told = [n for other in group for n in tell(other, now, "human.wanted", name=me.name, choices=opens)]
    audit = Audited(audit_id=event.derived("audit"), at=now, action="human", actor_id=me.user_id)
    answer = say("human.told", name=told[0].to.name) if told else say("human.nobody")
    return Decision(chat=chat, changes=(audit,), effects=(answer, *told))


def unreachable(decision: Decision, before: Chat, now: datetime) -> Decision:
    """Who coaches a person who cannot be reached any more is told so, once."""
    if not decision.changes or before.circle is None:
        return decision
    me = before.someone
    opens = acts.opens(acts.myself(before).person)
    for tie in before.around.coaches(me.user_id):
        decision = decision.then(*tell(tie.coach, now, "told.unreachable", name=me.name, choices=opens, informs=True))
    return decision


def said(chat: Chat, event: TextSent, now: datetime) -> Decision:
    """The words that a card asked for: what the operator looks for, or a note."""
    if chat.conversation.awaiting == "people":
        return searched(chat, event, event.text, now)
    subject = chat.around.subject
    reason = refused("note", chat.someone.user_id, chat.around.roles, subject)
    chat = chat.evolve(conversation=chat.conversation.evolve(awaiting=None, about=None))
    if reason or subject is None:
        return refusal(chat, event, "note", reason or "relation", now)
    if not event.text.strip() or len(event.text) > looks.LONGEST_NOTE:
        return Decision(chat=chat, effects=(say("note.unfit", most=looks.LONGEST_NOTE),))
    note = NoteKept(
        note_id=event.derived("note"),
        coach_id=chat.someone.user_id,
        coachee_id=subject.person.user_id,
        text=event.text,
        at=now,
    )
    buttons = (
        person_button(0, subject.person, "notes", "button.see.notes"),
        person_button(0, subject.person, "card"),
    )
    told = Say(screen=Screen(lines=(text_line("note.kept", name=subject.person.name),), choices=buttons, per_row=2))
    audit = _audit(chat, event, "note", subject, now)
    return Decision(chat=chat, changes=(note, audit), effects=(told,))


def refused_at_the_door(chat: Chat, event: Event, now: datetime) -> Audited:
    """Somebody who takes no part pressed a button about people."""
    return Audited(
        audit_id=event.derived("audit"),
        at=now,
        action="press",
        actor_id=chat.someone.user_id,
        outcome="refused",
        reason="standing",
    )


def refusal(
    chat: Chat, event: Event, action: str, reason: str, now: datetime, subject: Subject | None = None
) -> Decision:
    """Nothing is done, a word says so, and the audit log has it."""
    audited = Audited(
        audit_id=event.derived("audit"),
        at=now,
        action=action,
        actor_id=chat.someone.user_id if chat.person else None,
        subject_id=subject.person.user_id if subject else None,
        outcome="refused",
        reason=reason,
    )
    key = f"toast.{reason}" if reason in ("not_shared", "unknown", "policy") else "toast.not_yours"
    effects: tuple[AnyEffect, ...] = ()
    if not isinstance(event, ButtonPressed):
        effects = (say(key),)
    elif event.press_id:
        effects = (Acknowledge(press_id=event.press_id, text=Text(key=key)),)
    return Decision(chat=chat, changes=(audited,), effects=effects)


def pressed(chat: Chat, event: ButtonPressed, now: datetime) -> Decision | None:
    """A press about people. None where the data is not one of ours."""
    press = _read(chat, event)
    if press is None:
        return None
    if press.act == "void":
        invite = chat.around.invite
        mine = invite is not None and invite.inviter is not None and invite.inviter.user_id == chat.someone.user_id
        return invites.voided(chat, event, now) if mine else refusal(chat, event, "void", "relation", now)
    action = ACTIONS.get(press.act, press.act)
    if press.act == "invite" and press.argument in ROLES:
        action = f"invite_{press.argument}"
    if reason := _why_not(chat, press, action, local(now, chat.someone.timezone).year):
        return refusal(chat, event, action, reason, now, press.subject)
    sure = chat.conversation.sure
    yes = event.data.replace(f":{press.act}?", f":{press.act}")
    act = yes.split(":", 2)[-1]  # whatever card it is on
    meant = sure is not None and sure.data == act and now - sure.at < ASKED_LATELY
    chat = chat.evolve(conversation=chat.conversation.evolve(awaiting=None, about=None, sure=None))
    if press.act in ASKED_FIRST and (press.asks or not meant):
        chat = chat.evolve(conversation=chat.conversation.evolve(sure=Sure(data=act, at=now)))
        return _put(chat, press, _question(press, yes), None if press.asks else "toast.once_more")
    if press.act in CHANGING:
        return _changed(chat, press, action, now)
    return _shown(chat, press, action, now)


def _why_not(chat: Chat, press: Press, action: str, year: int) -> Refusal | None:
    """Why the person of the chat may not do this (None: they may)."""
    me, roles, mine = chat.someone.user_id, chat.around.roles, chat.someone.birth_year
    if press.named and press.subject is None:
        return "relation"
    if reason := refused(action, me, roles, press.subject, year):
        return reason
    waits = press.subject is not None and press.subject.person.standing == "waiting"
    if waits and press.act in (*LOOKS, "note"):  # without a parent's agreement nothing more is made of what was said
        return "not_shared"
    if press.act == "agree" and mine is not None and is_minor(mine, year):
        return "standing"
    return "relation" if press.act in CHANGING and _of_another(press, me, roles) else None


def _read(chat: Chat, event: ButtonPressed) -> Press | None:
    parts = event.data.split(":")
    if len(parts) not in (4, 5) or not (parts[1].isascii() and parts[1].isdigit() and len(parts[1]) < 7):
        return None
    act, asks = parts[3].rstrip("?"), parts[3].endswith("?")
    if act not in (*SHOWING, *CHANGING, "void") or (asks and act not in ASKED_FIRST):
        return None
    if (act in UNNAMED) == bool(parts[2]):
        return None
    return Press(
        event=event,
        card=int(parts[1]),
        act=act,
        asks=asks,
        named=bool(parts[2]),
        subject=chat.around.subject if parts[2] else None,
        second=chat.around.second,
        argument=parts[4] if len(parts) == 5 else "",
    )


def _of_another(press: Press, me: UUID, roles: tuple[Role, ...]) -> bool:
    """Whether an act would change what is between two others, where that is an operator's to do; or takes somebody
    who is not there."""
    if press.act in ("assign", "assist", "end", "resume", "unlink") and press.second is None:
        return True
    assert press.subject is not None
    if press.act in ("off", "revoke"):
        return press.subject.person.user_id == me  # an operator cannot lock themselves out
    if press.act == "end" and "operator" not in roles:
        return press.second is None or press.second.person.user_id != me
    return False


# ---- what is shown


def _shown(chat: Chat, press: Press, action: str, now: datetime) -> Decision:
    subject = press.subject
    match press.act:
        case "coachees" | "family" | "people":
            return _put(chat, press, list_of(chat, press.card, press.act, _page(press), now))
        case "find":
            waiting = chat.evolve(conversation=chat.conversation.evolve(awaiting="people"))
            return _put(
                waiting,
                press,
                Screen(lines=(text_line("people.find"),), choices=(list_button(press.card, "people"),)),
            )
        case "invite" | "parent":
            return _invited(chat, press, now)
    assert subject is not None
    person = subject.person
    match press.act:
        case "card":
            return _put(chat, press, card_of(chat, press.card, subject, now))
        case "coaches":
            return _put(chat, press, coaches_for(chat, press.card, subject, _page(press)))
        case "note":
            waiting = chat.evolve(conversation=chat.conversation.evolve(awaiting="note", about=person.user_id))
            back = (person_button(press.card, person, "card", "button.not_now"),)
            return _put(waiting, press, Screen(lines=(text_line("note.ask", name=person.name),), choices=back))
        case "terms":
            lines = tuple(text_line(f"terms.{part}", name=person.name) for part in ("what", "who", "rights"))
            buttons = (
                person_button(press.card, person, "agree", "button.agree"),
                person_button(press.card, person, "card", "button.not_now"),
            )
            return _put(chat, press, Screen(lines=lines, choices=buttons))
    shown = looks.shown(chat, press.act, subject)
    below = [person_button(0, person, "card", "button.back_to_card")]
    if press.act == "notes":
        below.insert(0, person_button(0, person, "note"))
    screen = Screen(lines=shown, choices=tuple(below), per_row=2)
    audit = _audit(chat, press.event, action, subject, now)
    return Decision(chat=chat, changes=(audit,), effects=(*_ack(press), Say(screen=screen)))


def _put(chat: Chat, press: Press, screen: Screen, toast: str | None = None) -> Decision:
    return put(chat, press.event, press.card, screen, toast)


def _ack(press: Press) -> tuple[AnyEffect, ...]:
    return acknowledge(press.event.press_id)


def _page(press: Press) -> int:
    return int(press.argument[:4]) if press.argument.isascii() and press.argument.isdigit() else 0


# ---- what is done


def _invited(chat: Chat, press: Press, now: datetime) -> Decision:
    """A link is handed out, to be sent on."""
    me = chat.someone.user_id
    if press.act == "parent":
        assert press.subject is not None
        child = press.subject.person
        made, link = invites.handed_out(chat, press.event, "parent", now, coachee=child.user_id)
    else:
        role: Role = (
            "coachee" if press.argument == "coachee" else "coach" if press.argument == "coach" else "operator"
        )
        made, link = invites.handed_out(chat, press.event, role, now, coach=me if role == "coachee" else None)
    audit = _audit(chat, press.event, f"invite_{made.role}", press.subject, now)
    forward = say(f"link.forward.{made.role}")
    return Decision(chat=chat, changes=(made, audit), effects=(*_ack(press), forward, link))


def _question(press: Press, yes: str) -> Screen:
    """Whether it is meant."""
    assert press.subject is not None
    person = press.subject.person
    other = press.second.person.name if press.second is not None else ""
    line = Line(text=Text(key=f"ask_first.{press.act}", args={"name": person.name, "other": other}))
    return Screen(
        lines=(line,),
        choices=(
            Choice(data=yes, label=Text(key="button.yes_do")),
            person_button(press.card, person, "card", "button.not_now"),
        ),
        per_row=2,
    )


def _done(chat: Chat, press: Press, now: datetime) -> Act:
    subject, second, event = press.subject, press.second, press.event
    assert subject is not None
    me, person = chat.someone.user_id, subject.person
    mine = next((g for g in subject.guardianships if g.active and g.parent.user_id == me), None)
    others = tuple(g for g in subject.guardianships if g.child.user_id == person.user_id)
    match press.act:
        case "assign" | "assist":
            assert second is not None
            fit = "coach" in second.roles and second.person.standing == "active" and "coachee" in subject.roles
            if not fit or second.person.user_id == person.user_id:
                return Act()
            return acts.tied(subject, second.person, "primary" if press.act == "assign" else "secondary", event, now)
        case "end":
            assert second is not None
            return acts.untied(subject, second.person.user_id, now)
        case "resume":
            assert second is not None
            return acts.retied(subject, second, event, now)
        case "off":
            return acts.deactivated(subject, now)
        case "on":
            return acts.activated(subject, chat.subject_consent_age, now)
        case "revoke":
            roles = {role: role for role in subject.roles if role != "coachee"}
            return acts.revoked(subject, roles[press.argument], now) if press.argument in roles else Act()
        case "unlink":
            assert second is not None
            g = next((g for g in others if g.active and g.parent.user_id == second.person.user_id), None)
            return acts.unlinked(g, others, now) if g is not None else Act()
        case "agree" if mine is not None:
            return acts.agreed(mine, subject, now)
        case "withdraw" if mine is not None:
            return acts.withdrawn(mine, subject, now)
        case "leave" if mine is not None:
            return acts.unlinked(mine, others, now)
    return Act()


def _changed(chat: Chat, press: Press, action: str, now: datetime) -> Decision:
    """An act about people, and how things stand then. One that changes nothing any more says so."""
    subject = press.subject
    assert subject is not None
    act = _done(chat, press, now)
    back = Screen(
        lines=(text_line("done.people" if act.changes else "done.already", name=subject.person.name),),
        choices=(person_button(press.card, subject.person, "card", "button.back_to_card"), menu_button(press.card)),
        per_row=2,
    )
    shown = _put(chat, press, back)
    if not act.changes:
        return shown
    if press.act in LOSING:
        act = act.and_(session_people.left_alone(chat, press.act, subject, press.second, now))
    audit = _audit(chat, press.event, action, subject, now)
    return shown.evolve(changes=(*act.changes, audit), effects=(*shown.effects, *act.effects))


def _audit(chat: Chat, event: Event, action: str, subject: Subject | None, now: datetime) -> Audited:
    return Audited(
        audit_id=event.derived("audit"),
        at=now,
        action=action,
        actor_id=chat.someone.user_id,
        subject_id=subject.person.user_id if subject else None,
    )


UNNAMED = ("coachees", "family", "people", "find", "invite")
SHOWING = (*UNNAMED, "parent", "card", "coaches", "note", "terms", *LOOKS)
CHANGING = ("assign", "assist", "end", "resume", "off", "on", "revoke", "unlink", "agree", "withdraw", "leave")
ASKED_FIRST = ("end", "off", "revoke", "unlink", "withdraw", "leave")
"""What is done only once it was asked whether it is meant."""
ASKED_LATELY = timedelta(hours=1)
"""How long a yes to that holds: much may be otherwise on another day."""
