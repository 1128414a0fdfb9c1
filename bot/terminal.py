"""The conversation in a terminal: the same engine, with lines for messages and numbers for buttons."""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import os
import sys
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path
from uuid import uuid4

from prompt_toolkit import PromptSession
from prompt_toolkit.patch_stdout import patch_stdout
from rich.console import Console
from rich.markup import escape
from tzlocal import get_localzone_name

from bot.parse import said
from bot.perform import Refused
from bot.render import Button, Message
from bot.service import CannotServeError, Core, core
from bot.settings import Settings
from bot.texts import language_of
from flows.answers import SEVERAL_DONE
from flows.effects import Acknowledge
from flows.events import AnyEvent, ButtonPressed, CommandSent, Sender
from flows.people import Role
from storage import migrations
from storage.engine import connect
from storage.sessions import serves_others

CHAT = 1
"""The terminal's chat. No Telegram user has this number."""
PATIENCE_SECONDS = 120.0
"""How long the terminal waits for slow work before it takes the next line."""


class TerminalMessenger:
    """Prints messages. The newest buttons can be pressed by their numbers."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._next_id = 0
        self._question: tuple[Button, ...] = ()
        self._card: tuple[Button, ...] = ()

    def take_buttons(self) -> tuple[Button, ...]:
        """The buttons that numbers mean now: the newest card's, for one line, else the open question's."""
        card, self._card = self._card, ()
        return card or self._question

    async def send(self, chat_id: int, message: Message, key: str | None) -> int:
        """Print a message."""
        self._next_id += 1
        self._print(message)
        self._offer(message, key)
        return self._next_id

    async def edit(self, chat_id: int, message_id: int, message: Message, key: str) -> None:
        """Print what changed, unless it only lost its buttons because they were used, or shows how far one is."""
        if key.startswith("d") and not message.rows:  # the card goes on below
            return
        if not key.startswith(("q", "p")):
            self._print(message)
        self._offer(message, key)

    async def send_file(self, chat_id: int, filename: str, content: bytes, caption: str) -> int:
        """Put a file into the current directory, and print where it is. Raises Refused where it cannot be written."""
        try:
            path = await asyncio.to_thread(written, Path.cwd(), filename, content)
        except OSError as error:
            raise Refused(type(error).__name__) from None
        self._next_id += 1
        self._console.print()
        self._console.print(escape(f"{path}  {' '.join(caption.split())}".rstrip()), highlight=False, soft_wrap=True)
        return self._next_id

    async def show_commands(self, chat_id: int, roles: tuple[Role, ...], language: str) -> None:
        """Nothing: a terminal lists no commands."""

    def link(self, token: str) -> str:
        """What is typed here to use an invitation."""
        return f"/start {token}"

    async def acknowledge(self, chat_id: int, press: Acknowledge) -> None:
        """Print the word that answers a press, if there is one."""
        if press.text:
            self._console.print(f"[dim]{escape(str(press.text))}[/dim]")

    async def typing(self, chat_id: int) -> None:
        """Show that something is being worked on."""
        self._console.print("[dim]…[/dim]")

    async def draft(self, chat_id: int, draft_id: int, text: str) -> None:
        """Nothing: a terminal's lines cannot be taken back."""

    async def fetch(self, file_id: str) -> bytes:
        """There are no files here."""
        raise Refused(file_id)

    def _print(self, message: Message) -> None:
        self._console.print()
        lines = message.text.encode("utf-16-le")
        styled, at = "", 0
        for entity in message.entities:
            start, end = entity.offset * 2, (entity.offset + entity.length) * 2
            inside = escape(lines[start:end].decode("utf-16-le"))
            style = "bold" if entity.type == "bold" else "italic"
            styled += escape(lines[at:start].decode("utf-16-le")) + f"[{style}]{inside}[/{style}]"
            at = end
        styled += escape(lines[at:].decode("utf-16-le"))
        self._console.print(styled, highlight=False)

    def _offer(self, message: Message, key: str | None) -> None:
        rows = [[button for button in row if not button.data.endswith("::none")] for row in message.rows]
        rows = [row for row in rows if row]  # the empty cells of a calendar are nothing to choose
        buttons = tuple(button for row in rows for button in row)
        if key is not None and key.startswith(("q", "d")):  # what waits for an answer
            self._question, self._card = buttons, ()
        else:
            self._card = buttons
        number = 0
        for row in rows:
            parts = []
            for button in row:
                number += 1
                same = button.text == str(number)
                parts.append(f"\\[{number}]" if same else f"\\[{number}] {escape(button.text)}")
            self._console.print("  " + "   ".join(parts), style="cyan", highlight=False)


