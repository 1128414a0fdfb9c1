"""What the models are told: a file each, named by what it is for and its version.

A prompt that was used is never changed: a new one gets a new version, and `waymark replay` shows what it makes of a
session beside what was written. The version is kept with every summary.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from flows.records import Record

HERE = Path(__file__).parent
SUMMARY, EAR = "summary-2", "ear-1"
"""The versions in use."""


class Prompt(Record):
    """A prompt: its version, which is its file's name, and its text."""

    version: str
    text: str


@cache
def prompt(version: str) -> Prompt:
    """A prompt by its version. Raises KeyError where there is no such file."""
    path = HERE / f"{version}.md"
    if Path(version).name != version or not path.is_file():
        raise KeyError(version)
    return Prompt(version=version, text=path.read_text(encoding="utf-8"))


def versions(kind: str = "") -> tuple[str, ...]:
    """The prompts there are ("summary-2"), of one kind ("summary") or all."""
    return tuple(sorted(path.stem for path in HERE.glob(f"{kind}*.md")))
