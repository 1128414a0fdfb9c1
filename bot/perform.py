"""The outbox carried out: each chat's messages in order, chats side by side, and what became of each marked.

A message is sent first and marked after: a crash in between sends it twice, never not at all. A chat that
Telegram asks to wait for is put off as a whole, so that nothing overtakes. Requests are no
messages: they run beside the chats.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from datetime import timedelta
from typing import Any, Protocol

import msgspec
import structlog

from bot.clock import Clock
from bot.nursery import Nursery
from bot.render import Message
from flows.effects import Acknowledge
from storage.outbox import Mark, Row

log = structlog.get_logger()


class DeliveryError(Exception):
    """A message did not go out."""


class Blocked(DeliveryError):
    """The person cannot be reached."""


class Refused(DeliveryError):
    """The message itself is not acceptable; sending it again changes nothing."""


class Unreachable(DeliveryError):
    """The server did not answer, or failed."""


class Later(DeliveryError):
    """The server asks to wait so many seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class Messenger(Protocol):
    """A front end's way to put messages up. Each method raises a DeliveryError where it could not."""

    async def send(self, chat_id: int, message: Message, key: str | None) -> int | None:
        """Send a message; gives the front end's id of it."""
        ...

    async def edit(self, chat_id: int, message_id: int, message: Message, key: str) -> None:
        """Change a message."""
        ...

    async def acknowledge(self, chat_id: int, press: Acknowledge) -> None:
        """Answer a button press. May be lost."""
        ...

    async def typing(self, chat_id: int) -> None:
        """Show that something is being worked on. May be lost."""
        ...


RETRY_SECONDS = (0.2, 1.0, 3.0)
"""Waits between tries while the server does not answer; after them the chat is put off."""
PUT_OFF = 15.0
REMEMBERED = 4096
"""Keys of messages whose ids are remembered; older ones are looked up."""


