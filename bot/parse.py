"""Telegram's updates as events of ours. What no part of the product answers gives None, and is acknowledged too."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID, uuid5

from telegram import CallbackQuery, ChatMemberUpdated, Message, Update, User
from telegram.constants import ChatMemberStatus, ChatType

from bot.phones import phone_in
from bot.texts import known, language_of, languages
from flows.comparing import plain
from flows.events import (
    AnyEvent,
    ButtonPressed,
    ChatBlocked,
    ChatUnblocked,
    CommandSent,
    GroupSpoken,
    InviteOpened,
    MediaSent,
    PlaceSent,
    Sender,
    TextEdited,
    TextSent,
)
from flows.times import zones
from flows.voice import SPOKEN

UPDATES = UUID("6d9f1e2a-3f0c-5d53-9f1a-52c7c0f6a8b4")
"""The namespace of events that are updates: an update told twice is the same event."""
MEDIA = (
    "voice",
    "audio",
    "video_note",
    "photo",
    "video",
    "animation",
    "sticker",
    "document",
    "location",
    "contact",
    "poll",
    "dice",
    "story",
    "venue",
)
ALLOWED_UPDATES = ("message", "edited_message", "callback_query", "my_chat_member")
LONGEST_NAME = 64
LONGEST_CONTROL = 60
"""Characters of a text that may be nothing but a control's name."""
CONTROLS = {
    "back": "back",
    "pause": "pause",
    "menu": "start",
    "skip": "skip",
    "why": "why",
    "answers": "answers",
    "stop": "cancel",
    "advice": "advice",
}
"""What is also said in words, and the command that it is."""


def event_of(update: Update, now: datetime) -> AnyEvent | None:
    """The event that an update is."""
    event_id = uuid5(UPDATES, str(update.update_id))
    if update.callback_query is not None:
        return _pressed(update.callback_query, event_id)
    if update.my_chat_member is not None:
        return _member(update.my_chat_member, event_id, now)
    if update.edited_message is not None:
        return _edited(update.edited_message, event_id)
    if update.message is not None:
        return _message(update.message, event_id)
    return None


def _message(message: Message, event_id: UUID) -> AnyEvent | None:
    chat = message.chat
    if chat.type != ChatType.PRIVATE:
        spoken = message.text or message.caption or any(getattr(message, kind) for kind in MEDIA)
        return GroupSpoken(id=event_id, chat_id=chat.id) if spoken and message.from_user else None
    if message.from_user is None:
        return None
    who = sender(message.from_user)
    if message.location is not None and message.venue is None:  # a venue is some place, and not theirs
        here = zones_at(message.location.latitude, message.location.longitude)
        return PlaceSent(id=event_id, chat_id=chat.id, sender=who, zones=here)
    spoken_kind = next((kind for kind in SPOKEN if getattr(message, kind)), None)
    if (
        spoken_kind is None and (words := message.text or message.caption) is not None
    ):  # what is written under a picture is words, too
        return said(event_id, chat.id, who, words, message.message_id)
    kind = next((kind for kind in MEDIA if getattr(message, kind)), None)
    if kind is None:
        return None
    file: Any = getattr(message, kind) if kind in SPOKEN else None
    return MediaSent(
        id=event_id,
        chat_id=chat.id,
        sender=who,
        kind=kind,
        file_id=file.file_id if file else None,
        seconds=_seconds(file.duration) if file else 0,
        message_id=message.message_id,
        phone=_own_number(message) if kind == "contact" else "",
    )


def _own_number(message: Message) -> str:
    """The number of a contact that is who sends it; that of somebody else is not theirs to give."""
    contact, who = message.contact, message.from_user
    if contact is None or who is None or contact.user_id != who.id:
        return ""
    return phone_in(f"+{contact.phone_number.lstrip('+')}", None) or ""


def _seconds(duration: int | timedelta) -> int:
    return int(duration.total_seconds()) if isinstance(duration, timedelta) else duration


def said(event_id: UUID, chat_id: int, who: Sender, text: str, message_id: int | None = None) -> AnyEvent:
    """The event that a text is: a command by its slash, a control by its word, else words."""
    text = clean(text)
    if text.startswith("/") and len(text) > 1 and (text[1].isalpha() and text[1].isascii()):
        head, _, argument = text[1:].partition(" ")
        name = head.split("@")[0].split("\n")[0].casefold()
        if name == "start" and argument.strip():  # a link was opened; its token goes no further
            return InviteOpened(id=event_id, chat_id=chat_id, sender=who, token_hash=hash_of(argument.strip()))
        return CommandSent(id=event_id, chat_id=chat_id, sender=who, name=name, argument=argument.strip())
    if len(text) <= LONGEST_CONTROL and (command := _controls().get(plain(text))):
        return CommandSent(id=event_id, chat_id=chat_id, sender=who, name=command, said=text.strip())
    return TextSent(id=event_id, chat_id=chat_id, sender=who, text=text.strip(), message_id=message_id)


def zones_at(latitude: float, longitude: float) -> tuple[str, ...]:
    """The time zones of a place, most often one; none at sea. The place itself goes no further."""
    from tzfpy import get_tzs  # 30 MB of borders, and only those who send where they are need it

    found = (name for name in get_tzs(longitude, latitude) if not name.startswith("Etc/"))
    return tuple(name for name in found if name in zones())


def hash_of(token: str) -> str:
    """What is kept of a link's token: its SHA-256, in hex."""
    return hashlib.sha256(token.encode()).hexdigest()


def _edited(message: Message, event_id: UUID) -> AnyEvent | None:
    if message.chat.type != ChatType.PRIVATE or message.from_user is None or message.text is None:
        return None
    return TextEdited(
        id=event_id,
        chat_id=message.chat.id,
        sender=sender(message.from_user),
        text=clean(message.text).strip(),
        message_id=message.message_id,
    )


def _pressed(query: CallbackQuery, event_id: UUID) -> AnyEvent | None:
    message = query.message
    if message is None:  # from an inline message, which we never send
        return None
    if message.chat.type != ChatType.PRIVATE:
        return GroupSpoken(id=event_id, chat_id=message.chat.id)
    return ButtonPressed(
        id=event_id,
        chat_id=message.chat.id,
        sender=sender(query.from_user),
        data=clean(query.data or ""),
        press_id=query.id,
        message_id=message.message_id,
    )


def _member(change: ChatMemberUpdated, event_id: UUID, now: datetime) -> AnyEvent | None:
    here = change.new_chat_member.status
    if change.chat.type != ChatType.PRIVATE:
        arrived = here in (ChatMemberStatus.MEMBER, ChatMemberStatus.ADMINISTRATOR)
        return GroupSpoken(id=event_id, chat_id=change.chat.id) if arrived else None
    if here == ChatMemberStatus.BANNED:
        return ChatBlocked(id=event_id, chat_id=change.chat.id, at=now)
    return ChatUnblocked(id=event_id, chat_id=change.chat.id)


def sender(user: User) -> Sender:
    """Who wrote, as Telegram knows them."""
    name = " ".join(clean(user.first_name).split())[:LONGEST_NAME]
    return Sender(name=name or "you", language=language_of(user.language_code))


def clean(text: str) -> str:
    """A text that every database can keep: without NUL and halves of surrogate pairs."""
    return text.replace("\x00", "").encode("utf-8", "ignore").decode()


@cache
def _controls() -> dict[str, str]:
    """What the controls are called in every language, so that a changed language leaves none behind."""
    names = {}
    for language in languages():
        for word, command in CONTROLS.items():
            for name in known(f"words.{word}", language) | known(f"control.{word}", language):
                names[name] = command
    return names
