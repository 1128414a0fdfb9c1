"""What a person does in a chat with the bot. Each act queues the update the real server would."""

import re
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec

from .bot_api_chats import Chat, ChatMessage, Json
from .bot_api_checks import LONGEST_TEXT, utf16
from .bot_api_params import Upload
from .bot_api_updates import UpdateQueue
from .bot_api_webhook import Webhook

COMMAND = re.compile(r"(?<![\w/@])/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?(?![\w/])")
# The real server keeps presses in a line of their own; see ``callbacks_apart``.
CALLBACK_LINE = 3 << 33


class Press(msgspec.Struct):
    """A callback query waiting for its answer."""

    chat_id: int
    deadline: float
    answered: bool = False


class People:
    """The person's side of ``BotApi``. To be called in the server's event loop.

    ``callback_seconds``: how long a press may be answered.
    ``callbacks_apart``: a webhook gets presses in a line apart from messages, as the real server sends
    them, so that a press may overtake the message said before it.
    """

    me: Json
    updates: UpdateQueue
    webhook: Webhook | None
    callback_seconds: float
    callbacks_apart: bool

    def __init__(self) -> None:
        self.chats: dict[int, Chat] = {}
        self.callbacks: dict[str, Press] = {}
        self.files: dict[str, Upload] = {}
        self._last_message_id = 0

    def changed(self) -> None:
        raise NotImplementedError

    def next_message_id(self) -> int:
        self._last_message_id += 1
        return self._last_message_id

    def join(
        self,
        chat_id: int,
        name: str | None = None,
        language_code: str | None = None,
        chat_type: str | None = None,
        user_id: int | None = None,
    ) -> Chat:
        """The chat, made when it is new, without any update: a benchmark fills its chats with this.

        What is None stays as it is; a new chat is Mira's, in English, private.
        """
        chat = self.chats.get(chat_id)
        if chat is None:
            person = {"id": user_id or abs(chat_id), "is_bot": False, "first_name": name or "Mira"}
            person["language_code"] = language_code or "en"
            kind = chat_type or "private"
            title = {"first_name": person["first_name"]} if kind == "private" else {"title": "A group"}
            chat = Chat(id=chat_id, person=person, json={"id": chat_id, "type": kind, **title})
            self.chats[chat_id] = chat
            return chat
        if name or language_code or user_id:
            # A new dictionary: messages already sent keep the sender they had.
            chat.person = {
                **chat.person,
                "id": user_id or chat.person["id"],
                "first_name": name or chat.person["first_name"],
                "language_code": language_code or chat.person["language_code"],
            }
        return chat

    def say(
        self,
        chat_id: int,
        text: str,
        name: str | None = None,
        language_code: str | None = None,
        date: int | datetime | None = None,
        chat_type: str | None = None,
        user_id: int | None = None,
        extra: Json | None = None,
    ) -> int:
        """The person writes; returns the update's id. A text too long is cut into several, as clients do.

        ``extra`` is merged into the message (reply_to_message, forward_origin, ...).
        """
        chat = self.join(chat_id, name, language_code, chat_type, user_id)
        update_id = 0
        for piece in _pieces(text):
            message = self._incoming(chat, date, text=piece, entities=command_entities(piece) or None)
            payload = {**message.as_json(chat, self.me), **(extra or {})}
            update_id = self._queue("message", chat_id, payload)
        return update_id

    def edit(self, chat_id: int, message_id: int, new_text: str) -> int:
        """The person edits a message of theirs."""
        chat = self.chats[chat_id]
        message = chat.by_id[message_id]
        if message.from_bot:
            raise ValueError(f"message {message_id} is the bot's")
        message.edits.append(message.text)
        message.text, message.entities = new_text, command_entities(new_text) or None
        message.edit_date = int(time.time())
        return self._queue("edited_message", chat_id, message.as_json(chat, self.me))

    def press(self, chat_id: int, message_id: int, data: str, user_id: int | None = None) -> int:
        """Press a button. The data is not compared with the message: it may be forged or old."""
        chat = self.chats[chat_id]
        message = chat.by_id.get(message_id)
        deadline = time.monotonic() + self.callback_seconds
        query_id = str(4_000_000_000 + len(self.callbacks))
        self.callbacks[query_id] = Press(chat_id, deadline)
        gone = {"chat": chat.json, "message_id": message_id, "date": 0}
        query = {
            "id": query_id,
            "from": chat.person if user_id is None else {**chat.person, "id": user_id},
            "message": gone if message is None else message.as_json(chat, self.me),
            "chat_instance": str(7_000_000_000 + chat_id),
            "data": data,
        }
        line = chat_id + CALLBACK_LINE if self.callbacks_apart else chat_id
        return self._queue("callback_query", line, query)

    def press_label(self, chat_id: int, label: str) -> int:
        """Press the button with this label on the newest message that has it."""
        chat = self.chats[chat_id]
        for message in reversed(chat.messages):
            if message.markup and label in message.labels:
                return self.press(chat_id, message.id, message.data_of(label))
        newest = chat.newest_with_buttons()
        raise AssertionError(f"no button {label!r}; the newest are {newest.labels if newest else 'none'}")

    def press_nth(self, chat_id: int, n: int) -> int:
        """Press the nth button (from 1) of the newest message with buttons."""
        message = self.chats[chat_id].newest_with_buttons()
        if message is None or not 1 <= n <= len(message.buttons):
            raise AssertionError(f"no button {n}; the newest are {message.labels if message else 'none'}")
        return self.press(chat_id, message.id, message.buttons[n - 1][1])

    def send_media(self, chat_id: int, kind: str, content: bytes = b"content", caption: str = "") -> int:
        """The person sends a photo, voice, sticker, document, location or contact."""
        chat = self.join(chat_id)
        if kind == "location":
            media: Json = {"location": {"latitude": 52.52, "longitude": 13.405}}
        elif kind == "contact":
            media = {"contact": {"phone_number": "+490000000", "first_name": chat.person["first_name"]}}
        else:
            media = self.keep_file(kind, Upload(f"{kind}.bin", content))
        message = self._incoming(chat, None, text=caption, kind=kind, media=media, content=content)
        return self._queue("message", chat_id, message.as_json(chat, self.me))

    def send_contact(self, chat_id: int, phone: str, of: int | None = None) -> int:
        """The person sends a contact: somebody's number, and who that is in Telegram, if it is known."""
        chat = self.join(chat_id)
        contact: Json = {"phone_number": phone, "first_name": chat.person["first_name"]}
        media: Json = {"contact": contact if of is None else {**contact, "user_id": of}}
        message = self._incoming(chat, None, text="", kind="contact", media=media, content=b"")
        return self._queue("message", chat_id, message.as_json(chat, self.me))

    def voice(
        self,
        chat_id: int,
        content: bytes = b"OggS",
        *,
        duration: int = 2,
        size: int | None = None,
        name: str | None = None,
        language_code: str | None = None,
        user_id: int | None = None,
    ) -> int:
        """The person speaks a voice message; returns the update's id. ``size``: what Telegram says of the file."""
        chat = self.join(chat_id, name, language_code, user_id=user_id)
        media = self.keep_file("voice", Upload("voice.oga", content, size))
        media["voice"]["duration"] = duration
        message = self._incoming(chat, None, kind="voice", media=media, content=content)
        return self._queue("message", chat_id, message.as_json(chat, self.me))

    def keep_file(self, kind: str, upload: Upload) -> Json:
        """Keep the bytes for getFile; returns the part of a Message that speaks of them."""
        file_id = f"file{len(self.files) + 1}"
        self.files[file_id] = upload
        entry: Json = {"file_id": file_id, "file_unique_id": f"u{file_id}", "file_size": upload.said}
        if kind == "photo":
            return {"photo": [{**entry, "width": 90, "height": 90}]}
        if kind == "voice":
            return {"voice": {**entry, "duration": 2, "mime_type": "audio/ogg"}}
        if kind == "sticker":
            shape = {"width": 512, "height": 512, "is_animated": False, "is_video": False}
            return {"sticker": {**entry, **shape, "type": "regular", "emoji": "👍"}}
        if kind == "document":
            return {"document": {**entry, "file_name": upload.name}}
        raise ValueError(f"no such kind of media here: {kind}")

    def block(self, chat_id: int, *, update: bool = False) -> int | None:
        """The person blocks the bot; with ``update`` the bot is told by my_chat_member."""
        self.chats[chat_id].blocked = True
        self.changed()
        return self._membership(chat_id, "member", "kicked") if update else None

    def unblock(self, chat_id: int, *, update: bool = False) -> int | None:
        self.chats[chat_id].blocked = False
        self.changed()
        return self._membership(chat_id, "kicked", "member") if update else None

    def raw_update(self, update: Json) -> int:
        """Queue any update: {kind: payload}. An update_id in it is replaced by the next one."""
        kind = next(key for key in update if key != "update_id")
        return self._queue(kind, _chat_of(update[kind]), update[kind])

    def _membership(self, chat_id: int, old: str, new: str) -> int:
        chat = self.chats[chat_id]
        states: dict[str, Json] = {"member": {"status": "member"}, "kicked": {"status": "kicked", "until_date": 0}}
        payload = {
            "chat": chat.json,
            "from": chat.person,
            "date": int(time.time()),
            "old_chat_member": {"user": self.me, **states[old]},
            "new_chat_member": {"user": self.me, **states[new]},
        }
        return self._queue("my_chat_member", chat_id, payload)

    def _incoming(self, chat: Chat, date: int | datetime | None, **fields: Any) -> ChatMessage:
        when = int(date.timestamp()) if isinstance(date, datetime) else date
        message = ChatMessage(
            id=self.next_message_id(),
            date=int(time.time()) if when is None else when,
            from_bot=False,
            sender=chat.person,
            **fields,
        )
        chat.add(message)
        return message

    def _queue(self, kind: str, line: int, payload: Any) -> int:
        update = self.updates.add(kind, line, payload)
        if update is not None and self.webhook is not None:
            self.webhook.add(update)
        self.changed()
        return self.updates.last_id


def command_entities(text: str) -> list[Json]:
    """The bot_command entities the real server finds in a person's text."""
    if "/" not in text:
        return []
    return [
        {"type": "bot_command", "offset": utf16(text[: found.start()]), "length": len(found.group())}
        for found in COMMAND.finditer(text)
    ]


def _pieces(text: str) -> Iterator[str]:
    if utf16(text) <= LONGEST_TEXT:
        yield text
        return
    piece: list[str] = []
    length = 0
    for symbol in text:
        width = 2 if ord(symbol) > 0xFFFF else 1
        if length + width > LONGEST_TEXT:
            yield "".join(piece)
            piece, length = [], 0
        piece.append(symbol)
        length += width
    yield "".join(piece)


def _chat_of(payload: Any) -> int:
    """The chat an update belongs to, as far as it says so; 0 otherwise."""
    if not isinstance(payload, dict):
        return 0
    chat = payload.get("chat") or (payload.get("message") or {}).get("chat") or payload.get("from") or {}
    return int(chat.get("id", 0))
