"""The model: any server at OPENAI_BASE_URL that speaks chat completions with a JSON schema, and perhaps hears."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, cast

import structlog

from flows.documents import Document, Material, checked, request, schema
from flows.errors import UnusableSummaryError

if TYPE_CHECKING:
    from openai import APIStatusError, AsyncOpenAI

log = structlog.get_logger()

TIMEOUT_SECONDS = 60.0
HEARING_SECONDS = 30.0
"""For a voice message, tries and waits included."""
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
NO_SUCH_MODEL = ("model_not_found", "invalid_model", "operationnotsupported", "unknown_url")
NO_SUCH_MODEL_WORDS = re.compile(r"invalid model|model \S* ?(not found|does not exist)|unknown (model|url|endpoint)")

FailureReason = Literal["unavailable", "timeout", "limited", "refused", "truncated", "invalid", "unsupported"]


class ModelFailedError(Exception):
    """The model did not deliver."""

    def __init__(self, reason: FailureReason) -> None:
        super().__init__(reason)
        self.reason: FailureReason = reason


class Model:
    """Writes summaries, says answers back, writes voice messages down.

    The client is made when first needed: importing it takes a third of a second.
    """

    def __init__(
        self,
        key: str,
        base_url: str | None,
        name: str | None,
        timeout: float = TIMEOUT_SECONDS,
        audio_model: str | None = None,
    ) -> None:
        self.name = name or DEFAULT_MODEL
        self.audio_model = audio_model or DEFAULT_AUDIO_MODEL
        self._key, self._base_url, self._timeout = key, base_url, timeout
        self._effort = _least_effort(self.name)
        self._client: AsyncOpenAI | None = None

    async def check(self) -> None:
        """Ask for the model by its name. Raises ModelFailedError."""
        client = await self._connected()
        with _meaning():
            await client.models.retrieve(self.name)

    async def summary(self, material: Material) -> Document:
        """The summary of a session, checked. Raises ModelFailedError with the kind of failure."""
        messages: Any = request(material)  # plain dicts, as the API has them
        shape: Any = {"type": "json_schema", "json_schema": {"name": "summary", "strict": True, "schema": schema()}}
        client = await self._connected()
        with _meaning():
            completion = await client.chat.completions.create(
                model=self.name, messages=messages, response_format=shape, max_completion_tokens=MOST_TOKENS
            )
            choice = completion.choices[0]
            finished, refusal, content = choice.finish_reason, choice.message.refusal, choice.message.content
        if finished == "content_filter" or refusal:
            raise ModelFailedError("refused")
        if finished == "length":
            raise ModelFailedError("truncated")
        try:
            return checked(content or "", material)
        except UnusableSummaryError:
            raise ModelFailedError("invalid") from None

    async def reflect(
        self,
        messages: list[dict[str, str]],
        schema: dict[str, Any],
        show: Callable[[str], Awaitable[None]],
        seconds: float,
    ) -> str:
        """The JSON text for a schema, whole, as the model gives it: nothing of it is checked here.

        While it comes, `show` is given what there is of it, now and then; what it raises is no matter. One try only.
        Raises ModelFailedError with the kind of failure, at the latest after so many seconds.
        """
        shape = {"type": "json_schema", "json_schema": {"name": "reflection", "strict": True, "schema": schema}}
        try:
            async with asyncio.timeout(seconds):
                client = (await self._connected()).with_options(max_retries=0, timeout=seconds)
                with _meaning():
                    return await self._streamed(client, {"messages": messages, "response_format": shape}, show)
        except TimeoutError:
            raise ModelFailedError("timeout") from None

    async def transcribe(self, audio: bytes, filename: str, language: str) -> str:
        """What is said in a voice message. The file's name tells the server how it is encoded ("voice.ogg").

        Raises ModelFailedError: "unsupported" where the server has no such model or does not hear at all, "invalid"
        where it makes nothing of this audio.
        """
        code = language.partition("-")[0]
        told: Any = {"language": code} if code else {}
        try:
            async with asyncio.timeout(HEARING_SECONDS):
                client = await self._connected()
                with _meaning(), _hearing():
                    heard = await client.audio.transcriptions.create(
                        model=self.audio_model, file=(filename, audio), **told
                    )
                    text = heard.text.strip()
        except TimeoutError:
            raise ModelFailedError("timeout") from None
        if not text:
            raise ModelFailedError("invalid")
        return _mended(text)

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.close()

    async def _connected(self) -> AsyncOpenAI:
        openai = await asyncio.to_thread(import_module, "openai")  # a third of a second, beside the loop
        if self._client is None:
            self._client = openai.AsyncOpenAI(
                api_key=self._key, base_url=self._base_url, timeout=self._timeout, max_retries=TRIES
            )
        return cast("AsyncOpenAI", self._client)

    async def _streamed(
        self, client: AsyncOpenAI, asked: dict[str, Any], show: Callable[[str], Awaitable[None]]
    ) -> str:
        """A streamed completion's content, whole."""
        loop = asyncio.get_running_loop()
        content, finished, refused, shown_at = "", None, False, float("-inf")
        async with aclosing(_pieces(await self._opened(client, asked))) as pieces:
            async for piece, refusal, reason in pieces:
                content, finished, refused = content + piece, reason or finished, refused or refusal
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

    async def _opened(self, client: AsyncOpenAI, asked: dict[str, Any]) -> Any:
        """The stream of a completion. A model that cannot be asked to think little is not asked again."""
        import openai

        said: Any = {"model": self.name, "stream": True, "max_completion_tokens": MOST_REFLECTION_TOKENS, **asked}
        if self._effort is None:
            return await client.chat.completions.create(**said)
        try:
            return await client.chat.completions.create(**said, reasoning_effort=cast(Any, self._effort))
        except openai.BadRequestError as error:
            if "reasoning" not in str(error):
                raise
        self._effort = None
        return await client.chat.completions.create(**said)


def _least_effort(name: str) -> str | None:
    known = name.rpartition("/")[2]  # brokers put a maker before it
    return next((effort for pattern, effort in LEAST_EFFORT if pattern.fullmatch(known)), None)


async def _pieces(stream: Any) -> AsyncGenerator[tuple[str, bool, str | None], None]:
    """What each part of an answer adds: its text, whether it refuses, why it ended."""
    async with stream:
        if "json" in stream.response.headers.get("content-type", ""):  # a server that does not stream
            [choice, *_] = json.loads(await stream.response.aread())["choices"]
            message = choice["message"]
            yield message.get("content") or "", bool(message.get("refusal")), choice.get("finish_reason")
            return
        async for chunk in stream:
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
    except (openai.APITimeoutError, httpx2.TimeoutException):
        raise ModelFailedError("timeout") from None
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
