"""The screens of cards about people: lists, one person's card, the coaches a coachee can be given."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from flows import family
from flows.effects import Choice, Line, Screen, Text, text_line
from flows.ids import short_id
from flows.needs import LOOKS
from flows.people import PER_PAGE, Guardianship, Other, Role, Subject, Tie
from flows.rights import refused
from flows.session_cards import coachee_button
from flows.state import Chat
from flows.times import local


def list_of(chat: Chat, card: int, which: str, page: int, now: datetime) -> Screen:
    if which == "people":
        return found_list(chat, card, page, "")
    me = chat.someone.user_id
    circle = chat.around
    if which == "family":
        people = [g.child for g in circle.children(me)]
    else:
        people = [tie.coachee for tie in circle.coachees(me)]
    lines = [Line(text=Text(key=f"{which}.title", count=len(people)), style="bold")] if people else []
    shown = people[page * PER_PAGE : (page + 1) * PER_PAGE]
    lines += [
        text_line("people.line", n=page * PER_PAGE + n, name=p.name, how=_how(p)) for n, p in enumerate(shown, 1)
    ]
    if not people:
        lines.append(text_line(f"{which}.none"))
    buttons = [Choice(data=f"p:{card}:{short_id(p.user_id)}:card", label=p.name) for p in shown]
    if which == "family" and chat.diary is not None:
        lines += family.of_list(chat, shown, now)
        buttons = [*family.asked_buttons(card, family.to_decide(chat, now)), *buttons]
    buttons += _pages(card, which, page, len(people))
    if which == "coachees":
        buttons.append(Choice(data=f"p:{card}::invite:coachee", label=Text(key="button.invite.coachee")))
    return Screen(lines=tuple(lines), choices=(*buttons, menu_button(card)), per_row=2)


def found_list(chat: Chat, card: int, page: int, sought: str) -> Screen:
    """An operator's people: all, or those that were looked for."""
    found, count = chat.around.found, chat.around.more
    title = Text(key="people.found", count=count) if sought.strip() else Text(key="people.title", count=count)
    lines = [Line(text=title, style="bold")]
    for n, subject in enumerate(found, 1):
        roles = _role_names(subject.roles)
        lines.append(
            text_line(
                "people.found_line",
                n=page * PER_PAGE + n,
                name=subject.person.name,
                roles=roles,
                how=_how(subject.person),
            )
        )
    buttons = [Choice(data=f"p:{card}:{short_id(s.person.user_id)}:card", label=s.person.name) for s in found]
    if not sought.strip():
        buttons += _pages(card, "people", page, count)
    elif count > len(found):
        lines.append(text_line("people.narrower"))
    buttons.append(Choice(data=f"p:{card}::find", label=Text(key="button.find")))
    buttons += [
        Choice(data=f"p:{card}::invite:{role}", label=Text(key=f"button.invite.{role}"))
        for role in ("coach", "operator")
    ]
    return Screen(lines=tuple(lines), choices=(*buttons, menu_button(card)), per_row=2)


def _role_names(roles: tuple[Role, ...]) -> tuple[Text, ...]:
    return tuple(Text(key=f"role.{role}") for role in roles) or (Text(key="role.none"),)


def _how(person: Other) -> Text:
    """How somebody stands, in a word."""
    if person.unreachable_since is not None:
        return Text(key="how.unreachable")
    return Text(key=f"how.{person.standing}")


def _pages(card: int, which: str, page: int, count: int) -> list[Choice]:
    found = []
    if page > 0:
        found.append(Choice(data=f"p:{card}::{which}:{page - 1}", label=Text(key="answers.before")))
    if (page + 1) * PER_PAGE < count:
        found.append(Choice(data=f"p:{card}::{which}:{page + 1}", label=Text(key="answers.after")))
    return found


def menu_button(card: int) -> Choice:
    return Choice(data=f"m:{card}:home", label=Text(key="button.menu"))


def list_button(card: int, which: str) -> Choice:
    return Choice(data=f"p:{card}::{which}", label=Text(key=f"button.{which}"))


def person_button(card: int, person: Other, act: str, label: str = "") -> Choice:
    return Choice(data=f"p:{card}:{short_id(person.user_id)}:{act}", label=Text(key=label or f"button.{act}"))


def card_of(chat: Chat, card: int, subject: Subject, now: datetime) -> Screen:
    """One person's card, with what the person of the chat may do about them."""
    me, roles, person = chat.someone.user_id, chat.around.roles, subject.person
    year, waits = local(now, chat.someone.timezone).year, subject.person.standing == "waiting"
    operator = "operator" in roles
    lines = [Line(text=person.name, style="bold"), text_line("card.time", at=local(now, person.timezone))]
    if person.standing != "active" or person.unreachable_since is not None:
        lines.append(text_line("card.how", how=_how(person)))
    lines += _around(subject)
    if operator:
        lines += _for_operator(chat, subject, now)
    buttons = [
        person_button(card, person, kind, f"button.see.{kind}")
        for kind in LOOKS
        if not waits and not refused(kind, me, roles, subject, year)
    ]
    mine = next((g for g in subject.guardianships if g.active and g.parent.user_id == me), None)
    if mine is not None and mine.child.user_id == person.user_id:
        more, doing = family.of_child(chat, card, mine, now) if chat.diary is not None else ([], [])
        lines, buttons = _for_parent(card, mine, [*lines, *more], [*doing, *buttons])
    if not refused("sessions", me, roles, subject, year) and "coachee" in subject.roles:
        buttons.append(Choice(data=f"b:{card}:{short_id(person.user_id)}:theirs", label=Text(key="button.sessions")))
        if mine is not None:
            buttons.append(coachee_button(card, person.user_id, "decisions"))
    if not refused("invite_parent", me, roles, subject):
        buttons.append(person_button(card, person, "parent"))
    for tie in _coaching(subject):
        named = f"p:{card}:{short_id(person.user_id)}:{{}}:{short_id(tie.coach.user_id)}"
        label: dict[str, Any] = {"name": tie.coach.name}
        if tie.active and (operator or tie.coach.user_id == me):
            key = "button.end_own" if tie.coach.user_id == me else "button.end"
            buttons.append(Choice(data=named.format("end?"), label=Text(key=key, args=label)))
        elif not tie.active and operator:
            buttons.append(Choice(data=named.format("resume"), label=Text(key="button.resume", args=label)))
    if operator:
        buttons += _operators_buttons(card, subject, me)
    back = list_button(card, "people" if operator else "family" if mine is not None else "coachees")
    if person.user_id == me and not operator:
        back = Choice(data=f"m:{card}:sharing", label=Text(key="button.sharing"))
    return Screen(lines=tuple(lines), choices=(*buttons, back, menu_button(card)), per_row=2)


