"""Messages out to Telegram, and what its answers mean.

These calls are made for every answer, so they are posted as the JSON that they are, and of the answer only what is
needed is read: through the client's objects one costs several times as much (decision 0002).
"""

from __future__ import annotations

from collections.abc import Awaitable
from mimetypes import guess_type
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import msgspec
from telegram import Bot, BotCommand, BotCommandScopeAllPrivateChats
from telegram.error import NetworkError, TelegramError

from bot.perform import Blocked, DeliveryError, Later, Refused, Unreachable
from bot.render import Message, words_of
from bot.telegram.transport import TooLargeError, transport_of
from bot.texts import languages
from flows.effects import Acknowledge
from flows.people import Role
from flows.rights import commands_of

NO_PREVIEW = {"is_disabled": True}
GONE = ("chat not found", "user is deactivated")
LARGEST_FILE = 20 * 1024 * 1024
"""What bots may download."""
LARGEST_UPLOAD = 50 * 1024 * 1024
"""What bots may send."""
TOO_BIG = "file is too big"
UNCHANGED = ("message is not modified", "message to edit not found", "message can't be edited")


Result = TypeVar("Result")


class _Sent(msgspec.Struct):
    message_id: int


class _File(msgspec.Struct):
    file_path: str
    file_size: int = 0


class _Parameters(msgspec.Struct):
    retry_after: float | None = None


class _Answer(msgspec.Struct, Generic[Result]):
    """What is read of an answer of the Bot API."""

    ok: bool = False
    result: Result | None = None
    error_code: int = 0
    description: str = ""
    parameters: _Parameters | None = None


_read = msgspec.json.Decoder(_Answer[_Sent | bool])
_read_file = msgspec.json.Decoder(_Answer[_File])


class TelegramMessenger:
    """Puts messages up in Telegram."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot

    async def send(self, chat_id: int, message: Message, key: str | None) -> int | None:
        """Send a message; gives Telegram's id of it."""
        markup = _inline(message) or _keyboard(message)
        if message.silent:
            markup["disable_notification"] = True
        result = await self._put_up("sendMessage", message, {"chat_id": chat_id, **markup})
        return result.message_id if isinstance(result, _Sent) else None

    async def edit(self, chat_id: int, message_id: int, message: Message, key: str) -> None:
        """Change a message. One that is as it should be, or that the person deleted, is left."""
        named = {"chat_id": chat_id, "message_id": message_id, **_inline(message)}
        try:
            await self._put_up("editMessageText", message, named)
        except Refused as refusal:
            if not any(reason in str(refusal).lower() for reason in UNCHANGED):
                raise

    async def send_file(self, chat_id: int, filename: str, content: bytes, caption: str) -> int | None:
        """Send a file; gives Telegram's id of the message. Raises Refused where it is too big."""
        if len(content) > LARGEST_UPLOAD:  # a server may hang up on it without a word
            raise Refused(TOO_BIG)
        fields = {"chat_id": str(chat_id), **({"caption": caption} if caption else {})}
        kind = guess_type(filename)[0] or "application/octet-stream"
        posting = transport_of(self._bot).post_file(
            f"{self._bot.base_url}/sendDocument", fields, "document", (filename, content, kind)
        )
        result = await _answered(posting, _read)
        return result.message_id if isinstance(result, _Sent) else None

    async def _put_up(self, method: str, message: Message, named: dict[str, Any]) -> _Sent | bool | None:
        """Call with a message's text. If its entities are refused, it goes without."""
        try:
            return await self._call(method, {**named, **_body(message)})
        except Refused as refusal:
            if message.entities and "entit" in str(refusal).lower():
                return await self._call(method, {**named, **_body(message.evolve(entities=()))})
            raise

    async def acknowledge(self, chat_id: int, press: Acknowledge) -> None:
        """Answer a press; one that is too old to be answered is past."""
        text = {"text": str(press.text)} if press.text else {}
        try:
            await self._call("answerCallbackQuery", {"callback_query_id": press.press_id, **text})
        except Refused:
            return

    async def typing(self, chat_id: int) -> None:
        """Show "typing"."""
        await self._call("sendChatAction", {"chat_id": chat_id, "action": "typing"})

    async def draft(self, chat_id: int, draft_id: int, text: str) -> None:
        """Show what is being written, as far as it goes; drafts of one id (not 0) replace each other."""
        await self._call("sendMessageDraft", {"chat_id": chat_id, "draft_id": draft_id, "text": text})

    async def fetch(self, file_id: str) -> bytes:
        """The content of a file that a person sent. Raises Refused where it is too big, or refused by Telegram."""
        file = await self._ask("getFile", {"file_id": file_id}, _read_file)
        if file is None:
            raise Unreachable("no file in the answer")
        if file.file_size > LARGEST_FILE:
            raise Refused(TOO_BIG)
        url = f"{self._bot.base_file_url}/{quote(file.file_path)}"
        try:
            status, body = await transport_of(self._bot).get(url, LARGEST_FILE)
        except TooLargeError:
            raise Refused(TOO_BIG) from None
        except NetworkError as error:
            raise Unreachable(type(error).__name__) from None
        if status != 200:
            raise _failure(_error(body), status)
        return body

    async def set_commands(self) -> None:
        """Tell Telegram which commands there are, in each language. Raises Unreachable."""
        for language in languages():
            commands = [BotCommand(name, words_of(f"command.{name}", language)) for name in commands_of(("coachee",))]
            try:
                await self._bot.set_my_commands(
                    commands,
                    scope=BotCommandScopeAllPrivateChats(),
                    language_code=None if language == "en" else language,
                )
            except TelegramError as error:
                raise Unreachable(type(error).__name__) from None

    async def show_commands(self, chat_id: int, roles: tuple[Role, ...], language: str) -> None:
        """Have the person's client list the commands of their roles."""
        commands = [{"command": n, "description": words_of(f"command.{n}", language)} for n in commands_of(roles)]
        scope = {"type": "chat", "chat_id": chat_id}
        await self._call("setMyCommands", {"commands": commands, "scope": scope})

    def link(self, token: str) -> str:
        """The address that opens this bot with a token. Raises Unreachable while Telegram has not said its name."""
        try:
            name = self._bot.username
        except RuntimeError:
            raise Unreachable("the bot's name is not known yet") from None
        return f"https://t.me/{name}?start={token}"

    async def _call(self, method: str, payload: dict[str, Any]) -> _Sent | bool | None:
        """Call a method that puts something up. Raises the DeliveryError that its answer means."""
        return await self._ask(method, payload, _read)

    async def _ask(
        self, method: str, payload: dict[str, Any], reader: msgspec.json.Decoder[_Answer[Result]]
    ) -> Result | None:
        """Call a method, whatever its result is. Raises the DeliveryError that its answer means."""
        url, sent = f"{self._bot.base_url}/{method}", msgspec.json.encode(payload)
        return await _answered(transport_of(self._bot).post_json(url, sent), reader)


