"""A Bot API server on 127.0.0.1 that behaves as the real one does, and does as a test says."""

import asyncio
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Self

import msgspec
from aiohttp import web
from aiohttp.web_request import BaseRequest

from .base import LocalServer, drop_connection, json_response
from .bot_api_chats import ChatMessage, Json
from .bot_api_control import control
from .bot_api_faults import Fault, Faults, Limits
from .bot_api_methods import LIMITED, METHODS, PROPER_NAMES
from .bot_api_params import ApiError, Params, Upload, read_params
from .bot_api_people import People
from .bot_api_spec import Spec, find_spec
from .bot_api_updates import WEBHOOK_SET, UpdateQueue
from .bot_api_webhook import Webhook, check_webhook

TOKEN = "123456:TEST-token"
FIRST_UPDATE_ID = 700_000_001
NO_POLL_WITH_WEBHOOK = (
    "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
)
_encode = msgspec.json.encode


class Request(msgspec.Struct):
    """One call of the bot, in the order of arrival. No status: not answered, not yet or never."""

    method: str
    params: Params
    status: int | None = None
    files: dict[str, Upload] | None = None


class BotApi(People, LocalServer):
    """See the package's docstring. Every argument can be changed later as an attribute of the same name.

    ``latency``: seconds before each answer. ``webhook_backoff``: seconds before a delivery is tried again.
    ``keep_requests``: off for long benchmarks; ``counts`` are kept always.
    ``spec``: path of the Bot API's description; None looks for it, False does without.
    """

    def __init__(
        self,
        *,
        token: str = TOKEN,
        host: str = "127.0.0.1",
        port: int = 0,
        username: str = "waymark_test_bot",
        latency: float = 0.0,
        callback_seconds: float = 15.0,
        callbacks_apart: bool = False,
        webhook_backoff: float = 0.05,
        webhook_timeout: float = 30.0,
        limits: Limits | None = None,
        keep_requests: bool = True,
        spec: str | os.PathLike[str] | bool | None = None,
    ) -> None:
        LocalServer.__init__(self, host=host, port=port)
        People.__init__(self)
        self.token = token
        bot_id = int(token.partition(":")[0]) if token.partition(":")[0].isdigit() else 1
        self.me: Json = {"id": bot_id, "is_bot": True, "first_name": "Waymark", "username": username}
        self.latency = latency
        self.callback_seconds = callback_seconds
        self.callbacks_apart = callbacks_apart
        self.webhook_backoff = webhook_backoff
        self.webhook_timeout = webhook_timeout
        self.limits = limits or Limits()
        self.keep_requests = keep_requests
        self.updates = UpdateQueue(FIRST_UPDATE_ID)
        self.webhook: Webhook | None = None
        self._webhook_params: Params | None = None
        self.faults = Faults()
        self.requests: list[Request] = []
        self.counts: Counter[str] = Counter()
        self.commands: dict[tuple[str, str], list[Json]] = {}
        self.menu_button: Json = {"type": "default"}
        self._prefix = f"/bot{token}/"
        path = find_spec() if spec is None else Path(spec) if not isinstance(spec, bool) else None
        self.spec = Spec.load(path) if path is not None else None

    # -- what tests look at --------------------------------------------------------------------------

    @property
    def acknowledged(self) -> set[int]:
        """Ids of the updates the bot has taken: by a greater offset, or by a webhook's 2xx."""
        return self.updates.acknowledged

    @property
    def deliveries(self) -> Counter[int]:
        """How often each update was handed to the bot."""
        return self.updates.deliveries

    @property
    def pending(self) -> list[int]:
        """Ids of the updates the bot has not taken yet."""
        return list(self.updates.pending)

    def calls(self, method: str) -> list[Request]:
        """The recorded requests of one method."""
        return [request for request in self.requests if request.method.lower() == method.lower()]

    async def next_message(self, chat_id: int, after: int | None = None, timeout: float = 5.0) -> ChatMessage:  # noqa: ASYNC109
        """The bot's first message in the chat with a greater id than ``after``, waited for.

        Without ``after``: the first one after what the person said last.
        """

        def look() -> ChatMessage | None:
            chat = self.chats.get(chat_id)
            return chat.after(chat.last_said if after is None else after) if chat else None

        return await self.wait_for(look, timeout, f"a message of the bot in chat {chat_id}")

    async def settled(self, timeout: float = 5.0) -> None:  # noqa: ASYNC109
        """Wait until the bot has taken every update."""
        await self.wait_for(lambda: not self.updates.pending, timeout, "every update acknowledged")

    def fault(
        self,
        method: str,
        status: int | None = None,
        times: int | None = 1,
        retry_after: int | None = None,
        chat_id: int | None = None,
        hang: float | None = None,
        drop: bool = False,
        before: bool = True,
        description: str | None = None,
        when: Callable[[Params], bool] | None = None,
    ) -> Fault:
        """Program a fault of a method ("*": any; "file": a download). See ``Fault``; it can be cancelled."""
        fault = Fault(
            method=method.lower(),
            status=status,
            times=times,
            retry_after=retry_after,
            chat_id=chat_id,
            hang=hang,
            drop=drop,
            before=before,
            description=description,
            when=when,
        )
        self.faults.programmed.append(fault)
        return fault

    def commands_for(self, chat_id: int, language_code: str = "") -> list[Json]:
        """The commands a person's client shows in this private chat: the real order of scopes."""
        for scope in (f"chat:{chat_id}", "all_private_chats", "default"):
            for language in (language_code, ""):
                if (scope, language) in self.commands:
                    return self.commands[scope, language]
        return []

    def changed(self) -> None:
        self.waiters.notify()

    # -- the server ----------------------------------------------------------------------------------

    async def start(self) -> Self:
        await LocalServer.start(self)
        if self._webhook_params is not None:
            self._open_webhook(self._webhook_params)
        return self

    async def stop(self) -> None:
        if self.webhook is not None:
            await self.webhook.close()
            self.webhook = None
        await LocalServer.stop(self)

    async def handle(self, request: BaseRequest) -> web.StreamResponse:
        path = request.path
        if path.startswith(self._prefix):
            return await self._serve(request, path[len(self._prefix) :].lower())
        if path.startswith("/control/"):
            return await control(self, request)
        if path.startswith(f"/file{self._prefix}"):
            return await self._download(request, path[len(f"/file{self._prefix}") :])
        if path.startswith(("/bot", "/file/bot")):
            self.counts["unauthorized"] += 1
            self.changed()
            return failure(ApiError(401, "Unauthorized"))
        return failure(ApiError(404, "Not Found"))

    async def _serve(self, request: BaseRequest, method: str) -> web.Response:
        """Read, strike a fault perhaps, act, answer."""
        record = Request(PROPER_NAMES.get(method, method), {})
        if self.keep_requests:
            self.requests.append(record)
        fault = None
        try:
            record.params, files = await read_params(request)
            if files:
                record.files = files
            self.changed()
            if self.faults.programmed:
                fault = self.faults.take(method, record.params)
                self.changed()  # whoever waits for a fault to strike looks now
            if fault is not None and fault.before and await self._strike(fault):
                return drop_connection(request)
            body = await self._act(method, record.params, files)
            self.changed()
            if fault is not None and not fault.before and await self._strike(fault):
                return drop_connection(request)
            if self.latency:
                await self.pause(self.latency)
            response = json_response(body)
        except ApiError as error:
            response = failure(error)
        record.status = response.status
        self.counts[f"{record.method} {record.status}"] += 1
        self.changed()
        return response

    async def _download(self, request: BaseRequest, path: str) -> web.StreamResponse:
        """A file, at the path that getFile gave. For faults it is a method of the name "file"; one that strikes
        ``before=False`` and drops cuts it in the middle."""
        record = Request("file", {"file_path": path})
        if self.keep_requests:
            self.requests.append(record)
        response: web.StreamResponse
        try:
            fault = self.faults.take("file", record.params)
            upload = self.files.get(Path(path).stem)
            if upload is None:
                raise ApiError(404, "Not Found")
            if fault is not None and await self._strike(fault):
                return drop_connection(request) if fault.before else await _cut(request, upload.content)
            if self.latency:
                await self.pause(self.latency)
            response = web.Response(body=upload.content)
        except ApiError as error:
            response = failure(error)
        record.status = response.status
        self.counts[f"file {record.status}"] += 1
        self.changed()
        return response

    async def _strike(self, fault: Fault) -> bool:
        """True: cut the connection. An error is raised; a mere delay returns False."""
        if fault.hang:
            await self.pause(fault.hang)
        if fault.drop:
            return True
        error = fault.error()
        if error is not None:
            raise error
        return False

    async def _act(self, method: str, params: Params, files: dict[str, Upload]) -> bytes:
        if self.spec is not None:
            self.spec.check(method, params, files)
        act = METHODS.get(method)
        if act is not None:
            if method in LIMITED:
                self.limits.check(params.get("chat_id", 0))
            return _encode({"ok": True, "result": act(self, params, files)})
        if method == "getupdates":
            return await self._get_updates(params)
        if method in ("setwebhook", "deletewebhook"):
            return await self._set_webhook(params if method == "setwebhook" else {**params, "url": ""})
        raise ApiError(404, "Not Found: method not found")

    async def _get_updates(self, params: Params) -> bytes:
        if self.webhook is not None:
            raise ApiError(409, NO_POLL_WITH_WEBHOOK)
        self._allow(params)
        limit = min(max(params.get("limit") or 100, 1), 100)
        timeout = min(max(params.get("timeout") or 0, 0), 50)
        task = asyncio.current_task()
        assert task is not None
        self._slow.add(task)
        try:
            offset = params.get("offset") or 0
            self.updates.confirm(offset)
            self.changed()  # what was confirmed is known at once, however long the poll
            batch = await self.updates.poll(offset, limit, timeout)
        finally:
            self._slow.discard(task)
        return b'{"ok":true,"result":[' + b",".join([update.body for update in batch]) + b"]}"

    async def _set_webhook(self, params: Params) -> bytes:
        if params.get("url"):
            check_webhook(params)
            self.updates.end_poll(WEBHOOK_SET)
        self._allow(params)
        previous, self.webhook, self._webhook_params = self.webhook, None, None
        if previous is not None:
            await asyncio.shield(previous.close())  # it is closed even where the client goes away meanwhile
        if params.get("drop_pending_updates"):
            self.updates.drop_all()
        if params.get("url"):
            self._open_webhook(params)
            description = "Webhook was set"
        else:
            description = "Webhook was deleted" if previous is not None else "Webhook is already deleted"
        return _encode({"ok": True, "result": True, "description": description})

    def _open_webhook(self, params: Params) -> None:
        self._webhook_params = params
        self.webhook = Webhook(
            params,
            self.updates,
            backoff=self.webhook_backoff,
            timeout=self.webhook_timeout,
            changed=self.changed,
        )
        self.webhook.start()

    def _allow(self, params: Params) -> None:
        """Kinds of updates wanted from now on; unnamed, the last choice stays, as in the real server."""
        allowed = params.get("allowed_updates")
        if allowed is not None:
            self.updates.allowed = list(allowed)


async def _cut(request: BaseRequest, content: bytes) -> web.StreamResponse:
    """Half of a file, then nothing."""
    response = web.StreamResponse(headers={"Content-Length": str(len(content))})
    await response.prepare(request)
    await response.write(content[: len(content) // 2])
    drop_connection(request)
    return response


def failure(error: ApiError) -> web.Response:
    body: Json = {"ok": False, "error_code": error.code, "description": error.description}
    headers = None
    if error.parameters:
        body["parameters"] = error.parameters
        if "retry_after" in error.parameters:
            headers = {"Retry-After": str(error.parameters["retry_after"])}
    return json_response(_encode(body), error.code, headers)
