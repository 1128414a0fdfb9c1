"""An OpenAI-compatible server: answers by schema, and can be down, slow, wrong, refusing or cut short."""

import inspect
from collections import deque
from collections.abc import Awaitable, Callable, Collection
from typing import Any

import msgspec
from aiohttp import web
from aiohttp.web_request import BaseRequest

from .base import LocalServer, drop_connection, json_response
from .model_audio import AudioRequest, read_audio, transcription
from .model_audio import usage as heard_usage
from .model_chat import (
    CACHED_BY,
    ERROR_TEXTS,
    ERROR_TYPES,
    Mode,
    ModelError,
    ModelRequest,
    check_request,
    completion,
    name_of,
    stream_chunks,
    text_of,
    tokens,
)
from .model_extras import embeddings, reflection
from .model_schema import broken, instance
from .model_stream import NOISE, send_stream

Json = dict[str, Any]
Answer = Callable[[Json], dict[str, Any] | str | Awaitable[dict[str, Any] | str]]

PLAIN_ANSWER = "text"
REFUSAL = "I'm sorry, I can't help with that."


class ModelServer(LocalServer):
    """``answer``: what the model says to a request; without it an instance of the schema, or "text".

    ``reflection``: what it says where the schema is named "reflection"; ``reflection_delay``: how late, in seconds.
    ``transcript``: what it hears in any audio. ``chunk_size``, ``chunk_delay``: how a stream comes, in characters and
    seconds. ``models``: the ids it knows (None: whatever is asked for). ``refuses``: parameters it does not take.
    Each can be changed later as an attribute of the same name; ``mode`` by ``set_mode``.
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
        reflection: Answer = reflection,
        reflection_delay: float = 0.0,
        chunk_size: int = 12,
        chunk_delay: float = 0.0,
        refuses: Collection[str] = (),
    ) -> None:
        super().__init__(host=host, port=port)
        self.api_key = api_key
        self.answer = answer
        self.models = models
        self.transcript = transcript
        self.reflection = reflection
        self.reflection_delay = reflection_delay
        self.chunk_size = chunk_size
        self.chunk_delay = chunk_delay
        self.refuses = refuses
        self.mode = Mode(mode)
        self.requests: list[ModelRequest] = []
        self.heard: list[AudioRequest] = []
        self._beginnings: set[str] = set()
        self._modes: dict[str, Mode] = {}
        self._next: dict[str | None, deque[Mode]] = {None: deque()}

    @property
    def base_url(self) -> str:
        """What OPENAI_BASE_URL is set to."""
        return f"{self.url}/v1"

    def set_mode(
        self, name: str, *, seconds: float = 0.0, retry_after: float | None = None, of: str | None = None
    ) -> None:
        """From now on, whenever the queue is empty. ``of``: only for one kind of request, whatever holds for others:
        a schema's name ("summary", "reflection"), or "transcription"."""
        mode = Mode(name, seconds, retry_after)
        if of is None:
            self.mode = mode
        else:
            self._modes[of] = mode

    def queue(
        self,
        *names: str,
        times: int = 1,
        seconds: float = 0.0,
        retry_after: float | None = None,
        of: str | None = None,
    ) -> None:
        """For the next requests (of one kind), one mode each, before the permanent one holds again."""
        for _ in range(times):
            self._next.setdefault(of, deque()).extend(Mode(name, seconds, retry_after) for name in names)

    def asked(self, name: str) -> list[ModelRequest]:
        """The completions that were asked for with the schema of a name, in order."""
        return [request for request in self.requests if request.name == name]

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

    def _mode_of(self, kind: str | None) -> Mode:
        for key in (kind, None):
            if self._next.get(key):
                return self._next[key].popleft()
        return self._modes.get(kind or "", self.mode)

    def _check(self, record: ModelRequest | AudioRequest, body: Json) -> None:
        """What is refused before any fault strikes: a model that is not known, parameters that are not taken."""
        try:
            self._check_model(body.get("model"))
            for name in self.refuses:
                if name in body:
                    raise ModelError(400, f"Unrecognized request argument supplied: {name}")
            if isinstance(record, AudioRequest):
                if not record.content:
                    raise ModelError(400, "file is required", param="file")
            else:
                check_request(body)
        except ModelError as error:
            record.status = error.status
            raise

    async def _transcribe(self, request: BaseRequest) -> web.Response:
        record = await read_audio(request)
        mode = self._mode_of("transcription")
        record.mode = mode.name
        self.heard.append(record)
        self.waiters.notify()
        if mode.name != "absent":
            self._check(record, record.fields)
        if mode.status != 200:
            record.status = mode.status
            return _error(mode)
        await self._wait(mode, mode.seconds)
        if mode.name == "drop":
            return drop_connection(request)
        record.status = 200
        record.usage = heard_usage(record, self.transcript)
        return json_response(transcription(mode, self.transcript, record.usage))

    async def _complete(self, request: BaseRequest) -> web.StreamResponse:
        body = _decode(await request.read())
        mode = self._mode_of(name_of(body))
        record = ModelRequest(body, mode.name, headers=dict(request.headers))
        self.requests.append(record)
        self.waiters.notify()
        self._check(record, body)
        if mode.status != 200:
            record.status = mode.status
            return _error(mode)
        streams = body.get("stream") and mode.name != "plain"
        hangs = mode.name == "stall" and not streams
        late = self.reflection_delay if record.name == "reflection" else 0.0
        await self._wait(Mode("hang") if hangs else mode, mode.seconds + late)
        content = await self._content(body, mode)
        record.cached, record.answer = self._cached(body), content
        if mode.name == "drop" and not streams:
            return drop_connection(request)
        record.status = 200
        if streams:
            chunks = stream_chunks(body, mode, content, self.chunk_size, record.cached)
            return await send_stream(self, request, mode, chunks, self.chunk_delay)
        if mode.name in ("noise", "cut", "broken"):
            return json_response(NOISE)
        return _json(completion(body, mode, content, record.cached))

    def _cached(self, body: Json) -> int:
        """How many tokens of the prompt were asked before: those of its first message."""
        first = text_of(body["messages"][0])
        known = first in self._beginnings
        self._beginnings.add(first)
        return tokens(first) // CACHED_BY * CACHED_BY if known else 0

    async def _wait(self, mode: Mode, seconds: float) -> None:
        if mode.name == "hang" or seconds:
            await self.pause(float("inf") if mode.name == "hang" else seconds)

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
        answer = self.reflection if name_of(body) == "reflection" else self.answer
        if answer is not None:
            given = answer(body)
            return await given if inspect.isawaitable(given) else given
        wanted = body.get("response_format") or {}
        if wanted.get("type") == "json_schema":
            return instance(wanted["json_schema"]["schema"])
        return {} if wanted.get("type") == "json_object" else PLAIN_ANSWER


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
