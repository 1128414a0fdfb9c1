"""HTTP to the Bot API: aiohttp behind python-telegram-bot's BaseRequest, with connections kept warm."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any

import aiohttp
from telegram import Bot
from telegram._utils.defaultvalue import DefaultValue
from telegram.error import NetworkError, TimedOut
from telegram.request import BaseRequest, RequestData

Timeout = DefaultValue[float] | float | DefaultValue[None] | None

CONNECT_SECONDS = 5.0
READ_SECONDS = 20.0
DOWNLOAD_SECONDS = 60.0
"""For a whole file, however slowly it drips."""
UPLOAD_SECONDS = 60.0
"""The same, the other way; within the lease of the outbox's row."""
CONNECTIONS = 100
JSON = {"Content-Type": "application/json"}
CHUNK = 64 * 1024


class TooLargeError(Exception):
    """A body is larger than was allowed."""


class AiohttpRequest(BaseRequest):
    """One session of kept-alive connections."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    @property
    def read_timeout(self) -> float:
        """Seconds to wait for an answer where a call does not say."""
        return READ_SECONDS

    async def initialize(self) -> None:
        """Open the session."""
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=CONNECTIONS, keepalive_timeout=60)
            self._session = aiohttp.ClientSession(connector=connector)

    async def shutdown(self) -> None:
        """Close it."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: Timeout = BaseRequest.DEFAULT_NONE,
        write_timeout: Timeout = BaseRequest.DEFAULT_NONE,
        connect_timeout: Timeout = BaseRequest.DEFAULT_NONE,
        pool_timeout: Timeout = BaseRequest.DEFAULT_NONE,
    ) -> tuple[int, bytes]:
        """One call. Raises telegram.error.TimedOut and NetworkError, as its callers expect."""
        read = READ_SECONDS if isinstance(read_timeout, DefaultValue) else read_timeout
        data = _form(request_data) if request_data and request_data.multipart_data else None
        params = request_data.json_parameters if request_data and data is None else None
        return await self._request(method, url, _waiting(read), data=data or params)

    async def post_json(self, url: str, body: bytes, read_seconds: float = READ_SECONDS) -> tuple[int, bytes]:
        """One call with a body of JSON; gives the status and the body of the answer. Raises as do_request does."""
        return await self._request("POST", url, _waiting(read_seconds), data=body, headers=JSON)

    async def post_file(
        self, url: str, fields: Mapping[str, str], name: str, file: tuple[str, bytes, str]
    ) -> tuple[int, bytes]:
        """One call with a form in which the field `name` is a file: its name, content and type. Raises as
        do_request does."""
        form = aiohttp.FormData(quote_fields=False)  # Telegram shows a name as it stands
        for field, value in fields.items():
            form.add_field(field, value)
        filename, content, kind = file
        form.add_field(name, BytesIO(content), filename=filename, content_type=kind)
        return await self._request("POST", url, _waiting(READ_SECONDS, UPLOAD_SECONDS), data=form)

    async def get(self, url: str, most: int) -> tuple[int, bytes]:
        """The status and the body of what is at a URL. Raises TooLargeError past `most` bytes, else as do_request."""
        return await self._request("GET", url, _waiting(READ_SECONDS, DOWNLOAD_SECONDS), most)

    async def _request(
        self, method: str, url: str, waiting: aiohttp.ClientTimeout, most: int | None = None, **what: Any
    ) -> tuple[int, bytes]:
        if self._session is None:  # leftovers are sent before the Bot API was asked who we are
            await self.initialize()
        assert self._session is not None
        try:
            async with self._session.request(method, url, timeout=waiting, **what) as response:
                body = await response.read() if most is None else await _at_most(response, most)
                return response.status, body
        except TimeoutError as error:
            raise TimedOut from error
        except aiohttp.ClientError as error:
            raise NetworkError(type(error).__name__) from error


def transport_of(bot: Bot) -> AiohttpRequest:
    """The transport of a client of ours."""
    found = bot.request
    assert isinstance(found, AiohttpRequest)
    return found


def _waiting(read: float | None, total: float | None = None) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=total, sock_connect=CONNECT_SECONDS, sock_read=read)


async def _at_most(response: aiohttp.ClientResponse, most: int) -> bytes:
    """The body, piece by piece: what a server says of its size need not be true."""
    if (response.content_length or 0) > most:
        raise TooLargeError
    body = bytearray()
    async for chunk in response.content.iter_chunked(CHUNK):
        body += chunk
        if len(body) > most:
            raise TooLargeError
    return bytes(body)


def _form(request_data: RequestData) -> aiohttp.FormData:
    form = aiohttp.FormData()
    for name, value in request_data.json_parameters.items():
        form.add_field(name, value)
    for name, (filename, content, mime) in (request_data.multipart_data or {}).items():
        form.add_field(name, content, filename=filename, content_type=mime)
    return form
