"""Screens of `flows` as messages: text, entities and rows of buttons, within what a Telegram message may hold; and
files as the words that they are made of.

The result is what the outbox keeps and every front end shows. Style is by entities over whole lines, so that nothing
a person writes can be markup.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any

import msgspec

from bot.calendars import Invitation, entry
from bot.texts import right_to_left, words
from flows.effects import (
    Acknowledge,
    AnyEffect,
    CancelTimer,
    Edit,
    Line,
    Notify,
    RequestReflection,
    RequestSummary,
    RequestTranscript,
    Say,
    Screen,
    SendExport,
    SendFeed,
    SendFile,
    SendInvitation,
    SendLink,
    SetTimer,
    ShowCommands,
    Text,
    UpdateCalendar,
)
from flows.records import Record
from flows.state import Decision
from storage.outbox import Outgoing
from storage.unit_of_work import Settled

LONGEST = 4096
"""UTF-16 units in a Telegram message, counted after entities are taken out."""
STYLES = {"bold": "bold", "quote": "blockquote"}
CONTROLS: dict[str, tuple[tuple[str, ...], ...]] = {
    "walk": (
        ("control.back", "control.skip", "control.why"),
        ("control.answers", "control.pause", "control.menu"),
    ),
    "rest": (),
    "place": (("control.place",),),
}
"""The rows of the keyboards below the chat."""
SHORT_LABEL = 64
NUMBERED = re.compile(r"\d+\. ")
LONGEST_CAPTION = 1024
"""UTF-16 units below a file."""
LONGEST_NAME = 60
FILE_NAME = "waymark"
LINK = "\ue000"
"""Stands for a link in a message of the outbox; no person's words hold it (a character for private use)."""


class Entity(Record):
    """A styled stretch of a message, in UTF-16 units."""

    type: str
    offset: int
    length: int


class Button(Record):
    """An inline button."""

    text: str
    data: str


class Message(Record):
    """A message as the outbox keeps it. `keyboard`: None leaves the one below the chat, () takes it away.

    `silent`: it makes no sound. `asks_place`: the key below the chat sends where the person is.
    """

    text: str
    entities: tuple[Entity, ...] = ()
    rows: tuple[tuple[Button, ...], ...] = ()
    keyboard: tuple[tuple[str, ...], ...] | None = None
    silent: bool = False
    asks_place: bool = False


class File(Record):
    """A file as the outbox keeps it. `name` has no extension; `lines` are (text, style), with a Line's styles."""

    name: str
    title: str
    language: str
    lines: tuple[tuple[str, str], ...]
    caption: str = ""


def settled(decision: Decision, language: str = "en") -> Settled:
    """A decision with its messages rendered in the person's language. `language` is for one who is not known."""
    person = decision.chat.person
    language = person.language if person else language
    outgoing: list[Outgoing] = []
    for effect in decision.effects:
        outgoing.extend(_outgoing(effect, decision.chat.chat_id, language))
    return Settled(
        chat=decision.chat,
        changes=decision.changes,
        outgoing=tuple(outgoing),
        timers=tuple(e for e in decision.effects if isinstance(e, SetTimer | CancelTimer)),
        passing=tuple(
            e.evolve(text=words(e.text, language)) if e.text is not None else e
            for e in decision.effects
            if isinstance(e, Acknowledge)
        ),
    )


def notice(effect: Notify) -> list[Outgoing]:
    """What is told to somebody in whose chat nothing is being decided, in their language."""
    return _outgoing(effect, effect.to.chat_id, effect.to.language)


