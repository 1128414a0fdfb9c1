"""Embeddings, as small as they can be while still behaving (equal words are near), and reflections."""

import base64
import contextlib
import hashlib
import math
import re
import struct
from typing import Any

import msgspec

from .model_chat import text_of
from .model_schema import instance

Json = dict[str, Any]
DIMENSIONS = 256


def vector(text: str, dimensions: int = DIMENSIONS) -> list[float]:
    """Words hashed into a unit vector: the same each time, and texts that share words are closer."""
    values = [0.0] * dimensions
    for word in re.findall(r"\w+", text.lower()):
        digest = hashlib.sha256(word.encode()).digest()
        values[int.from_bytes(digest[:4], "big") % dimensions] += 1.0 if digest[4] & 1 else -1.0
    length = math.sqrt(sum(value * value for value in values)) or 1.0
    return [value / length for value in values]


def embeddings(request: Json) -> Json:
    texts = request["input"] if isinstance(request["input"], list) else [request["input"]]
    dimensions = int(request.get("dimensions") or DIMENSIONS)
    data = []
    for index, text in enumerate(texts):
        values: Any = vector(str(text), dimensions)
        if request.get("encoding_format") == "base64":
            values = base64.b64encode(struct.pack(f"<{dimensions}f", *values)).decode()
        data.append({"object": "embedding", "index": index, "embedding": values})
    tokens = sum(len(str(text)) // 4 + 1 for text in texts)
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "data": data, "model": request.get("model", ""), "usage": usage}


def reflection(request: Json) -> Json:
    """The first question that may be asked, and the last answer said back: "You said: <answer>"."""
    given = instance(request["response_format"]["json_schema"]["schema"])
    if not isinstance(given, dict) or "reflection" not in given:
        return given  # a schema of another shape: an instance of it
    said = next((text_of(m) for m in reversed(request["messages"]) if m["role"] == "user"), "")
    with contextlib.suppress(msgspec.DecodeError, KeyError, TypeError, IndexError):  # told otherwise: the whole of it
        said = msgspec.json.decode(said)["answer"]
    return {**given, "reflection": f"You said: {said}"}
