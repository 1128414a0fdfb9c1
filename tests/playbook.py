"""The language in which conversations are tested: what each person says and sees, in virtual time.

    Mira: /session              she writes
    coach: How present are      the next message she gets that contains this
    card: Session 4 of 8        what the newest message with buttons says now: one that was edited is not a new one
    buttons: 1 | 2 | 3          what its buttons say (the newest message that has any)
    Mira: [7]                   she presses a button of that message
    Mira: ✎ old text => new     she edits a message she sent
    coach said nothing          nothing more came
    -- 2 days                   time passes; what is due comes
    -- until 2026-11-27 09:00   the same, until a local time
    -- restart                  the process dies and another one starts
    -- anything else            a hook the test gave
    # a remark

Behind it is the product as it is wired, on a real database: only the messenger (a screen in memory) and the clock are
the test's. A line that does not hold fails with its number and everything the person has seen since their last words.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self
from uuid import uuid5
from zoneinfo import ZoneInfo

from sqlalchemy import select

from bot.parse import UPDATES, said
from bot.perform import Blocked, Refused
from bot.render import Message, units
from bot.service import Core, core
from bot.settings import Settings
from flows.changes import HoldPut, ResourceDeleted, ResourcePut, SessionPut, SessionsReleased
from flows.effects import Acknowledge
from flows.events import AnyEvent, ButtonPressed, CommandSent, MediaSent, Sender, TextEdited
from flows.needs import defers, serial
from flows.people import Role
from flows.rights import commands_of
from flows.state import Chat
from storage import tables as t
from storage import timers
from storage.unit_of_work import Claim, Outcome, Settled

LOCKED = (SessionPut, SessionsReleased, HoldPut, ResourcePut, ResourceDeleted)
"""What is changed by one decision at a time only, in all processes."""
START = datetime(2026, 11, 23, 16, 5, tzinfo=UTC)
"""A Monday, five past five in Berlin."""


class TestClock:
    """A clock that stands until it is moved."""

    __test__ = False

    def __init__(self, now: datetime = START) -> None:
        self._now = now

    def now(self) -> datetime:
        """The virtual moment."""
        return self._now

    def move(self, to: datetime) -> None:
        """Go there; the clock never goes back by this."""
        self._now = max(self._now, to)


class Shown:
    """A message on a person's screen."""

    def __init__(self, number: int, message: Message, key: str | None) -> None:
        self.number, self.message, self.key = number, message, key
        self.edits = 0

    @property
    def text(self) -> str:
        """What it says now."""
        return self.message.text

    @property
    def buttons(self) -> dict[str, str]:
        """Its buttons now: what each says, and its data."""
        return {button.text: button.data for row in self.message.rows for button in row}


class Screens:
    """A messenger whose messages appear in memory."""

    def __init__(self) -> None:
        self.of: dict[int, list[Shown]] = {}
        self.toasts: list[str] = []
        self.typed: list[int] = []
        self.drafts: list[str] = []
        self.files: dict[str, bytes] = {}
        self.sent_files: list[tuple[int, str, bytes, str]] = []
        self.blocked: set[int] = set()
        self.commands: dict[int, tuple[str, ...]] = {}
        self.refused: list[Message] = []
        self._next = 1000

    def number(self) -> int:
        """The next message id; the chat's people and the coach share the count, as in Telegram."""
        self._next += 1
        return self._next

    async def send(self, chat_id: int, message: Message, key: str | None) -> int:
        """A message appears."""
        if chat_id in self.blocked:
            raise Blocked
        self._check(message)
        shown = Shown(self.number(), message, key)
        self.of.setdefault(chat_id, []).append(shown)
        return shown.number

    async def edit(self, chat_id: int, message_id: int, message: Message, key: str) -> None:
        """A message changes."""
        self._check(message)
        shown = next(s for s in self.of[chat_id] if s.number == message_id)
        shown.message = message
        shown.edits += 1

    def _check(self, message: Message) -> None:
        """Telegram refuses a button without words or with too much data, too many of them, a text too long."""
        buttons = [button for row in message.rows for button in row]
        fits = all(button.text.strip() and 1 <= len(button.data.encode()) <= 64 for button in buttons)
        if not fits or len(buttons) > 100 or not 1 <= units(message.text) <= 4096:
            self.refused.append(message)

    async def send_file(self, chat_id: int, filename: str, content: bytes, caption: str) -> int:
        """A file appears."""
        if chat_id in self.blocked:
            raise Blocked
        self.sent_files.append((chat_id, filename, content, caption))
        return self.number()

    async def show_commands(self, chat_id: int, roles: tuple[Role, ...], language: str) -> None:
        """The client lists other commands."""
        self.commands[chat_id] = commands_of(roles)

    def link(self, token: str) -> str:
        """What a person opens."""
        return f"https://t.me/waymark_bot?start={token}"

    async def acknowledge(self, chat_id: int, press: Acknowledge) -> None:
        """A press is answered."""
        self.toasts.append(str(press.text or ""))

    async def typing(self, chat_id: int) -> None:
        """Work is shown."""
        self.typed.append(chat_id)

    async def draft(self, chat_id: int, draft_id: int, text: str) -> None:
        """A message is shown as it is written."""
        self.drafts.append(text)

    async def fetch(self, file_id: str) -> bytes:
        """What a person sent."""
        if file_id not in self.files:
            raise Refused(file_id)
        return self.files[file_id]


