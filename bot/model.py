"""The model: any server at OPENAI_BASE_URL that speaks chat completions with a JSON schema."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, cast

from flows.documents import Document, Material, checked, request, schema
from flows.errors import UnusableSummaryError

if TYPE_CHECKING:
    from openai import AsyncOpenAI

TIMEOUT_SECONDS = 60.0
TRIES = 1
"""Tries of the client itself on top of the first; longer outages are a matter of timers, see flows.summaries."""
MOST_TOKENS = 8000
"""A summary takes about 1,000; the rest is room for models that think first."""
DEFAULT_MODEL = "gpt-5-mini"

FailureReason = Literal["unavailable", "timeout", "limited", "refused", "truncated", "invalid"]


class ModelFailedError(Exception):
    """The model did not deliver."""

    def __init__(self, reason: FailureReason) -> None:
        super().__init__(reason)
        self.reason: FailureReason = reason


class Model:
    """Writes summaries. The client is made when first needed: importing it takes a third of a second."""

    def __init__(self, key: str, base_url: str | None, name: str | None, timeout: float = TIMEOUT_SECONDS) -> None:
        self.name = name or DEFAULT_MODEL
        self._key, self._base_url, self._timeout = key, base_url, timeout
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


@contextmanager
def _meaning() -> Iterator[None]:
    """The client's errors as kinds of failure."""
    import openai

    try:
        yield
    except openai.APITimeoutError:
        raise ModelFailedError("timeout") from None
    except openai.RateLimitError:
        raise ModelFailedError("limited") from None
    except openai.OpenAIError:
        raise ModelFailedError("unavailable") from None
    except (ValueError, AttributeError, TypeError, IndexError):  # an answer that is none of the API's
        raise ModelFailedError("invalid") from None
