"""The chat as the person sees it, and the same things as the Bot API writes them."""

from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass(slots=True, kw_only=True)
class ChatMessage:
    """One message in a chat, as it stands now; ``edits`` holds the texts it had before."""

    id: int
    date: int
    from_bot: bool
    text: str = ""
    kind: str = "text"
    sender: Json | None = None
    entities: list[Json] | None = None
    markup: Json | None = None
    keyboard: list[list[str]] | None = None
    had_other_markup: bool = False
    edit_date: int | None = None
    edits: list[str] = field(default_factory=list)
    media: Json | None = None
    file_name: str | None = None
    content: bytes | None = None
    reply_to: int | None = None
    silent: bool = False

    @property
    def rows(self) -> list[list[tuple[str, str]]]:
        """The inline buttons now, row by row, as (label, callback data or URL)."""
        rows = self.markup["inline_keyboard"] if self.markup else []
        return [[(b["text"], b.get("callback_data") or b.get("url") or "") for b in row] for row in rows]

    @property
    def buttons(self) -> list[tuple[str, str]]:
        return [button for row in self.rows for button in row]

    @property
    def labels(self) -> list[str]:
        return [label for label, _ in self.buttons]

    def data_of(self, label: str) -> str:
        """The data behind a button, by its label."""
        for text, data in self.buttons:
            if text == label:
                return data
        raise AssertionError(f"message {self.id} has no button {label!r}, only {self.labels}")

    def as_json(self, chat: "Chat", me: Json) -> Json:
        """The Message object of the Bot API."""
        message: Json = {
            "message_id": self.id,
            "from": me if self.from_bot else (self.sender or chat.person),
            "chat": chat.json,
            "date": self.date,
        }
        if self.media is None:
            message["text"] = self.text
            if self.entities:
                message["entities"] = self.entities
        else:
            message.update(self.media)
            if self.text:
                message["caption"] = self.text
                if self.entities:
                    message["caption_entities"] = self.entities
        if self.reply_to is not None and (replied := chat.by_id.get(self.reply_to)) is not None:
            message["reply_to_message"] = replied.as_json(chat, me)
            message["reply_to_message"].pop("reply_to_message", None)
        if self.markup is not None:
            message["reply_markup"] = self.markup
        if self.edit_date is not None:
            message["edit_date"] = self.edit_date
        return message

    def describe(self) -> Json:
        """What GET /control/chats/<id> shows of it."""
        return {
            "id": self.id,
            "date": self.date,
            "from_bot": self.from_bot,
            "kind": self.kind,
            "text": self.text,
            "entities": self.entities,
            "rows": self.rows,
            "buttons": self.buttons,
            "keyboard": self.keyboard,
            "edits": self.edits,
            "file_name": self.file_name,
            "size": None if self.content is None else len(self.content),
        }


@dataclass(slots=True, kw_only=True)
class Chat:
    """A chat the bot was spoken to in. ``keyboard`` is the reply keyboard now under the input line.

    ``draft`` is what the bot is writing now; its next message ends it. ``drafts`` are all there ever were, as (draft
    id, text). A draft is no message.
    """

    id: int
    person: Json
    json: Json
    messages: list[ChatMessage] = field(default_factory=list)
    by_id: dict[int, ChatMessage] = field(default_factory=dict)
    deleted: list[ChatMessage] = field(default_factory=list)
    keyboard: list[list[str]] | None = None
    blocked: bool = False
    left: bool = False
    draft: str | None = None
    drafts: list[tuple[int, str]] = field(default_factory=list)
    actions: list[str] = field(default_factory=list)
    alerts: list[Json] = field(default_factory=list)
    menu_button: Json | None = None

    @property
    def from_bot(self) -> list[ChatMessage]:
        return [message for message in self.messages if message.from_bot]

    @property
    def texts(self) -> list[str]:
        """The conversation as text, oldest first."""
        return [message.text for message in self.messages]

    @property
    def last_id(self) -> int:
        return self.messages[-1].id if self.messages else 0

    @property
    def last_said(self) -> int:
        """The id of the person's newest message, 0 if there is none."""
        return next((m.id for m in reversed(self.messages) if not m.from_bot), 0)

    def newest_with_buttons(self) -> ChatMessage | None:
        return next((m for m in reversed(self.messages) if m.markup), None)

    def add(self, message: ChatMessage) -> None:
        self.messages.append(message)
        self.by_id[message.id] = message

    def remove(self, message: ChatMessage) -> None:
        del self.by_id[message.id]
        self.messages.remove(message)
        self.deleted.append(message)

    def after(self, message_id: int) -> ChatMessage | None:
        """The bot's first message with a greater id: found from the end, where it nearly always is."""
        found = None
        for message in reversed(self.messages):
            if message.id <= message_id:
                break
            if message.from_bot:
                found = message
        return found

    def describe(self) -> Json:
        return {
            "id": self.id,
            "type": self.json["type"],
            "blocked": self.blocked,
            "left": self.left,
            "keyboard": self.keyboard,
            "draft": self.draft,
            "drafts": self.drafts,
            "actions": self.actions,
            "alerts": self.alerts,
            "messages": [message.describe() for message in self.messages],
            "deleted": [message.describe() for message in self.deleted],
        }
