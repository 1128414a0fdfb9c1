"""HTTP to the Bot API: aiohttp behind python-telegram-bot's BaseRequest, with connections kept warm."""

from __future__ import annotations

from typing import Any

import aiohttp
from telegram import Bot
from telegram._utils.defaultvalue import DefaultValue
from telegram.error import NetworkError, TimedOut
from telegram.request import BaseRequest, RequestData

Timeout = DefaultValue[float] | float | DefaultValue[None] | None

CONNECT_SECONDS = 5.0
READ_SECONDS = 20.0
CONNECTIONS = 100
JSON = {"Content-Type": "application/json"}


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
        return await self._request(method, url, read, data=data or params)

    async def post_json(self, url: str, body: bytes, read_seconds: float = READ_SECONDS) -> tuple[int, bytes]:
        """One call with a body of JSON; gives the status and the body of the answer. Raises as do_request does."""
        return await self._request("POST", url, read_seconds, data=body, headers=JSON)

    async def _request(self, method: str, url: str, read: float | None, **what: Any) -> tuple[int, bytes]:
        if self._session is None:  # leftovers are sent before the Bot API was asked who we are
            await self.initialize()
        assert self._session is not None
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=read)
        try:
            async with self._session.request(method, url, timeout=timeout, **what) as response:
                return response.status, await response.read()
        except TimeoutError as error:
            raise TimedOut from error
        except aiohttp.ClientError as error:
            raise NetworkError(type(error).__name__) from error


def transport_of(bot: Bot) -> AiohttpRequest:
    """The transport of a client of ours."""
    found = bot.request
    assert isinstance(found, AiohttpRequest)
    return found


def _form(request_data: RequestData) -> aiohttp.FormData:
    form = aiohttp.FormData()
    for name, value in request_data.json_parameters.items():
        form.add_field(name, value)
    for name, (filename, content, mime) in (request_data.multipart_data or {}).items():
        form.add_field(name, content, filename=filename, content_type=mime)
    return form
