"""The model behind its two quick calls, over real HTTP: saying an answer back as it streams, and hearing.

Whatever the server does, the call ends in what was asked for or in ModelFailedError, and in time.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from structlog.testing import capture_logs

from bot import model as module
from bot.model import DEFAULT_AUDIO_MODEL, Model, ModelFailedError
from tests.servers import ModelServer

ANSWER = "I get stuck when everybody looks"
MESSAGES = [
    {"role": "system", "content": "You listen."},
    {"role": "user", "content": json.dumps({"answer": ANSWER})},
]
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"question": {"type": "string", "enum": ["one", "two"]}, "reflection": {"type": "string"}},
    "required": ["question", "reflection"],
    "additionalProperties": False,
}
SAID = {"question": "one", "reflection": f"You said: {ANSWER}"}
VOICE = b"OggS and so on"


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    """A model that answers as it should, until told otherwise."""
    async with ModelServer() as made:
        yield made


@pytest.fixture
async def model(server: ModelServer) -> AsyncIterator[Model]:
    """What the product has of it."""
    made = Model(server.api_key, server.base_url, "test-model")
    yield made
    await made.close()


class Shown(list[str]):
    """What was shown, in order, and when (loop time)."""

    def __init__(self) -> None:
        super().__init__()
        self.times: list[float] = []

    async def __call__(self, so_far: str) -> None:
        self.append(so_far)
        self.times.append(asyncio.get_running_loop().time())


async def reflected(model: Model, show: Callable[[str], Awaitable[None]] | None = None, seconds: float = 5.0) -> str:
    """What the model says back."""
    return await model.reflect(MESSAGES, SCHEMA, Shown() if show is None else show, seconds)


async def reason_of(work: Awaitable[Any]) -> str:
    """Why it failed."""
    with pytest.raises(ModelFailedError) as failed:
        await work
    return failed.value.reason


# ---- saying an answer back


async def test_the_whole_content_comes_back(server: ModelServer, model: Model) -> None:
    """One request: streamed, strict, bounded, and with nothing in it that an unknown server would refuse."""
    assert json.loads(await reflected(model)) == SAID
    [request] = server.asked("reflection")
    assert request.schema == SCHEMA
    assert request.body["messages"] == MESSAGES
    assert set(request.body) == {"model", "messages", "response_format", "stream", "max_completion_tokens"}
    assert request.body["response_format"]["json_schema"]["strict"] is True
    assert (request.body["model"], request.body["stream"]) == ("test-model", True)


async def test_it_is_shown_while_it_comes(server: ModelServer, model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """What there is so far, not more often than it may be, and never after the end."""
    monkeypatch.setattr(module, "SHOW_EVERY_SECONDS", 0.05)
    server.chunk_size, server.chunk_delay = 4, 0.01
    shown = Shown()
    content = await reflected(model, shown)
    count = len(shown)
    assert count >= 2
    assert all(content.startswith(part) and part for part in shown)
    assert [len(part) for part in shown] == sorted({len(part) for part in shown})
    gaps = [later - earlier for earlier, later in zip(shown.times, shown.times[1:], strict=False)]
    assert min(gaps) >= 0.05
    await asyncio.sleep(0.1)
    assert len(shown) == count


async def test_a_quick_answer_is_hardly_shown(
    server: ModelServer, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer that takes no time is not shown piece by piece."""
    monkeypatch.setattr(module, "SHOW_EVERY_SECONDS", 60.0)
    server.chunk_size = 1
    shown = Shown()
    await reflected(model, shown)
    assert len(shown) == 1


