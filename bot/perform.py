"""The outbox carried out: each chat's messages in order, chats side by side, and what became of each marked.

A message is sent first and marked after: a crash in between sends it twice, never not at all. A chat whose message
cannot go out now waits as a whole, so that nothing overtakes; its rows stay this instance's meanwhile. Requests are
no messages: they run beside the chats.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from datetime import timedelta
from itertools import count
from typing import Any, Protocol
from uuid import UUID

import msgspec
import structlog
from sqlalchemy.exc import SQLAlchemyError

from bot.calendars import Invitation, ics
from bot.clock import Clock
from bot.nursery import Nursery
from bot.pdf import pdf
from bot.render import File, Message, linked
from flows.effects import Acknowledge
from flows.people import Role
from flows.records import Record
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

    async def send_file(self, chat_id: int, filename: str, content: bytes, caption: str) -> int | None:
        """Send a file; gives the front end's id of the message. An empty caption is none."""
        ...

    async def show_commands(self, chat_id: int, roles: tuple[Role, ...], language: str) -> None:
        """Have the client list the commands of these roles."""
        ...

    def link(self, token: str) -> str:
        """What a person opens to use an invitation. Raises Unreachable where the bot's name is not known yet."""
        ...

    async def acknowledge(self, chat_id: int, press: Acknowledge) -> None:
        """Answer a button press. May be lost."""
        ...

    async def typing(self, chat_id: int) -> None:
        """Show that something is being worked on. May be lost."""
        ...

    async def draft(self, chat_id: int, draft_id: int, text: str) -> None:
        """Show a message while it is being written. May be lost; the message itself comes by `send`."""
        ...

    async def fetch(self, file_id: str) -> bytes:
        """The contents of a file that a person sent."""
        ...


IN_ORDER = ("say", "edit", "file", "link", "commands", "export", "invitation", "feed")
"""What is carried out in the order of its chat; all else runs beside it."""
RETRY_SECONDS = (0.2, 1.0, 3.0, 15.0)
"""Waits between tries while the server does not answer; the last one repeats."""
LONGEST_WAIT = 60.0
"""A longer wait is made of such: with each the rows are held anew, well within their lease."""
REMEMBERED = 4096
"""Keys and questions that are remembered; older message ids are looked up."""


class Made(Record):
    """A file that is ready to be sent. `name` has its extension."""

    name: str
    content: bytes
    caption: str = ""


class Question(Record):
    """What is known of a chat's newest question: when (loop time) it was to be sent and was known to be sent, and as
    which message. `held`: the server asked to wait, so it is not there yet."""

    key: str
    put: float
    sent: float | None = None
    message_id: int | None = None
    held: bool = False


