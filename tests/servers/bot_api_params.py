"""Parameters of a request, however they were sent, as one dictionary of plain values.

The real server takes the query string, urlencoded and multipart forms (where nested values are JSON
text, which is what python-telegram-bot sends) and JSON bodies.
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from aiohttp import BodyPartReader
from aiohttp.web_request import BaseRequest

Params = dict[str, Any]


class Upload(msgspec.Struct, frozen=True):
    """A file of a multipart request, or one of a person's. ``size``: what is said of it, where that is not so."""

    name: str
    content: bytes
    size: int | None = None

    @property
    def said(self) -> int:
        return len(self.content) if self.size is None else self.size


class ApiError(Exception):
    """The request fails as the Bot API says it: a code, a description, perhaps parameters."""

    def __init__(self, code: int, description: str, **parameters: Any) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters


async def read_params(request: BaseRequest) -> tuple[Params, dict[str, Upload]]:
    params: Params = dict(request.rel_url.query) if request.query_string else {}
    files: dict[str, Upload] = {}
    if request.method == "POST":
        kind = request.headers.get("Content-Type", "")
        if kind.startswith("multipart/"):
            await _read_multipart(request, params, files)
        else:
            body = await request.read()
            if body:
                params.update(_decode_body(kind, body))
    return normalise(params), files


def _decode_body(kind: str, body: bytes) -> Params:
    if kind.startswith("application/json"):
        try:
            decoded = msgspec.json.decode(body)
        except msgspec.DecodeError:
            decoded = None
        if not isinstance(decoded, dict):
            raise ApiError(400, "Bad Request: can't parse request body JSON object")
        return decoded
    return dict(parse_qsl(body.decode(), keep_blank_values=True))


async def _read_multipart(request: BaseRequest, params: Params, files: dict[str, Upload]) -> None:
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader) or part.name is None:
            continue
        if part.filename is not None:
            files[part.name] = Upload(part.filename, bytes(await part.read(decode=True)))
        else:
            params[part.name] = await part.text()


def _integer(name: str, value: Any) -> Any:
    try:
        return int(value)
    except ValueError:
        raise ApiError(400, f'Bad Request: field "{name}" must be a number') from None


def _chat_id(_name: str, value: Any) -> Any:
    return int(value) if value.lstrip("-").isdigit() else value


def _boolean(_name: str, value: Any) -> Any:
    return value.lower() in ("true", "yes", "1")


def _json(name: str, value: Any) -> Any:
    if not value:
        return None
    try:
        return msgspec.json.decode(value)
    except msgspec.DecodeError:
        raise ApiError(400, f"Bad Request: can't parse {name.replace('_', ' ')} JSON object") from None


_CONVERT: dict[str, Callable[[str, Any], Any]] = {"chat_id": _chat_id}
for _name in [
    "message_id",
    "offset",
    "limit",
    "timeout",
    "max_connections",
    "draft_id",
    "message_thread_id",
    "user_id",
    "cache_time",
    "direct_messages_topic_id",
]:
    _CONVERT[_name] = _integer
for _name in [
    "drop_pending_updates",
    "disable_notification",
    "protect_content",
    "show_alert",
    "allow_paid_broadcast",
    "disable_content_type_detection",
    "show_caption_above_media",
    "has_spoiler",
]:
    _CONVERT[_name] = _boolean
for _name in [
    "reply_markup",
    "entities",
    "caption_entities",
    "scope",
    "commands",
    "allowed_updates",
    "menu_button",
    "link_preview_options",
    "reply_parameters",
    "message_ids",
    "suggested_post_parameters",
    "rich_message",
]:
    _CONVERT[_name] = _json


def normalise(params: Params) -> Params:
    """Values that came as text become what they stand for; a JSON body's values are left as they are."""
    for name, value in params.items():
        if value.__class__ is str:
            convert = _CONVERT.get(name)
            if convert is not None:
                params[name] = convert(name, value)
    return params