class Performer:
    """Carries rows out. `marks` is what became of them, for the runner to write down."""

    def __init__(
        self,
        messenger: Messenger,
        clock: Clock,
        nursery: Nursery,
        *,
        find_sent: Callable[[int, str], Awaitable[int | None]],
    ) -> None:
        self.marks: deque[Mark] = deque()
        self.marked = asyncio.Event()
        self.performed = 0
        self._messenger, self._clock, self._nursery, self._find_sent = messenger, clock, nursery, find_sent
        self._queues: dict[int, deque[Row]] = {}
        self._held: dict[int, float] = {}
        self._sent: OrderedDict[tuple[int, str], int] = OrderedDict()
        self._questions: OrderedDict[int, tuple[float, int | None]] = OrderedDict()
        self._idle: dict[int, asyncio.Event] = {}
        self._requests = 0
        self._quiet = asyncio.Event()
        self._quiet.set()
        self.request: Callable[[Row], Awaitable[None]] | None = None
        self.blocked: Callable[[int], Coroutine[Any, Any, None]] | None = None

    def put(self, rows: Iterable[Row]) -> None:
        """Take rows to carry out, in their order."""
        for row in rows:
            self._quiet.clear()
            if row.kind == "request_summary":
                self._requests += 1
                self._nursery.start(self._requested(row), f"request {row.id}")
                continue
            queue = self._queues.get(row.chat_id)
            if queue is None:
                self._queues[row.chat_id] = queue = deque()
                self._nursery.start(self._chat(row.chat_id, queue), f"chat {row.chat_id}")
            queue.append(row)

    def acknowledge(self, chat_id: int, press: Acknowledge) -> None:
        """Answer a press now; if that is lost, it is lost."""
        self._nursery.start(self._acknowledged(chat_id, press), "acknowledge")

    async def settled(self, chat_id: int, within: float) -> bool:
        """Wait until nothing is on its way to a chat; False if it takes longer than `within` seconds."""
        if chat_id not in self._queues:
            return True
        idle = self._idle.setdefault(chat_id, asyncio.Event())
        try:
            await asyncio.wait_for(idle.wait(), within)
        except TimeoutError:
            return False
        return True

    def question(self, chat_id: int) -> tuple[float, int | None] | None:
        """When (loop time) the newest question of a chat was known to be sent, and its message id, if lately."""
        return self._questions.get(chat_id)

    async def quiet(self) -> None:
        """Wait until nothing is on its way and no request is being carried out."""
        await self._quiet.wait()

    async def _chat(self, chat_id: int, queue: deque[Row]) -> None:
        try:
            while queue:
                await self._one(queue)
        finally:
            del self._queues[chat_id]
            if idle := self._idle.pop(chat_id, None):
                idle.set()
            self._ended()

    async def _one(self, queue: deque[Row]) -> None:
        """Carry out the first row of a chat's queue, or put the whole queue off."""
        row = queue[0]
        try:
            message_id = await self._tried(row)
        except Later as wait:
            self._put_off(queue, wait.seconds)
        except Unreachable:
            self._put_off(queue, PUT_OFF)
        except Blocked:
            self._drop(queue, "the person blocked the bot")
            if self.blocked is not None:
                self._nursery.start(self.blocked(row.chat_id), f"blocked {row.chat_id}")
        except Refused as refusal:
            queue.popleft()
            self._mark(Mark(id=row.id, outcome="failed", reason=str(refusal)[:200]))
            log.error("message refused", chat=row.chat_id, row=str(row.id))
        else:
            queue.popleft()
            self._mark(Mark(id=row.id, outcome="done", message_id=message_id))
            self.performed += 1

    async def _tried(self, row: Row) -> int | None:
        held = self._held.get(row.chat_id, 0.0) - asyncio.get_running_loop().time()
        if held > 0:
            raise Later(held)
        self._held.pop(row.chat_id, None)
        for wait in RETRY_SECONDS:
            try:
                return await self._perform(row)
            except Unreachable:
                await asyncio.sleep(wait)
        return await self._perform(row)

    async def _perform(self, row: Row) -> int | None:
        message = msgspec.convert(row.payload, Message)
        if row.kind == "say":
            message_id = await self._messenger.send(row.chat_id, message, row.key)
            self._remember(row, message_id)
            return message_id
        assert row.key is not None
        name = (row.chat_id, row.key)
        sent = self._sent.get(name)
        if sent is None:
            sent = await self._find_sent(row.chat_id, row.key)
        if sent is not None:
            await self._messenger.edit(row.chat_id, sent, message, row.key)
        return sent

    def _remember(self, row: Row, message_id: int | None) -> None:
        if row.key is None:
            return
        if message_id is not None:
            self._sent[row.chat_id, row.key] = message_id
            if len(self._sent) > REMEMBERED:
                self._sent.popitem(last=False)
        if row.key.startswith("q"):
            self._questions[row.chat_id] = (asyncio.get_running_loop().time(), message_id)
            self._questions.move_to_end(row.chat_id)
            if len(self._questions) > REMEMBERED:
                self._questions.popitem(last=False)

    def _put_off(self, queue: deque[Row], seconds: float) -> None:
        """A whole chat waits: its rows go back to the database and come again, in order, when the time is over."""
        due = self._clock.now() + timedelta(seconds=seconds)
        self._held[queue[0].chat_id] = asyncio.get_running_loop().time() + seconds
        while queue:
            self._mark(Mark(id=queue.popleft().id, outcome="later", due_at=due))

    def _drop(self, queue: deque[Row], reason: str) -> None:
        while queue:
            self._mark(Mark(id=queue.popleft().id, outcome="failed", reason=reason))

    def _mark(self, mark: Mark) -> None:
        self.marks.append(mark)
        self.marked.set()

    async def _requested(self, row: Row) -> None:
        try:
            if self.request is not None:
                await self.request(row)
        finally:
            self._requests -= 1
            self._ended()

    def _ended(self) -> None:
        if not self._queues and not self._requests:
            self._quiet.set()

    async def _acknowledged(self, chat_id: int, press: Acknowledge) -> None:
        try:
            await self._messenger.acknowledge(chat_id, press)
        except DeliveryError:
            log.info("press not answered", chat=chat_id)
