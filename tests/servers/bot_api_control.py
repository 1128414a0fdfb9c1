"""The controls of ``BotApi`` over HTTP, for a test or a benchmark that runs it as a process of its own.

POST /control/say|voice|press|press_label|press_nth|edit|media|block|unblock|raw|fault|join|set  {arguments}
GET  /control/chats, /control/chats/<id>, /control/state, /control/next?chat_id=&after=&timeout=
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from aiohttp import web
from aiohttp.web_request import BaseRequest

from .base import json_response
from .bot_api_faults import Limits

if TYPE_CHECKING:
    from .bot_api import BotApi

ACTS = {
    "say": "say",
    "press": "press",
    "press_label": "press_label",
    "press_nth": "press_nth",
    "edit": "edit",
    "block": "block",
    "unblock": "unblock",
    "fault": "fault",
    "join": "join",
}


async def control(server: BotApi, request: BaseRequest) -> web.Response:
    """Answers {"ok": true, "result": ...}, or 400 with what was wrong."""
    parts = request.path.split("/")[2:]
    try:
        if request.method == "GET":
            result = await _look(server, parts, dict(request.rel_url.query))
        else:
            body = await request.read()
            result = _do(server, parts[0], msgspec.json.decode(body) if body else {})
    except (KeyError, TypeError, ValueError, AssertionError, StopIteration) as error:
        return _answer({"ok": False, "error": f"{type(error).__name__}: {error}"}, 400)
    except TimeoutError as error:
        return _answer({"ok": False, "error": str(error)}, 408)
    return _answer({"ok": True, "result": result}, 200)


def _answer(body: Any, status: int) -> web.Response:
    return json_response(msgspec.json.encode(body), status)


async def _look(server: BotApi, parts: list[str], query: dict[str, str]) -> Any:
    if parts == ["chats"]:
        return list(server.chats)
    if parts[0] == "chats":
        return server.chats[int(parts[1])].describe()
    if parts == ["next"]:
        after = int(query["after"]) if "after" in query else None
        timeout = float(query.get("timeout", 5))
        return (await server.next_message(int(query["chat_id"]), after, timeout)).describe()
    if parts == ["state"]:
        return state(server)
    raise ValueError(f"nothing to see at {'/'.join(parts)}")


def state(server: BotApi) -> dict[str, Any]:
    updates = server.updates
    return {
        "acknowledged": sorted(updates.acknowledged),
        "dropped": sorted(updates.dropped),
        "filtered": sorted(updates.filtered),
        "pending": list(updates.pending),
        "deliveries": {str(update_id): count for update_id, count in updates.deliveries.items()},
        "counts": dict(server.counts),
        "refused_by_limits": server.limits.refused,
        "chats": list(server.chats),
        "webhook": server.webhook.url if server.webhook else "",
    }


def _do(server: BotApi, act: str, arguments: dict[str, Any]) -> Any:
    if act in ACTS:
        result = getattr(server, ACTS[act])(**arguments)
        return result if result is None or isinstance(result, int) else True
    if act == "raw":
        return server.raw_update(arguments)
    if act in ("media", "voice"):
        content = arguments.pop("content", "content").encode()
        send = server.send_media if act == "media" else server.voice
        return send(**arguments, content=content)
    if act == "set":
        return _set(server, **arguments)
    raise ValueError(f"no such act: {act}")


def _set(
    server: BotApi,
    *,
    latency: float | None = None,
    per_second: int | None = None,
    per_chat: int | None = None,
    keep_requests: bool | None = None,
) -> bool:
    """Latency, send limits (both at once: an unnamed one is off), whether requests are kept."""
    if latency is not None:
        server.latency = latency
    if per_second is not None or per_chat is not None:
        server.limits = Limits(per_second, per_chat)
    if keep_requests is not None:
        server.keep_requests = keep_requests
    return True
