"""A parent's page of their children: what is booked, what they are asked, what they may see."""

from __future__ import annotations

from datetime import datetime

from flows.consent import decides_as
from flows.consent_news import button
from flows.diary import Scheduled
from flows.effects import Choice, Line, Text, text_line
from flows.people import Guardianship, Other, Subject
from flows.rights import shared
from flows.session_list import listed
from flows.session_news import where
from flows.state import Chat
from flows.times import local


def to_decide(chat: Chat, now: datetime) -> list[Scheduled]:
    """The sessions of whose cancellation the person of the chat is asked, as a parent, by their deadline."""
    me, found = chat.someone.user_id, []
    for session in listed(chat, now) if chat.diary is not None else ():
        whose = Subject(person=session.coachee, guardianships=chat.around.guardianships)
        consent = session.asked
        if consent is not None and decides_as(consent, me, chat.around.roles, whose, now) == "parent":
            found.append((consent.expires_at, session))
    return [session for _, session in sorted(found, key=lambda one: one[0])]


def asked_lines(chat: Chat, sessions: list[Scheduled]) -> list[Line]:
    """What is asked of a parent, and until when."""
    zone = chat.someone.timezone
    return [
        text_line(
            "family.asked",
            n=session.number,
            name=session.coachee.name,
            at=local(session.starts_at, zone),
            deadline=local(session.asked.expires_at, zone),
        )
        for session in sessions
        if session.asked is not None
    ]


def asked_buttons(card: int, sessions: list[Scheduled]) -> list[Choice]:
    """To what is asked of them; by its session where there are several."""
    found = []
    for session in sessions:
        if session.asked is not None:
            label = Text(key="button.consent.of", args={"n": session.number, "name": session.coachee.name})
            found.append(button(card, "consent", session.asked).evolve(label=label))
    return found


def next_line(chat: Chat, child: Other, now: datetime) -> Line:
    """A child's next session."""
    mine = [s for s in listed(chat, now) if s.coachee.user_id == child.user_id and s.ends_at > now]
    first = min(mine, key=lambda session: session.starts_at, default=None)
    if first is None:
        return text_line("family.no_session", name=child.name)
    at = local(first.starts_at, chat.someone.timezone)
    return text_line("family.next", n=first.number, name=child.name, at=at, where=where(first.resource))


def sees(chat: Chat, child: Other, now: datetime) -> tuple[str, ...]:
    """What a parent may see of a child."""
    return shared(child, "parent", local(now, chat.someone.timezone).year)


def of_child(chat: Chat, card: int, mine: Guardianship, now: datetime) -> tuple[list[Line], list[Choice]]:
    """A child's part of their card, as a parent reads it: what they may see, the next session, what they are asked,
    and the way to what was decided before."""
    child, kinds = mine.child, sees(chat, mine.child, now)
    named = tuple(Text(key=f"button.see.{kind}") for kind in kinds)
    lines = [text_line("family.sees", name=child.name, kinds=named)] if named else []
    if "attendance" not in kinds or child.standing == "waiting":
        return lines, []
    asked = [session for session in to_decide(chat, now) if session.coachee.user_id == child.user_id]
    lines += [next_line(chat, child, now), *asked_lines(chat, asked)]
    return lines, asked_buttons(card, asked)


def of_list(chat: Chat, children: list[Other], now: datetime) -> list[Line]:
    """What a parent reads below the list of their children: each one's next session, and what they are asked."""
    seen = [child for child in children if "attendance" in sees(chat, child, now) and child.standing != "waiting"]
    return [*(next_line(chat, child, now) for child in seen), *asked_lines(chat, to_decide(chat, now))]
