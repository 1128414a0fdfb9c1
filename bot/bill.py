"""What a call to the model costs: by its API's own figures, or by an estimate where it gives none.

The estimate is ceil(UTF-8 bytes / 4) tokens of what was sent and of what came back; of audio it is 10 tokens a
second, by the seconds that the server says or else by the size of the file. What a model thinks before it speaks is
in the figures and in no estimate. A call that no server took costs nothing: it was refused, or nobody was there.
"""

from __future__ import annotations

import math
import re
from typing import Any

from flows.spending import Kind, Spent
from flows.voice import LONGEST_SECONDS

BYTES_A_TOKEN = 4
AUDIO_TOKENS_A_SECOND = 10
AUDIO_BYTES_A_SECOND = 2_000
"""Of speech as Telegram packs it, and less than that: the estimate is rather too high."""
MOST = 100_000_000
"""No call has so many tokens; a figure beyond is none."""
MODEL_NAME = re.compile(r"[ -~]{1,128}")
"""A model's name that a database can keep."""


class Bill:
    """One call's cost, as far as it is known. `taken`: a server took the request; `received`: what it said so far."""

    def __init__(self, kind: Kind, model: str, prompt: int) -> None:
        """`prompt`: the estimate, in tokens, of what is sent to the model of that name."""
        self.taken = False
        self.received = ""
        self._kind, self._model, self._prompt = kind, model, prompt
        self._figures: tuple[int, int, int] | None = None

    def read(self, answer: Any) -> None:
        """Take over what an answer, or a part of one, says about itself; what cannot be is as if it were not said."""
        model, usage = _of(answer, "model"), _of(answer, "usage")
        if isinstance(model, str) and MODEL_NAME.fullmatch(model):
            self._model = model
        prompt = _count(usage, "prompt_tokens", "input_tokens")
        completion = _count(usage, "completion_tokens", "output_tokens")
        if prompt and completion is not None:
            cached = _count(_of(usage, "prompt_tokens_details"), "cached_tokens") or 0
            self._figures = prompt, completion, min(cached, prompt)
        seconds = _of(usage, "seconds")
        if isinstance(seconds, int | float) and 0 < seconds < MOST:
            self._prompt = math.ceil(seconds * AUDIO_TOKENS_A_SECOND)

    @property
    def spent(self) -> Spent:
        """What the call cost."""
        if self._figures is None:
            said = estimated(self.received)
            return Spent(kind=self._kind, model=self._model, prompt=self._prompt, completion=said, estimated=True)
        prompt, completion, cached = self._figures
        return Spent(kind=self._kind, model=self._model, prompt=prompt, completion=completion, cached=cached)

    @property
    def owed(self) -> tuple[Spent, ...]:
        """The same, if it cost anything."""
        return (self.spent,) if self.taken else ()


def estimated(*texts: str) -> int:
    """The tokens of texts by the rule of thumb."""
    return math.ceil(sum(len(text.encode(errors="replace")) for text in texts) / BYTES_A_TOKEN)


def estimated_audio(audio: bytes) -> int:
    """The tokens of a file of speech by its size."""
    seconds = min(len(audio) / AUDIO_BYTES_A_SECOND, LONGEST_SECONDS)
    return math.ceil(seconds * AUDIO_TOKENS_A_SECOND)


def _of(thing: Any, name: str) -> Any:
    """A part of what the client made of an answer, or of plain JSON; None where there is none."""
    return thing.get(name) if isinstance(thing, dict) else getattr(thing, name, None)


def _count(usage: Any, *names: str) -> int | None:
    """The figure under the first of the names that has one."""
    found = (_of(usage, name) for name in names)
    return next((n for n in found if type(n) is int and 0 <= n <= MOST), None)
