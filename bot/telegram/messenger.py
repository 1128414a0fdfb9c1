"""Messages out to Telegram, and what its errors mean."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from telegram import (
    Bot,
    BotCommand,
    BotCommandScopeAllPrivateChats,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    KeyboardButton,
    LinkPreviewOptions,
    MessageEntity,
    ReplyKeyboardMarkup,
    ReplyKeyboardRemove,
)
from telegram.constants import ChatAction
from telegram.error import BadRequest, Forbidden, NetworkError, RetryAfter, TelegramError

from bot.perform import Blocked, Later, Refused, Unreachable
from bot.render import Message, words_of
from bot.texts import languages
from flows.decide import COMMANDS
from flows.effects import Acknowledge

NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
GONE = ("chat not found", "user is deactivated")
UNCHANGED = ("message is not modified", "message to edit not found", "message can't be edited")


class TelegramMessenger:
    """Puts messages up in Telegram."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot

    async def send(self, chat_id: int, message: Message, key: str | None) -> int | None:
        """Send a message; gives Telegram's id of it. If its entities are refused, it goes without."""
        try:
            return await self._send(chat_id, message)
        except Refused as refusal:
            if message.entities and "entit" in str(refusal).lower():
                return await self._send(chat_id, message.evolve(entities=()))
            raise

    async def _send(self, chat_id: int, message: Message) -> int:
        with _meaning():
            sent = await self._bot.send_message(
                chat_id,
                message.text,
                entities=_entities(message),
                reply_markup=_inline(message) or _keyboard(message),
                link_preview_options=NO_PREVIEW,
            )
        return sent.message_id

    async def edit(self, chat_id: int, message_id: int, message: Message, key: str) -> None:
        """Change a message. One that is as it should be, or that the person deleted, is left."""
        try:
            with _meaning():
                await self._bot.edit_message_text(
                    message.text,
                    chat_id,
                    message_id,
                    entities=_entities(message),
                    reply_markup=_inline(message),
                    link_preview_options=NO_PREVIEW,
                )
        except Refused as refusal:
            if not any(reason in str(refusal).lower() for reason in UNCHANGED):
                raise

    async def acknowledge(self, chat_id: int, press: Acknowledge) -> None:
        """Answer a press; one that is too old to be answered is past."""
        try:
            with _meaning():
                await self._bot.answer_callback_query(press.press_id, text=str(press.text) if press.text else None)
        except Refused:
            return

    async def typing(self, chat_id: int) -> None:
        """Show "typing"."""
        with _meaning():
            await self._bot.send_chat_action(chat_id, ChatAction.TYPING)

    async def set_commands(self) -> None:
        """Tell Telegram which commands there are, in each language."""
        for language in languages():
            commands = [BotCommand(name, words_of(f"command.{name}", language)) for name in COMMANDS]
            with _meaning():
                await self._bot.set_my_commands(
                    commands,
                    scope=BotCommandScopeAllPrivateChats(),
                    language_code=None if language == "en" else language,
                )


@contextmanager
def _meaning() -> Iterator[None]:
    """Telegram's errors as what they mean for delivery."""
    try:
        yield
    except RetryAfter as error:
        wait = error.retry_after
        raise Later(wait if isinstance(wait, int | float) else wait.total_seconds()) from None
    except Forbidden as error:
        raise Blocked(error.message) from None
    except BadRequest as error:  # python-telegram-bot has it under NetworkError
        if any(reason in error.message.lower() for reason in GONE):
            raise Blocked(error.message) from None
        raise Refused(error.message) from None
    except NetworkError as error:
        raise Unreachable(type(error).__name__) from None
    except TelegramError as error:  # a revoked token, a migrated chat
        raise Unreachable(type(error).__name__) from None


def _entities(message: Message) -> list[MessageEntity] | None:
    return [MessageEntity(e.type, e.offset, e.length) for e in message.entities] or None


def _inline(message: Message) -> InlineKeyboardMarkup | None:
    if not message.rows:
        return None
    rows = [[InlineKeyboardButton(b.text, callback_data=b.data) for b in row] for row in message.rows]
    return InlineKeyboardMarkup(rows)


def _keyboard(message: Message) -> ReplyKeyboardMarkup | ReplyKeyboardRemove | None:
    if message.keyboard is None:
        return None
    if not message.keyboard:
        return ReplyKeyboardRemove()
    return ReplyKeyboardMarkup(
        [[KeyboardButton(text) for text in message.keyboard]], resize_keyboard=True, is_persistent=True
    )
