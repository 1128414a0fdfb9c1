"""What deciding an event takes besides the chat itself, and which decisions are made one after the other.

Words in an open session, which are most of what happens, take nothing more.
"""

from __future__ import annotations

from uuid import UUID

from flows.events import (
    AnyEvent,
    ButtonPressed,
    ChatBlocked,
    CommandSent,
    InviteOpened,
    LinkMinted,
    Spoken,
    SummaryFailed,
    SummaryReady,
    TextEdited,
    TextSent,
    TimerFired,
)
from flows.ids import long_id
from flows.people import KINDS, Role
from flows.putting import running
from flows.records import Record
from flows.state import Chat

LOOKS = (*KINDS, "notes")
"""What a button about another person may show of them."""
RELATING = (
    *("assign", "assist", "end", "resume", "off", "on", "revoke", "unlink", "agree", "withdraw", "leave", "void"),
)
"""The acts of buttons that change who people are to each other."""


class Needs(Record):
    """What is loaded for a decision.

    `own`: the person's items, timers and newest summary, and the people around them. `subject` and `second` are
    people named by their ids; `looks`: what is kept of the subject is to be shown. `token_hash` and `invite_id` are
    of a link. `search` is what the operator looks for ("" for everybody), among people of a `role` if it is named;
    `page` counts from 0.
    """

    own: bool = False
    subject: UUID | None = None
    second: UUID | None = None
    looks: bool = False
    token_hash: str | None = None
    invite_id: UUID | None = None
    search: str | None = None
    role: Role | None = None
    page: int = 0
    operators: bool = False


NOTHING = Needs()
OWN = Needs(own=True)


def needs(chat: Chat, event: AnyEvent) -> Needs:
    """What deciding the event takes."""
    joining, found = chat.conversation.joining, _needs(chat, event)
    about_people = isinstance(event, ButtonPressed) and event.data.startswith("p:")
    if joining is None or joining.invite is None or not isinstance(event, Spoken) or about_people:
        return found
    return found.evolve(own=True, invite_id=joining.invite)  # that of a token goes before it


def _needs(chat: Chat, event: AnyEvent) -> Needs:
    match event:
        case InviteOpened(token_hash=token_hash):
            return Needs(own=True, token_hash=token_hash)
        case LinkMinted(invite_id=invite_id):
            return Needs(invite_id=invite_id)
        case ButtonPressed(data=data) if data.startswith("p:"):
            return _of_people(data)
        case ButtonPressed(data=data):
            taking_part = chat.person is not None and chat.person.standing == "active"
            return NOTHING if data.startswith("a:") and taking_part else OWN
        case CommandSent(name="people", argument=search):
            return Needs(own=True, search=search)
        case CommandSent(name="human"):
            return Needs(own=True, operators=True)
        case TextSent() if chat.conversation.awaiting == "people":
            return Needs(own=True, search=event.text)
        case TextSent() | TextEdited():
            idle = running(chat) is None or chat.conversation.awaiting is not None
            outside = chat.person is not None and chat.person.standing != "active"
            return Needs(own=True, subject=chat.conversation.about) if idle or outside else NOTHING
        case CommandSent() | TimerFired() | SummaryReady() | SummaryFailed() | ChatBlocked():
            return OWN
        case Spoken() if chat.person is not None and chat.person.standing != "active":
            return OWN
    return NOTHING


def _of_people(data: str) -> Needs:
    """Of a button about people: `p:<card>:<person or nobody>:<act>[:<second person, or what it takes>]`."""
    parts = data.split(":")
    if len(parts) not in (4, 5):
        return OWN
    named, act, last = parts[2], _act(data), parts[4] if len(parts) == 5 else ""
    page = int(last[:4]) if last.isascii() and last.isdigit() else 0
    if act == "people":
        return Needs(own=True, search="", page=page)
    subject = long_id(named) if named else None
    if act == "void":
        return Needs(own=True, invite_id=subject)
    if act == "coaches":
        return Needs(own=True, subject=subject, search="", role="coach", page=page)
    return Needs(own=True, subject=subject, second=long_id(last) if last else None, looks=act in LOOKS)


def _act(data: str) -> str:
    parts = data.split(":")
    return parts[3].rstrip("?") if len(parts) > 3 else ""


def serial(event: AnyEvent) -> bool:
    """Whether the decision is made with no other of its kind at the same time, in any process.

    It is where it rests on rows of others, which another decision could change meanwhile: two people with one link.
    """
    match event:
        case ButtonPressed(data=data) if data.startswith("p:"):
            return _act(data) in RELATING
        case ButtonPressed(data=data):
            return data.startswith("j:") and ":invite:" in data
        case TimerFired(kind="erase"):
            return True
    return False


def defers(chat: Chat, event: AnyEvent) -> bool:
    """The same of an event that shows it only beside its chat: whether somebody gets in rests on what their parents
    say at that moment."""
    person, joining = chat.person, chat.conversation.joining
    if person is None or person.standing == "active" or not isinstance(event, Spoken):
        return False
    return person.standing == "waiting" or (joining is not None and joining.step in ("notice", "birth_year"))
