"""Commands and menu buttons: what the bot shows beside the input line, by scope and language."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .bot_api_chats import Json
from .bot_api_find import bad, find_chat
from .bot_api_params import Params, Upload

if TYPE_CHECKING:
    from .bot_api import BotApi

Files = dict[str, Upload]


def _scope(server: BotApi, params: Params) -> tuple[str, str]:
    """The key commands are kept under: the scope as text ("chat:5"), and the language."""
    scope = params.get("scope") or {"type": "default"}
    kind = scope.get("type")
    if kind in ("default", "all_private_chats", "all_group_chats", "all_chat_administrators"):
        return kind, params.get("language_code") or ""
    if kind not in ("chat", "chat_administrators", "chat_member"):
        raise bad("can't parse BotCommandScope: unsupported type specified")
    chat_id = scope.get("chat_id")
    if isinstance(chat_id, str) and chat_id.lstrip("-").isdigit():
        chat_id = int(chat_id)
    if chat_id not in server.chats:
        raise bad("chat not found")
    return f"{kind}:{chat_id}", params.get("language_code") or ""


def set_commands(server: BotApi, params: Params, _files: Files) -> bool:
    commands = params.get("commands")
    if not isinstance(commands, list):
        raise bad("can't parse bot commands: an Array of BotCommand expected")
    if len(commands) > 100:
        raise bad("BOT_COMMANDS_TOO_MUCH")
    for command in commands:
        if not re.fullmatch(r"/?[a-z0-9_]{1,32}", str(command.get("command", ""))):
            raise bad("BOT_COMMAND_INVALID")
        if not 1 <= len(str(command.get("description", ""))) <= 256:
            raise bad("BOT_COMMAND_DESCRIPTION_INVALID")
    server.commands[_scope(server, params)] = [
        {**command, "command": command["command"].removeprefix("/")} for command in commands
    ]
    return True


def get_commands(server: BotApi, params: Params, _files: Files) -> list[Json]:
    return server.commands.get(_scope(server, params), [])


def delete_commands(server: BotApi, params: Params, _files: Files) -> bool:
    server.commands.pop(_scope(server, params), None)
    return True


def set_menu_button(server: BotApi, params: Params, _files: Files) -> bool:
    button = params.get("menu_button") or {"type": "default"}
    if button.get("type") not in ("commands", "default", "web_app"):
        raise bad("can't parse MenuButton: unsupported type specified")
    if params.get("chat_id") is None:
        server.menu_button = button
    else:
        find_chat(server, params).menu_button = button
    return True


def get_menu_button(server: BotApi, params: Params, _files: Files) -> Json:
    if params.get("chat_id") is None:
        return server.menu_button
    return find_chat(server, params).menu_button or server.menu_button