def _outgoing(effect: AnyEffect, chat_id: int, language: str) -> list[Outgoing]:
    match effect:
        case Say(screen=screen, key=key):
            parts = messages(screen, language)
            *first, last = (_payload(part) for part in parts)
            said = [Outgoing(chat_id=chat_id, kind="say", payload=payload) for payload in first]
            return [*said, Outgoing(chat_id=chat_id, kind="say", payload=last, key=key)]
        case Edit(screen=screen, key=key, to=to):
            there, spoken = (to.chat_id, to.language) if to is not None else (chat_id, language)
            return [Outgoing(chat_id=there, kind="edit", payload=_payload(messages(screen, spoken)[-1]), key=key)]
        case SendFile():
            return [Outgoing(chat_id=chat_id, kind="file", payload=_payload(file(effect, language)))]
        case Notify(to=to, screen=screen, silent=silent, key=key):
            *first, last = (_payload(part.evolve(silent=silent)) for part in messages(screen, to.language))
            told = [Outgoing(chat_id=to.chat_id, kind="say", payload=payload) for payload in first]
            return [*told, Outgoing(chat_id=to.chat_id, kind="say", payload=last, key=key)]
        case SendLink(invite_id=invite_id, screen=screen):
            message = messages(_with_link(screen), language)[-1]
            sent: dict[str, Any] = {"invite_id": str(invite_id), "message": _payload(message)}
            return [Outgoing(chat_id=chat_id, kind="link", payload=sent)]
        case ShowCommands(roles=roles, to=to):
            there, spoken = (to.chat_id, to.language) if to is not None else (chat_id, language)
            listed: dict[str, Any] = {"roles": list(roles), "language": spoken}
            return [Outgoing(chat_id=there, kind="commands", payload=listed)]
        case SendExport():
            return [Outgoing(chat_id=chat_id, kind="export", payload={"language": language})]
        case SendInvitation():
            return [Outgoing(chat_id=chat_id, kind="invitation", payload=_payload(invitation(effect, language)))]
        case SendFeed(request=request, screen=screen):
            message = messages(_with_link(screen), language)[-1]
            asked: dict[str, Any] = {"request": str(request), "message": _payload(message)}
            return [Outgoing(chat_id=chat_id, kind="feed", payload=asked)]
        case UpdateCalendar(of=of):
            return [Outgoing(chat_id=chat_id if of is None else of, kind="calendar", payload=_payload(effect))]
        case RequestSummary(session_id=session_id, attempt=attempt, writer=writer):
            payload: dict[str, Any] = {"session_id": str(session_id), "attempt": attempt, "writer": writer}
            return [Outgoing(chat_id=chat_id, kind="request_summary", payload=payload)]
        case RequestReflection(number=number):
            return [Outgoing(chat_id=chat_id, kind="reflect", payload={"number": number})]
        case RequestTranscript():
            return [Outgoing(chat_id=chat_id, kind="transcribe", payload=_payload(effect))]
        case _:
            return []


def _with_link(screen: Screen) -> Screen:
    """A screen whose texts have the mark of a link where they say {link}."""
    lines = tuple(
        line.evolve(text=line.text.evolve(args={**line.text.args, "link": LINK}))
        if isinstance(line.text, Text)
        else line
        for line in screen.lines
    )
    return screen.evolve(lines=lines)


def linked(message: Message, link: str) -> Message:
    """A message with its link. What is styled in it stands before the link."""
    bare = message.text.replace(f"\u2068{LINK}\u2069", LINK)  # nothing may stand close to an address
    return message.evolve(text=bare.replace(LINK, link))


def _payload(record: Record) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(record)
    return found


def messages(screen: Screen, language: str) -> list[Message]:
    """A screen as one message, or as several where it is too long for one; buttons are under the last."""
    pieces: list[list[tuple[str, str]]] = [[]]
    size = 0
    for line in screen.lines:
        for text in _fitting(_text(line, language)):
            if pieces[-1] and size + 2 + units(text) > LONGEST:
                pieces.append([])
                size = 0
            size += units(text) + (2 if pieces[-1] else 0)
            pieces[-1].append((text, line.style))
    made = [_message(piece) for piece in pieces]
    keyboard = None
    if screen.keyboard is not None:
        keyboard = tuple(tuple(words_of(key, language) for key in row) for row in CONTROLS[screen.keyboard])
    asks_place = screen.keyboard == "place"
    made[-1] = made[-1].evolve(rows=_rows(screen, language), keyboard=keyboard, asks_place=asks_place)
    return made


