"""What all commands have: where they print, how they stop, the settings they read."""

from __future__ import annotations

import sys
import unicodedata
from typing import Any, NoReturn

import msgspec
import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape

from bot.settings import Settings

console = Console()
WIDE = 220
"""Characters in a line where nobody's terminal says how many: a table in a pipe is not broken."""
SCRAMBLES = ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")


def settings() -> Settings:
    """The settings; the program stops with a word about one that cannot be honoured."""
    try:
        return Settings()
    except ValidationError as error:
        for fault in error.errors():
            name = ".".join(str(part) for part in fault["loc"]).upper()
            console.print(f"[red]{name}[/red] {fault['msg'].removeprefix('Value error, ')}".strip())
        raise typer.Exit(2) from None


def stop(reason: str) -> NoReturn:
    """Stop with a reason."""
    print(reason, file=sys.stderr)  # noqa: T201 - the command's answer
    raise typer.Exit(2)


def aside(words: str) -> None:
    """Say something that is not the command's output."""
    print(words, file=sys.stderr)  # noqa: T201 - for the person, and not for a script


def output(text: str) -> None:
    """Print something for a script: as it is, never wrapped or styled."""
    print(text)  # noqa: T201 - the command's output


def as_json(found: Any) -> str:
    """Records as JSON to read."""
    return msgspec.json.format(msgspec.json.encode(found), indent=2).decode()


def show(table: Any) -> None:
    """Print a table, wide where it goes into a pipe or a file."""
    if sys.stdout.isatty():
        console.print(table)
    else:
        Console(width=WIDE).print(table)


def printable(words: str) -> str:
    """Somebody's words for a table, where nothing of them is markup."""
    return escape(harmless(words))


def harmless(words: str) -> str:
    """Somebody's words for a terminal: no order to it, no turning of what comes after."""
    return "".join(
        "\N{REPLACEMENT CHARACTER}" if unicodedata.category(char) in ("Cc", "Cs") else char
        for char in words
        if unicodedata.bidirectional(char) not in SCRAMBLES
    )
