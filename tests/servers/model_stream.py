"""A streamed answer sent: whole, or gone wrong in the middle."""

import asyncio
from typing import Any

import msgspec
from aiohttp import web
from aiohttp.web_request import BaseRequest

from .base import LocalServer, drop_connection
from .model_chat import ERROR_TEXTS, Mode, ModelError

NOISE = b'data: {"choices": [{\xff\n\n'


async def send_stream(
    server: LocalServer, request: BaseRequest, mode: Mode, chunks: list[dict[str, Any]], delay: float
) -> web.StreamResponse:
    """Send the chunks as events, so many seconds apart."""
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
    await response.prepare(request)
    for event in _events(mode, chunks):
        await response.write(event)
        await (server.pause(delay) if delay else asyncio.sleep(0))
    match mode.name:
        case "drop":
            drop_connection(request)
            return response
        case "stall":
            await server.pause(float("inf"))
        case "cut":
            pass
        case _:
            await response.write(b"data: [DONE]\n\n")
    await response.write_eof()
    return response


def _events(mode: Mode, chunks: list[dict[str, Any]]) -> list[bytes]:
    events = [b"data: " + msgspec.json.encode(chunk) + b"\n\n" for chunk in chunks]
    half = len(events) // 2
    match mode.name:
        case "drop" | "cut" | "stall":
            return events[:half]
        case "noise":
            return [*events[:half], NOISE, *events[half:]]
        case "broken":
            error = ModelError(500, ERROR_TEXTS[500][0]).body
            return [*events[:half], b"data: " + msgspec.json.encode(error) + b"\n\n"]
    return events
