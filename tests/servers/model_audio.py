"""Audio that is to be written down: the request, and the answer by mode."""

import msgspec
from aiohttp import BodyPartReader
from aiohttp.web_request import BaseRequest

from .model_chat import Mode


class AudioRequest(msgspec.Struct):
    """One transcription that was asked for. No status: not answered, not yet or never."""

    fields: dict[str, str] = msgspec.field(default_factory=dict)
    filename: str = ""
    content: bytes = b""
    mode: str = "ok"
    status: int | None = None

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


def transcription(mode: Mode, transcript: str) -> bytes:
    """The body of the answer."""
    if mode.name in ("garbage", "noise", "cut", "broken"):
        return b'{"text": "not qu'
    if mode.name == "invalid":
        return b'{"words": []}'
    return msgspec.json.encode({"text": "" if mode.name == "empty" else transcript})