class Coachee:
    """A person at their phone."""

    def __init__(self, play: Play, name: str, chat_id: int, sender: Sender) -> None:
        self.play, self.name, self.chat_id, self.sender = play, name, chat_id, sender
        self.seen = 0
        self.sent: dict[str, int] = {}

    @property
    def screen(self) -> list[Shown]:
        """Every message of the coach, in order."""
        return self.play.screens.of.setdefault(self.chat_id, [])

    @property
    def unseen(self) -> list[Shown]:
        """The messages since the last one that a script named."""
        return self.screen[self.seen :]

    def newest_with_buttons(self) -> Shown:
        """The newest message that has buttons."""
        found = [shown for shown in self.screen if shown.buttons]
        assert found, f"{self.name} has no buttons"
        return found[-1]

    async def says(self, text: str, *, ahead: bool = False) -> Outcome:
        """Write."""
        number = self.play.screens.number()
        self.sent[text] = number
        event = said(self.play.next_id(), self.chat_id, self.sender, text, number)
        return await self.play.happens(event.evolve(ahead=True) if ahead else event)

    async def edits(self, old: str, new: str) -> Outcome:
        """Edit a message sent earlier."""
        return await self.play.happens(
            TextEdited(
                id=self.play.next_id(), chat_id=self.chat_id, sender=self.sender, text=new, message_id=self.sent[old]
            )
        )

    async def opens(self, link: str) -> Outcome:
        """Open a link of the bot's, as a tap on it does."""
        return await self.says(f"/start {link.partition('?start=')[2].split()[0]}")

    def link(self) -> str:
        """The newest link that they were given, to be sent on."""
        found = [shown.text for shown in self.screen if "?start=" in shown.text]
        assert found, f"{self.name} has no link"
        return found[-1]

    async def presses(self, label: str) -> Outcome:
        """Press a button by what it says, on the newest message that has any."""
        shown = self.newest_with_buttons()
        data = {text.removeprefix("✓ "): data for text, data in shown.buttons.items()}.get(label)
        assert data is not None, f"{self.name} sees no [{label}], only {list(shown.buttons)}"
        return await self.press_data(data)

    async def press_data(self, data: str) -> Outcome:
        """Press a button by its data, which may be old or forged."""
        event_id = self.play.next_id()
        return await self.play.happens(
            ButtonPressed(id=event_id, chat_id=self.chat_id, sender=self.sender, data=data, press_id=event_id.hex)
        )

    async def sends(self, kind: str) -> Outcome:
        """Send something that is not words."""
        return await self.play.happens(
            MediaSent(id=self.play.next_id(), chat_id=self.chat_id, sender=self.sender, kind=kind)
        )

    async def command(self, name: str, argument: str = "") -> Outcome:
        """Give a command."""
        return await self.play.happens(
            CommandSent(
                id=self.play.next_id(), chat_id=self.chat_id, sender=self.sender, name=name, argument=argument
            )
        )