def _coaching(subject: Subject) -> list[Tie]:
    return [tie for tie in subject.ties if tie.coachee.user_id == subject.person.user_id]


def _around(subject: Subject) -> list[Line]:
    lines = [
        text_line(f"card.coach.{tie.kind}", name=tie.coach.name)
        for tie in sorted(_coaching(subject), key=lambda tie: tie.kind)
        if tie.active
    ]
    parents = [g for g in subject.guardianships if g.active and g.child.user_id == subject.person.user_id]
    return lines + [text_line("card.parent", name=g.parent.name) for g in parents]


def _for_operator(chat: Chat, subject: Subject, now: datetime) -> list[Line]:
    person, zone = subject.person, chat.someone.timezone
    lines = [
        text_line("card.roles", roles=_role_names(subject.roles)),
        text_line("card.telegram", id=str(person.chat_id)),
    ]
    if subject.last_seen:
        lines.append(text_line("card.seen", day=date.fromisoformat(subject.last_seen)))
    if links := sum(1 for until in subject.links if until > now):
        lines.append(Line(text=Text(key="card.links", count=links)))
    if person.unreachable_since is not None:
        lines.append(text_line("card.unreachable", at=local(person.unreachable_since, zone)))
    if person.deletion_due_at is not None:
        lines.append(text_line("card.leaving", at=local(person.deletion_due_at, zone)))
    lines += [
        text_line("card.coaches", name=tie.coachee.name)
        for tie in subject.ties
        if tie.active and tie.coach.user_id == person.user_id
    ][:PER_PAGE]
    return lines


def _operators_buttons(card: int, subject: Subject, me: UUID) -> list[Choice]:
    person, buttons = subject.person, []
    if "coachee" in subject.roles:
        buttons.append(person_button(card, person, "coaches"))
    for g in subject.guardianships:
        if g.active and g.child.user_id == person.user_id:
            data = f"p:{card}:{short_id(person.user_id)}:unlink?:{short_id(g.parent.user_id)}"
            buttons.append(Choice(data=data, label=Text(key="button.unlink", args={"name": g.parent.name})))
    if person.user_id == me:
        return buttons
    for role in subject.roles:
        if role != "coachee":
            data = f"p:{card}:{short_id(person.user_id)}:revoke?:{role}"
            buttons.append(
                Choice(data=data, label=Text(key="button.revoke", args={"role": Text(key=f"role.{role}")}))
            )
    return [
        *buttons,
        person_button(
            card,
            person,
            "on" if person.standing == "inactive" else "off?",
            "button.on" if person.standing == "inactive" else "button.off",
        ),
    ]


def _for_parent(
    card: int, mine: Guardianship, lines: list[Line], buttons: list[Choice]
) -> tuple[list[Line], list[Choice]]:
    """What a parent reads and can do about their child."""
    child = mine.child
    if mine.agreed_at is not None:
        lines.append(text_line("family.agreed", name=child.name, at=local(mine.agreed_at, mine.parent.timezone)))
        buttons.append(person_button(card, child, "withdraw?", "button.withdraw"))
    elif child.standing in ("waiting", "joining"):
        lines.append(text_line("family.waits", name=child.name))
        buttons.append(person_button(card, child, "terms", "button.terms"))
    elif not buttons:
        lines.append(text_line("family.nothing_shared", name=child.name))
    buttons.append(person_button(card, child, "leave?", "button.leave"))
    return lines, buttons


def coaches_for(chat: Chat, card: int, subject: Subject, page: int) -> Screen:
    """The coaches that a coachee can be given."""
    person = subject.person
    lines = [Line(text=Text(key="coaches.title", args={"name": person.name}), style="bold")]
    buttons = []
    for found in chat.around.found:
        other = found.person
        if other.user_id == person.user_id or other.standing != "active":
            continue
        for act in ("assign", "assist"):
            data = f"p:{card}:{short_id(person.user_id)}:{act}:{short_id(other.user_id)}"
            buttons.append(Choice(data=data, label=Text(key=f"button.{act}", args={"name": other.name})))
    if not buttons:
        lines.append(text_line("coaches.none"))
    for step in (-1, 1):
        if page + step >= 0 and (page + step) * PER_PAGE < chat.around.more:
            data = f"p:{card}:{short_id(person.user_id)}:coaches:{page + step}"
            buttons.append(Choice(data=data, label=Text(key="answers.before" if step < 0 else "answers.after")))
    return Screen(
        lines=tuple(lines), choices=(*buttons, person_button(card, person, "card", "button.back_to_card")), per_row=2
    )
