"""One chat completion, without the HTTP: what is refused, what is answered, in one piece or streamed."""

import re
import time
from typing import Any

import msgspec

from .model_schema import SchemaError, check_strict

Json = dict[str, Any]

MODES = (
    "ok",
    "delay",  # ok after so many seconds; every mode can have them
    "hang",  # no answer
    "stall",  # half a stream, then nothing more
    "drop",  # half a stream, then the connection is cut
    "cut",  # half a stream, which then ends as if that were all
    "noise",  # what is none of the API's: in the middle of a stream, or instead of an answer
    "broken",  # half a stream, then an error in it
    "plain",  # ok, in one piece even where a stream was asked for
    "garbage",  # a text that is no JSON
    "invalid",  # JSON that is not the schema's
    "refusal",
    "filtered",  # ended by the server's content filter
    "truncated",
    "empty",  # nothing said
    "absent",  # this server has no such endpoint
    "uncounted",  # ok, and nothing is said of what it cost
    "miscounted",  # ok, and what is said of it cannot be
)
ERROR_TYPES = {400: "invalid_request_error", 401: "invalid_request_error", 404: "invalid_request_error"}
ERROR_TEXTS = {
    404: ("Unknown request URL.", "invalid_request_error", "unknown_url"),
    429: ("Rate limit reached for requests.", "requests", "rate_limit_exceeded"),
    500: ("The server had an error while processing your request.", "server_error", None),
    503: ("The engine is currently overloaded, please try again later.", "server_error", None),
}
MISCOUNTED = {"prompt_tokens": -5, "completion_tokens": "12", "total_tokens": None, "input_tokens": -5}
CACHED_BY = 128
"""A prompt's beginning that was asked before is cached in pieces of so many tokens."""
ROLES = ("system", "developer", "user", "assistant")
NO_WORD_JSON = "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'."


class Mode(msgspec.Struct, frozen=True):
    """How one request is answered. ``name`` is of MODES, or an HTTP error status ("429", "500", ...)."""

    name: str = "ok"
    seconds: float = 0.0
    retry_after: float | None = None

    def __post_init__(self) -> None:
        if self.name not in MODES and not re.fullmatch(r"[45]\d\d", self.name):
            raise ValueError(f"no mode {self.name!r}; there are {', '.join(MODES)} and HTTP error statuses")

    @property
    def status(self) -> int:
        return int(self.name) if self.name.isdigit() else 404 if self.name == "absent" else 200