async def test_a_showing_that_fails_or_hangs_costs_nothing(
    server: ModelServer, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The content comes all the same, and no word of it is logged."""
    monkeypatch.setattr(module, "SHOW_EVERY_SECONDS", 0.02)
    monkeypatch.setattr(module, "SHOW_SECONDS", 0.02)
    server.chunk_delay = 0.01
    hung = 0

    async def fails(so_far: str) -> None:
        raise RuntimeError(so_far)

    async def hangs(_so_far: str) -> None:
        nonlocal hung
        hung += 1
        await asyncio.Event().wait()

    with capture_logs() as logs:
        assert json.loads(await reflected(model, fails)) == SAID
        assert json.loads(await reflected(model, hangs)) == SAID
    assert hung >= 1
    assert {entry["error"] for entry in logs} == {"RuntimeError", "TimeoutError"}
    assert "said" not in json.dumps(logs)


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        ("429", "limited"),
        ("500", "unavailable"),
        ("401", "unavailable"),
        ("404", "unavailable"),
        ("absent", "unavailable"),
        ("drop", "unavailable"),
        ("broken", "unavailable"),
        ("hang", "timeout"),
        ("stall", "timeout"),
        ("noise", "invalid"),
        ("cut", "invalid"),
        ("empty", "invalid"),
        ("truncated", "truncated"),
        ("refusal", "refused"),
        ("filtered", "refused"),
    ],
)
async def test_ways_to_fail(server: ModelServer, model: Model, mode: str, reason: str) -> None:
    """Each has its reason, and is tried once."""
    server.set_mode(mode, of="reflection")
    seconds = 0.2 if reason == "timeout" else 5.0
    assert await reason_of(reflected(model, seconds=seconds)) == reason
    assert len(server.requests) == 1
    server.set_mode("ok", of="reflection")
    assert json.loads(await reflected(model)) == SAID  # the next one is none the worse


async def test_what_the_model_says_is_not_checked_here(server: ModelServer, model: Model) -> None:
    """What is no JSON, or not the schema's, is the caller's to judge."""
    server.queue("garbage", "invalid")
    assert "not quite" in await reflected(model)
    assert "unexpected" in await reflected(model)


async def test_nobody_there(model: Model, server: ModelServer) -> None:
    """A server that is down."""
    await server.stop()
    assert await reason_of(reflected(model)) == "unavailable"


async def test_the_limit_is_over_everything(
    server: ModelServer, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Importing the client, a server that is slow, one that drips: together they have so many seconds."""
    server.chunk_size, server.chunk_delay = 1, 0.02
    assert await reason_of(reflected(model, seconds=0.2)) == "timeout"
    server.chunk_delay, server.reflection_delay = 0.0, 5.0
    assert await reason_of(reflected(model, seconds=0.1)) == "timeout"

    def slowly(_name: str) -> Any:
        time.sleep(0.2)

    monkeypatch.setattr(module, "import_module", slowly)
    assert await reason_of(reflected(model, seconds=0.05)) == "timeout"


async def test_a_call_that_is_cancelled_ends_at_once(server: ModelServer, model: Model) -> None:
    """As when the caller's own time is over, while it shows too; the connection does not stay behind."""
    server.set_mode("stall")
    showing = asyncio.Event()

    async def hangs(_so_far: str) -> None:
        showing.set()
        await asyncio.Event().wait()

    work = asyncio.ensure_future(reflected(model, hangs))
    await asyncio.wait_for(showing.wait(), 2)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work


async def test_a_server_that_does_not_stream(server: ModelServer, model: Model) -> None:
    """Its answer in one piece is as good; there is nothing to show on the way."""
    server.set_mode("plain")
    shown = Shown()
    assert json.loads(await reflected(model, shown)) == SAID
    assert not shown


CHUNK = '{"choices": [{"index": 0, "delta": {"content": "{}"}, "finish_reason": null}]}'
END = '{"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}'
SSE, JSON, HTML = "text/event-stream", "application/json", "text/html"


def events(*data: str) -> bytes:
    """A stream."""
    return "".join(f"data: {text}\n\n" for text in data).encode()


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        (SSE, events(CHUNK, END, "[DONE]"), "{}"),
        (SSE, events(CHUNK, END), "{}"),
        (SSE, b": waiting\n\n" + events(CHUNK, '{"choices": []}', END, "[DONE]"), "{}"),
        (HTML, events(CHUNK, END, "[DONE]"), "{}"),
        (SSE, b"", None),
        (SSE, events("[DONE]"), None),
        (SSE, events(CHUNK, "[DONE]"), None),
        (SSE, events(END, "[DONE]"), None),
        (SSE, events(CHUNK, "{not json", END), None),
        (SSE, events(CHUNK, "[1, 2]", END), None),
        (SSE, events(CHUNK, "5", END), None),
        (SSE, events(CHUNK, "null", END), None),
        (SSE, events(CHUNK, "{}", END), None),
        (SSE, events(CHUNK, '{"choices": null}', END), None),
        (SSE, events(CHUNK, '{"choices": {"a": 1}}', END), None),
        (SSE, events(CHUNK, '{"choices": [{"delta": {"content": 5}}]}', END), None),
        (SSE, events(CHUNK, '{"choices": [{"delta": {"content": [{"text": "a"}]}}]}', END), None),
        (SSE, events(CHUNK, '{"choices": [{"delta": "text"}]}', END), None),
        (SSE, events(CHUNK, "[" * 100_000), None),
        (SSE, b"data: \xff\xfe\n\n" + events(CHUNK, END), None),
        (SSE, b'{"choices": [{"message": {"content": "{}"}, "finish_reason": "stop"}]}', None),
        (JSON, b'{"choices": [{"message": {"content": "{}"}, "finish_reason": "stop"}]}', "{}"),
        (JSON, b'{"choices": [{"message": {"content": "{}"}}]}', None),
        (JSON, b'{"choices": [{"message": {"content": null}, "finish_reason": "stop"}]}', None),
        (JSON, b'{"choices": [{"message": {"content": 7}, "finish_reason": "stop"}]}', None),
        (JSON, b'{"choices": [{"message": null}]}', None),
        (JSON, b'{"choices": []}', None),
        (JSON, b'{"choices": null}', None),
        (JSON, b'{"choices": 5}', None),
        (JSON, b"[]", None),
        (JSON, b"null", None),
        (JSON, b"", None),
        (JSON, b"\xff\xfe\x00", None),
        (JSON, b"[" * 100_000, None),
        (JSON, b"<html>", None),
        (HTML, b"<html>no such thing</html>", None),
    ],
)
async def test_an_answer_that_is_none_of_the_apis(kind: str, body: bytes, expected: str | None) -> None:
    """Whatever a server sends, it is the content or "invalid"."""

    async def odd(_request: web.Request) -> web.Response:
        return web.Response(body=body, headers={"Content-Type": kind})

    async with serving(odd) as odd_model:
        if expected is None:
            assert await reason_of(reflected(odd_model)) == "invalid"
        else:
            assert await reflected(odd_model) == expected