class Performer:
    """Carries rows out. `marks` is what became of them, by chat, for the runner to write down."""

    def __init__(
        self,
        messenger: Messenger,
        clock: Clock,
        nursery: Nursery,
        *,
        find_sent: Callable[[int, str], Awaitable[int | None]],
    ) -> None:
        self.marks: deque[tuple[int, Mark]] = deque()
        self.marked = asyncio.Event()
        self.performed = 0
        self._messenger, self._clock, self._nursery, self._find_sent = messenger, clock, nursery, find_sent
        self._queues: dict[int, deque[Row]] = {}
        self._taken: set[UUID] = set()
        self._sent: OrderedDict[tuple[int, str], int] = OrderedDict()
        self._questions: OrderedDict[int, Question] = OrderedDict()
        self._idle: dict[int, asyncio.Event] = {}
        self._requests = 0
        self._making = asyncio.Lock()  # one file at a time, so that many do not take all processors
        self._quiet = asyncio.Event()
        self._quiet.set()
        self.request: Callable[[Row], Awaitable[None]] | None = None
        self.mint: Callable[[int, UUID], Awaitable[str]] | None = None
        self.mint_feed: Callable[[int, UUID], Awaitable[str | None]] | None = None
        self.export: Callable[[int, str], Awaitable[Sequence[Made]]] | None = None
        self._tokens: dict[UUID, str] = {}
        self.blocked: Callable[[int], Coroutine[Any, Any, None]] | None = None

    def put(self, rows: Iterable[Row]) -> None:
        """Take rows to carry out, in their order. One that is on its way already is not taken twice."""
        for row in rows:
            if row.id in self._taken:
                continue
            self._taken.add(row.id)
            self._quiet.clear()
            if row.kind not in IN_ORDER:
                self._requests += 1
                self._nursery.start(self._requested(self._request(row)), f"request {row.id}")
                continue
            if row.kind == "say" and row.key is not None and row.key.startswith("q"):
                self._asking(row)
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

    def question(self, chat_id: int) -> Question | None:
        """What is known of the newest question of a chat; None where nothing is, as after a restart."""
        return self._questions.get(chat_id)

    async def quiet(self) -> None:
        """Wait until nothing is on its way and no request is being carried out."""
        await self._quiet.wait()

    async def _chat(self, chat_id: int, queue: deque[Row]) -> None:
        try:
            while queue:
                await self._one(queue)
        finally:
            self._taken.difference_update(row.id for row in queue)
            del self._queues[chat_id]
            if idle := self._idle.pop(chat_id, None):
                idle.set()
            self._ended()

    async def _one(self, queue: deque[Row]) -> None:
        """Carry out the first row of a chat's queue, however long it takes."""
        row = queue[0]
        for number in count():
            try:
                message_id = await self._perform(row)
            except Later as wait:
                self._known(row, held=True)
                await self._hold(queue, wait.seconds)
            except Unreachable:
                self._questions.pop(row.chat_id, None)  # it may have arrived all the same
                await self._hold(queue, RETRY_SECONDS[min(number, len(RETRY_SECONDS) - 1)])
            except Blocked:
                while queue:  # over, and no fault of anybody's
                    self._finish(queue, Mark(id=queue[0].id, outcome="done", reason="the person blocked the bot"))
                if self.blocked is not None:
                    self._requests += 1
                    self._nursery.start(self._requested(self.blocked(row.chat_id)), f"blocked {row.chat_id}")
                return
            except Refused as refusal:
                log.error("message refused", chat=row.chat_id, row=str(row.id))
                self._finish(queue, Mark(id=row.id, outcome="failed", reason=str(refusal)[:200]))
                return
            except SQLAlchemyError as error:  # the database is away; what was sent is not known
                log.warning("message waits for the database", chat=row.chat_id, error=type(error).__name__)
                await self._hold(queue, RETRY_SECONDS[min(number, len(RETRY_SECONDS) - 1)])
            except Exception as error:
                log.error("message not performable", chat=row.chat_id, row=str(row.id), error=type(error).__name__)
                self._finish(queue, Mark(id=row.id, outcome="failed", reason=type(error).__name__))
                return
            else:
                self._finish(queue, Mark(id=row.id, outcome="done", message_id=message_id))
                self.performed += 1
                return

    async def _perform(self, row: Row) -> int | None:
        match row.kind:
            case "file":
                return await self._send_file(row.chat_id, msgspec.convert(row.payload, File))
            case "link":
                return await self._send_link(row)
            case "commands":
                roles = tuple(row.payload["roles"])
                await self._messenger.show_commands(row.chat_id, roles, row.payload["language"])
                return None
            case "export":
                return await self._send_export(row)
            case "invitation":
                return await self._send_invitation(row.chat_id, msgspec.convert(row.payload, Invitation))
            case "feed":
                return await self._send_feed(row)
        message = msgspec.convert(row.payload, Message)
        if row.kind == "say":
            message_id = await self._messenger.send(row.chat_id, message, row.key)
            self._known(row, sent=asyncio.get_running_loop().time(), message_id=message_id, held=False)
            if row.key is not None and message_id is not None:
                self._sent[row.chat_id, row.key] = message_id
                _forget(self._sent)
            return message_id
        assert row.key is not None
        sent = self._sent.get((row.chat_id, row.key))
        if sent is None:
            sent = await self._find_sent(row.chat_id, row.key)
        if sent is not None:
            await self._messenger.edit(row.chat_id, sent, message, row.key)
        elif row.key.startswith("menu") and message.rows:  # too old to be known: the card goes on at the bottom
            sent = await self._messenger.send(row.chat_id, message, row.key)
            if sent is not None:
                self._sent[row.chat_id, row.key] = sent
        return sent

    async def _send_file(self, chat_id: int, file: File) -> int | None:
        async with self._making:
            content = await asyncio.to_thread(pdf, file)
        return await self._messenger.send_file(chat_id, f"{file.name}.pdf", content, file.caption)

    async def _send_link(self, row: Row) -> int | None:
        """The link is made now, and its hash kept before it is sent; tried again, it is the same link."""
        assert self.mint is not None
        token = self._tokens.get(row.id)
        if token is None:
            token = self._tokens[row.id] = await self.mint(row.chat_id, UUID(row.payload["invite_id"]))
        message = msgspec.convert(row.payload["message"], Message)
        return await self._messenger.send(row.chat_id, linked(message, self._messenger.link(token)), row.key)

    async def _send_invitation(self, chat_id: int, sent: Invitation) -> int | None:
        content = ics(sent.entries, self._clock.now())
        return await self._messenger.send_file(chat_id, f"{sent.name}.ics", content, sent.caption)

    async def _send_feed(self, row: Row) -> int | None:
        """The address is made now, as a link is. One that is not wanted any more is not sent."""
        assert self.mint_feed is not None
        address = self._tokens.get(row.id)
        if address is None:
            address = await self.mint_feed(row.chat_id, UUID(row.payload["request"]))
            if address is None:
                return None
            self._tokens[row.id] = address
        message = msgspec.convert(row.payload["message"], Message)
        return await self._messenger.send(row.chat_id, linked(message, address), row.key)

    async def _send_export(self, row: Row) -> int | None:
        """What is kept of a person, as it is now, in files."""
        assert self.export is not None
        sent = None
        async with self._making:
            files = await self.export(row.chat_id, row.payload["language"])
        for file in files:
            sent = await self._messenger.send_file(row.chat_id, file.name, file.content, file.caption)
        return sent

    async def _hold(self, queue: deque[Row], seconds: float) -> None:
        """A whole chat waits. Its rows are held, so that nobody else takes them up."""
        while seconds > 0:
            wait = min(seconds, LONGEST_WAIT)
            seconds -= wait
            due = self._clock.now() + timedelta(seconds=wait)
            for row in queue:
                self.mark(row.chat_id, Mark(id=row.id, outcome="held", due_at=due))
            await asyncio.sleep(wait)

    def _finish(self, queue: deque[Row], mark: Mark) -> None:
        """The first row of a queue is over."""
        row = queue.popleft()
        self._taken.discard(row.id)
        self._tokens.pop(row.id, None)
        self.mark(row.chat_id, mark)

    def mark(self, chat_id: int, mark: Mark) -> None:
        """Something became of a row: it is written down soon."""
        self.marks.append((chat_id, mark))
        self.marked.set()

    def _asking(self, row: Row) -> None:
        """A question is to be sent. Of one that may have been sent before nothing is known: a person who answers may
        have seen the earlier copy."""
        if row.again:
            self._questions.pop(row.chat_id, None)
        else:
            self._questions[row.chat_id] = Question(key=str(row.key), put=asyncio.get_running_loop().time())
            self._questions.move_to_end(row.chat_id)
            _forget(self._questions)

    def _known(self, row: Row, **what: Any) -> None:
        known = self._questions.get(row.chat_id)
        if known is not None and known.key == row.key and row.kind == "say":
            self._questions[row.chat_id] = known.evolve(**what)

    async def _request(self, row: Row) -> None:
        try:
            if self.request is not None:
                await self.request(row)
        finally:
            self._taken.discard(row.id)

    async def _requested(self, work: Awaitable[None]) -> None:
        """Work beside the chats, counted until it ends."""
        try:
            await work
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


def _forget(known: OrderedDict[Any, Any]) -> None:
    if len(known) > REMEMBERED:
        known.popitem(last=False)
