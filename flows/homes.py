"""The menu cards of coaches, parents and operators. A person of several roles looks at one at a time."""

from __future__ import annotations

from datetime import datetime

from flows import family
from flows.acts import opens
from flows.effects import Choice, Line, Screen, Text, text_line
from flows.people import ROLES, Other, Role
from flows.session_list import upcoming
from flows.session_news import where
from flows.state import Chat
from flows.times import local

FEW = 6
"""People that have a button on the menu card itself."""


def roles_of(chat: Chat) -> tuple[Role, ...]:
    """The roles of the person of a chat; where they were not loaded it is a coachee's own affair."""
    return chat.circle.roles if chat.circle is not None else ("coachee",)


def view_of(chat: Chat) -> Role:
    """Whose menu is looked at: the one that was chosen last, if the role is still theirs."""
    roles = roles_of(chat)
    if chat.conversation.view in roles:
        return chat.conversation.view
    return next((role for role in ROLES if role in roles), "coachee")


def others(chat: Chat, number: int) -> tuple[Choice, ...]:
    """The buttons that lead to the person's other views."""
    roles, view = roles_of(chat), view_of(chat)
    views = (f"as_{role}" for role in ROLES if role in roles and role != view)
    return tuple(Choice(data=f"m:{number}:{name}", label=Text(key=f"button.{name}")) for name in views)


def home(chat: Chat, number: int, now: datetime) -> Screen:
    """The menu card of a coach, a parent or an operator."""
    me, view = chat.someone, view_of(chat)
    head = text_line("menu.head", name=me.name, at=local(now, me.timezone))
    match view:
        case "coach":
            people = [tie.coachee for tie in chat.around.coachees(me.user_id)]
            line = Line(text=Text(key="coachees.title", count=len(people)))
            first, listed = "coachees", True
        case "parent":
            people = [g.child for g in chat.around.children(me.user_id)]
            line = Line(text=Text(key="family.title", count=len(people)))
            first, listed = "family", True
        case _:
            people, line, first, listed = [], text_line("operator.home"), "people", False
    if listed and not people:
        line = text_line(f"{first}.none")
    lines = [head, line]
    lines += next_session(chat, view, now)
    asked = family.to_decide(chat, now) if view == "parent" else []
    lines += family.asked_lines(chat, asked)
    waiting = [child for child in people if view == "parent" and child.standing == "waiting"]
    lines += [text_line("family.waits", name=child.name) for child in waiting]
    buttons = family.asked_buttons(number, asked[:FEW])
    buttons += opens_on(number, people) if listed and len(people) <= FEW else []
    buttons.append(Choice(data=f"p:{number}::{first}", label=Text(key=f"button.{first}")))
    if view != "operator":
        buttons.append(Choice(data=f"b:{number}::agenda", label=Text(key="button.sessions")))
    else:
        buttons.append(Choice(data=f"b:{number}::stock", label=Text(key="button.stock")))
    invited: dict[Role, tuple[Role, ...]] = {"coach": ("coachee",), "operator": ("coach", "operator")}
    buttons += [
        Choice(data=f"p:{number}::invite:{role}", label=Text(key=f"button.invite.{role}"))
        for role in invited.get(view, ())
    ]
    views = tuple(
        Choice(data=f"m:{number}:{name}", label=Text(key=f"button.{name}")) for name in ("settings", "help")
    )
    return Screen(lines=tuple(lines), choices=(*buttons, *others(chat, number), *views), per_row=2)


def next_session(chat: Chat, view: Role, now: datetime) -> list[Line]:
    """The next session of somebody in one of their roles, in a line."""
    session = upcoming(chat, now, view)
    if session is None:
        return []
    coach = session.coach.name if session.coach is not None else Text(key="session.no_coach")
    name = coach if view == "coachee" else session.coachee.name
    at = local(session.starts_at, chat.someone.timezone)
    return [text_line("menu.next_session", n=session.number, name=name, at=at, where=where(session.resource))]


def opens_on(number: int, people: list[Other]) -> list[Choice]:
    """The buttons that open people's cards on this card."""
    return [c.evolve(data=c.data.replace("p:0:", f"p:{number}:", 1)) for person in people for c in opens(person)]
