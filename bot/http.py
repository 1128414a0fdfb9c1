"""HTTP on PORT: Telegram's webhook, people's calendars, and what an operator watches.

No request is logged: the path of a calendar is a secret."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import logging
import socket
from collections.abc import Awaitable, Callable, Iterator

import msgspec
import structlog
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot import feeds
from bot.feeds import Fetch
from bot.intake import Intake

log = structlog.get_logger()

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"
LARGEST_UPDATE = 1_000_000


def application(
    intake: Intake | None,
    secret: str | None,
    ready: Callable[[], Awaitable[bool]],
    page: Callable[[], Awaitable[bytes]],
    calendars: Fetch | None = None,
) -> Starlette:
    """The pages. Without an intake there is no webhook. `page` makes what /metrics shows; `calendars` are fetched by
    their tokens, where they are at all."""

    async def telegram(request: Request) -> Response:
        given = request.headers.get(SECRET_HEADER, "")
        if intake is None or not secret:
            return PlainTextResponse("no webhook here", 404)
        if not hmac.compare_digest(given.encode(), secret.encode()):
            return PlainTextResponse("wrong secret", 401)
        body = await request.body()
        if len(body) > LARGEST_UPDATE:
            return PlainTextResponse("too large", 413)
        try:
            data = msgspec.json.decode(body, type=dict)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return PlainTextResponse("not an update", 400)
        await intake.take_json(data)  # the answer, and with it the acknowledgement, comes after the commit
        return Response(status_code=200)

    async def healthz(_: Request) -> Response:
        return PlainTextResponse("ok")

    async def readyz(_: Request) -> Response:
        return PlainTextResponse("ready") if await ready() else PlainTextResponse("the database is away", 503)

    async def metrics(_: Request) -> Response:
        return Response(await page(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return Starlette(
        routes=[
            Route("/telegram", telegram, methods=["POST"]),
            Route("/healthz", healthz),
            Route("/readyz", readyz),
            Route("/metrics", metrics),
            *([feeds.route(calendars)] if calendars is not None else []),
        ]
    )


class Server(uvicorn.Server):
    """uvicorn as one task among others: signals are the service's matter."""

    def __init__(self, app: Starlette, port: int) -> None:
        self._stopped = asyncio.Event()
        logging.getLogger("uvicorn.access").setLevel(logging.CRITICAL)  # whoever listens: paths are secrets
        super().__init__(
            uvicorn.Config(app, host="0.0.0.0", port=port, log_config=None, access_log=False, lifespan="off")
        )

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until `should_exit`."""
        try:
            await super().serve(sockets)
        finally:
            self._stopped.set()

    async def stopped(self, within: float) -> None:
        """Wait until the requests that were being answered are answered, or so many seconds."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopped.wait(), within)
