"""The chat a request is about, or why there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .bot_api_chats import Chat
from .bot_api_params import ApiError, Params

if TYPE_CHECKING:
    from .bot_api import BotApi


def bad(description: str) -> ApiError:
    return ApiError(400, f"Bad Request: {description}")


def find_chat(server: BotApi, params: Params) -> Chat:
    chat_id = params.get("chat_id")
    if chat_id is None or chat_id == "":
        raise bad("chat_id is empty")
    chat = server.chats.get(chat_id)
    if chat is None:
        raise bad("chat not found")
    if chat.blocked:
        raise ApiError(403, "Forbidden: bot was blocked by the user")
    if chat.left:
        raise ApiError(403, f"Forbidden: bot is not a member of the {chat.json['type']} chat")
    return chat
