"""The model behind its calls, over real HTTP: saying an answer back as it streams, hearing, and what that costs.

Whatever the server does, the call ends in what was asked for or in ModelFailedError, in time, and with its cost.
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
from bot.model import DEFAULT_AUDIO_MODEL, Completed, Model, ModelFailedError
from flows.spending import Kind, Spent
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
    return (await model.reflect(MESSAGES, SCHEMA, Shown() if show is None else show, seconds)).content


async def reason_of(work: Awaitable[Any]) -> str:
    """Why it failed."""
    with pytest.raises(ModelFailedError) as failed:
        await work
    return failed.value.reason


# ---- saying an answer back


async def test_the_whole_content_comes_back(server: ModelServer, model: Model) -> None:
    """One request: streamed, strict, bounded, and with little in it that an unknown server might refuse."""
    assert json.loads(await reflected(model)) == SAID
    [request] = server.asked("reflection")
    assert request.schema == SCHEMA
    assert request.body["messages"] == MESSAGES
    known = {"model", "messages", "response_format", "stream", "max_completion_tokens"}
    assert set(request.body) == known | {"stream_options"}
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
    assert (await model.transcribe(VOICE, "voice.ogg", "en-GB")).content == "I read one page."
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
    assert (await model.transcribe(VOICE, "voice.ogg", "en")).content == "text"
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


# ---- what it costs


async def completed(model: Model, messages: list[dict[str, str]] = MESSAGES) -> Completed:
    """A completion in one piece."""
    return await model.complete(messages, SCHEMA, name="summary", kind="summary")


async def cost_of(work: Awaitable[Completed]) -> Spent | None:
    """What a call cost, whatever came of it; None where it cost nothing."""
    try:
        return (await work).spent
    except ModelFailedError as failure:
        return failure.spent[0] if failure.spent else None


def counted(kind: Kind, usage: dict[str, Any], name: str = "test-model") -> Spent:
    """What the server itself counted."""
    return Spent(
        kind=kind,
        model=name,
        prompt=usage["prompt_tokens"],
        completion=usage["completion_tokens"],
        cached=usage["prompt_tokens_details"]["cached_tokens"],
    )


SENT = -(-len("".join([json.dumps(SCHEMA), *(message["content"] for message in MESSAGES)])) // 4)
"""The estimate of what is sent: four bytes a token."""


async def test_a_completion_in_one_piece(server: ModelServer, model: Model) -> None:
    """Strict, bounded, under the name of its schema; it comes back unchecked."""
    server.answer = lambda _: "Here it is: {"
    assert (await completed(model)).content == "Here it is: {"
    [request] = server.asked("summary")
    assert (request.schema, request.body["messages"]) == (SCHEMA, MESSAGES)
    assert request.body["response_format"]["json_schema"]["strict"] is True
    assert "stream" not in request.body


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        ("429", "limited"),
        ("500", "unavailable"),
        ("404", "unavailable"),
        ("drop", "unavailable"),
        ("hang", "timeout"),
        ("noise", "invalid"),
        ("empty", "invalid"),
        ("truncated", "truncated"),
        ("refusal", "refused"),
        ("filtered", "refused"),
    ],
)
async def test_ways_to_fail_in_one_piece(
    server: ModelServer, mode: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has its reason, and comes in time."""
    monkeypatch.setattr(module, "TRIES", 0)
    server.set_mode(mode)
    slow = Model(server.api_key, server.base_url, None, timeout=0.3 if mode == "hang" else 5.0)
    assert await reason_of(completed(slow)) == reason
    await slow.close()


async def test_the_servers_own_figures_count(server: ModelServer, model: Model) -> None:
    """Of a stream, of an answer in one piece, of a transcript: what the server says, and under the model it names."""
    assert await cost_of(model.reflect(MESSAGES, SCHEMA, Shown(), 5.0)) == counted(
        "reflect", server.requests[0].usage
    )
    assert await cost_of(completed(model)) == counted("summary", server.requests[1].usage)
    heard = await cost_of(model.transcribe(VOICE, "voice.ogg", "en"))
    usage = server.heard[0].usage
    assert heard == Spent(
        kind="transcribe",
        model=DEFAULT_AUDIO_MODEL,
        prompt=usage["input_tokens"],
        completion=usage["output_tokens"],
    )


async def test_what_the_server_had_already(server: ModelServer, model: Model) -> None:
    """Tokens of the prompt that it had cached are told apart, in a stream too."""
    messages = [{"role": "system", "content": "You listen. " * 100}, MESSAGES[1]]
    first, again = await completed(model, messages), await completed(model, messages)
    streamed = await model.reflect(messages, SCHEMA, Shown(), 5.0)
    assert first.spent.cached == 0
    assert again.spent.cached == streamed.spent.cached == 256
    assert again.spent.prompt == first.spent.prompt