def invitation(effect: SendInvitation, language: str) -> Invitation:
    """A calendar file with its words in a language."""
    return Invitation(
        name=_file_name(effect.name),
        entries=tuple(entry(s, effect.titles[s.session_id], language) for s in effect.sessions),
        caption=_caption(effect.caption, language),
    )


def _caption(text: Text | str, language: str) -> str:
    """What stands below a file, cut to what may stand there."""
    caption = words(text, language).strip()
    return _start(caption, LONGEST_CAPTION - 1) + "…" if units(caption) > LONGEST_CAPTION else caption


def file(effect: SendFile, language: str) -> File:
    """A file with its words in a language."""
    return File(
        name=_file_name(effect.name),
        title=_text(Line(text=effect.title), language),
        language=language,
        lines=tuple((_text(line, language), line.style) for line in effect.lines),
        caption=_caption(effect.caption, language),
    )


def words_of(key: str, language: str) -> str:
    """A text without arguments."""
    return words(Text(key=key), language)


def units(text: str) -> int:
    """The length of a text in UTF-16 units, as Telegram counts."""
    return len(text) + sum(1 for char in text if ord(char) > 0xFFFF)


def _text(line: Line, language: str) -> str:
    if isinstance(line.text, tuple):
        return " ".join(words(text, language) for text in line.text)
    text = words(line.text, language).strip() or "…"
    if right_to_left(language) and not any(unicodedata.bidirectional(c) in ("L", "R", "AL") for c in text):
        return f"\u200f{text}"  # a bar of dots has no direction of its own
    return text


def _fitting(text: str) -> list[str]:
    """A text in pieces that fit a message each, cut at a space where there is one."""
    pieces = []
    while units(text) > LONGEST:
        cut = len(_start(text, LONGEST))
        space = text.rfind(" ", cut // 2, cut)
        cut = space if space > 0 else cut
        pieces.append(text[:cut].rstrip())
        text = text[cut:].lstrip()
    return [*pieces, text] if text else pieces


def _start(text: str, longest: int) -> str:
    """As much of a text as fits so many UTF-16 units."""
    size = 0
    for i, char in enumerate(text):
        size += units(char)
        if size > longest:
            return text[:i]
    return text


def _file_name(name: str) -> str:
    """A name that is one everywhere: letters, digits, dashes."""
    return re.sub(r"[^\w-]+", "-", name).strip("-")[:LONGEST_NAME] or FILE_NAME


def _message(lines: list[tuple[str, str]]) -> Message:
    """Lines as one text. Quoted lines and list items stand close together, all else apart."""
    text, entities, offset = "", [], 0
    for i, (line, style) in enumerate(lines):
        if i:
            gap = "\n" if _close(lines[i - 1], (line, style)) else "\n\n"
            text, offset = text + gap, offset + len(gap)
        if style in STYLES:
            entities.append(Entity(type=STYLES[style], offset=offset, length=units(line)))
        text, offset = text + line, offset + units(line)
    return Message(text=text, entities=tuple(entities))


def _close(above: tuple[str, str], below: tuple[str, str]) -> bool:
    if above[1] == "bold" or above[1] == below[1] == "quote":
        return True
    if NUMBERED.match(above[0]) and NUMBERED.match(below[0]):
        return True
    return below[0].startswith("• ") and (above[0].startswith("• ") or above[0].endswith(":"))


def _rows(screen: Screen, language: str) -> tuple[tuple[Button, ...], ...]:
    buttons = [
        Button(text=("✓ " if c.marked else "") + _label(words(c.label, language)), data=c.data)
        for c in screen.choices
    ]
    cells, wide = screen.grid
    rows = [buttons[i : min(i + wide, cells)] for i in range(0, cells, wide)]
    rows += [buttons[i : i + screen.per_row] for i in range(cells, len(buttons), screen.per_row)]
    return tuple(tuple(row) for row in rows)


def _label(text: str) -> str:
    return text if len(text) <= SHORT_LABEL else text[: SHORT_LABEL - 1] + "…"
