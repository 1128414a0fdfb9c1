"""What each Bot API method does to the chats. Each is (server, params, files) -> the result, or ApiError."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .bot_api_chats import Chat, ChatMessage, Json
from .bot_api_checks import LONGEST_CAPTION, Markup, check_markup, check_text
from .bot_api_commands import delete_commands, get_commands, get_menu_button, set_commands, set_menu_button
from .bot_api_find import bad, find_chat
from .bot_api_params import ApiError, Params, Upload
from .bot_api_webhook import webhook_info

if TYPE_CHECKING:
    from .bot_api import BotApi

Files = dict[str, Upload]
Method = Callable[["BotApi", Params, Files], Any]

ACTIONS = frozenset(
    [
        "typing",
        "upload_photo",
        "record_video",
        "upload_video",
        "record_voice",
        "upload_voice",
        "record_audio",
        "upload_audio",
        "upload_document",
        "choose_sticker",
        "find_location",
        "record_video_note",
        "upload_video_note",
    ]
)
NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same as a "
    "current content and reply markup of the message"
)
LARGEST_UPLOAD = 50 * 1024 * 1024
LARGEST_DOWNLOAD = 20 * 1024 * 1024
TOO_OLD = "query is too old and response timeout expired or query ID is invalid"


def _get_me(server: BotApi, _params: Params, _files: Files) -> Json:
    return {
        **server.me,
        "can_join_groups": True,
        "can_read_all_group_messages": False,
        "supports_inline_queries": False,
        "can_connect_to_business": False,
        "has_main_web_app": False,
    }


def _place(server: BotApi, chat: Chat, message: ChatMessage, markup: Markup) -> Json:
    """Put the bot's message into the chat, with what its markup does to the input line."""
    message.markup = markup.inline
    message.had_other_markup = markup.other
    message.keyboard = markup.keyboard
    if markup.keyboard is not None:
        chat.keyboard = markup.keyboard
    elif markup.removes:
        chat.keyboard = None
    chat.draft = None
    chat.add(message)
    return message.as_json(chat, server.me)


def _reply_to(chat: Chat, params: Params) -> int | None:
    reply = params.get("reply_parameters")
    if not reply:
        return None
    if reply.get("message_id") in chat.by_id:
        return int(reply["message_id"])
    if reply.get("allow_sending_without_reply"):
        return None
    raise bad("message to be replied not found")


def _send_message(server: BotApi, params: Params, _files: Files) -> Json:
    text, entities = check_text(params.get("text"), params.get("entities"), params.get("parse_mode"))
    markup = check_markup(params.get("reply_markup"))
    chat = find_chat(server, params)
    reply_to = _reply_to(chat, params)
    message = ChatMessage(
        id=server.next_message_id(),
        date=int(time.time()),
        from_bot=True,
        text=text,
        entities=entities,
        reply_to=reply_to,
        silent=params.get("disable_notification") is True,
    )
    return _place(server, chat, message, markup)


def _send_file(kind: str) -> Method:
    def send(server: BotApi, params: Params, files: Files) -> Json:
        markup = check_markup(params.get("reply_markup"))
        caption, entities = params.get("caption") or "", None
        if caption:
            caption, entities = check_text(
                caption, params.get("caption_entities"), params.get("parse_mode"), LONGEST_CAPTION
            )
        chat = find_chat(server, params)
        upload = _uploaded(server, kind, params, files)
        message = ChatMessage(
            id=server.next_message_id(),
            date=int(time.time()),
            from_bot=True,
            kind=kind,
            text=caption,
            entities=entities,
            media=server.keep_file(kind, upload),
            file_name=upload.name,
            content=upload.content,
            reply_to=_reply_to(chat, params),
            silent=params.get("disable_notification") is True,
        )
        return _place(server, chat, message, markup)

    return send


def _uploaded(server: BotApi, kind: str, params: Params, files: Files) -> Upload:
    """The file by its own part, by attach://part, or by the id of one that was sent before."""
    named = params.get(kind)
    if kind in files:
        upload = files[kind]
    elif isinstance(named, str) and named.startswith("attach://") and named[9:] in files:
        upload = files[named[9:]]
    elif isinstance(named, str) and named in server.files:
        upload = server.files[named]
    else:
        raise bad(f"there is no {kind} in the request" if not named else "wrong file identifier/HTTP URL specified")
    if not upload.content:
        raise bad("file must be non-empty")
    if upload.said > LARGEST_UPLOAD:
        raise ApiError(413, "Request Entity Too Large")
    return upload


def _own_message(server: BotApi, params: Params, not_found: str) -> tuple[Chat, ChatMessage]:
    chat = find_chat(server, params)
    message_id = params.get("message_id")
    message = chat.by_id.get(message_id) if message_id else None
    if message is None:
        raise bad(not_found)
    # A message that carried a reply keyboard (or took one away) cannot be edited in the real server either.
    if not message.from_bot or message.had_other_markup:
        raise bad("message can't be edited")
    return chat, message


def _inline_only(params: Params) -> Json | None:
    markup = check_markup(params.get("reply_markup"))
    if markup.other:
        raise bad("inline keyboard expected")
    return markup.inline


