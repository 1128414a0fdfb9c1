"""The model: any server at OPENAI_BASE_URL that speaks chat completions with a JSON schema, and perhaps hears."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager, nullcontext
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, cast

import structlog

from bot.bill import Bill, estimated, estimated_audio
from flows.records import Record
from flows.spending import Kind, Spent

if TYPE_CHECKING:
    from openai import APIStatusError, AsyncOpenAI

    from bot.breaker import Breaker
from bot.settings import Settings

log = structlog.get_logger()

TIMEOUT_SECONDS = 60.0
"""For a summary, tries and waits included. So no try that cost something is repeated unseen."""
HEARING_SECONDS = 30.0
"""For a voice message, likewise."""
CONNECT_SECONDS = 3.0
"""A server that cannot be connected to so long is away: nothing was asked of it."""
TRIES = 1
"""Tries of the client itself on top of the first; longer outages are a matter of timers, see flows.summaries."""
MOST_TOKENS = 8000
"""A summary takes about 1,000; the rest is room for models that think first."""
MOST_REFLECTION_TOKENS = 1500
"""A reflection takes about 60; the rest is room for models that think first, whose thoughts count. One that is cut
off while it thinks has said nothing, and how long it may take is limited in seconds anyway."""
SHOW_EVERY_SECONDS = 0.3
SHOW_SECONDS = 1.0
"""A showing that takes longer is given up: it must not cost the answer."""
DEFAULT_MODEL = "gpt-5-mini"
DEFAULT_AUDIO_MODEL = "gpt-4o-mini-transcribe"

LEAST_EFFORT = (
    (re.compile(r"gpt-5(-mini|-nano)?(-\d{4}-\d\d-\d\d)?"), "minimal"),
    (re.compile(r"gpt-5\.\d.*"), "none"),
    (re.compile(r"o[134](-mini)?(-\d{4}-\d\d-\d\d)?"), "low"),
)
"""The least a model that thinks first can be asked to think, by its name. Others refuse to be asked at all."""
NAMED_AS = {"stream_options": "stream_options", "reasoning_effort": "reasoning"}
"""How a server that refuses such a parameter names it."""
NO_SUCH_MODEL = ("model_not_found", "invalid_model", "operationnotsupported", "unknown_url")
NO_SUCH_MODEL_WORDS = re.compile(r"invalid model|model \S* ?(not found|does not exist)|unknown (model|url|endpoint)")

FailureReason = Literal["unavailable", "timeout", "limited", "refused", "truncated", "invalid", "unsupported"]


class ModelFailedError(Exception):
    """The model did not deliver. `spent` is what the call cost all the same."""

    def __init__(self, reason: FailureReason, spent: tuple[Spent, ...] = ()) -> None:
        super().__init__(reason)
        self.reason: FailureReason = reason
        self.spent = spent


class Completed(Record):
    """What the model delivered: JSON text as it gave it, unchecked, or a transcript; and what that cost."""

    content: str
    spent: Spent


class Model:
    """Writes summaries, says answers back, writes voice messages down.

    Every call gives what it cost, and so does the ModelFailedError of one that failed. While the breaker is open none
    is made. The client is made when first needed: importing it takes a third of a second.
    """

    def __init__(
        self,
        key: str,
        base_url: str | None,
        name: str | None,
        timeout: float = TIMEOUT_SECONDS,
        audio_model: str | None = None,
        breaker: Breaker | None = None,
    ) -> None:
        self.name = name or DEFAULT_MODEL
        self.audio_model = audio_model or DEFAULT_AUDIO_MODEL
        self._key, self._base_url, self._timeout, self._breaker = key, base_url, timeout, breaker
        self._more: dict[str, Any] = {"stream_options": {"include_usage": True}}
        if effort := _least_effort(self.name):
            self._more["reasoning_effort"] = effort
        self._client: AsyncOpenAI | None = None

    async def check(self) -> None:
        """Ask for the model by its name. Raises ModelFailedError."""
        client = await self._connected()
        with _meaning():
            await client.models.retrieve(self.name)

    async def complete(
        self, messages: list[dict[str, str]], schema: dict[str, Any], *, name: str, kind: Kind
    ) -> Completed:
        """The JSON text for a schema of that name, whole: nothing of it is checked here.

        Raises ModelFailedError with the kind of failure, at the latest after the model's time-out in seconds.
        """
        bill = Bill(kind, self.name, _sent(messages, schema))
        asked: Any = {"messages": messages, "response_format": _shape(name, schema)}
        async with self._calling(bill, self._timeout) as client:
            said = {"model": self.name, "max_completion_tokens": MOST_TOKENS, **asked}
            raw = await self._created(client.chat.completions.with_raw_response.create, said, ("reasoning_effort",))
            bill.taken = True
            completion = raw.parse()
            bill.read(completion)
            choice = completion.choices[0]
            finished, refusal = choice.finish_reason, choice.message.refusal
            bill.received = content = _mended(choice.message.content or "")
            if finished == "content_filter" or refusal:
                raise ModelFailedError("refused")
            if finished == "length":
                raise ModelFailedError("truncated")
        return Completed(content=content, spent=bill.spent)

    async def reflect(
        self,
        messages: list[dict[str, str]],
        schema: dict[str, Any],
        show: Callable[[str], Awaitable[None]],
        seconds: float,
    ) -> Completed:
        """The JSON text for a schema, whole, as the model gives it: nothing of it is checked here.

        While it comes, `show` is given what there is of it, now and then; what it raises is no matter. One try only.
        Raises ModelFailedError with the kind of failure, at the latest after so many seconds. One that is broken off
        then has cost what was said so far.
        """
        bill = Bill("reflect", self.name, _sent(messages, schema))
        asked = {"messages": messages, "response_format": _shape("reflection", schema)}
        async with self._calling(bill, seconds, patient=False) as client:
            content = await self._streamed(client.with_options(max_retries=0), bill, asked, show)
        return Completed(content=content, spent=bill.spent)

    async def transcribe(self, audio: bytes, filename: str, language: str) -> Completed:
        """What is said in a voice message. The file's name tells the server how it is encoded ("voice.ogg").

        Raises ModelFailedError: "unsupported" where the server has no such model or does not hear at all, "invalid"
        where it makes nothing of this audio.
        """
        code = language.partition("-")[0]
        told: Any = {"language": code} if code else {}
        bill = Bill("transcribe", self.audio_model, estimated_audio(audio))
        async with self._calling(bill, HEARING_SECONDS) as client:
            with _hearing():
                raw = await client.audio.transcriptions.with_raw_response.create(
                    model=self.audio_model, file=(filename, audio), **told
                )
            bill.taken = True
            heard: Any = raw.parse()
            bill.read(heard)
            bill.received = text = _mended(heard.text.strip())
            if not text:
                raise ModelFailedError("invalid")
        return Completed(content=text, spent=bill.spent)

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.close()

    @asynccontextmanager
    async def _calling(self, bill: Bill, seconds: float, *, patient: bool = True) -> AsyncIterator[AsyncOpenAI]:
        """A call: let through by the breaker, over in so many seconds, its failure named and with its cost.

        A server that did not answer in time may have worked on it: that counts as far as it was sent.
        """
        asked = False
        with self._breaker.guarding(patient=patient) if self._breaker else nullcontext():
            try:
                async with asyncio.timeout(seconds):
                    client = await self._connected()
                    asked = True
                    with _meaning():
                        yield client
            except (TimeoutError, ModelFailedError) as error:
                reason = error.reason if isinstance(error, ModelFailedError) else "timeout"
                bill.taken = bill.taken or (asked and reason == "timeout")
                raise ModelFailedError(reason, bill.owed) from None

    async def _connected(self) -> AsyncOpenAI:
        openai = await asyncio.to_thread(import_module, "openai")  # a third of a second, beside the loop
        if self._client is None:
            self._client = openai.AsyncOpenAI(
                api_key=self._key,
                base_url=self._base_url,
                timeout=openai.Timeout(self._timeout, connect=CONNECT_SECONDS),
                max_retries=TRIES,
            )
        return cast("AsyncOpenAI", self._client)

    async def _streamed(
        self, client: AsyncOpenAI, bill: Bill, asked: dict[str, Any], show: Callable[[str], Awaitable[None]]
    ) -> str:
        """A streamed completion's content, whole."""
        loop = asyncio.get_running_loop()
        content, finished, refused, shown_at = "", None, False, float("-inf")
        said = {"model": self.name, "stream": True, "max_completion_tokens": MOST_REFLECTION_TOKENS, **asked}
        stream = await self._created(client.chat.completions.create, said, tuple(NAMED_AS))
        bill.taken = True
        async with aclosing(_pieces(stream, bill)) as pieces:
            async for piece, refusal, reason in pieces:
                content, finished, refused = content + piece, reason or finished, refused or refusal
                bill.received = content
                if piece and reason is None and loop.time() - shown_at >= SHOW_EVERY_SECONDS:
                    await _show(show, _mended(content))
                    shown_at = loop.time()  # from its end: a slow one leaves room to read on
        if finished == "content_filter" or refused:
            raise ModelFailedError("refused")
        if finished == "length":
            raise ModelFailedError("truncated")
        if finished is None or not content:  # a stream that just stops may be cut anywhere
            raise ModelFailedError("invalid")
        return _mended(content)

    async def _created(
        self, create: Callable[..., Awaitable[Any]], said: dict[str, Any], wanted: tuple[str, ...]
    ) -> Any:
        """A completion. What a server refuses of the words that not all know, it is not asked again."""
        import openai

        while True:
            more = {name: value for name, value in self._more.items() if name in wanted}
            try:
                return await create(**said, **more)
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                refused = [name for name in more if NAMED_AS[name] in str(error)]
                if not refused:
                    raise
            self._more = {name: value for name, value in self._more.items() if name not in refused}