@pytest.mark.parametrize(
    ("mode", "cost"),
    [
        ("refusal", "counted"),
        ("truncated", "counted"),
        ("filtered", "counted"),
        ("garbage", "counted"),
        ("empty", "counted"),
        ("plain", "counted"),
        ("uncounted", "estimated"),
        ("miscounted", "estimated"),
        ("drop", "estimated"),
        ("broken", "estimated"),
        ("cut", "estimated"),
        ("noise", "estimated"),
        ("stall", "estimated"),
        ("hang", "estimated"),
        ("500", None),
        ("429", None),
        ("404", None),
    ],
)
async def test_what_a_stream_costs_that_fails(server: ModelServer, model: Model, mode: str, cost: str | None) -> None:
    """The figures where there are any; else what was sent and what came so far; nothing where it was not taken."""
    await model.check()
    server.set_mode(mode)
    spent = await cost_of(model.reflect(MESSAGES, SCHEMA, Shown(), 0.5 if mode in ("stall", "hang") else 5.0))
    if cost is None:
        assert spent is None
        return
    assert spent is not None
    if cost == "counted":
        assert spent == counted("reflect", server.requests[0].usage)
        return
    assert (spent.estimated, spent.prompt, spent.cached) == (True, SENT, 0)
    whole = len(server.requests[0].answer or "") / 4
    part = {"hang": 0, "uncounted": whole, "miscounted": whole}.get(mode, whole / 2)
    assert abs(spent.completion - part) < 5