class ModelError(Exception):
    def __init__(self, status: int, message: str, *, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body = {
            "error": {
                "message": message,
                "type": ERROR_TYPES.get(status, "server_error"),
                "param": param,
                "code": code,
            }
        }


class ModelRequest(msgspec.Struct):
    """One chat completion that was asked for. No status: not answered, not yet or never."""

    body: Json
    mode: str
    status: int | None = None
    answer: str | None = None
    cached: int = 0
    headers: dict[str, str] = msgspec.field(default_factory=dict)

    @property
    def schema(self) -> Json | None:
        wanted = self.body.get("response_format") or {}
        return (wanted.get("json_schema") or {}).get("schema")

    @property
    def name(self) -> str | None:
        """The schema's: "summary", "reflection"."""
        return name_of(self.body)

    @property
    def prompt(self) -> str:
        """Everything that was told to the model, as one text."""
        return "\n".join(text_of(message) for message in self.body.get("messages", []))

    @property
    def usage(self) -> Json:
        """What it cost, by the server's own count, told or not; nothing where it was refused or never thought of."""
        return usage(self.body, self.answer, self.cached) if self.answer is not None else {}


def check_request(body: Json) -> None:
    """What the real service refuses before it thinks."""
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise ModelError(400, "Invalid 'messages': empty array or missing.", param="messages")
    for index, message in enumerate(messages):
        if not isinstance(message, dict) or message.get("role") not in ROLES:
            raise ModelError(400, f"Invalid value for 'messages[{index}].role'.", param=f"messages[{index}].role")
    if body.get("tools"):
        raise ModelError(400, "This test server has no tools.", param="tools")
    _check_format(body)


def _check_format(body: Json) -> None:
    wanted = body.get("response_format")
    if wanted is None or wanted.get("type") == "text":
        return
    if wanted.get("type") == "json_object":
        if "json" not in "".join(text_of(message) for message in body["messages"]).lower():
            raise ModelError(400, NO_WORD_JSON, param="messages")
        return
    if wanted.get("type") != "json_schema":
        raise ModelError(400, "Invalid value for 'response_format.type'.", param="response_format.type")
    form = wanted.get("json_schema")
    if not isinstance(form, dict) or not isinstance(form.get("schema"), dict):
        raise ModelError(
            400, "Missing required parameter: 'response_format.json_schema.schema'.", param="response_format"
        )
    if not re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", str(form.get("name", ""))):
        text = "Invalid 'response_format.json_schema.name'."
        raise ModelError(400, text, param="response_format.json_schema.name")
    if form.get("strict"):
        try:
            check_strict(form["schema"])
        except SchemaError as error:
            text = f"Invalid schema for response_format '{form['name']}': {error}"
            raise ModelError(400, text, param="response_format") from None


def completion(body: Json, mode: Mode, content: str, cached: int = 0) -> Json:
    choices = []
    if mode.name != "empty":
        text, reason = _cut(body, mode, content)
        refused = mode.name == "refusal"
        message = {"role": "assistant", "content": None if refused else text, "refusal": text if refused else None}
        choices = [
            {"index": index, "message": message, "logprobs": None, "finish_reason": reason}
            for index in range(int(body.get("n") or 1))
        ]
    return {**_head(body, "chat.completion"), "choices": choices, **told(mode, usage(body, content, cached))}


def stream_chunks(body: Json, mode: Mode, content: str, size: int, cached: int = 0) -> list[Json]:
    """The chunks of a streamed answer: the role, the text in pieces of a size, the end, perhaps the usage."""
    head = _head(body, "chat.completion.chunk")
    chunks: list[Json] = []
    if mode.name != "empty":
        text, reason = _cut(body, mode, content)
        field = "refusal" if mode.name == "refusal" else "content"
        deltas: list[Json] = [{"role": "assistant", "content": ""}]
        deltas += [{field: text[start : start + size]} for start in range(0, len(text), size)]
        chunks = [{**head, "choices": [{"index": 0, "delta": d, "finish_reason": None}]} for d in deltas]
        chunks.append({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
    if (body.get("stream_options") or {}).get("include_usage") and mode.name != "uncounted":
        chunks = [{**chunk, "usage": None} for chunk in chunks]
        chunks.append({**head, "choices": [], **told(mode, usage(body, content, cached))})
    return chunks


def _cut(body: Json, mode: Mode, content: str) -> tuple[str, str]:
    """The text as far as max_tokens lets it go, and why it ends."""
    most = body.get("max_completion_tokens") or body.get("max_tokens")
    if mode.name == "filtered":
        return content, "content_filter"
    if mode.name == "truncated":
        return content, "length"
    if most and tokens(content) > most:
        return content[: most * 4], "length"
    return content, "stop"


def told(mode: Mode, counted: Json) -> Json:
    """What is said of the usage, by mode."""
    if mode.name == "uncounted":
        return {}
    return {"usage": MISCOUNTED if mode.name == "miscounted" else counted}


def usage(body: Json, content: str, cached: int = 0) -> Json:
    """The figures as the real service gives them. ``cached``: tokens of the prompt that it had already."""
    asked = sum(tokens(text_of(message)) + 3 for message in body.get("messages", []))
    schema = (body.get("response_format") or {}).get("json_schema")
    if schema:
        asked += tokens(msgspec.json.encode(schema).decode())
    said = tokens(content)
    return {
        "prompt_tokens": asked,
        "completion_tokens": said,
        "total_tokens": asked + said,
        "prompt_tokens_details": {"cached_tokens": min(cached, asked), "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def tokens(text: str) -> int:
    """Four characters a token: a rule of thumb, the same on both sides of a comparison."""
    return (len(text) + 3) // 4


def _head(body: Json, kind: str) -> Json:
    return {"id": "chatcmpl-test", "object": kind, "created": int(time.time()), "model": body["model"]}


def name_of(body: Json) -> str | None:
    """The name of the schema that was asked for: what a request is about."""
    return ((body.get("response_format") or {}).get("json_schema") or {}).get("name")


def text_of(message: Json) -> str:
    content = message.get("content")
    if isinstance(content, list):
        return "\n".join(str(part.get("text", "")) for part in content)
    return str(content or "")
