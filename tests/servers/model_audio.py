"""Audio that is to be written down: the request, and the answer by mode."""

from typing import Any

import msgspec
from aiohttp import BodyPartReader
from aiohttp.web_request import BaseRequest

from .model_chat import Mode, tokens, told


class AudioRequest(msgspec.Struct):
    """One transcription that was asked for. No status: not answered, not yet or never."""

    fields: dict[str, str] = msgspec.field(default_factory=dict)
    filename: str = ""
    content: bytes = b""
    mode: str = "ok"
    status: int | None = None
    usage: dict[str, Any] = msgspec.field(default_factory=dict)

    @property
    def model(self) -> str:
        return self.fields.get("model", "")

    @property
    def language(self) -> str | None:
        return self.fields.get("language")


async def read_audio(request: BaseRequest) -> AudioRequest:
    """The parts of the form."""
    found = AudioRequest()
    if request.content_type != "multipart/form-data":
        return found
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader) or part.name is None:
            continue
        if part.name == "file":
            found.filename, found.content = part.filename or "", bytes(await part.read())
        else:
            found.fields[part.name] = await part.text()
    return found


def usage(record: AudioRequest, transcript: str) -> dict[str, Any]:
    """The figures as the real service gives them: in tokens, or of Whisper's models in seconds."""
    if "whisper" in record.model:
        return {"type": "duration", "seconds": len(record.content) // 2000 + 1}
    heard, said = len(record.content) // 200 + 1, tokens(transcript)
    return {
        "type": "tokens",
        "input_tokens": heard,
        "output_tokens": said,
        "total_tokens": heard + said,
        "input_token_details": {"audio_tokens": heard, "text_tokens": 0},
    }


def transcription(mode: Mode, transcript: str, counted: dict[str, Any]) -> bytes:
    """The body of the answer."""
    if mode.name in ("garbage", "noise", "cut", "broken"):
        return b'{"text": "not qu'
    if mode.name == "invalid":
        return b'{"words": []}'
    return msgspec.json.encode({"text": "" if mode.name == "empty" else transcript, **told(mode, counted)})