@pytest.mark.parametrize(("mode", "owed"), [("hang", True), ("500", False), ("drop", False), ("noise", True)])
async def test_what_a_completion_costs_that_fails(
    server: ModelServer, mode: str, owed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that did not answer in time may have worked on it; one that is not there has not."""
    monkeypatch.setattr(module, "TRIES", 0)
    server.set_mode(mode)
    slow = Model(server.api_key, server.base_url, "test-model", timeout=0.3 if mode == "hang" else 5.0)
    await slow.check()
    spent = await cost_of(completed(slow))
    assert spent == (
        Spent(kind="summary", model="test-model", prompt=SENT, completion=0, estimated=True) if owed else None
    )
    await slow.close()


async def test_a_server_that_is_gone_costs_nothing(server: ModelServer, model: Model) -> None:
    """Nobody took the request."""
    await server.stop()
    assert await cost_of(model.reflect(MESSAGES, SCHEMA, Shown(), 5.0)) is None


NO_FIGURES: list[Any] = [
    None,
    5,
    "text",
    [],
    {},
    {"prompt_tokens": 7},
    {"prompt_tokens": -7, "completion_tokens": 5},
    {"prompt_tokens": 7, "completion_tokens": -5},
    {"prompt_tokens": "7", "completion_tokens": "5"},
    {"prompt_tokens": 7.5, "completion_tokens": 5},
    {"prompt_tokens": True, "completion_tokens": True},
    {"prompt_tokens": 0, "completion_tokens": 0},
    {"prompt_tokens": 10**30, "completion_tokens": 5},
    {"prompt_tokens": [7], "completion_tokens": {"a": 5}},
]


@pytest.mark.parametrize("usage", NO_FIGURES, ids=str)
async def test_figures_that_are_none(usage: Any) -> None:
    """Whatever a server says of the usage, the answer is as good, and what it cost is estimated."""

    async def odd(request: web.Request) -> web.Response:
        if (await request.json()).get("stream"):
            last = json.dumps({"choices": [], "usage": usage, "model": "other"})
            return web.Response(body=events(CHUNK, END, last, "[DONE]"), headers={"Content-Type": SSE})
        message = {"message": {"content": "{}"}, "finish_reason": "stop"}
        return web.json_response({"choices": [message], "usage": usage, "model": "other"})

    async with serving(odd) as odd_model:
        for kind, work in (
            ("reflect", odd_model.reflect(MESSAGES, SCHEMA, Shown(), 5.0)),
            ("summary", completed(odd_model)),
        ):
            spent = await cost_of(work)
            assert spent == Spent(kind=kind, model="other", prompt=SENT, completion=1, estimated=True)


@pytest.mark.parametrize(
    ("details", "cached"),
    [(None, 0), ({"cached_tokens": 6}, 6), ({"cached_tokens": 99}, 7), ({"cached_tokens": -1}, 0), ("text", 0)],
)
async def test_cached_tokens_are_part_of_the_prompt(details: Any, cached: int) -> None:
    """Never more than the prompt, and none where that is not said."""
    usage = {"prompt_tokens": 7, "completion_tokens": 0, "prompt_tokens_details": details}

    async def odd(_request: web.Request) -> web.Response:
        return web.json_response({"choices": [{"message": {"content": "{}"}}], "usage": usage})

    async with serving(odd) as odd_model:
        spent = await cost_of(completed(odd_model))
    assert spent == Spent(kind="summary", model="test-model", prompt=7, completion=0, cached=cached)


@pytest.mark.parametrize("name", [None, "", 5, "a\u0000b", "\ud83c", "x" * 129, ["m"]], ids=repr)
async def test_a_models_name_that_cannot_be_kept(name: Any) -> None:
    """It counts under the name that was asked for."""

    async def odd(_request: web.Request) -> web.Response:
        usage = {"prompt_tokens": 7, "completion_tokens": 5}
        return web.json_response({"choices": [{"message": {"content": "{}"}}], "usage": usage, "model": name})

    async with serving(odd) as odd_model:
        assert (await completed(odd_model)).spent.model == "test-model"


async def test_audio_without_figures(server: ModelServer, model: Model) -> None:
    """By the seconds that the server says; else by the file's size, and no more than a voice message may last."""
    whisper = Model(server.api_key, server.base_url, None, audio_model="whisper-1")
    heard = await whisper.transcribe(b"x" * 19_000, "voice.ogg", "en")
    assert server.heard[0].usage == {"type": "duration", "seconds": 10}
    assert heard.spent == Spent(kind="transcribe", model="whisper-1", prompt=100, completion=1, estimated=True)
    await whisper.close()
    server.set_mode("uncounted")
    for size, tokens in ((20_000, 100), (5_000_000, 3000)):
        heard = await model.transcribe(b"x" * size, "voice.ogg", "en")
        assert (heard.spent.prompt, heard.spent.completion, heard.spent.estimated) == (tokens, 1, True)


async def test_audio_that_is_refused_costs_nothing(server: ModelServer, model: Model) -> None:
    """Where it was listened to and nothing was heard, it costs."""
    server.queue("413", "absent", "empty", of="transcription")
    costs = [await cost_of(model.transcribe(VOICE, "voice.ogg", "en")) for _ in range(3)]
    assert costs[:2] == [None, None]
    assert costs[2] is not None
    assert not costs[2].estimated


async def test_a_server_that_refuses_to_be_asked_for_figures(server: ModelServer) -> None:
    """It is asked without, at once, and never so again; what it may be asked besides, it still is."""
    server.refuses = ("stream_options",)
    thinking = Model(server.api_key, server.base_url, None)
    costs = [await cost_of(thinking.reflect(MESSAGES, SCHEMA, Shown(), 5.0)) for _ in range(2)]
    assert ["stream_options" in request.body for request in server.requests] == [True, False, False]
    assert all("reasoning_effort" in request.body for request in server.requests)
    assert all(cost is not None and cost.estimated for cost in costs)
    await thinking.close()


async def test_a_server_that_refuses_everything_more(server: ModelServer) -> None:
    """One thing after another; calls side by side do not get in each other's way."""
    server.refuses = ("stream_options", "reasoning_effort")
    thinking = Model(server.api_key, server.base_url, None)
    for content in await asyncio.gather(reflected(thinking), reflected(thinking), reflected(thinking)):
        assert json.loads(content) == SAID
    assert len(server.requests) <= 9
    server.requests.clear()
    await reflected(thinking)
    assert len(server.requests) == 1
    await thinking.close()


MODES = ["ok", "plain", "garbage", "invalid", "refusal", "truncated", "noise", "broken", "cut", "drop", "500", "400"]


@pytest.mark.parametrize("mode", MODES)
async def test_no_word_of_a_person_is_logged(
    server: ModelServer, model: Model, mode: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Not by us, nor by the client and what it stands on, however much they log."""
    caplog.set_level(0)
    for logger in ("openai", "httpx", "httpx2", "httpcore"):
        caplog.set_level(0, logger)
    messages = [{"role": "user", "content": json.dumps({"answer": "CANARY sings"})}]
    server.reflection = lambda _: json.dumps({"question": "one", "reflection": "CANARY sings"})
    server.answer, server.transcript = server.reflection, "CANARY sings"
    server.set_mode(mode)
    with capture_logs() as logs:
        await cost_of(model.reflect(messages, SCHEMA, Shown(), 5.0))
        await cost_of(completed(model, messages))
        await cost_of(model.transcribe(b"OggS CANARY", "voice.ogg", "en"))
    assert len(server.requests) >= 2
    assert "CANARY" not in caplog.text
    assert "CANARY" not in json.dumps(logs)
    assert not any("CANARY" in repr(record.args) for record in caplog.records)


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
