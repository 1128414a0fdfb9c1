"""An OpenAI-compatible server: answers by schema, and can be down, slow, wrong, refusing or cut short."""

import asyncio
import inspect
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from aiohttp import BodyPartReader, web
from aiohttp.web_request import BaseRequest

from .base import LocalServer, drop_connection, json_response
from .model_chat import ERROR_TYPES, Mode, ModelError, check_request, completion, stream_chunks, text_of
from .model_extras import embeddings
from .model_schema import broken, instance

Json = dict[str, Any]
Answer = Callable[[Json], dict[str, Any] | str | Awaitable[dict[str, Any] | str]]

PLAIN_ANSWER = "text"
REFUSAL = "I'm sorry, I can't help with that."
ERROR_TEXTS = {
    429: ("Rate limit reached for requests.", "requests", "rate_limit_exceeded"),
    500: ("The server had an error while processing your request.", "server_error", None),
    503: ("The engine is currently overloaded, please try again later.", "server_error", None),
}


class ModelRequest(msgspec.Struct):
    """One chat completion that was asked for. No status: not answered, not yet or never."""

    body: Json
    mode: str
    status: int | None = None
    answer: str | None = None
    headers: dict[str, str] = msgspec.field(default_factory=dict)

    @property
    def schema(self) -> Json | None:
        wanted = self.body.get("response_format") or {}
        return (wanted.get("json_schema") or {}).get("schema")

    @property
    def prompt(self) -> str:
        """Everything that was told to the model, as one text."""
        return "\n".join(text_of(message) for message in self.body.get("messages", []))