async def _answered(
    posting: Awaitable[tuple[int, bytes]], reader: msgspec.json.Decoder[_Answer[Result]]
) -> Result | None:
    """The result of a call. Raises the DeliveryError that its answer means."""
    try:
        status, body = await posting
    except NetworkError as error:
        raise Unreachable(type(error).__name__) from None
    try:
        answer = reader.decode(body)
    except msgspec.DecodeError:  # a proxy's error page
        if status == 413:
            raise Refused(TOO_BIG) from None
        raise Unreachable("not an answer of the Bot API") from None
    if not answer.ok:
        raise _failure(answer, status)
    return answer.result


def _error(body: bytes) -> _Answer[Any]:
    """What a body that is no file says, if it is of the Bot API."""
    try:
        return _read.decode(body)
    except msgspec.DecodeError:
        return _Answer()


def _failure(answer: _Answer[Any], status: int) -> DeliveryError:
    """What an error of the Bot API means for delivery."""
    words = answer.description.lower()
    match answer.error_code or status:
        case 429:
            wait = answer.parameters.retry_after if answer.parameters else None
            return Later(wait if wait is not None else 1.0)
        case 403:
            return Blocked(answer.description)
        case 400 if any(reason in words for reason in GONE):
            return Blocked(answer.description)
        case 400 | 413:
            return Refused(answer.description)
        case code:  # 5xx; or a revoked token, which the operator mends
            return Unreachable(str(code))


def _body(message: Message) -> dict[str, Any]:
    body: dict[str, Any] = {"text": message.text, "link_preview_options": NO_PREVIEW}
    return {**body, "entities": message.entities} if message.entities else body


def _inline(message: Message) -> dict[str, Any]:
    if not message.rows:
        return {}
    rows = [[{"text": b.text, "callback_data": b.data} for b in row] for row in message.rows]
    return {"reply_markup": {"inline_keyboard": rows}}


def _keyboard(message: Message) -> dict[str, Any]:
    if message.keyboard is None:
        return {}
    if not message.keyboard:
        return {"reply_markup": {"remove_keyboard": True}}
    if message.asks_place:
        rows = [[{"text": text, "request_location": True} for text in row] for row in message.keyboard]
        return {"reply_markup": {"keyboard": rows, "resize_keyboard": True, "one_time_keyboard": True}}
    rows = [[{"text": text} for text in row] for row in message.keyboard]
    return {"reply_markup": {"keyboard": rows, "resize_keyboard": True, "is_persistent": True}}
