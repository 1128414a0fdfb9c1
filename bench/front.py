"""A lean HTTP front for our Bot API server, so that the load does not become the limit of what is measured.

The server's chats, checks and methods are those that the tests use; only aiohttp's server in front of them is
replaced: it costs 200 us a call, this one about a quarter. It takes requests with a JSON or urlencoded body, one at a
time on each connection, which is what Bot API clients send here; files are not taken.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qsl

import httptools
import msgspec

from tests.servers.bot_api_methods import METHODS, PROPER_NAMES
from tests.servers.bot_api_params import ApiError, Params, normalise

if TYPE_CHECKING:
    from bench.load import Crowd

REASONS = {200: b"OK", 400: b"Bad Request", 401: b"Unauthorized", 403: b"Forbidden", 404: b"Not Found"}
_encode = msgspec.json.encode
_decode = msgspec.json.decode


class Connection(asyncio.Protocol):
    """One connection of the bot's HTTP client."""

    def __init__(self, crowd: Crowd, prefix: bytes, working: set[asyncio.Task[None]]) -> None:
        self._crowd, self._prefix, self._working = crowd, prefix, working
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._url, self._body, self._json = b"", b"", False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio's."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's says only that it is one
        self._crowd.transports.add(self._transport)

    def connection_lost(self, _: Exception | None) -> None:
        """asyncio's."""
        if self._transport is not None:
            self._crowd.transports.discard(self._transport)
        self._transport = None

    def data_received(self, data: bytes) -> None:
        """asyncio's."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            if self._transport is not None:
                self._transport.abort()

    def on_message_begin(self) -> None:
        """httptools': a request begins."""
        self._url, self._body, self._json = b"", b"", False

    def on_url(self, url: bytes) -> None:
        """httptools'."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """httptools'."""
        if name.lower() == b"content-type":
            self._json = value.startswith(b"application/json")

    def on_body(self, body: bytes) -> None:
        """httptools'."""
        self._body += body

    def on_message_complete(self) -> None:
        """httptools': the request is here as a whole."""
        if not self._url.startswith(self._prefix):
            self._answer(ApiError(401, "Unauthorized"))
            return
        method = self._url[len(self._prefix) :].decode().partition("?")[0].lower()
        try:
            params = self._params()
            act = METHODS.get(method)
            if act is None:
                self._wait(method, params)
                return
            body = _encode({"ok": True, "result": act(self._crowd, params, {})})
        except ApiError as error:
            self._answer(error)
            return
        self._answer(body, method)
        self._crowd.acted(method, params)

    def _params(self) -> Params:
        if not self._body:
            return {}
        if self._json:
            return normalise(_decode(self._body, type=dict[str, Any]))
        return normalise(dict(parse_qsl(self._body.decode(), keep_blank_values=True)))

    def _wait(self, method: str, params: Params) -> None:
        """A method that may take its time: getUpdates, and setting the webhook."""
        task = asyncio.create_task(self._waited(method, params))
        self._working.add(task)
        task.add_done_callback(self._working.discard)

    async def _waited(self, method: str, params: Params) -> None:
        try:
            body = await self._crowd.wait(method, params)
        except ApiError as error:
            self._answer(error)
        else:
            self._answer(body, method)

    def _answer(self, body: bytes | ApiError, method: str = "") -> None:
        status = 200
        if isinstance(body, ApiError):
            status = body.code
            body = _encode({"ok": False, "error_code": body.code, "description": body.description})
        self._crowd.counts[f"{PROPER_NAMES.get(method, method or 'refused')} {status}"] += 1
        if self._transport is not None:
            head = b"HTTP/1.1 %d %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
            self._transport.write(head % (status, REASONS.get(status, b"Error"), len(body)) + body)


def connections(crowd: Crowd, token: str, working: set[asyncio.Task[None]]) -> Callable[[], Connection]:
    """A factory for the listener."""
    prefix = f"/bot{token}/".encode()
    return lambda: Connection(crowd, prefix, working)