class ModelServer(LocalServer):
    """``answer``: what the model says to a request; without it an instance of the schema, or "text".

    ``models``: the ids it knows (None: whatever is asked for). ``transcript``: what it hears in any audio.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        api_key: str = "test-key",
        answer: Answer | None = None,
        models: list[str] | None = None,
        mode: str = "ok",
        transcript: str = "text",
    ) -> None:
        super().__init__(host=host, port=port)
        self.api_key = api_key
        self.answer = answer
        self.models = models
        self.transcript = transcript
        self.mode = Mode(mode)
        self.requests: list[ModelRequest] = []
        self._next: deque[Mode] = deque()

    @property
    def base_url(self) -> str:
        """What OPENAI_BASE_URL is set to."""
        return f"{self.url}/v1"

    def set_mode(self, name: str, *, seconds: float = 0.0, retry_after: float | None = None) -> None:
        """From now on, whenever the queue is empty."""
        self.mode = Mode(name, seconds, retry_after)

    def queue(self, *names: str, times: int = 1, seconds: float = 0.0, retry_after: float | None = None) -> None:
        """For the next requests, one mode each, before the permanent one holds again."""
        for _ in range(times):
            self._next.extend(Mode(name, seconds, retry_after) for name in names)

    async def wait_requests(self, count: int, timeout: float = 5.0) -> list[ModelRequest]:  # noqa: ASYNC109
        """Wait until so many completions were asked for."""
        await self.wait_for(lambda: len(self.requests) >= count, timeout, f"{count} requests to the model")
        return self.requests

    # -- the server ----------------------------------------------------------------------------------

    async def handle(self, request: BaseRequest) -> web.StreamResponse:
        try:
            self._authorise(request)
            return await self._route(request)
        except ModelError as error:
            return json_response(msgspec.json.encode(error.body), error.status)

    def _authorise(self, request: BaseRequest) -> None:
        given = request.headers.get("Authorization", "")
        if not given.startswith("Bearer "):
            raise ModelError(401, "You didn't provide an API key in an Authorization header using Bearer auth.")
        if given.removeprefix("Bearer ") != self.api_key:
            raise ModelError(401, "Incorrect API key provided.", code="invalid_api_key")

    async def _route(self, request: BaseRequest) -> web.StreamResponse:
        path = request.path
        if request.method == "GET" and path == "/v1/models":
            return _json({"object": "list", "data": [_model(name) for name in self.models or ["test-model"]]})
        if request.method == "GET" and path.startswith("/v1/models/"):
            name = path.removeprefix("/v1/models/")
            self._check_model(name)
            return _json(_model(name))
        if request.method == "POST" and path == "/v1/chat/completions":
            return await self._complete(request)
        if request.method == "POST" and path == "/v1/embeddings":
            return _json(embeddings(_decode(await request.read())))
        if request.method == "POST" and path == "/v1/audio/transcriptions":
            return await self._transcribe(request)
        raise ModelError(404, f"Unknown request URL: {request.method} {path}.", code="unknown_url")

    def _check_model(self, name: Any) -> None:
        if not isinstance(name, str) or not name:
            raise ModelError(400, "you must provide a model parameter")
        if self.models is not None and name not in self.models:
            message = f"The model `{name}` does not exist or you do not have access to it."
            raise ModelError(404, message, code="model_not_found")

    async def _transcribe(self, request: BaseRequest) -> web.Response:
        async for part in await request.multipart():
            if isinstance(part, BodyPartReader) and part.name == "file" and await part.read():
                return _json({"text": self.transcript})
        raise ModelError(400, "file is required", param="file")

    async def _complete(self, request: BaseRequest) -> web.StreamResponse:
        body = _decode(await request.read())
        mode = self._next.popleft() if self._next else self.mode
        record = ModelRequest(body, mode.name, headers=dict(request.headers))
        self.requests.append(record)
        self.waiters.notify()
        try:
            self._check_model(body.get("model"))
            check_request(body)
        except ModelError as error:
            record.status = error.status
            raise
        if mode.status != 200:
            record.status = mode.status
            return _error(mode)
        if mode.name == "hang" or mode.seconds:
            await self.pause(float("inf") if mode.name == "hang" else mode.seconds)
        content = await self._content(body, mode)
        record.answer = content
        if mode.name == "drop" and not body.get("stream"):
            return drop_connection(request)
        record.status = 200
        if body.get("stream"):
            return await self._stream(request, body, mode, content)
        return _json(completion(body, mode, content))

    async def _content(self, body: Json, mode: Mode) -> str:
        if mode.name == "garbage":
            return "Certainly! Here is your JSON: {not quite"
        if mode.name == "refusal":
            return REFUSAL
        given = await self._answered(body)
        if mode.name == "invalid":
            given = broken(given)
        text = given if isinstance(given, str) else msgspec.json.encode(given).decode()
        return text[: max(len(text) * 2 // 3, 1)] if mode.name == "truncated" else text

    async def _answered(self, body: Json) -> Any:
        if self.answer is not None:
            given = self.answer(body)
            return await given if inspect.isawaitable(given) else given
        wanted = body.get("response_format") or {}
        if wanted.get("type") == "json_schema":
            return instance(wanted["json_schema"]["schema"])
        return {} if wanted.get("type") == "json_object" else PLAIN_ANSWER

    async def _stream(self, request: BaseRequest, body: Json, mode: Mode, content: str) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
        await response.prepare(request)
        chunks = stream_chunks(body, mode, content)
        if mode.name == "drop":
            chunks = chunks[: len(chunks) // 2]
        for chunk in chunks:
            await response.write(b"data: " + msgspec.json.encode(chunk) + b"\n\n")
            await asyncio.sleep(0)
        if mode.name == "drop":
            drop_connection(request)
            return response
        await response.write(b"data: [DONE]\n\n")
        await response.write_eof()
        return response


def _model(name: str) -> Json:
    return {"id": name, "object": "model", "created": 0, "owned_by": "test"}


def _decode(body: bytes) -> Json:
    try:
        decoded = msgspec.json.decode(body)
    except msgspec.DecodeError:
        decoded = None
    if not isinstance(decoded, dict):
        raise ModelError(400, "We could not parse the JSON body of your request.")
    return decoded


def _json(body: Json) -> web.Response:
    return json_response(msgspec.json.encode(body), headers={"x-request-id": "req_test"})


def _error(mode: Mode) -> web.Response:
    fallback = (f"HTTP {mode.status}", ERROR_TYPES.get(mode.status, "server_error"), None)
    message, kind, code = ERROR_TEXTS.get(mode.status, fallback)
    body = {"error": {"message": message, "type": kind, "param": None, "code": code}}
    headers = {}
    if mode.status == 429 or mode.retry_after is not None:
        headers["Retry-After"] = f"{1 if mode.retry_after is None else mode.retry_after:g}"
    return json_response(msgspec.json.encode(body), mode.status, headers)