class serving:
    """A model at a server of one's own handler."""

    def __init__(self, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", handler)
        self._server = TestServer(app)

    async def __aenter__(self) -> Model:
        await self._server.start_server()
        self._model = Model("key", str(self._server.make_url("/v1")), "test-model")
        return self._model

    async def __aexit__(self, *_: object) -> None:
        await self._model.close()
        await self._server.close()


@pytest.mark.parametrize("status", [200, 429, 500])
async def test_a_body_that_breaks_off(status: int) -> None:
    """One in a piece, or that of an error, that ends too early is a server that is away."""

    async def half(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=status, headers={"Content-Type": JSON, "Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b'{"choices": [')
        assert request.transport is not None
        request.transport.abort()
        return response

    async with serving(half) as half_model:
        assert await reason_of(reflected(half_model)) == "unavailable"


async def test_a_character_that_was_cut_in_two() -> None:
    """Its halves come together; a half on its own does no harm to whoever writes the text down."""
    pieces = ['{"a": "', "\\ud83c", "\\udf31", "\\ud83c", '"}']
    chunks = [CHUNK.replace('"{}"', json.dumps(piece).replace("\\\\", "\\")) for piece in pieces]

    async def cut(_request: web.Request) -> web.Response:
        return web.Response(body=events(*chunks, END, "[DONE]"), headers={"Content-Type": SSE})

    async with serving(cut) as cutting:
        assert await reflected(cutting) == '{"a": "🌱\ufffd"}'


@pytest.mark.parametrize(
    ("name", "effort"),
    [
        ("gpt-5-mini", "minimal"),
        ("gpt-5", "minimal"),
        ("openai/gpt-5-nano", "minimal"),
        ("gpt-5-mini-2025-08-07", "minimal"),
        ("gpt-5.4-mini", "none"),
        ("o4-mini", "low"),
        ("gpt-5-chat-latest", None),
        ("gpt-5-pro", None),
        ("gpt-4o-mini", None),
        ("llama3.2", None),
    ],
)
async def test_models_that_think_first_are_asked_to_think_little(
    server: ModelServer, name: str, effort: str | None
) -> None:
    """Only those that are known to take the word, which others refuse."""
    thinking = Model(server.api_key, server.base_url, name)
    await reflected(thinking)
    assert server.requests[0].body.get("reasoning_effort") == effort
    await thinking.close()


async def test_a_server_that_refuses_the_effort(server: ModelServer) -> None:
    """It is asked without, at once, and never with it again."""
    server.refuses = ("reasoning_effort",)
    thinking = Model(server.api_key, server.base_url, None)
    for _ in range(2):
        assert json.loads(await reflected(thinking)) == SAID
    assert ["reasoning_effort" in request.body for request in server.requests] == [True, False, False]
    await thinking.close()


async def test_a_request_that_is_refused_for_another_reason(server: ModelServer) -> None:
    """That is a failure, and no reason to ask again."""
    server.refuses = ("max_completion_tokens",)
    thinking = Model(server.api_key, server.base_url, None)
    assert await reason_of(reflected(thinking)) == "unavailable"
    assert len(server.requests) == 1
    await thinking.close()


# ---- hearing


async def test_a_voice_message_is_written_down(server: ModelServer, model: Model) -> None:
    """The audio arrives as it is, with its name and its language."""
    server.transcript = "  I read one page.\n"
    assert await model.transcribe(VOICE, "voice.ogg", "en-GB") == "I read one page."
    [heard] = server.heard
    assert (heard.content, heard.filename) == (VOICE, "voice.ogg")
    assert (heard.model, heard.language, heard.status) == (DEFAULT_AUDIO_MODEL, "en", 200)
    assert not server.requests


async def test_the_audio_model_can_be_another(server: ModelServer) -> None:
    """As it is called at the server; a language that is not known is not named."""
    hearing = Model(server.api_key, server.base_url, None, audio_model="whisper-large")
    await hearing.transcribe(VOICE, "voice.ogg", "")
    assert (server.heard[0].model, server.heard[0].language) == ("whisper-large", None)
    await hearing.close()


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        ("absent", "unsupported"),
        ("404", "unsupported"),
        ("405", "unsupported"),
        ("501", "unsupported"),
        ("400", "invalid"),
        ("413", "invalid"),
        ("429", "limited"),
        ("500", "unavailable"),
        ("401", "unavailable"),
        ("drop", "unavailable"),
        ("hang", "timeout"),
        ("noise", "invalid"),
        ("invalid", "invalid"),
        ("empty", "invalid"),
    ],
)
async def test_ways_not_to_hear(
    server: ModelServer, model: Model, mode: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has its reason."""
    monkeypatch.setattr(module, "TRIES", 0)
    monkeypatch.setattr(module, "HEARING_SECONDS", 0.2 if mode == "hang" else 5.0)
    server.set_mode(mode, of="transcription")
    assert await reason_of(model.transcribe(VOICE, "voice.ogg", "en")) == reason
    assert json.loads(await reflected(model)) == SAID  # the mode is the ear's alone


async def test_a_moment_of_weakness_is_tried_again(server: ModelServer, model: Model) -> None:
    """Nobody is told to type for one lost connection."""
    server.queue("drop", of="transcription")
    assert await model.transcribe(VOICE, "voice.ogg", "en") == "text"
    assert [heard.mode for heard in server.heard] == ["drop", "ok"]


@pytest.mark.parametrize(
    ("status", "error", "reason"),
    [
        (400, {"message": "invalid model ID", "param": None, "code": None}, "unsupported"),
        (400, {"message": "Not here.", "param": "model", "code": None}, "unsupported"),
        (
            400,
            {"message": "Not this operation.", "param": None, "code": "OperationNotSupported"},
            "unsupported",
        ),
        (403, {"message": "No access to model `x`", "param": None, "code": "model_not_found"}, "unsupported"),
        (400, {"message": "Audio file is too short.", "param": "file", "code": "audio_too_short"}, "invalid"),
        (
            400,
            {
                "message": "This model does not support the format you provided.",
                "param": "messages",
                "code": "unsupported_format",
            },
            "invalid",
        ),
        (400, "text", "invalid"),
    ],
)
async def test_what_is_refused_of_a_voice_message(status: int, error: Any, reason: str) -> None:
    """One bad recording does not mean that nothing here can hear."""

    async def refuses(_request: web.Request) -> web.Response:
        return web.json_response({"error": error}, status=status)

    async with serving(refuses) as deaf:
        assert await reason_of(deaf.transcribe(VOICE, "voice.ogg", "en")) == reason


@pytest.mark.parametrize(
    "body", ["", "[]", "null", "5", '{"text": null}', '{"text": 5}', '{"text": " \\n"}', "<html>"]
)
async def test_a_transcript_that_is_none(body: str) -> None:
    """Whatever a server sends, it is "invalid"."""

    async def odd(_request: web.Request) -> web.Response:
        return web.Response(text=body, content_type=JSON)

    async with serving(odd) as odd_model:
        assert await reason_of(odd_model.transcribe(VOICE, "voice.ogg", "en")) == "invalid"


async def test_a_model_that_is_not_known_there(server: ModelServer, model: Model) -> None:
    """A server that only writes."""
    server.models = ["test-model"]
    assert await reason_of(model.transcribe(VOICE, "voice.ogg", "en")) == "unsupported"
    assert json.loads(await reflected(model)) == SAID


# ---- the server itself


async def test_what_a_test_can_say_of_reflections(server: ModelServer, model: Model) -> None:
    """Its own words; late; a fault for them alone, or for all."""
    server.reflection = lambda request: json.dumps({"question": "two", "reflection": request["model"]})
    assert json.loads(await reflected(model)) == {"question": "two", "reflection": "test-model"}
    server.reflection_delay = 0.05
    started = asyncio.get_running_loop().time()
    await reflected(model)
    assert asyncio.get_running_loop().time() - started >= 0.05
    server.queue("500")
    server.queue("429", of="reflection")
    assert await reason_of(reflected(model)) == "limited"
    assert await reason_of(reflected(model)) == "unavailable"
    server.set_mode("500")
    assert await reason_of(reflected(model)) == "unavailable"
    assert [request.mode for request in server.asked("reflection")] == ["ok", "ok", "429", "500", "500"]
    assert server.asked("summary") == []
