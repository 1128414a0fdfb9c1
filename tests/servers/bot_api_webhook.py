"""Delivery to the bot's webhook: in order per chat, several chats at once, again until it is taken."""

import asyncio
import re
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from .bot_api_params import ApiError, Params
from .bot_api_updates import ChatLines, Update, UpdateQueue

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"


class Webhook:
    """A webhook that is set. Closing it leaves what was not taken in the queue."""

    def __init__(
        self,
        params: Params,
        queue: UpdateQueue,
        *,
        backoff: float,
        timeout: float,
        changed: Callable[[], None],
    ) -> None:
        self.url: str = params["url"]
        self.secret: str | None = params.get("secret_token") or None
        self.max_connections: int = min(max(params.get("max_connections") or 40, 1), 100)
        self.last_error: str | None = None
        self.last_error_date = 0
        self._queue = queue
        self._backoff = backoff
        self._timeout = timeout
        self._changed = changed
        self._lines = ChatLines()
        self._workers: list[asyncio.Task[None]] = []
        self._session: aiohttp.ClientSession | None = None
        for update in queue.pending.values():
            self._lines.add(update)

    def start(self) -> None:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self.max_connections),
            timeout=aiohttp.ClientTimeout(total=self._timeout),
        )
        self._workers = [asyncio.create_task(self._work()) for _ in range(self.max_connections)]

    async def close(self) -> None:
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def add(self, update: Update) -> None:
        self._lines.add(update)

    async def _work(self) -> None:
        while True:
            chat_id = await self._lines.ready.get()
            update = self._lines.head(chat_id)
            if update.id not in self._queue.pending:  # dropped meanwhile
                self._lines.done(chat_id)
                continue
            self._queue.deliveries[update.id] += 1
            error = await self._deliver(update)
            if error is None:
                self._queue.acknowledge(update)
                self._lines.done(chat_id)
            else:
                self.last_error, self.last_error_date = error, int(time.time())
                ready = self._lines.ready
                asyncio.get_running_loop().call_later(self._backoff, ready.put_nowait, chat_id)
            self._changed()

    async def _deliver(self, update: Update) -> str | None:
        """None when it was taken, or why not."""
        assert self._session is not None
        headers = {"Content-Type": "application/json"}
        if self.secret:
            headers[SECRET_HEADER] = self.secret
        try:
            async with self._session.post(
                self.url, data=update.body, headers=headers, allow_redirects=False
            ) as answer:
                await answer.read()
                if 200 <= answer.status < 300:
                    return None
                return f"Wrong response from the webhook: {answer.status} {answer.reason}"
        except TimeoutError:
            return "Read timeout expired"
        except aiohttp.ClientConnectorError:
            return "Connection refused"
        except (aiohttp.ClientError, OSError):
            return "Webhook connection closed"


def check_webhook(params: Params) -> None:
    """What setWebhook refuses. Plain http is for this machine alone."""
    parts = urlsplit(params["url"])
    local = parts.hostname in ("127.0.0.1", "localhost")
    if parts.scheme != "https" and not (parts.scheme == "http" and local):
        raise ApiError(400, "Bad Request: bad webhook: An HTTPS URL must be provided for webhook")
    secret = params.get("secret_token")
    if secret and len(secret) > 256:
        raise ApiError(400, "Bad Request: secret token is too long")
    if secret and not re.fullmatch(r"[A-Za-z0-9_-]+", secret):
        raise ApiError(400, "Bad Request: secret token contains unallowed characters")


def webhook_info(webhook: Webhook | None, queue: UpdateQueue) -> dict[str, Any]:
    info: dict[str, Any] = {
        "url": webhook.url if webhook else "",
        "has_custom_certificate": False,
        "pending_update_count": len(queue.pending),
    }
    if webhook is not None:
        info["max_connections"] = webhook.max_connections
        info["ip_address"] = "127.0.0.1"
        if webhook.last_error is not None:
            info["last_error_date"] = webhook.last_error_date
            info["last_error_message"] = webhook.last_error
    if queue.allowed:
        info["allowed_updates"] = queue.allowed
    return info