def _edit_text(server: BotApi, params: Params, _files: Files) -> Json:
    text, entities = check_text(params.get("text"), params.get("entities"), params.get("parse_mode"))
    markup = _inline_only(params)
    chat, message = _own_message(server, params, "message to edit not found")
    if message.kind != "text":
        raise bad("there is no text in the message to edit")
    if (text, entities or [], markup) == (message.text, message.entities or [], message.markup):
        raise bad(NOT_MODIFIED)
    message.edits.append(message.text)
    message.text, message.entities, message.markup = text, entities, markup
    message.edit_date = int(time.time())
    return message.as_json(chat, server.me)


def _edit_markup(server: BotApi, params: Params, _files: Files) -> Json:
    markup = _inline_only(params)
    chat, message = _own_message(server, params, "message to edit not found")
    if markup == message.markup:
        raise bad(NOT_MODIFIED)
    message.markup = markup
    message.edit_date = int(time.time())
    return message.as_json(chat, server.me)


def _delete_message(server: BotApi, params: Params, _files: Files) -> bool:
    chat = find_chat(server, params)
    message = chat.by_id.get(params.get("message_id") or 0)
    if message is None:
        raise bad("message to delete not found")
    if not message.from_bot and chat.json["type"] != "private":
        raise bad("message can't be deleted")
    chat.remove(message)
    return True


def _chat_action(server: BotApi, params: Params, _files: Files) -> bool:
    if params.get("action") not in ACTIONS:
        raise bad("wrong parameter action in request")
    find_chat(server, params).actions.append(params["action"])
    return True


def _draft(server: BotApi, params: Params, _files: Files) -> bool:
    text = params.get("text") or ""
    if text:
        text, _ = check_text(text, params.get("entities"), params.get("parse_mode"))
    if not params.get("draft_id"):
        raise bad("draft_id must be non-zero")
    chat = find_chat(server, params)
    if chat.json["type"] != "private":
        raise bad("TEXTDRAFT_PEER_INVALID")
    chat.draft = text
    chat.drafts.append((params["draft_id"], text))
    return True


def _answer_callback(server: BotApi, params: Params, _files: Files) -> bool:
    if len(params.get("text") or "") > 200:
        raise bad("MESSAGE_TOO_LONG")
    press = server.callbacks.get(str(params.get("callback_query_id")))
    if press is None or press.answered or time.monotonic() > press.deadline:
        raise bad(TOO_OLD)
    press.answered = True
    if params.get("text"):
        alert = {"text": params["text"], "show_alert": bool(params.get("show_alert"))}
        server.chats[press.chat_id].alerts.append(alert)
    return True


def _leave_chat(server: BotApi, params: Params, _files: Files) -> bool:
    chat = find_chat(server, params)
    if chat.json["type"] == "private":
        raise bad("chat member status can't be changed in private chats")
    chat.left = True
    return True


def _get_chat(server: BotApi, params: Params, _files: Files) -> Json:
    chat = find_chat(server, params)
    return {**chat.json, "accent_color_id": 0, "max_reaction_count": 11, "accepted_gift_types": _NO_GIFTS}


_NO_GIFTS = {
    "unlimited_gifts": False,
    "limited_gifts": False,
    "unique_gifts": False,
    "premium_subscription": False,
    "gifts_from_channels": False,
}


def _get_file(server: BotApi, params: Params, _files: Files) -> Json:
    file_id = str(params.get("file_id") or "")
    upload = server.files.get(file_id)
    if upload is None:
        raise bad("wrong file_id or the file is temporarily unavailable")
    if upload.said > LARGEST_DOWNLOAD:
        raise bad("file is too big")
    path = f"files/{file_id}{Path(upload.name).suffix}"
    return {"file_id": file_id, "file_unique_id": f"u{file_id}", "file_size": upload.said, "file_path": path}


def _webhook_info(server: BotApi, _params: Params, _files: Files) -> Json:
    return webhook_info(server.webhook, server.updates)


# getUpdates, setWebhook and deleteWebhook wait for something and are in bot_api.py.
_BY_NAME: dict[str, Method] = {
    "getMe": _get_me,
    "sendMessage": _send_message,
    "sendDocument": _send_file("document"),
    "sendPhoto": _send_file("photo"),
    "editMessageText": _edit_text,
    "editMessageReplyMarkup": _edit_markup,
    "deleteMessage": _delete_message,
    "sendChatAction": _chat_action,
    "sendMessageDraft": _draft,
    "answerCallbackQuery": _answer_callback,
    "setMyCommands": set_commands,
    "getMyCommands": get_commands,
    "deleteMyCommands": delete_commands,
    "setChatMenuButton": set_menu_button,
    "getChatMenuButton": get_menu_button,
    "leaveChat": _leave_chat,
    "getChat": _get_chat,
    "getFile": _get_file,
    "getWebhookInfo": _webhook_info,
}
METHODS: dict[str, Method] = {name.lower(): method for name, method in _BY_NAME.items()}
PROPER_NAMES: dict[str, str] = {
    name.lower(): name for name in (*_BY_NAME, "getUpdates", "setWebhook", "deleteWebhook")
}
LIMITED = frozenset(("sendmessage", "senddocument", "sendphoto"))