class Play:
    """A stage on which people talk with the product. Use as an async context manager."""

    def __init__(
        self, database: str, *, timezone: str = "Europe/Berlin", screens: Screens | None = None, **settings: Any
    ) -> None:
        self.settings = Settings(_env_file=None, database_url=database, **settings)
        self.clock = TestClock()
        self.screens = screens or Screens()
        self.timezone = timezone
        self.people: dict[str, Coachee] = {}
        self.hooks: dict[str, Callable[[], Awaitable[None] | None]] = {}
        self._updates = 0
        self._acting: Coachee | None = None
        self.unlocked: list[AnyEvent] = []
        self._stack = AsyncExitStack()
        self.core: Core

    async def __aenter__(self) -> Self:
        self.core = await self._stack.enter_async_context(
            core(self.settings, self.screens, self.clock, ticking=False)
        )
        self._watch_locks()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()
        assert not self.screens.refused, "Telegram would not take these"
        assert not self.unlocked, "rows that others rest on were changed without the lock"

    def _watch_locks(self) -> None:
        """Note each decision that changes what others rest on though it is not made under the lock."""
        settle = self.core.runner.settle

        def watched(chat: Chat, event: AnyEvent) -> Settled:
            found = settle(chat, event)
            if any(isinstance(change, LOCKED) for change in found.changes) and not (
                serial(event) or defers(chat, event)
            ):
                self.unlocked.append(event)
            return found

        self.core.runner.settle = watched  # type: ignore[method-assign]

    async def restart(self) -> None:
        """The process ends and another one starts on the same database."""
        await self._stack.aclose()
        self._stack = AsyncExitStack()
        await self.__aenter__()
        await self._leftovers()

    def coachee(self, name: str = "Mira", language: str = "en", *, vouched: bool = True) -> Coachee:
        """A person, known by their name from now on. Who is not `vouched` for is asked who they are."""
        if name not in self.people:
            timezone = self.timezone if vouched else None  # Telegram does not say where anybody is
            sender = Sender(name=name, language=language, timezone=timezone, vouched=vouched)
            self.people[name] = Coachee(self, name, 100 + len(self.people), sender)
        return self.people[name]

    def next_id(self) -> Any:
        """The id of the next update's event."""
        self._updates += 1
        return uuid5(UPDATES, str(self._updates))

    async def happens(self, event: AnyEvent, claim: Claim | None = None) -> Outcome:
        """An event, and everything that follows at once."""
        outcome = await self.core.runner.handle(event, claim or Claim(kind="update", id=self._updates))
        await self.core.performer.quiet()
        return outcome

    async def pass_time(self, delta: timedelta) -> None:
        """Time passes; each timer fires at its own moment."""
        await self.core.runner.flush()  # what was sent is marked long before a lease ends
        until = self.clock.now() + delta
        while due := timers.due(self.core.engine, until, limit=1):
            waiting = self.rows(select(t.timers.c.due_at).where(t.timers.c.id == due[0].id))
            self.clock.move(waiting[0].due_at)
            await self.core.chores.fire()
            await self.core.performer.quiet()
            await self.core.runner.flush()
        self.clock.move(until)
        await self._leftovers()

    async def _leftovers(self) -> None:
        await self.core.chores.take_up()
        await self.core.performer.quiet()
        await self.core.runner.flush()

    def rows(self, query: Any) -> list[Any]:
        """What the database holds."""
        with self.core.engine.connect() as connection:
            return list(connection.execute(query))

    async def script(self, text: str, hooks: Mapping[str, Callable[[], Any]] | None = None) -> None:
        """Play a script."""
        for number, raw in enumerate(text.strip().splitlines(), 1):
            line = raw.strip()
            if line and not line.startswith("#"):
                try:
                    await self._line(line, {**self.hooks, **(hooks or {})})
                except AssertionError as error:
                    raise AssertionError(f"line {number}: {line}\n{error}\n{self._seen()}") from None

    async def _line(self, line: str, hooks: Mapping[str, Callable[[], Any]]) -> None:
        if line.startswith("--"):
            await self._stage_direction(line.removeprefix("--").strip(), hooks)
        elif line == "coach said nothing":
            assert not self._here.unseen, "but something came"
        elif line.startswith("buttons:"):
            wanted = [label.strip() for label in line.removeprefix("buttons:").split("|")]
            there = list(self._here.newest_with_buttons().buttons)
            assert there == wanted, f"no such buttons, only {there}"
        elif line.startswith("card:"):
            wanted_text, now_says = line.removeprefix("card:").strip(), self._here.newest_with_buttons().text
            assert wanted_text in now_says, f"but it says {now_says!r}"
        elif line.startswith("toast:"):
            assert self.screens.toasts, "no press was answered"
            assert line.removeprefix("toast:").strip() in self.screens.toasts[-1], self.screens.toasts[-1]
        elif line.startswith("coach:"):
            self._expect(line.removeprefix("coach:").strip())
        else:
            name, _, words = line.partition(":")
            await self._acts(self.coachee(name.strip()), words.strip())

    @property
    def _here(self) -> Coachee:
        """Whose screen is looked at: the last one who acted, or the only one there is."""
        return self._acting or next(iter(self.people.values()))

    async def _acts(self, person: Coachee, words: str) -> None:
        self._acting = person
        person.seen = len(person.screen)
        if words.startswith("[") and words.endswith("]"):
            await person.presses(words[1:-1])
        elif words.startswith("✎"):
            old, new = words.removeprefix("✎").split("=>")
            await person.edits(old.strip(), new.strip())
        else:
            await person.says(words)

    def _expect(self, fragment: str) -> None:
        person = self._here
        for i, shown in enumerate(person.unseen):
            if fragment in shown.text:
                person.seen += i + 1
                return
        raise AssertionError("no such message")

    async def _stage_direction(self, words: str, hooks: Mapping[str, Callable[[], Any]]) -> None:
        for person in self.people.values():
            person.seen = len(person.screen)
        if words == "restart":
            await self.restart()
        elif found := re.fullmatch(r"(\d+) (minute|hour|day|week)s?", words):
            await self.pass_time(timedelta(**{f"{found[2]}s": int(found[1])}))
        elif found := re.fullmatch(r"until (\d{4}-\d\d-\d\d \d\d:\d\d)", words):
            until = datetime.fromisoformat(found[1]).replace(tzinfo=ZoneInfo(self.timezone))
            await self.pass_time(until.astimezone(UTC) - self.clock.now())
        else:
            assert words in hooks, "no such stage direction"
            done = hooks[words]()
            if done is not None:
                await done

    def _seen(self) -> str:
        lines = ["seen since:"]
        for person in self.people.values():
            for shown in person.unseen:
                lines.append(f"  {person.name} < {shown.text!r} {list(shown.buttons)}")
        if self.screens.toasts:
            lines.append(f"  last toast: {self.screens.toasts[-1]!r}")
        return "\n".join(lines)