async def chat(
    settings: Settings, script: Path | None = None, console: Console | None = None, *, first_run: bool = False
) -> None:
    """Hold the conversation until the input ends. A script's lines are typed for the coachee.

    `first_run`: they are asked who they are, as somebody is of whom only Telegram's name and language are known.
    """
    console = console or Console(highlight=False, soft_wrap=script is not None)
    messenger = TerminalMessenger(console)
    engine = connect(settings.database_url)
    migrations.upgrade(engine)
    if serves_others(engine, CHAT):  # their reminders would come here
        raise CannotServeError("this database keeps the conversations of a bot; set DATABASE_URL to another file")
    engine.dispose()
    async with core(settings, messenger) as made:
        zone = None if first_run else _zone()
        person = Sender(name=_name(), timezone=zone, language=_language(), vouched=not first_run)
        first = "start" if first_run else "session"
        await _tell(made, CommandSent(id=uuid4(), chat_id=CHAT, sender=person, name=first))
        async for line in _lines(script, console):
            if line.casefold() in ("quit", "exit", "/quit"):
                break
            for event in events_of(line, messenger.take_buttons(), person):
                await _tell(made, event)
        if script is None and not first_run:
            console.print("\n[dim]Everything is kept. Come back with: waymark chat[/dim]")


def events_of(line: str, buttons: tuple[Button, ...], person: Sender) -> list[AnyEvent]:
    """What a line is: the numbers of buttons that are offered, a command, or words.

    Several numbers at once mark several choices and confirm them.
    """
    numbers = line.replace(",", " ").split()
    if buttons and numbers and all(n.isascii() and n.isdigit() and 1 <= int(n) <= len(buttons) for n in numbers):
        pressed = [buttons[int(n) - 1].data for n in dict.fromkeys(numbers)]
        if len(pressed) > 1 and buttons[-1].data.endswith(f":{SEVERAL_DONE}") and buttons[-1].data not in pressed:
            pressed.append(buttons[-1].data)
        return [ButtonPressed(id=uuid4(), chat_id=CHAT, sender=person, data=d, press_id=uuid4().hex) for d in pressed]
    return [said(uuid4(), CHAT, person, line)]


async def _tell(made: Core, event: AnyEvent) -> None:
    """Hand an event to the engine, and wait until everything that follows from it is printed."""
    await made.runner.handle(event)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(made.performer.quiet(), PATIENCE_SECONDS)


async def _lines(script: Path | None, console: Console) -> AsyncIterator[str]:
    """The lines that are typed: a script's (shown as typed), a pipe's, or the person's."""
    if script is not None or not sys.stdin.isatty():
        text = await asyncio.to_thread(script.read_text if script else sys.stdin.read)
        for line in text.splitlines():
            if line.strip() and not line.startswith("#"):
                console.print(f"\n[green]> {escape(line.strip())}[/green]")
                yield line.strip()
        return
    prompt: PromptSession[str] = PromptSession()
    with patch_stdout(raw=True):
        while True:
            try:
                line = await prompt.prompt_async("\n> ")
            except (EOFError, KeyboardInterrupt):
                return
            if line.strip():
                yield line.strip()


def written(directory: Path, filename: str, content: bytes) -> Path:
    """Write a new file: "name.pdf", or "name-2.pdf" where that is there already. Gives its path. Raises OSError."""
    plain = Path("".join(c for c in filename if c.isalnum() or c in "-_.").lstrip(".") or "file")
    for number in count(1):
        path = directory / (f"{plain.stem}-{number}{plain.suffix}" if number > 1 else plain.name)
        try:
            with path.open("xb") as file:
                file.write(content)
        except FileExistsError:
            continue
        return path
    raise AssertionError


def _name() -> str:
    try:
        return getpass.getuser().capitalize()
    except (KeyError, OSError):
        return "you"


def _language() -> str:
    """The language that the terminal is set to, if we speak it."""
    spoken = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    return language_of(next((code.split(".")[0] for code in spoken if code), None))


def _zone() -> str:
    try:
        return get_localzone_name() or "UTC"
    except Exception:  # a machine without a zone: reminders say that they are in UTC
        return "UTC"