def _shape(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": name, "strict": True, "schema": schema}}


def _sent(messages: list[dict[str, str]], schema: dict[str, Any]) -> int:
    """About how many tokens that is."""
    return estimated(json.dumps(schema, ensure_ascii=False), *(message["content"] for message in messages))


def model_of(settings: Settings, breaker: Breaker | None = None) -> Model | None:
    """The model that the settings name; None where there is none."""
    if settings.openai_api_key is None:
        return None
    return Model(
        settings.openai_api_key.get_secret_value(),
        settings.openai_base_url,
        settings.openai_model,
        audio_model=settings.openai_audio_model,
        breaker=breaker,
    )


def _least_effort(name: str) -> str | None:
    known = name.rpartition("/")[2]  # brokers put a maker before it
    return next((effort for pattern, effort in LEAST_EFFORT if pattern.fullmatch(known)), None)


async def _pieces(stream: Any, bill: Bill) -> AsyncGenerator[tuple[str, bool, str | None], None]:
    """What each part of an answer adds: its text, whether it refuses, why it ended. What it cost goes on the bill."""
    async with stream:
        if "json" in stream.response.headers.get("content-type", ""):  # a server that does not stream
            whole = json.loads(await stream.response.aread())
            bill.read(whole)
            [choice, *_] = whole["choices"]
            message = choice["message"]
            yield message.get("content") or "", bool(message.get("refusal")), choice.get("finish_reason")
            return
        async for chunk in stream:
            bill.read(chunk)
            for choice in chunk.choices:  # none in a chunk about the usage
                yield choice.delta.content or "", bool(choice.delta.refusal), choice.finish_reason


async def _show(show: Callable[[str], Awaitable[None]], so_far: str) -> None:
    try:
        async with asyncio.timeout(SHOW_SECONDS):
            await show(so_far)
    except Exception as error:
        log.warning("not shown", error=type(error).__name__)


def _mended(text: str) -> str:
    """Two halves of a character that a server sent apart become one; a half on its own becomes U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


@contextmanager
def _meaning() -> Iterator[None]:
    """The client's errors as kinds of failure, and those of its transport: it lets them through where the body of a
    streamed request is read whole, a refusal's too."""
    import httpx2
    import openai

    try:
        yield
    except (openai.APITimeoutError, httpx2.TimeoutException) as error:
        connected = not isinstance(error.__cause__, httpx2.ConnectTimeout)
        raise ModelFailedError("timeout" if connected else "unavailable") from None
    except openai.RateLimitError:
        raise ModelFailedError("limited") from None
    except (openai.OpenAIError, httpx2.HTTPError):
        raise ModelFailedError("unavailable") from None
    except (ValueError, AttributeError, TypeError, LookupError, RecursionError):  # an answer that is no such thing
        raise ModelFailedError("invalid") from None


@contextmanager
def _hearing() -> Iterator[None]:
    """The errors that mean something else where audio was sent."""
    import openai

    try:
        yield
    except openai.APIStatusError as error:
        if error.status_code in (404, 405, 501) or _no_such_model(error):
            raise ModelFailedError("unsupported") from None
        if error.status_code in (400, 413, 415, 422):
            raise ModelFailedError("invalid") from None
        raise


def _no_such_model(error: APIStatusError) -> bool:
    """Whether it is the model that is refused. "This model does not support the format" is about the audio."""
    return (
        error.param == "model"
        or str(error.code).lower() in NO_SUCH_MODEL
        or NO_SUCH_MODEL_WORDS.search(error.message.lower()) is not None
    )
